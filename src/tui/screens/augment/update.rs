//! What keys do on the augment screen. The settings it changes are those of the next run.

use crate::augment::AugmentPipeline;
use crate::config::{AugmentSection, FIELDS, Preset, RunConfig};
use crate::dataset::Split;
use crate::train::Level;
use crate::tui::app::{App, Effect};
use crate::tui::screen::Screen;
use crate::tui::screens::augment::action::AugmentAction;
use crate::tui::screens::augment::state::{rows, stepped, value};

/// What a transform's chance becomes when it is switched on and the chest preset has it off.
const ON: &str = "0.5";

impl App {
    /// Performs an action of the Augment screen.
    pub(in crate::tui) fn perform_augment(&mut self, action: AugmentAction) -> Vec<Effect> {
        let effects = self.show(Screen::Augment);
        let state = &mut self.augment;
        match action {
            AugmentAction::NextEpoch => state.epoch += 1,
            AugmentAction::PreviousEpoch => state.epoch = state.epoch.saturating_sub(1).max(1),
            AugmentAction::Resample => {
                let before = state.seed.unwrap_or(self.form.current().run.seed);
                state.seed = Some(before.wrapping_add(1));
            }
            AugmentAction::LockSeed => {
                state.seed = None;
                self.notify(Level::Info, "the next run's own seed: these are the images it will train on");
            }
            AugmentAction::Alone => state.alone = !state.alone,
            AugmentAction::NextPreset => {
                let names = Preset::NAMES;
                let now = self.form.current().augment.preset.name();
                let at = names.iter().position(|name| *name == now).unwrap_or(0);
                let next = names[(at + 1) % names.len()];
                self.form.set("augment.preset", next.to_owned());
                self.notify(Level::Info, format!("the next run's preset is {next}"));
            }
            AugmentAction::Switch => self.switch_transform(),
        }
        effects
    }

    /// The next (1) or previous (-1) image of the split, round to the first.
    pub(in crate::tui) fn step_augment_image(&mut self, by: isize) {
        let images = self.data.view().map_or(0, |view| view.dataset.part(self.augment.split).labels.len());
        if images > 0 {
            self.augment.image = (self.augment.image as isize + by).rem_euclid(images as isize) as usize;
        }
    }

    /// The next split.
    pub(in crate::tui) fn next_augment_split(&mut self) {
        self.augment.split = match self.augment.split {
            Split::Train => Split::Val,
            Split::Val => Split::Test,
            Split::Test => Split::Train,
        };
        self.augment.image = 0;
    }

    /// The setting under the cursor, one step on.
    pub(in crate::tui) fn turn_augment(&mut self, by: isize) {
        let resolved = self.next_augmentation();
        let Some(row) = rows().get(self.augment.at).copied() else { return };
        let (now, _) = value(&resolved, &row);
        self.put_augment(&resolved, row.field.key, stepped(&row, now, by).to_string());
    }

    /// The setting under the cursor as the default has it.
    pub(in crate::tui) fn reset_augment(&mut self) {
        let resolved = self.next_augmentation();
        let Some(row) = rows().get(self.augment.at).copied() else { return };
        self.put_augment(&resolved, row.field.key, RunConfig::default().get(row.field));
    }

    fn switch_transform(&mut self) {
        let resolved = self.next_augmentation();
        let Some(row) = rows().get(self.augment.at).copied() else { return };
        let Some(chance) = rows().into_iter().find(|other| other.field.key == row.transform.settings[0])
        else {
            return;
        };
        let off = value(&resolved, &chance).0 == 0.0;
        let (usual, _) = value(&AugmentSection::default(), &chance);
        let text = match (off, usual > 0.0) {
            (true, true) => usual.to_string(),
            (true, false) => ON.to_owned(),
            (false, _) => "0".to_owned(),
        };
        self.put_augment(&resolved, chance.field.key, text);
    }

    /// The next run's transforms with the preset's own values.
    fn next_augmentation(&self) -> AugmentSection {
        AugmentPipeline::new(&self.form.current().augment).section().clone()
    }

    /// Changes a setting; what a preset had set stays as it was, as settings of one's own.
    fn put_augment(&mut self, resolved: &AugmentSection, key: &str, text: String) {
        let preset = self.form.current().augment.preset;
        if preset != Preset::Custom {
            let own = RunConfig { augment: resolved.clone(), ..RunConfig::default() };
            for row in rows() {
                self.form.set(row.field.key, own.get(row.field));
            }
            if let Some(border) = FIELDS.iter().find(|field| field.key == "augment.border") {
                self.form.set(border.key, own.get(border));
            }
            self.form.set("augment.preset", Preset::Custom.name().to_owned());
            self.notify(Level::Info, format!("preset custom, from {}", preset.name()));
        }
        self.form.set(key, text);
    }
}
