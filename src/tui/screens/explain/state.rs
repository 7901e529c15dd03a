//! The explain screen: images of a run, the one on show, and maps over it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tui_input::Input;

use crate::dataset::labels::LabelSet;
use crate::dataset::part::GroupBy;
use crate::dataset::{Dataset, Split};
use crate::explain::Map;
use crate::label::known;
use crate::runs::RunId;
use crate::tui::screens::evaluate::state::Loading;

/// A run with its loaded network.
#[derive(Debug)]
pub struct Opened {
    pub path: PathBuf,
    pub id: RunId,
    pub network: &'static str,
    /// Whether its trainer was at work when it was opened: these are weights of the way.
    pub live: bool,
    /// The epoch that the weights are of.
    pub epoch: usize,
    pub labels: LabelSet,
    /// A threshold a condition.
    pub levels: Vec<f32>,
    pub split: Split,
    pub dataset: Arc<Dataset>,
    /// `N,C`, once all images of the split were looked at.
    pub probabilities: Option<Vec<f32>>,
    /// Place in [`METHODS`](crate::explain::METHODS) of the network's default method.
    pub method: usize,
    /// Where CAMs can be made, the last one last.
    pub layers: Vec<String>,
    /// Runs that can be opened, the newest first.
    pub choices: Vec<PathBuf>,
}

/// What is to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainTarget {
    /// `None`: the newest that can be.
    pub run: Option<PathBuf>,
    pub split: Split,
    /// Tells openings apart, so that a late answer isn't taken for a newer one's.
    pub number: u64,
}

/// Which map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MapKey {
    /// The opening.
    pub number: u64,
    /// Index in the split.
    pub image: u32,
    pub class: usize,
    /// Place in [`METHODS`](crate::explain::METHODS).
    pub method: usize,
    /// Place among the layers.
    pub layer: usize,
}

/// A request to the explainer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExplainRequest {
    Open(ExplainTarget),
    Map(MapKey),
}

/// A map with the network's output for the image.
#[derive(Debug)]
pub struct ImageMap {
    pub map: Map,
    /// One a condition.
    pub probabilities: Vec<f32>,
    pub took: Duration,
}

/// Which images are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    #[default]
    All,
    Labelled,
    PredictedPositive,
    TruePositive,
    FalseNegative,
    FalsePositive,
}

impl Outcome {
    /// All, in the order of the key.
    const ALL: [Self; 6] = [
        Self::All,
        Self::Labelled,
        Self::PredictedPositive,
        Self::TruePositive,
        Self::FalseNegative,
        Self::FalsePositive,
    ];

    /// As shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all images",
            Self::Labelled => "labelled",
            Self::PredictedPositive => "predicted positive",
            Self::TruePositive => "true positives (TP)",
            Self::FalseNegative => "false negatives (FN)",
            Self::FalsePositive => "false positives (FP)",
        }
    }

    /// The one after.
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|other| *other == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    /// Whether an image is listed; `labelled` is unknown where the label is, `called` without predictions.
    fn holds(self, labelled: Option<bool>, called: Option<bool>) -> bool {
        match self {
            Self::All => true,
            Self::Labelled => labelled == Some(true),
            Self::PredictedPositive => called == Some(true),
            Self::TruePositive => labelled == Some(true) && called == Some(true),
            Self::FalseNegative => labelled == Some(true) && called == Some(false),
            Self::FalsePositive => labelled == Some(false) && called == Some(true),
        }
    }
}

/// How image and map are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum View {
    #[default]
    Overlay,
    Beside,
    Map,
    Image,
}

impl View {
    /// The one after.
    pub fn next(self) -> Self {
        match self {
            Self::Overlay => Self::Beside,
            Self::Beside => Self::Map,
            Self::Map => Self::Image,
            Self::Image => Self::Overlay,
        }
    }
}

/// Steps of the opacity key, in per cent.
pub const OPACITIES: [u8; 5] = [60, 80, 100, 20, 40];
/// Steps of the contrast keys; the middle one is the image as it is.
pub const CONTRASTS: [f32; 7] = [0.5, 0.7, 0.85, 1.0, 1.3, 1.7, 2.4];
/// The middle one.
pub const PLAIN: usize = 3;
/// The largest zoom.
pub const LARGEST: u32 = 8;
/// Number of cached maps.
const KEPT: usize = 200;

/// Everything the screen knows.
#[derive(Debug)]
pub struct ExplainState {
    pub request: Option<ExplainTarget>,
    pub number: u64,
    pub shown: Loading<Box<Opened>>,
    pub class: usize,
    pub outcome: Outcome,
    /// Only this patient's images.
    pub patient: Option<String>,
    /// Only images of these groups, by view, sex and age.
    pub groups: [Option<String>; 3],
    /// Indices in the split that are listed.
    pub images: Vec<u32>,
    pub at: usize,
    pub method: usize,
    /// The user has selected the method: another run keeps it.
    pub method_selected: bool,
    /// Place among the layers.
    pub layer: usize,
    pub view: View,
    pub opacity: usize,
    pub colours: usize,
    pub contrast: usize,
    pub boxes: bool,
    /// 1 for the whole image.
    pub zoom: u32,
    /// The centre of the visible part, as a share of width and height.
    pub centre: [f32; 2],
    /// The newest last.
    maps: Vec<(MapKey, Arc<ImageMap>)>,
    pub pending: Option<MapKey>,
    pub failed: Option<(MapKey, String)>,
    /// An image's number or a patient being typed.
    pub searching: Option<Input>,
}

impl Default for ExplainState {
    fn default() -> Self {
        Self {
            request: None,
            number: 0,
            shown: Loading::Idle,
            class: 0,
            outcome: Outcome::default(),
            patient: None,
            groups: Default::default(),
            images: Vec::new(),
            at: 0,
            method: 0,
            method_selected: false,
            layer: 0,
            view: View::default(),
            opacity: 0,
            colours: 0,
            contrast: PLAIN,
            boxes: true,
            zoom: 1,
            centre: [0.5; 2],
            maps: Vec::new(),
            pending: None,
            failed: None,
            searching: None,
        }
    }
}

impl ExplainState {
    /// The run on show.
    pub fn run(&self) -> Option<&Opened> {
        self.shown.ready().map(Box::as_ref)
    }

    /// The image on show, as its index in the split.
    pub fn image(&self) -> Option<u32> {
        self.images.get(self.at).copied()
    }

    /// Which map belongs on the screen now.
    pub fn key(&self) -> Option<MapKey> {
        let image = self.image()?;
        self.run()?;
        Some(MapKey { number: self.number, image, class: self.class, method: self.method, layer: self.layer })
    }

    /// The map that belongs on the screen now, where it is made already.
    pub fn map(&self) -> Option<&Arc<ImageMap>> {
        let key = self.key()?;
        self.maps.iter().rev().find(|(other, _)| *other == key).map(|(_, map)| map)
    }

    /// Keeps a map.
    pub fn insert(&mut self, key: MapKey, map: ImageMap) {
        if self.maps.len() >= KEPT {
            self.maps.drain(..KEPT / 4);
        }
        self.maps.push((key, Arc::new(map)));
    }

    /// Probabilities of an image, one for each condition.
    pub fn probabilities(&self, image: u32) -> Option<&[f32]> {
        let run = self.run()?;
        let classes = run.labels.len();
        if let Some(all) = &run.probabilities {
            return all.get(image as usize * classes..(image as usize + 1) * classes);
        }
        let of_image = |(key, _): &&(MapKey, Arc<ImageMap>)| key.number == self.number && key.image == image;
        self.maps.iter().rev().find(of_image).map(|(_, map)| map.probabilities.as_slice())
    }

    /// Goes on to the next group of images by view, sex or age, and after the last to all. False where the source
    /// doesn't name one.
    pub fn next_group(&mut self, by: GroupBy) -> bool {
        let groups = self.run().map_or_else(Vec::new, |run| run.dataset.part(run.split).about.groups(by));
        let wanted = &mut self.groups[by as usize];
        let next = match wanted {
            Some(now) => groups.iter().position(|(name, _)| name == now).map(|at| at + 1),
            None => Some(0),
        };
        *wanted = next.and_then(|next| groups.get(next)).map(|(name, _)| name.clone());
        !groups.is_empty()
    }

    /// The groups that images are taken of, in a few words: `PA · F · age 18-39`.
    pub fn narrowed(&self) -> Option<String> {
        let short = |by: GroupBy| {
            let name = self.groups[by as usize].as_deref()?;
            // An age group is only understood with the word.
            Some(if by == GroupBy::Age {
                name
            } else {
                name.strip_prefix(by.name()).unwrap_or(name).trim_start()
            })
        };
        let said: Vec<&str> = GroupBy::ALL.into_iter().filter_map(short).collect();
        (!said.is_empty()).then(|| said.join(" · "))
    }

    /// Lists all images again.
    pub fn widen(&mut self) {
        (self.outcome, self.patient, self.groups) = (Outcome::All, None, Default::default());
    }

    /// Makes the list anew; the image on show stays where it is among those listed.
    pub fn list(&mut self) {
        let before = self.image();
        let Some(run) = self.run() else {
            self.images.clear();
            return;
        };
        let part = run.dataset.part(run.split);
        let (class, classes) = (self.class, run.labels.len());
        let score =
            |image: usize| run.probabilities.as_ref().and_then(|all| all.get(image * classes + class));
        let level = run.levels.get(class).copied().unwrap_or(0.5);
        let patient = |image: usize| part.patients.as_ref().and_then(|patients| patients.get(image));
        let mut grouped = vec![true; part.labels.len()];
        for (by, wanted) in GroupBy::ALL.into_iter().zip(&self.groups) {
            let Some(wanted) = wanted else { continue };
            let mut own = vec![false; grouped.len()];
            let groups = part.about.groups(by);
            let found = groups.iter().find(|(name, _)| name == wanted);
            found.into_iter().flat_map(|(_, images)| images).for_each(|image| own[*image] = true);
            grouped.iter_mut().zip(own).for_each(|(all, own)| *all &= own);
        }
        let mut images: Vec<u32> = (0..part.labels.len())
            .filter(|image| {
                let labelled = part.labels.row(*image).get(class).and_then(|label| known(*label));
                let called = score(*image).map(|score| *score > level);
                let same = self.patient.as_ref().is_none_or(|wanted| {
                    patient(*image).is_some_and(|patient| patient.to_string() == *wanted)
                });
                self.outcome.holds(labelled, called) && same && grouped[*image]
            })
            .map(|image| image as u32)
            .collect();
        if self.outcome != Outcome::All {
            // What the network is surest of comes first.
            let of = |image: &u32| score(*image as usize).copied().unwrap_or(0.0);
            images.sort_by(|a, b| of(b).total_cmp(&of(a)));
        }
        self.at = before.and_then(|before| images.iter().position(|image| *image == before)).unwrap_or(0);
        self.images = images;
    }
}
