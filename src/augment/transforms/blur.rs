//! A Gaussian blur, as wide as a share of the image whatever its size in pixels.

use super::Transform;
use crate::augment::Step;

pub const TRANSFORM: Transform = Transform {
    name: "blur",
    label: "blur",
    settings: &["augment.blur_p", "augment.blur"],
    probability: |section| section.blur_p,
    draw: |plan, rng, draw| {
        let sigma = rng.between(0.0, plan.section().blur) * draw.size.0 as f64 / 64.0;
        draw.steps.push(Step::Blur { sigma });
        draw.caption(&[sigma], |values| format!("blur {:.2} px", values[0]));
    },
};
