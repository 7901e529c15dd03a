//! A gamma curve: the grey share x becomes x^g, g drawn evenly in its logarithm.

use super::Transform;
use crate::augment::Step;

pub const TRANSFORM: Transform = Transform {
    name: "gamma",
    label: "gamma",
    settings: &["augment.gamma_p", "augment.gamma"],
    probability: |section| section.gamma_p,
    draw: |plan, rng, draw| {
        let gamma = rng.around(plan.section().gamma.ln_1p()).exp();
        let table = std::array::from_fn(|grey| (255.0 * (grey as f64 / 255.0).powf(gamma)).round() as u8);
        draw.steps.push(Step::Tone(Box::new(table)));
        draw.caption(&[gamma], |values| format!("gamma {:.2}", values[0]));
    },
};
