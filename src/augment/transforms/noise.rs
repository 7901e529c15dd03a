//! Gaussian noise, the same at every pixel size.

use super::Transform;
use crate::augment::Step;

pub const TRANSFORM: Transform = Transform {
    name: "noise",
    label: "noise",
    settings: &["augment.noise_p", "augment.noise"],
    probability: |section| section.noise_p,
    draw: |plan, rng, draw| {
        let share = rng.between(0.0, plan.section().noise);
        draw.steps.push(Step::Noise { sigma: 255.0 * share, seed: rng.bits() });
        draw.caption(&[share], |values| format!("noise {:.3}", values[0]));
    },
};
