//! A part of the image enlarged to the whole, as torchvision's `RandomResizedCrop`: a share of the area drawn evenly, the ratio
//! of width to height evenly in its logarithm, the place evenly; after ten parts that don't fit the whole image.

use super::Transform;
use crate::augment::{Affine, Step};

/// How often a part is drawn that may be too wide or too high.
const TRIES: usize = 10;

pub const TRANSFORM: Transform = Transform {
    name: "crop",
    label: "resized crop",
    settings: &["augment.crop_p", "augment.crop", "augment.crop_ratio"],
    probability: |section| section.crop_p,
    draw: |plan, rng, draw| {
        let section = plan.section();
        let [height, width] = [draw.size.0 as f64, draw.size.1 as f64];
        let part = (0..TRIES).find_map(|_| {
            let area = rng.between(section.crop, 1.0) * height * width;
            let ratio = width / height * rng.around(section.crop_ratio.ln()).exp();
            let (wide, high) = ((area * ratio).sqrt(), (area / ratio).sqrt());
            (wide <= width && high <= height).then_some((wide, high))
        });
        let Some((wide, high)) = part else { return };
        let (left, top) = (rng.between(0.0, width - wide), rng.between(0.0, height - high));
        draw.steps.push(Step::Move(enlarged([left, top, wide, high], draw.size)));
        draw.caption(&[100.0 * wide / width, 100.0 * high / height], |values| {
            format!("crop {:.0} x {:.0} %", values[0], values[1])
        });
    },
};

/// The map that brings a part (left, top, width and height in pixels, from edge to edge) onto the whole image of this height and
/// width.
pub fn enlarged([left, top, wide, high]: [f64; 4], (height, width): (usize, usize)) -> Affine {
    let (a, e) = (width as f64 / wide, height as f64 / high);
    // Pixel centres lie half a pixel behind the edges.
    Affine { a, e, c: a * (0.5 - left) - 0.5, f: e * (0.5 - top) - 0.5, ..Affine::IDENTITY }
}
