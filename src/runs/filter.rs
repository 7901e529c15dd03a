//! The filter of the run list: words, tags, states, and conditions on settings and metrics.

use super::{METRICS, Measure, RunSummary, Statistic};
use crate::config::FIELDS;

/// What a run must be to be listed; every term must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq)]
enum Term {
    /// Somewhere in id, name, network, data, state, tags; in small letters.
    Word(String),
    /// A tag that begins so: whether there is to be one.
    Tag(String, bool),
    /// A state that begins so: whether it is to be one.
    State(String, bool),
    /// A setting, by its place in the table of fields.
    Setting(usize, Test),
    /// A number of the best epoch.
    Number(Measure, Test),
}

#[derive(Clone, Debug, PartialEq)]
struct Test {
    sign: Sign,
    text: String,
    number: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Is,
    IsNot,
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// Signs as they are typed, longer ones first.
const SIGNS: [(&str, Sign); 7] = [
    ("!=", Sign::IsNot),
    (">=", Sign::AtLeast),
    ("<=", Sign::AtMost),
    ("=", Sign::Is),
    (">", Sign::Above),
    ("<", Sign::Below),
    (":", Sign::Is),
];

impl Filter {
    /// Reads what was typed: words with white space between. `tag:x`, `state:x`, `state!=x`, `lr>1e-4`, `model.arch=resnet18`,
    /// `auroc>.7` and the like are conditions; what isn't one is a word to be found. Half a condition, as it stands
    /// while it is typed, filters nothing.
    pub fn parse(text: &str) -> Self {
        Self { terms: text.split_whitespace().filter_map(term).collect() }
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a run is listed.
    pub fn passes(&self, run: &RunSummary) -> bool {
        // The words of a run are put together only where a word is looked for, and once.
        let mut words = None;
        self.terms.iter().all(|term| match term {
            Term::Word(wanted) => words.get_or_insert_with(|| words_of(run)).contains(wanted),
            Term::Tag(wanted, has) => {
                run.about.tags.iter().any(|tag| tag.to_lowercase().starts_with(wanted)) == *has
            }
            Term::State(wanted, is) => run.state.name().starts_with(wanted.as_str()) == *is,
            Term::Setting(place, test) => setting(run, *place).is_some_and(|value| test.holds(&value)),
            Term::Number(measure, test) => {
                let value = run.measured.as_ref().and_then(|measured| measured.get(*measure));
                value.is_some_and(|value| test.holds_for(value))
            }
        })
    }
}

fn term(text: &str) -> Option<Term> {
    let at = SIGNS.iter().filter_map(|(sign, meant)| Some((text.find(sign)?, *sign, *meant)));
    // The first sign of the text; of two at one place the longer, which stands first in the table.
    let Some((at, sign, meant)) = at.min_by_key(|(at, ..)| *at) else {
        return Some(Term::Word(text.to_lowercase()));
    };
    let (key, value) = (text[..at].to_lowercase(), text[at + sign.len()..].to_lowercase());
    let word = || Some(Term::Word(text.to_lowercase()));
    let test = || Test { sign: meant, number: value.parse().ok(), text: value.clone() };
    if matches!(key.as_str(), "tag" | "state") && matches!(meant, Sign::Is | Sign::IsNot) {
        let made = if key == "tag" { Term::Tag } else { Term::State };
        return (!value.is_empty()).then(|| made(value.clone(), meant == Sign::Is));
    }
    let made = if let Some(place) = setting_place(&key) {
        Term::Setting(place, test())
    } else if let Some(metric) = metric_place(&key) {
        Term::Number(Measure { metric, statistic: Statistic::Best }, test())
    } else {
        return word();
    };
    (!value.is_empty()).then_some(made)
}

/// The setting of a whole key, or of the part behind the dot where that is one setting's alone: its place in
/// [`FIELDS`].
pub(super) fn setting_place(key: &str) -> Option<usize> {
    let key = match key {
        "network" | "net" => "model.arch",
        "data" => "data.source",
        "name" => "run.name",
        key => key,
    };
    FIELDS.iter().position(|field| field.key == key || field.short() == key)
}

/// The number of a key of the journal, or of a short name of a validation metric.
fn metric_place(key: &str) -> Option<usize> {
    let key = match key {
        "auroc" => "val_auroc_macro",
        "auprc" => "val_auprc_macro",
        "f1" => "val_f1_score",
        key => key,
    };
    METRICS.iter().position(|metric| metric.key == key)
}

/// A setting's value in small letters.
fn setting(run: &RunSummary, place: usize) -> Option<String> {
    let field = &FIELDS[place];
    let config = run.config.as_ref()?;
    if field.key == "run.name" {
        return Some(run.name().to_lowercase());
    }
    let changed = run.measured.as_ref().and_then(|measured| measured.changed(place));
    Some(changed.map_or_else(|| config.get(field), str::to_owned).to_lowercase())
}

fn words_of(run: &RunSummary) -> String {
    let mut words = format!("{} {} {} {}", run.id, run.state, run.name(), run.about.tags.join(" "));
    if let Some(config) = &run.config {
        words.push_str(&format!(" {} {}", config.model.arch, config.data.source));
    }
    words.to_lowercase()
}

impl Test {
    /// Numbers are compared as numbers. On texts `=` means that it is contained, so that a file's name finds its path.
    fn holds(&self, value: &str) -> bool {
        if let (Some(_), Ok(number)) = (self.number, value.parse()) {
            return self.holds_for(number);
        }
        match self.sign {
            Sign::Is => value.contains(&self.text),
            Sign::IsNot => !value.contains(&self.text),
            _ => false,
        }
    }

    fn holds_for(&self, value: f64) -> bool {
        let Some(wanted) = self.number else { return false };
        match self.sign {
            Sign::Is => value == wanted,
            Sign::IsNot => value != wanted,
            Sign::Below => value < wanted,
            Sign::AtMost => value <= wanted,
            Sign::Above => value > wanted,
            Sign::AtLeast => value >= wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::{Annotations, EpochRecord, Measured, RunId, RunState, Status, Tracked};
    use super::*;
    use crate::config::RunConfig;

    fn run() -> RunSummary {
        let mut config = RunConfig::default();
        for (key, value) in [("optimizer.lr", "1e-3"), ("run.name", "Wide"), ("data.source", "npz:/a/B.npz")]
        {
            config.set(key, value).expect(key);
        }
        let epoch = EpochRecord { epoch: 3, val_auroc_macro: Some(0.75), ..EpochRecord::default() };
        let mut status = Status::starting(Timestamp::UNIX_EPOCH);
        status.state = RunState::Finished;
        RunSummary {
            id: RunId::try_from("20261122-120000-chestnet-s-a1b2".to_owned()).expect("an id"),
            path: "/runs/x".into(),
            state: status.state,
            status,
            measured: Some(Measured::new(&[epoch], Some(3), Some(&config))),
            config: Some(config),
            about: Annotations { name: None, tags: vec!["Paper".into(), "s=1".into()], note: String::new() },
            tracked: Tracked::Off,
        }
    }

    #[test]
    fn every_term_must_hold() {
        for yes in [
            "",
            "a1b2",
            "WIDE",
            "chestnet finished",
            "tag:pap",
            "state:fin",
            "state!=failed tag!=draft",
            "tag!=",
            "lr>1e-4",
            "lr=0.001",
            "lr=1e-3",
            "optimizer.lr<=1e-3",
            "auroc>.7 auroc<.8",
            "val_auroc_macro>=0.75",
            "data=b.npz",
            "network=chest",
            "epochs=50",
            "lr!=3e-4",
            "s=1",
            "name=wid",
            "lr>",
            "tag:",
            "batch_size>16 paper",
        ] {
            assert!(Filter::parse(yes).passes(&run()), "{yes}");
        }
        for no in [
            "resnet",
            "a1b2 nothing",
            "tag:per",
            "state:failed",
            "state!=finished",
            "tag!=pap",
            "lr<1e-3",
            "lr>1e-3",
            "auroc>.76",
            "data=c.npz",
            "nosuch=1",
            "val_loss<1",
            "name=narrow",
            "arch>3",
        ] {
            assert!(!Filter::parse(no).passes(&run()), "{no}");
        }
    }

    #[test]
    fn a_name_given_later_is_the_one_that_is_found() {
        let mut run = run();
        run.about.name = Some("narrow".into());
        assert!(Filter::parse("name=narrow").passes(&run) && !Filter::parse("wide").passes(&run));
    }
}
