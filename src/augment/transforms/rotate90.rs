//! A rotation by a multiple of 90 degrees, 0 among them, as albumentations' `RandomRotate90`.

use super::Transform;
use crate::augment::{Affine, Step};

pub const TRANSFORM: Transform = Transform {
    name: "rotate90",
    label: "rotate 90°",
    settings: &["augment.rotate90_p"],
    probability: |section| section.rotate90_p,
    draw: |_, rng, draw| {
        let square = draw.size.0 == draw.size.1;
        // An image that isn't square keeps its frame only when it is rotated by 180 degrees.
        let turns = if square { rng.below(4) } else { 2 * rng.below(2) };
        // Counter-clockwise as seen, with y downwards: numpy's rot90.
        let linear = match turns {
            0 => return,
            1 => [0.0, 1.0, -1.0, 0.0],
            2 => [-1.0, 0.0, 0.0, -1.0],
            _ => [0.0, -1.0, 1.0, 0.0],
        };
        draw.steps.push(Step::Move(Affine::about_centre(linear, draw.size)));
        draw.caption(&[90.0 * turns as f64], |values| format!("rotate {}°", values[0]));
    },
};
