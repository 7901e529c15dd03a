//! From attenuation to grey values: tone, texture, grain, the lead marker.

use super::anatomy::{Anatomy, add};
use super::canvas::{Ink, Plane, View, at};
use super::draw::{Draw, Topic};
use super::findings::Effects;
use super::patient::Patient;

/// How an image was exposed and developed.
pub(super) struct Exposure {
    /// Slope of the grey values over attenuation, against the average image's, and their shift.
    contrast: f32,
    brightness: f32,
    /// Brightness gained from the image's left to its right border and from top to bottom.
    fall: (f32, f32),
    /// Deviation of a pixel's noise in an image of 256 pixels, in grey values of 0 to 1.
    grain: f32,
    /// Grey of the unexposed surround.
    black: f32,
    /// Whether the lead letter is on the image and, if so, in the upper of its two places.
    marker: Option<bool>,
    /// Seed and index: texture and grain have streams of their own.
    seed: (u64, u64),
}

impl Exposure {
    /// How image `index` of the collection `seed` was exposed.
    pub fn new(seed: u64, index: u64) -> Self {
        let draw = &mut Draw::new(seed, index, Topic::Exposure);
        Self {
            contrast: draw.measure(1.0, 0.085),
            brightness: draw.measure(0.0, 0.030),
            fall: (draw.measure(0.0, 0.030), draw.measure(0.0, 0.030)),
            grain: draw.range(0.006, 0.017),
            black: draw.range(0.0, 0.05),
            marker: draw.chance(0.7).then(|| draw.chance(0.5)),
            seed: (seed, index),
        }
    }

    /// The image of a chest with its findings: `side*side` grey values.
    pub fn develop(&self, patient: &Patient, view: &View, anatomy: &Anatomy, effects: &Effects) -> Vec<u8> {
        let side = view.side;
        let air = self.air(patient, view, anatomy);
        let trunk = anatomy.body.clone().blur(view.length(0.17));
        let texture = Texture::new(self.seed, view);
        let grain = &mut Draw::new(self.seed.0, self.seed.1, Topic::Grain);
        // Grain is noise per area: a reduced image has averaged it away, an enlarged one keeps what it has.
        let deviation = 1.732 * self.grain * (side as f32 / 256.0).min(1.4);
        let marker = self.marker(view);
        let stop = 0.90 + 0.10 * patient.habitus;
        let mut row_texture = vec![0.0; side];
        let mut image = Vec::with_capacity(side * side);
        for y in 0..side {
            texture.row(y, &mut row_texture);
            let down = (y as f32 + 0.5) / side as f32 - 0.5;
            let slope = self.brightness + self.fall.1 * down;
            for (x, texture) in row_texture.iter().enumerate() {
                let i = y * side + x;
                let body = anatomy.body.values[i];
                let lung = (anatomy.lungs[0].values[i] + anatomy.lungs[1].values[i]).min(1.0);
                let open = (1.0 - effects.opacity.values[i]).max(0.0)
                    * (1.0 - anatomy.mediastinum.values[i]).max(0.08);
                let thick = trunk.values[i];
                let vessels = anatomy.vessels.values[i] * effects.markings.values[i] + 0.05 * texture;
                let attenuation = body * (0.12 + (stop - 0.12) * thick * thick * (1.0 + 0.03 * texture))
                    + body * anatomy.organs.values[i]
                    + body * anatomy.bones.values[i]
                    + effects.density.values[i]
                    - air.values[i] * open
                    + lung * vessels * open;
                let right = (x as f32 + 0.5) / side as f32 - 0.5;
                let grey = self.tone(attenuation) + body * (slope + self.fall.0 * right);
                let grey = grey.max(self.black) + deviation * grain.grain() * (0.35 + 0.65 * body);
                let lead = marker.as_ref().map_or(0.0, |marker| marker.values[i]);
                let grey = grey + (0.93 - grey) * lead.clamp(0.0, 1.0);
                image.push((255.0 * grey + 0.5).clamp(0.0, 255.0) as u8);
            }
        }
        image
    }

    /// Attenuation that the lungs' air takes away: most in their middle, where they are deepest.
    fn air(&self, patient: &Patient, view: &View, anatomy: &Anatomy) -> Plane {
        let mut lungs = anatomy.lungs[0].clone();
        add(&mut lungs, &anatomy.lungs[1]);
        let deep = lungs.clone().blur(view.length(0.055));
        let depth = 0.66 * patient.air * (1.0 - 0.10 * patient.habitus);
        let mut air = lungs.blur(view.length(0.0022));
        for (value, deep) in air.values.iter_mut().zip(&deep.values) {
            *value *= depth * (0.40 + 0.60 * deep);
        }
        air
    }

    /// Grey value (0 to 1) of an attenuation: linear with a shoulder, like image.
    fn tone(&self, attenuation: f32) -> f32 {
        let a = 0.55 + (attenuation - 0.55) * self.contrast;
        const SHOULDER: f32 = 0.66;
        let over = (a - SHOULDER).max(0.0);
        a.min(SHOULDER) + over / (1.0 + 1.6 * over)
    }

    /// The letter L in the corner on the patient's left, in one of two heights.
    fn marker(&self, view: &View) -> Option<Plane> {
        let high = self.marker?;
        // On the image itself, whichever way the patient stands.
        let view = View { side: view.side, cos: 1.0, sin: 0.0, centre: at(0.5, 0.5) };
        let (x, y) = if high { (0.435, 0.035) } else { (0.420, 0.075) };
        let mut ink = Ink::new(&view);
        let letter = [(0.0, 0.0), (0.009, 0.0), (0.009, 0.037), (0.028, 0.037), (0.028, 0.046), (0.0, 0.046)];
        ink.polygon(&letter.map(|(dx, dy)| at(x + dx, y + dy)), 1.0);
        Some(ink.settle())
    }
}

/// Soft irregularity of tissue: two octaves of smooth noise on lattices fixed to the image, not to its pixels.
struct Texture {
    side: usize,
    octaves: [Octave; 2],
}

struct Octave {
    cells: usize,
    weight: f32,
    lattice: Vec<f32>,
}

impl Texture {
    fn new((seed, index): (u64, u64), view: &View) -> Self {
        let octaves = [(9, 0.28), (46, 0.55)].map(|(cells, weight)| {
            let draw = &mut Draw::sub(seed, index, Topic::Grain, cells);
            let lattice = (0..(cells + 1) * (cells + 1)).map(|_| 1.732 * draw.grain()).collect();
            // A cell of less than two pixels would alias: fade it out.
            let fade = (view.side as f32 / cells as f32 - 0.6).clamp(0.0, 1.0);
            Octave { cells, weight: weight * fade, lattice }
        });
        Self { side: view.side, octaves }
    }

    /// The texture of row `y`, about normal with variance below 1.
    fn row(&self, y: usize, row: &mut [f32]) {
        row.fill(0.0);
        for Octave { cells, weight, lattice } in &self.octaves {
            let scale = *cells as f32 / self.side as f32;
            let v = (y as f32 + 0.5) * scale;
            let (cy, fy) = (v as usize, smooth(v - v.floor()));
            let line = |cx: usize| {
                let top = lattice[cy * (cells + 1) + cx];
                top + fy * (lattice[(cy + 1) * (cells + 1) + cx] - top)
            };
            let (mut left, mut right, mut cell) = (line(0), line(1), 0);
            for (x, value) in row.iter_mut().enumerate() {
                let u = (x as f32 + 0.5) * scale;
                let cx = u as usize;
                if cx != cell {
                    (left, right, cell) = (line(cx), line(cx + 1), cx);
                }
                *value += weight * (left + smooth(u - cx as f32) * (right - left));
            }
        }
    }
}

/// From 0 to 1 with flat ends.
fn smooth(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}
