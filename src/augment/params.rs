//! What happens to one image in one epoch.

use super::Affine;
use crate::dataset::phantom::Bounds;

/// One image's numbers, drawn.
#[derive(Clone, Debug)]
pub struct AugmentParams {
    /// Height and width in pixels.
    pub size: (usize, usize),
    /// In the order they act; see the room's head for how they are joined.
    pub steps: Vec<Step>,
    pub(super) captions: Vec<Caption>,
}

/// Most numbers that a caption has.
const CAPTION_VALUES: usize = 7;

/// A transform's numbers, put into words only where somebody reads them: training draws for every image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caption {
    values: [f64; CAPTION_VALUES],
    text: fn(&[f64; CAPTION_VALUES]) -> String,
}

/// What a transform does, in the terms both paths know.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Step {
    /// Moves pixels.
    Move(Affine),
    /// Changes each grey level by itself.
    Tone(Box<[u8; 256]>),
    /// Gaussian, deviation in pixels.
    Blur { sigma: f64 },
    /// Gaussian, deviation in grey levels, its field from a seed.
    Noise { sigma: f64, seed: u64 },
    /// Blackens a rectangle.
    CutOut(Rect),
}

/// Whole pixels: columns `left..right` and rows `top..bottom`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// First column of the rectangle, in pixels.
    pub left: usize,
    /// First row, in pixels.
    pub top: usize,
    /// Column behind the last, in pixels.
    pub right: usize,
    /// Row behind the last, in pixels.
    pub bottom: usize,
}

impl AugmentParams {
    /// Nothing happens to an image of this height and width.
    pub fn new(size: (usize, usize)) -> Self {
        Self { size, steps: Vec::new(), captions: Vec::new() }
    }

    /// Adds what a transform did: its numbers, at most seven, and how they read.
    pub(super) fn caption(&mut self, values: &[f64], text: fn(&[f64; CAPTION_VALUES]) -> String) {
        let mut all = [0.0; CAPTION_VALUES];
        all[..values.len()].copy_from_slice(values);
        self.captions.push(Caption { values: all, text });
    }

    /// The same in words, a piece a transform: `rotate -7.3°`.
    pub fn words(&self) -> Vec<String> {
        self.captions.iter().map(|caption| (caption.text)(&caption.values)).collect()
    }

    /// All moves as one map, from the image to the augmented image.
    pub fn map(&self) -> Affine {
        let moves = self.steps.iter().filter_map(|step| match step {
            Step::Move(map) => Some(*map),
            _ => None,
        });
        moves.fold(Affine::IDENTITY, Affine::then)
    }

    /// All tones as one table; `None` when grey levels stay as they are.
    pub fn tone(&self) -> Option<[u8; 256]> {
        let mut tones = self.steps.iter().filter_map(|step| match step {
            Step::Tone(table) => Some(table),
            _ => None,
        });
        let first = **tones.next()?;
        Some(tones.fold(first, |joined, next| joined.map(|grey| next[usize::from(grey)])))
    }

    /// Steps that need their neighbours or a place: blur, noise, cutout.
    pub fn spatial(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| !matches!(step, Step::Move(_) | Step::Tone(_)))
    }

    /// Where a box comes to lie: the smallest upright box around its moved corners, clipped to the image;
    /// `None` when nothing of it is left. A cutout changes no box.
    pub fn moved_box(&self, bounds: Bounds) -> Option<Bounds> {
        let map = self.map();
        // A box's edges lie between pixels: half a pixel before the centre of its first.
        let (left, top) = (f64::from(bounds.x) - 0.5, f64::from(bounds.y) - 0.5);
        let (right, bottom) = (left + f64::from(bounds.width), top + f64::from(bounds.height));
        let corners =
            [(left, top), (right, top), (left, bottom), (right, bottom)].map(|(x, y)| map.apply(x, y));
        let span = |values: [f64; 4], size: usize| {
            let least = values.into_iter().fold(f64::MAX, f64::min) + 0.5;
            let most = values.into_iter().fold(f64::MIN, f64::max) + 0.5;
            (least.max(0.0), most.min(size as f64))
        };
        let (height, width) = self.size;
        let (x0, x1) = span(corners.map(|corner| corner.0), width);
        let (y0, y1) = span(corners.map(|corner| corner.1), height);
        (x1 > x0 && y1 > y0).then_some(Bounds {
            x: x0 as f32,
            y: y0 as f32,
            width: (x1 - x0) as f32,
            height: (y1 - y0) as f32,
        })
    }

    /// A mask (`H*W` values) moved along, by the nearest pixel; 0 comes in from outside.
    pub fn moved_mask(&self, mask: &[u8]) -> Vec<u8> {
        let (height, width) = self.size;
        let back = self.map().inverse();
        let mut moved = vec![0; mask.len()];
        for (index, value) in moved.iter_mut().enumerate() {
            let (x, y) = back.apply((index % width) as f64, (index / width) as f64);
            let (x, y) = (x.round(), y.round());
            if x >= 0.0 && y >= 0.0 && x < width as f64 && y < height as f64 {
                *value = mask[y as usize * width + x as usize];
            }
        }
        moved
    }
}

impl std::fmt::Display for AugmentParams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.captions.is_empty() { f.pad("unchanged") } else { f.pad(&self.words().join(", ")) }
    }
}
