//! The augment screen: which image, which versions, which setting is under the keys.

use crate::augment::{TRANSFORMS, Transform};
use crate::config::{AugmentSection, FIELDS, Field, Kind, Preset, RunConfig};
use crate::dataset::Split;

/// A row of the settings.
#[derive(Clone, Copy)]
pub struct Row {
    pub field: &'static Field,
    pub transform: &'static Transform,
    /// Whether it is the transform's probability, not a range.
    pub is_chance: bool,
}

/// All rows: each transform's probability and ranges, in the order the transforms act.
pub fn rows() -> Vec<Row> {
    let row = |transform: &'static Transform, at: usize| {
        let field = FIELDS.iter().find(|field| field.key == transform.settings[at])?;
        Some(Row { field, transform, is_chance: at == 0 })
    };
    let all =
        TRANSFORMS.iter().flat_map(|transform| (0..transform.settings.len()).map(move |at| (transform, at)));
    all.filter_map(|(transform, at)| row(transform, at)).collect()
}

/// The value of a row, and how far it can go.
pub fn value(section: &AugmentSection, row: &Row) -> (f64, f64) {
    let config = RunConfig { augment: section.clone(), ..RunConfig::default() };
    let most = match row.field.kind {
        Kind::Real { max, .. } => max,
        _ => 1.0,
    };
    (config.get(row.field).parse().unwrap_or(0.0), most)
}

/// The next value: a visible step, in round numbers.
pub fn stepped(row: &Row, value: f64, by: isize) -> f64 {
    let step = match row.field.key {
        "augment.rotate" | "augment.shear" => 1.0,
        "augment.shift" | "augment.scale" => 0.01,
        "augment.noise" => 0.005,
        "augment.blur" => 0.1,
        _ => 0.05,
    };
    let most = match row.field.kind {
        Kind::Real { max, .. } => max,
        _ => 1.0,
    };
    let value = ((value / step).round() + by as f64) * step;
    // Whole steps, without the tails of binary fractions.
    ((value * 1e4).round() / 1e4).clamp(0.0, most)
}

/// Everything the screen knows; the settings are those of the next run.
#[derive(Debug)]
pub struct AugmentState {
    /// Row of the settings.
    pub at: usize,
    pub split: Split,
    /// Index in the split.
    pub image: usize,
    /// The epoch of the first version.
    pub epoch: usize,
    /// `None`: the seed of the next run, so the versions are those it will train on.
    pub seed: Option<u64>,
    /// Only the transform under the cursor, in every version.
    pub alone: bool,
    pub boxes: bool,
}

impl Default for AugmentState {
    fn default() -> Self {
        Self { at: 0, split: Split::Train, image: 0, epoch: 1, seed: None, alone: false, boxes: true }
    }
}

impl AugmentState {
    /// Moves the cursor.
    pub fn step(&mut self, by: isize) {
        self.go(self.at.saturating_add_signed(by));
    }

    /// To a row.
    pub fn go(&mut self, row: usize) {
        self.at = row.min(rows().len().saturating_sub(1));
    }

    /// The settings that versions are drawn by: those of the next run, or one transform of them alone.
    pub fn section(&self, resolved: &AugmentSection) -> AugmentSection {
        let mut config = RunConfig { augment: resolved.clone(), ..RunConfig::default() };
        if self.alone
            && let Some(row) = rows().get(self.at)
        {
            config.augment.preset = Preset::Custom;
            for transform in TRANSFORMS {
                let chance = if transform.name == row.transform.name { "1" } else { "0" };
                // The keys are those of the table of settings, and chances are allowed to be 0 and 1.
                let _ = config.set(transform.settings[0], chance);
            }
        }
        config.augment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transform_has_its_rows_and_every_setting_its_place() {
        assert_eq!(rows().iter().filter(|row| row.is_chance).count(), TRANSFORMS.len());
        let listed = rows();
        let elsewhere = ["augment.preset", "augment.on", "augment.workers", "augment.border"];
        let all = FIELDS.iter().filter(|field| field.key.starts_with("augment."));
        for field in all.filter(|field| !elsewhere.contains(&field.key)) {
            assert_eq!(listed.iter().filter(|row| row.field.key == field.key).count(), 1, "{}", field.key);
        }
    }

    #[test]
    fn steps_are_round_and_end_where_the_setting_ends() {
        let row = |key: &str| rows().into_iter().find(|row| row.field.key == key).expect("a row");
        assert_eq!(stepped(&row("augment.affine_p"), 0.0, 1), 0.05);
        assert_eq!(stepped(&row("augment.affine_p"), 1.0, 1), 1.0);
        assert_eq!(stepped(&row("augment.noise"), 0.02, -1), 0.015);
        assert_eq!(stepped(&row("augment.rotate"), 7.0, 1), 8.0);
    }

    #[test]
    fn alone_means_that_one_transform_and_always() {
        let mut state = AugmentState { alone: true, ..AugmentState::default() };
        state.at = rows().iter().position(|row| row.field.key == "augment.contrast").expect("a row");
        let section = state.section(&AugmentSection::default());
        assert_eq!(section.brightness_contrast_p, 1.0);
        assert_eq!((section.affine_p, section.noise_p), (0.0, 0.0));
    }
}
