//! Horizontal flip. It mirrors the heart, so it is off by default.

use super::Transform;
use crate::augment::{Affine, Step};

pub const TRANSFORM: Transform = Transform {
    name: "hflip",
    label: "horizontal flip",
    settings: &["augment.hflip_p"],
    probability: |section| section.hflip_p,
    draw: |_, _, draw| {
        draw.steps.push(Step::Move(Affine::about_centre([-1.0, 0.0, 0.0, 1.0], draw.size)));
        draw.caption(&[], |_| "horizontal flip".into());
    },
};
