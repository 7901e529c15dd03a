//! A black rectangle somewhere inside of the image (DeVries & Taylor 2017).

use super::Transform;
use crate::augment::{Rect, Step};

pub const TRANSFORM: Transform = Transform {
    name: "cutout",
    label: "cutout",
    settings: &["augment.cutout_p", "augment.cutout"],
    probability: |section| section.cutout_p,
    draw: |plan, rng, draw| {
        let (height, width) = draw.size;
        let mut side = |whole: usize| {
            let length = (rng.between(0.0, plan.section().cutout) * whole as f64).round() as usize;
            let start = (rng.between(0.0, 1.0) * (whole - length) as f64).round() as usize;
            (start, start + length)
        };
        let ((left, right), (top, bottom)) = (side(width), side(height));
        draw.steps.push(Step::CutOut(Rect { left, top, right, bottom }));
        draw.caption(&[(right - left) as f64, (bottom - top) as f64], |values| {
            format!("cutout {}x{} px", values[0], values[1])
        });
    },
};
