//! Upside down.

use super::Transform;
use crate::augment::{Affine, Step};

pub const TRANSFORM: Transform = Transform {
    name: "vflip",
    label: "vertical flip",
    settings: &["augment.vflip_p"],
    probability: |section| section.vflip_p,
    draw: |_, _, draw| {
        draw.steps.push(Step::Move(Affine::about_centre([1.0, 0.0, 0.0, -1.0], draw.size)));
        draw.caption(&[], |_| "vertical flip".into());
    },
};
