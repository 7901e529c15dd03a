//! What keys do on the explain screen, and what comes of what its thread made.

use std::path::PathBuf;

use tui_input::Input;

use crate::dataset::Split;
use crate::dataset::part::GroupBy;
use crate::explain::{COLOUR_MAPS, METHODS};
use crate::train::Level;
use crate::tui::app::{App, Effect};
use crate::tui::screen::Screen;
use crate::tui::screens::evaluate::state::Loading;
use crate::tui::screens::explain::action::ExplainAction;
use crate::tui::screens::explain::state::{
    CONTRASTS, ExplainRequest, ExplainTarget, ImageMap, LARGEST, MapKey, OPACITIES, Opened, Outcome, PLAIN,
};

impl App {
    /// The explain screen comes up: opens the selected run, else the one that trains, else the newest with weights, unless
    /// it is open already.
    pub(in crate::tui) fn enter_explain(&mut self) -> Vec<Effect> {
        let shown = self.explain.request.as_ref();
        if let Some(selected) = self.selected.clone()
            && shown.is_none_or(|shown| shown.run.as_ref() != Some(&selected))
        {
            let split = shown.map_or(Split::Test, |shown| shown.split);
            return self.open_to_explain(Some(selected), split);
        }
        match &self.explain.shown {
            // A failure may have mended itself: a run may have got weights since.
            Loading::Idle | Loading::Failed(_) => {
                let on = self.running().and_then(|run| run.info.as_ref()).map(|info| info.path.clone());
                let request = self.explain.request.as_ref();
                let run = on.or_else(|| request.and_then(|request| request.run.clone()));
                let split = request.map_or(Split::Test, |request| request.split);
                self.open_to_explain(run, split)
            }
            Loading::Busy(_) | Loading::Ready(_) => self.want_map(),
        }
    }

    fn open_to_explain(&mut self, run: Option<PathBuf>, split: Split) -> Vec<Effect> {
        if run.is_some() {
            self.selected.clone_from(&run);
        }
        self.explain.number += 1;
        let request = ExplainTarget { run, split, number: self.explain.number };
        self.explain.request = Some(request.clone());
        self.explain.shown = Loading::Busy(self.now.timestamp());
        (self.explain.pending, self.explain.failed, self.explain.patient) = (None, None, None);
        vec![Effect::Explain(ExplainRequest::Open(request))]
    }

    /// A run was opened, or not.
    pub(in crate::tui) fn opened(
        &mut self,
        request: &ExplainTarget,
        outcome: Result<Box<Opened>, String>,
    ) -> Vec<Effect> {
        if self.explain.request.as_ref() != Some(request) {
            return Vec::new();
        }
        match outcome {
            Ok(opened) => {
                let state = &mut self.explain;
                let classes = opened.labels.len();
                state.layer = opened.layers.len().saturating_sub(1);
                if !state.method_selected {
                    state.method = opened.method;
                }
                self.selected = Some(opened.path.clone());
                if let Some(request) = &mut state.request {
                    request.run = Some(opened.path.clone());
                }
                let first = state.class == 0 && state.images.is_empty();
                if first {
                    // An image that has something to explain comes first.
                    let labels = &opened.dataset.part(opened.split).labels;
                    let found = (0..labels.len()).find_map(|image| {
                        labels.row(image).iter().position(|label| *label == 1).map(|class| (image, class))
                    });
                    if let Some((image, class)) = found {
                        (state.class, state.at) = (class, image);
                    }
                }
                let about = &opened.dataset.part(opened.split).about;
                for by in GroupBy::ALL {
                    // Images of another source may have other groups.
                    if about.groups(by).is_empty() {
                        state.groups[by as usize] = None;
                    }
                }
                let at = state.at;
                state.class = state.class.min(classes.saturating_sub(1));
                state.shown = Loading::Ready(opened);
                state.list();
                if first {
                    state.at = at.min(state.images.len().saturating_sub(1));
                }
            }
            Err(reason) => self.explain.shown = Loading::Failed(reason),
        }
        self.want_map()
    }

    /// A map was cancelled; it is requested again if it belongs on the screen after all.
    pub(in crate::tui) fn passed(&mut self, key: MapKey) -> Vec<Effect> {
        if self.explain.pending == Some(key) {
            self.explain.pending = None;
            return self.want_map();
        }
        Vec::new()
    }

    /// All images of the split were looked at.
    pub(in crate::tui) fn all_seen(&mut self, number: u64, probabilities: Vec<f32>) {
        if number != self.explain.number {
            return;
        }
        if let Loading::Ready(run) = &mut self.explain.shown {
            run.probabilities = Some(probabilities);
        }
        self.explain.list();
    }

    /// A map was made, or not.
    pub(in crate::tui) fn mapped(&mut self, key: MapKey, outcome: Result<Box<ImageMap>, String>) {
        if self.explain.pending == Some(key) {
            self.explain.pending = None;
        }
        if key.number != self.explain.number {
            return;
        }
        match outcome {
            Ok(map) => self.explain.insert(key, *map),
            Err(reason) => self.explain.failed = Some((key, reason)),
        }
    }

    /// Asks for the map that belongs on the screen unless it is here or on its way.
    pub(in crate::tui) fn want_map(&mut self) -> Vec<Effect> {
        let Some(key) = self.explain.key() else { return Vec::new() };
        let failed = self.explain.failed.as_ref().is_some_and(|(other, _)| *other == key);
        if self.explain.map().is_some() || self.explain.pending == Some(key) || failed {
            return Vec::new();
        }
        self.explain.pending = Some(key);
        vec![Effect::Explain(ExplainRequest::Map(key))]
    }

    /// Performs an action of the Explain screen.
    pub(in crate::tui) fn perform_explain(&mut self, action: ExplainAction) -> Vec<Effect> {
        if action == ExplainAction::Explain {
            return self.explain_chosen();
        }
        let mut effects = self.show(Screen::Explain);
        let layers = self.explain.run().map_or(1, |run| run.layers.len()).max(1);
        let classes = self.explain.run().map_or(1, |run| run.labels.len()).max(1);
        let state = &mut self.explain;
        match action {
            ExplainAction::NextClass => state.class = (state.class + 1) % classes,
            ExplainAction::PreviousClass => state.class = (state.class + classes - 1) % classes,
            ExplainAction::Method => {
                (state.method, state.method_selected) = ((state.method + 1) % METHODS.len(), true);
            }
            ExplainAction::PreviousMethod => {
                state.method_selected = true;
                state.method = (state.method + METHODS.len() - 1) % METHODS.len()
            }
            // From the last layer, where maps are sharpest in meaning, to the first.
            ExplainAction::Layer => state.layer = (state.layer + layers - 1) % layers,
            ExplainAction::Opacity => state.opacity = (state.opacity + 1) % OPACITIES.len(),
            ExplainAction::Colours => state.colours = (state.colours + 1) % COLOUR_MAPS.len(),
            ExplainAction::RaiseContrast => state.contrast = (state.contrast + 1).min(CONTRASTS.len() - 1),
            ExplainAction::LowerContrast => state.contrast = state.contrast.saturating_sub(1),
            ExplainAction::Magnify => {
                state.zoom = if state.zoom >= LARGEST { 1 } else { state.zoom * 2 };
                if state.zoom == 1 {
                    state.centre = [0.5; 2];
                }
            }
            ExplainAction::Outcome => {
                state.outcome = state.outcome.next();
                if state.run().is_some_and(|run| run.probabilities.is_none())
                    && !matches!(state.outcome, Outcome::All | Outcome::Labelled)
                {
                    state.outcome = Outcome::All;
                    self.notify(Level::Info, "these images are still being predicted; try again in a moment");
                }
                self.explain.list();
                self.explain.at = 0;
            }
            ExplainAction::SamePatient => self.same_patient(),
            ExplainAction::Group(by) => self.next_group(by),
            ExplainAction::Search if state.run().is_some() => state.searching = Some(Input::default()),
            _ => {}
        }
        if matches!(action, ExplainAction::NextClass | ExplainAction::PreviousClass) {
            self.explain.list();
        }
        effects.extend(self.want_map());
        effects
    }

    fn next_group(&mut self, by: GroupBy) {
        if self.explain.run().is_some() && !self.explain.next_group(by) {
            self.notify(Level::Info, format!("this source has no {}", by.name()));
        }
        self.explain.list();
    }

    fn same_patient(&mut self) {
        if self.explain.patient.take().is_none() {
            let patient = self.explain.run().zip(self.explain.image()).and_then(|(run, image)| {
                let patients = run.dataset.part(run.split).patients.as_ref()?;
                Some(patients.get(image as usize)?.to_string())
            });
            match patient {
                Some(patient) => {
                    self.notify(Level::Info, format!("images of patient {patient}; p shows all again"));
                    self.explain.patient = Some(patient);
                }
                None => self.notify(Level::Info, "this source has no patient ids"),
            }
        }
        self.explain.list();
    }

    /// Takes what was searched for: an image's number, or a patient.
    pub(in crate::tui) fn take_search(&mut self) -> Vec<Effect> {
        let Some(typed) = self.explain.searching.take() else { return Vec::new() };
        let wanted = typed.value().trim().trim_start_matches('#').to_owned();
        let Some(run) = self.explain.run() else { return Vec::new() };
        let part = run.dataset.part(run.split);
        let (split, count) = (run.split, part.labels.len());
        let of_patient = part
            .patients
            .as_ref()
            .and_then(|patients| patients.iter().position(|patient| patient.to_string() == wanted));
        let index = wanted.parse::<usize>().ok().filter(|index| *index < count);
        match (index, of_patient) {
            (Some(index), _) => {
                if !self.explain.images.contains(&(index as u32)) {
                    self.explain.widen();
                    self.explain.list();
                }
                let at = self.explain.images.iter().position(|image| *image as usize == index);
                self.explain.at = at.unwrap_or(0);
            }
            (None, Some(_)) => {
                self.explain.widen();
                self.explain.patient = Some(wanted);
                self.explain.list();
            }
            (None, None) => {
                let last = count.saturating_sub(1);
                self.notify(
                    Level::Error,
                    format!("no {split} image or patient `{wanted}`; images go from 0 to {last}"),
                );
            }
        }
        self.want_map()
    }

    /// Moves through the images, or over an image that is zoomed into.
    pub(in crate::tui) fn go_explain(&mut self, by: isize) -> Vec<Effect> {
        if self.explain.zoom > 1 && by.abs() == 1 {
            self.pan(1, by);
            return Vec::new();
        }
        self.step_image(by)
    }

    /// The image before or after.
    pub(in crate::tui) fn step_image(&mut self, by: isize) -> Vec<Effect> {
        let last = self.explain.images.len().saturating_sub(1);
        self.explain.at = self.explain.at.saturating_add_signed(by).min(last);
        self.want_map()
    }

    /// To an image of the list.
    pub(in crate::tui) fn go_to_image(&mut self, at: usize) -> Vec<Effect> {
        self.explain.at = at.min(self.explain.images.len().saturating_sub(1));
        self.want_map()
    }

    /// Left and right: over an image that is zoomed into, else the image before or after.
    pub(in crate::tui) fn turn_explain(&mut self, by: isize) -> Vec<Effect> {
        if self.explain.zoom > 1 {
            self.pan(0, by);
            return Vec::new();
        }
        self.step_image(by)
    }

    fn pan(&mut self, axis: usize, by: isize) {
        let half = 0.5 / self.explain.zoom as f32;
        let step = half / 2.0 * by as f32;
        self.explain.centre[axis] = (self.explain.centre[axis] + step).clamp(half, 1.0 - half);
    }

    /// The next split.
    pub(in crate::tui) fn next_explain_split(&mut self) -> Vec<Effect> {
        let (run, split) = self.explained();
        let next = match split {
            Split::Test => Split::Val,
            Split::Val => Split::Train,
            Split::Train => Split::Test,
        };
        (self.explain.images, self.explain.at) = (Vec::new(), 0);
        self.open_to_explain(run, next)
    }

    /// The same run anew: of one that trains, the weights of now.
    pub(in crate::tui) fn reload_explain(&mut self) -> Vec<Effect> {
        let (run, split) = self.explained();
        self.open_to_explain(run, split)
    }

    /// The run before or after, of those with weights.
    pub(in crate::tui) fn explain_run_beside(&mut self, by: isize) -> Vec<Effect> {
        let (run, split) = self.explained();
        let choices = self.explain.run().map_or(&[][..], |run| run.choices.as_slice());
        if choices.len() < 2 {
            self.notify(Level::Info, "no other run has weights");
            return Vec::new();
        }
        let at = run.and_then(|run| choices.iter().position(|other| *other == run)).unwrap_or(0);
        let next = choices[(at as isize + by).rem_euclid(choices.len() as isize) as usize].clone();
        self.open_to_explain(Some(next), split)
    }

    fn explained(&self) -> (Option<PathBuf>, Split) {
        self.explain
            .request
            .as_ref()
            .map_or((None, Split::Test), |request| (request.run.clone(), request.split))
    }

    /// Out of the search, the zoom, the filter.
    pub(in crate::tui) fn back_explain(&mut self) -> Vec<Effect> {
        let state = &mut self.explain;
        if state.searching.take().is_some() {
            return Vec::new();
        }
        if state.zoom > 1 || state.contrast != PLAIN {
            (state.zoom, state.centre, state.contrast) = (1, [0.5; 2], PLAIN);
        } else {
            state.widen();
            state.list();
        }
        self.want_map()
    }

    /// From the list of runs or the images of a cell to why.
    pub(in crate::tui) fn explain_chosen(&mut self) -> Vec<Effect> {
        if self.screen == Screen::Evaluate
            && let (Some(run), Some(list)) = (self.evaluate.run(), &self.evaluate.images)
        {
            let image = list.images.get(list.at).map(|(image, _)| *image);
            let (path, split, class) = (run.path.clone(), run.split, list.row);
            self.explain.widen();
            self.explain.class = class;
            // The list begins as the split is, so an image's index is its place.
            (self.explain.images, self.explain.at) = (image.into_iter().collect(), 0);
            self.screen = Screen::Explain;
            return self.open_to_explain(Some(path), split);
        }
        let Some(path) = self.runs.chosen().map(|run| run.path.clone()) else {
            self.notify(Level::Info, "no run is chosen");
            return Vec::new();
        };
        self.screen = Screen::Explain;
        (self.runs.opened, self.runs.filtering) = (false, false);
        self.open_to_explain(Some(path), Split::Test)
    }
}
