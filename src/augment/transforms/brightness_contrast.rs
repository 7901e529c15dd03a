//! Brightness and contrast as albumentations' `RandomBrightnessContrast`: grey g becomes
//! `(1 + contrast) g + 255 brightness`, clipped.

use super::Transform;
use crate::augment::Step;

pub const TRANSFORM: Transform = Transform {
    name: "brightness_contrast",
    label: "brightness, contrast",
    settings: &["augment.brightness_contrast_p", "augment.brightness", "augment.contrast"],
    probability: |section| section.brightness_contrast_p,
    draw: |plan, rng, draw| {
        let section = plan.section();
        let (contrast, brightness) = (rng.around(section.contrast), rng.around(section.brightness));
        draw.steps.push(Step::Tone(Box::new(table(contrast, brightness))));
        draw.caption(&[brightness, contrast], |values| {
            format!("brightness {:+.2}, contrast {:+.2}", values[0], values[1])
        });
    },
};

/// The table of these two.
pub fn table(contrast: f64, brightness: f64) -> [u8; 256] {
    // A float becomes a byte by clipping.
    std::array::from_fn(|grey| ((1.0 + contrast) * grey as f64 + 255.0 * brightness).round() as u8)
}
