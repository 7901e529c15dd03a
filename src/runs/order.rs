//! Sort keys of the run list.

use std::cmp::Ordering;

use super::filter::setting_place;
use super::{METRICS, Measure, RunSummary, Tracked};
use crate::config::{FIELDS, RunConfig};

/// What runs are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum SortBy {
    #[default]
    Started,
    State,
    Name,
    Id,
    Network,
    Data,
    /// A number of the run: see [`Measure`].
    Value,
    Epochs,
    Time,
    Tags,
    Tracked,
    /// A setting, by its place in [`FIELDS`]; numbers rise.
    Setting(usize),
}

impl SortBy {
    /// All of them, in the order that a key goes through.
    pub const ALL: [Self; 11] = [
        Self::Started,
        Self::Value,
        Self::State,
        Self::Name,
        Self::Id,
        Self::Network,
        Self::Data,
        Self::Epochs,
        Self::Time,
        Self::Tags,
        Self::Tracked,
    ];

    /// Its name on the command line and on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::State => "state",
            Self::Name => "name",
            Self::Id => "id",
            Self::Network => "network",
            Self::Data => "data",
            Self::Value => "best",
            Self::Epochs => "epochs",
            Self::Time => "time",
            Self::Tags => "tags",
            Self::Tracked => "tracked",
            Self::Setting(place) => FIELDS[place].key,
        }
    }

    /// The one of this name, or the setting of this key or of its unmistakable end.
    ///
    /// # Errors
    /// Lists the names there are.
    pub fn parse(text: &str) -> Result<Self, String> {
        let all = Self::ALL.map(Self::name);
        Self::ALL
            .into_iter()
            .find(|by| by.name() == text)
            .or_else(|| setting_place(text).map(Self::Setting))
            .ok_or_else(|| format!("takes one of {}, or a setting", all.join(", ")))
    }

    /// The one after it.
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|by| *by == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    /// Which of two runs comes first: the newest, the best number, the longest, but texts from a to z. What has
    /// no number or text comes last either way round; equal ones stay as they are.
    pub fn compare(self, a: &RunSummary, b: &RunSummary, measure: Measure, reverse: bool) -> Ordering {
        let turn = |order: Ordering| if reverse { order.reverse() } else { order };
        let texts = |a: &str, b: &str| match (a.is_empty(), b.is_empty()) {
            (false, false) => turn(a.to_lowercase().cmp(&b.to_lowercase())),
            (a, b) => a.cmp(&b),
        };
        let setting = |run: &RunSummary| {
            run.config.as_ref().map_or_else(String::new, |config| match self {
                Self::Network => config.model.arch.to_string(),
                _ => config.data.source.clone(),
            })
        };
        match self {
            Self::Started => turn(b.status.created.cmp(&a.status.created)),
            Self::State => texts(a.state.name(), b.state.name()),
            Self::Name => texts(a.name(), b.name()),
            Self::Id => texts(a.id.short(), b.id.short()),
            Self::Network | Self::Data => texts(&setting(a), &setting(b)),
            Self::Value => {
                let value = |run: &RunSummary| run.measured.as_ref().and_then(|m| m.get(measure));
                match (value(a), value(b)) {
                    (Some(a), Some(b)) if METRICS[measure.metric].falls() => turn(a.total_cmp(&b)),
                    (Some(a), Some(b)) => turn(b.total_cmp(&a)),
                    (a, b) => a.is_none().cmp(&b.is_none()),
                }
            }
            Self::Epochs => turn(b.status.epoch.cmp(&a.status.epoch)),
            Self::Time => turn(b.status.seconds().total_cmp(&a.status.seconds())),
            Self::Tags => texts(&a.about.tags.join(" "), &b.about.tags.join(" ")),
            Self::Setting(place) => {
                let value = |run| setting_of(run, place).unwrap_or_default();
                match (value(a).parse::<f64>(), value(b).parse::<f64>()) {
                    (Ok(a), Ok(b)) => turn(a.total_cmp(&b)),
                    _ => texts(value(a), value(b)),
                }
            }
            Self::Tracked => {
                let rank = |run: &RunSummary| match run.tracked {
                    Tracked::Failed(_) => 0,
                    Tracked::Pending(_) => 1,
                    Tracked::Complete => 2,
                    Tracked::Off => 3,
                };
                turn(rank(a).cmp(&rank(b)))
            }
        }
    }
}

/// A setting of a run; `None` while its settings haven't been read.
fn setting_of(run: &RunSummary, place: usize) -> Option<&str> {
    run.config.as_ref()?;
    Some(run.measured.as_ref()?.changed(place).unwrap_or(&RunConfig::defaults()[place]))
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};

    use super::super::{Annotations, EpochRecord, Measured, RunId, RunState, Status};
    use super::*;

    fn run(name: &str, auroc: Option<f64>) -> RunSummary {
        let epoch = EpochRecord { epoch: 1, val_auroc_macro: auroc, val_loss: auroc, ..Default::default() };
        let mut about = Annotations::default();
        about.rename(name);
        RunSummary {
            id: RunId::try_from(format!("20261122-120000-chestnet-s-{}", name.len())).expect("an id"),
            path: "/runs/x".into(),
            state: RunState::Finished,
            status: Status::starting(jiff::Timestamp::UNIX_EPOCH),
            config: None,
            about,
            tracked: Tracked::Off,
            measured: Some(Measured::new(&[epoch], Some(1), None)),
        }
    }

    #[test]
    fn the_best_comes_first_and_what_has_no_number_last_either_way_round() {
        let (good, bad, none) = (run("a", Some(0.8)), run("b", Some(0.7)), run("", None));
        let auroc = Measure::default();
        let loss = Measure { metric: METRICS.iter().position(|m| m.key == "val_loss").expect("it"), ..auroc };
        let order = |a, b, measure, reverse| SortBy::Value.compare(a, b, measure, reverse);
        assert_eq!((order(&good, &bad, auroc, false), order(&good, &bad, auroc, true)), (Less, Greater));
        assert_eq!(order(&good, &bad, loss, false), Greater, "a smaller loss is better");
        for reverse in [false, true] {
            assert_eq!(order(&good, &none, auroc, reverse), Less);
            assert_eq!(SortBy::Name.compare(&good, &none, auroc, reverse), Less);
            assert_eq!(order(&none, &none, auroc, reverse), Equal);
        }
        assert_eq!(SortBy::Name.compare(&good, &bad, auroc, false), Less);
    }

    #[test]
    fn a_setting_orders_by_number_where_it_has_one() {
        let with = |lr: &str| {
            let mut run = run("a", None);
            let mut config = RunConfig::default();
            config.set("optimizer.lr", lr).expect("allowed");
            run.measured = Some(Measured::new(&[], None, Some(&config)));
            run.config = Some(config);
            run
        };
        let by = SortBy::parse("lr").expect("a setting");
        let order = |a: &RunSummary, b: &RunSummary, reverse| by.compare(a, b, Measure::default(), reverse);
        let (small, large, none) = (with("9e-6"), with("1e-3"), run("a", None));
        assert_eq!((order(&small, &large, false), order(&small, &large, true)), (Less, Greater));
        assert_eq!((order(&small, &none, false), order(&small, &none, true)), (Less, Less));
    }

    #[test]
    fn every_order_has_a_name_that_is_understood() {
        for by in SortBy::ALL {
            assert_eq!(SortBy::parse(by.name()), Ok(by));
        }
        assert!(SortBy::parse("colour").expect_err("unknown").contains("started, best"));
    }
}
