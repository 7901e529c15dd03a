//! The measures of one patient: sampled from a population's, then changed by the conditions.

use super::canvas::{Point, View, at};
use super::draw::{Draw, turn};

/// Measures of a patient and of how the patient stood before the detector. Lengths in image widths; pairs are
/// the image's left half (the patient's right side) and its right half.
#[derive(Clone, Debug)]
pub(super) struct Patient {
    /// Turn against upright (in turns), scale, and where the chest's centre lies on the image.
    pub tilt: f32,
    pub scale: f32,
    pub centre: Point,
    /// Half the thorax's inner width, the height of the lungs' tips and of the costophrenic angles.
    pub half_width: f32,
    pub apex: f32,
    pub base: [f32; 2],
    /// How far the diaphragm's domes rise above the costophrenic angles.
    pub dome: [f32; 2],
    /// The heart's size against the average one, and how far it lies to the patient's left.
    pub heart: f32,
    pub heart_shift: f32,
    /// How far the aortic knob bulges out.
    pub aorta: f32,
    /// Distance between ribs, how far they fall on their way out, and how dense bone is.
    pub rib_spacing: f32,
    pub rib_fall: f32,
    pub bone: f32,
    /// Soft tissue: 0 thin to 1 obese.
    pub habitus: f32,
    /// Size of the breast shadows, 0 for none.
    pub breast: f32,
    /// How much air the lungs hold against the average and how strong their vessels show.
    pub air: f32,
    pub vessels: f32,
    /// How far the arms are held from the body, -1 along it to 1 away from it.
    pub arms: f32,
}

impl Patient {
    /// A patient without findings.
    pub fn new(draw: &mut Draw) -> Self {
        let habitus = draw.unit();
        let female = draw.chance(0.45);
        let base = draw.measure(0.800 - 0.045 * habitus, 0.025);
        let dome = draw.measure(0.090, 0.016);
        let right_higher = draw.measure(0.018, 0.008);
        Self {
            tilt: draw.measure(0.0, 0.006),
            scale: draw.measure(1.03, 0.045),
            centre: at(draw.measure(0.5, 0.014), draw.measure(0.5, 0.018)),
            half_width: draw.measure(0.352, 0.016),
            apex: draw.measure(0.125, 0.018),
            base: [base, base + 0.008],
            dome: [dome, (dome - right_higher).max(0.03)],
            heart: draw.measure(1.0 + 0.06 * habitus, 0.065),
            heart_shift: draw.measure(0.0, 0.008),
            aorta: draw.measure(0.026, 0.008),
            rib_spacing: draw.measure(0.061, 0.003),
            rib_fall: draw.measure(0.105, 0.018),
            bone: draw.measure(1.0, 0.16),
            habitus,
            breast: if female { draw.range(0.35, 1.0) } else { 0.0 },
            air: draw.measure(1.0, 0.05),
            vessels: draw.measure(1.0, 0.14),
            arms: draw.range(-1.0, 1.0),
        }
    }

    /// Where the patient lies on an image of `side` pixels.
    pub fn view(&self, side: usize) -> View {
        let (cos, sin) = turn(self.tilt);
        View { side, cos: cos * self.scale, sin: sin * self.scale, centre: self.centre }
    }
}

/// The image's left half (the patient's right) or its right half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Left = 0,
    Right = 1,
}

impl Half {
    pub const BOTH: [Half; 2] = [Half::Left, Half::Right];

    /// The sign of `x` there.
    pub fn sign(self) -> f32 {
        match self {
            Half::Left => -1.0,
            Half::Right => 1.0,
        }
    }

    /// Either half.
    pub fn either(draw: &mut Draw) -> Self {
        if draw.chance(0.5) { Half::Left } else { Half::Right }
    }
}

/// The medial border of both lungs behind the heart and great vessels.
const MEDIAL: f32 = 0.036;

/// How far from the midline the lungs' tips lie, against the half width.
const TIP: f32 = 0.43;

/// The lungs' shape as functions of height: what ribs, vessels and findings are placed by.
impl Patient {
    /// Distance of a lung's outer border from the midline at height `y`.
    pub fn wall(&self, half: Half, y: f32) -> f32 {
        let t = ((y - self.apex) / (self.base[half as usize] - self.apex)).clamp(0.0, 1.0);
        let tip = TIP * self.half_width;
        // A round tip, then nearly straight, widest a little above the angle.
        let round = (1.0 - (1.0 - t) * (1.0 - t)).sqrt();
        let bulge = 0.82 * round + 0.18 * t * (2.0 - t);
        tip + (self.half_width - tip) * bulge - 0.012 * (t - 0.85).max(0.0) / 0.15
    }

    /// Distance of a lung's inner border from the midline at height `y`.
    pub fn medial(&self, half: Half, y: f32) -> f32 {
        let t = ((y - self.apex) / (0.32 * (self.base[half as usize] - self.apex))).clamp(0.0, 1.0);
        let round = (1.0 - (1.0 - t) * (1.0 - t)).sqrt();
        let tip = TIP * self.half_width;
        tip + (MEDIAL - tip) * round
    }

    /// Height of the diaphragm at distance `x` from the midline.
    pub fn diaphragm(&self, half: Half, x: f32) -> f32 {
        let base = self.base[half as usize];
        let wall = self.wall(half, base);
        let u = ((wall - x.abs()) / (wall - MEDIAL)).clamp(0.0, 1.0);
        const TOP: f32 = 0.58;
        let rise = if u < TOP {
            let left = 1.0 - u / TOP;
            1.0 - left * left * (0.7 + 0.3 * left)
        } else {
            let past = (u - TOP) / (1.0 - TOP);
            1.0 - 0.32 * past * past
        };
        base - self.dome[half as usize] * rise
    }

    /// A place in a lung: `u` from the inner (0) to the outer border (1), `v` from the tip (0) to the
    /// diaphragm (1).
    pub fn lung(&self, half: Half, u: f32, v: f32) -> Point {
        // The height of the diaphragm depends on x and x's range on the height: two rounds settle it.
        let mut x = self.half_width * (0.2 + 0.7 * u);
        let mut y = self.apex;
        for _ in 0..3 {
            y = self.apex + v * (self.diaphragm(half, x) - self.apex);
            let (medial, wall) = (self.medial(half, y), self.wall(half, y));
            x = medial + u * (wall - medial);
        }
        at(half.sign() * x, y)
    }

    /// The outline of a lung.
    pub fn lung_outline(&self, half: Half) -> Vec<Point> {
        let (sign, base) = (half.sign(), self.base[half as usize]);
        let mut outline = Vec::with_capacity(84);
        // Steps grow from the tip, where the border turns fast.
        let height = |t: f32| self.apex + (base - self.apex) * t * t;
        for i in 0..=26 {
            let y = height(i as f32 / 26.0);
            outline.push(at(sign * self.wall(half, y), y));
        }
        let wall = self.wall(half, base);
        for i in 1..=28 {
            let x = wall + (MEDIAL - wall) * i as f32 / 28.0;
            outline.push(at(sign * x, self.diaphragm(half, x)));
        }
        let end = self.diaphragm(half, MEDIAL);
        for i in (1..=24).rev() {
            let t = i as f32 / 24.0;
            let y = self.apex + (end - self.apex) * t * t;
            outline.push(at(sign * self.medial(half, y), y));
        }
        outline
    }

    /// Corners of the heart's outline with the great vessels' roots; the heart lies on the diaphragm.
    pub fn heart_corners(&self) -> Vec<Point> {
        let floor_left = self.diaphragm(Half::Left, 0.05) + 0.02;
        let floor = self.diaphragm(Half::Right, 0.10) + 0.02;
        let size = self.heart;
        let low = floor.min(floor_left + 0.05);
        let top = low - 0.335 - 0.05 * (size - 1.0);
        let y = |share: f32| top + share * (low - top);
        let right = 0.088 * (0.5 + 0.5 * size);
        let left = 0.172 * size;
        [
            (-0.036, y(0.06)),
            (-0.046, y(0.28)),
            (-0.80 * right, y(0.48)),
            (-right, y(0.70)),
            (-0.86 * right, y(0.93)),
            (-0.03, y(1.04)),
            (0.55 * left, y(1.05)),
            (0.93 * left, y(0.97)),
            (left, y(0.83)),
            (0.90 * left, y(0.66)),
            (0.66 * left, y(0.44)),
            (0.075 * (0.6 + 0.4 * size), y(0.27)),
            (0.062, y(0.16)),
            (0.04, y(0.04)),
        ]
        .map(|(x, y)| at(x + self.heart_shift, y))
        .to_vec()
    }

    /// Where a lung's vessels enter it.
    pub fn hilum(&self, half: Half) -> Point {
        let y = self.apex + 0.50 * (self.base[half as usize] - self.dome[half as usize] - self.apex);
        match half {
            Half::Left => at(-0.075 + self.heart_shift, y + 0.018),
            Half::Right => at(0.080 + self.heart_shift, y),
        }
    }
}
