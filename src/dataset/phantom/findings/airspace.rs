//! Conditions that take the air's place inside the lung, from a thin plate to a whole lobe.

use super::super::anatomy::{Branch, add, grow};
use super::super::canvas::{Ink, Plane, Point, at, path};
use super::super::draw::{Draw, turn};
use super::super::patient::Half;
use super::{ATELECTASIS, CONSOLIDATION, EDEMA, FIBROSIS, INFILTRATION, Lesion, PNEUMONIA, Stage};

/// A place in a lung, clear of the heart's shadow: `u` from the inner to the outer border, `v` downwards.
pub(super) fn open_lung(stage: &Stage, half: Half, u: f32, v: f32) -> Point {
    // The heart covers the inner part of the lower lung, much more of the right half's.
    let covered = match half {
        Half::Left => 0.14,
        Half::Right => 0.10 + 0.36 * v * v * stage.patient.heart.min(1.3),
    };
    stage.patient.lung(half, covered + (1.0 - covered) * u, v)
}

/// Soft spots scattered about `centre`: how many, how far at most, their half axes, their opacity.
#[derive(Clone, Copy)]
struct Patch {
    centre: Point,
    spread: (f32, f32),
    size: (f32, f32),
    count: usize,
    weight: f32,
}

impl Patch {
    fn add_to(&self, plane: &mut Plane, stage: &Stage, draw: &mut Draw) {
        for _ in 0..self.count {
            // The square root spreads them evenly over the patch.
            let ((cos, sin), distance) = (turn(draw.unit()), draw.unit().sqrt());
            let x = self.centre.x + self.spread.0 * distance * cos;
            let y = self.centre.y + self.spread.1 * distance * sin;
            let radius = draw.range(self.size.0, self.size.1);
            let weight = self.weight * draw.range(0.6, 1.4);
            plane.spot(stage.view, at(x, y), radius * draw.range(0.8, 1.3), radius, weight);
        }
    }
}

/// Flat plates of collapsed lung above a raised diaphragm.
pub(super) fn atelectasis(lesion: Lesion, stage: &mut Stage) {
    let Lesion { severity, half, mut draw, .. } = lesion;
    let view = stage.view;
    let (mut plates, mut around) = (Ink::new(view), Ink::new(view));
    let v = draw.range(0.70, 0.88);
    let mut haze = Plane::filled(view.side, 0.0);
    for plate in 0..1 + draw.pick(2) + usize::from(severity > 0.5) {
        let u = draw.range(0.30, 0.62);
        let centre = open_lung(stage, half, u, (v + 0.075 * plate as f32).min(0.95));
        let (length, rise) = (draw.range(0.09, 0.17), draw.range(-0.02, 0.035));
        let line = path(7, |t| {
            let along = t - 0.5;
            at(centre.x + half.sign() * length * along, centre.y + rise * along + 0.03 * along * along)
        });
        let width = draw.range(0.008, 0.015);
        plates.stroke(&line, width, 0.6 * width, 0.34 + 0.40 * severity);
        around.stroke(&line, 3.0 * width, 2.4 * width, 1.0);
        haze.spot(view, at(centre.x, centre.y + 0.02), 0.12, 0.06, 0.12 + 0.24 * severity);
    }
    let mut shadow = plates.settle().blur(view.length(0.0045));
    add(&mut shadow, &haze);
    stage.replace_air(half, shadow);
    let region = around.settle().times(&stage.anatomy.lungs[half as usize]);
    stage.note(ATELECTASIS, region);
}

/// Ill-defined hazy patches, on one or both sides.
pub(super) fn infiltration(lesion: Lesion, stage: &mut Stage) {
    let Lesion { severity, half, mut draw, .. } = lesion;
    let both = draw.chance(0.4);
    for side in Half::BOTH {
        if side != half && !both {
            continue;
        }
        let (u, v) = (draw.range(0.2, 0.7), draw.range(0.35, 0.85));
        let patch = Patch {
            centre: open_lung(stage, side, u, v),
            spread: (0.09, 0.12),
            size: (0.028, 0.060),
            count: 7 + draw.pick(8),
            weight: 0.07 + 0.15 * severity,
        };
        let mut shadow = Plane::filled(stage.view.side, 0.0);
        patch.add_to(&mut shadow, stage, &mut draw);
        stage.veil(INFILTRATION, side, shadow);
    }
}

/// Shadowing of one segment, mottled, with a bronchus or two still open.
pub(super) fn pneumonia(lesion: Lesion, stage: &mut Stage) {
    let Lesion { severity, half, mut draw, .. } = lesion;
    let (u, v) = (draw.range(0.25, 0.7), draw.range(0.45, 0.9));
    let centre = open_lung(stage, half, u, v);
    let size = draw.range(0.055, 0.085);
    let core = Patch {
        centre,
        spread: (0.75 * size, 0.70 * size),
        size: (0.50 * size, 0.85 * size),
        count: 8,
        weight: 0.07 + 0.14 * severity,
    };
    let mottle = Patch { spread: (1.2 * size, 1.1 * size), size: (0.010, 0.020), count: 18, ..core };
    let mut shadow = Plane::filled(stage.view.side, 0.0);
    core.add_to(&mut shadow, stage, &mut draw);
    mottle.add_to(&mut shadow, stage, &mut draw);
    open_bronchi(&mut shadow, stage, half, centre, 0.30, &mut draw);
    stage.veil(PNEUMONIA, half, shadow);
}

/// Dense shadowing of a lobe up to its fissure, with open bronchi running through.
pub(super) fn consolidation(lesion: Lesion, stage: &mut Stage) {
    let Lesion { severity, half, mut draw, .. } = lesion;
    let patient = stage.patient;
    // Top, bottom and how far out the lobe reaches; the middle lobe leaves the outer lung free.
    let (top, bottom, out) = match draw.pick(3) {
        0 => (draw.range(0.02, 0.12), draw.range(0.36, 0.46), 1.05),
        1 => (draw.range(0.48, 0.56), draw.range(0.86, 1.02), draw.range(0.60, 0.90)),
        _ => (draw.range(0.58, 0.66), 1.06, 1.05),
    };
    let sag = draw.range(-0.04, 0.06);
    let mut outline = path(9, |t| patient.lung(half, out * t, top + sag * t));
    outline.extend(path(9, |t| patient.lung(half, out * (1.0 - t), bottom + sag * (1.0 - t))));
    let mut ink = Ink::new(stage.view);
    ink.polygon(&outline, 0.34 + 0.52 * severity);
    let mut shadow = ink.settle().blur(stage.view.length(0.019));
    // Fluffy rather than cut out, but for the fissure and what the lung's own border makes sharp.
    let fluff = Patch {
        centre: patient.lung(half, 0.5 * out.min(1.0), 0.5 * (top + bottom.min(1.0))),
        spread: (0.14 * out, 0.5 * (bottom - top) * 0.6),
        size: (0.014, 0.034),
        count: 16,
        weight: 0.12,
    };
    fluff.add_to(&mut shadow, stage, &mut draw);
    let centre = patient.lung(half, 0.45, 0.5 * (top + bottom.min(1.0)));
    open_bronchi(&mut shadow, stage, half, centre, 0.38, &mut draw);
    stage.veil(CONSOLIDATION, half, shadow);
}

/// Takes the bronchi from the hilum to `centre` out of a shadow; `share` is how much of it they clear.
fn open_bronchi(shadow: &mut Plane, stage: &Stage, half: Half, centre: Point, share: f32, draw: &mut Draw) {
    let hilum = stage.patient.hilum(half);
    let start = at(0.5 * (hilum.x + centre.x), 0.5 * (hilum.y + centre.y));
    let mut ink = Ink::new(stage.view);
    let downwards = if centre.y > hilum.y { 0.11 } else { -0.11 };
    for spread in [-0.06, 0.05] {
        let branch = Branch { start, direction: downwards + spread, length: 0.050, width: 0.008 };
        grow(&mut ink, &branch, half.sign(), share, 3, draw);
    }
    let open = ink.settle().blur(stage.view.length(0.002));
    for (value, open) in shadow.values.iter_mut().zip(&open.values) {
        *value *= 1.0 - open.clamp(0.0, 0.8);
    }
}

/// Butterfly wings around both hila, with the fine septal lines of the bases.
pub(super) fn edema(lesion: Lesion, stage: &mut Stage) {
    let Lesion { severity, mut draw, .. } = lesion;
    let view = stage.view;
    for half in Half::BOTH {
        let hilum = stage.patient.hilum(half);
        let strength = (0.22 + 0.42 * severity) * draw.range(0.85, 1.15);
        let mut shadow = Plane::filled(view.side, 0.0);
        let wing = at(hilum.x + 0.050 * half.sign(), hilum.y + 0.030);
        shadow.spot(view, wing, 0.145, 0.215, strength);
        let mottle = Patch {
            centre: wing,
            spread: (0.13, 0.19),
            size: (0.015, 0.035),
            count: 26,
            weight: 0.10 + 0.10 * severity,
        };
        mottle.add_to(&mut shadow, stage, &mut draw);
        let mut lines = Ink::new(view);
        for _ in 0..7 {
            let end = stage.patient.lung(half, 0.985, draw.range(0.72, 0.96));
            let start = at(end.x - half.sign() * draw.range(0.016, 0.030), end.y);
            lines.stroke(&[start, end], 0.0028, 0.0028, 0.3 * severity);
        }
        add(&mut shadow, &lines.settle());
        stage.veil(EDEMA, half, shadow);
    }
}

/// A net of fine lines and small rings at both bases, strongest at the periphery.
pub(super) fn fibrosis(lesion: Lesion, stage: &mut Stage) {
    let Lesion { severity, mut draw, .. } = lesion;
    let view = stage.view;
    let weight = 0.13 + 0.20 * severity;
    for half in Half::BOTH {
        let (mut net, mut haze) = (Ink::new(view), Plane::filled(view.side, 0.0));
        for _ in 0..64 + (50.0 * severity) as usize {
            // The larger of two uniforms crowds towards the wall and the base.
            let u = draw.unit().max(draw.unit());
            let v = 0.50 + 0.50 * draw.unit().max(draw.unit());
            let centre = open_lung(stage, half, u, v);
            haze.spot(view, centre, 0.040, 0.030, 0.010 + 0.014 * severity);
            if draw.chance(0.4) {
                let radius = draw.range(0.0045, 0.0085);
                let ring = path(11, |t| {
                    let (cos, sin) = turn(t);
                    at(centre.x + radius * cos, centre.y + radius * sin)
                });
                net.stroke(&ring, 0.0042, 0.0042, weight);
            } else {
                let ((cos, sin), length) = (turn(draw.unit()), draw.range(0.010, 0.022));
                let (dx, dy, bend) = (length * cos, length * sin, draw.range(-0.2, 0.2));
                let line = [
                    at(centre.x - dx, centre.y - dy),
                    at(centre.x + bend * dy, centre.y - bend * dx),
                    at(centre.x + dx, centre.y + dy),
                ];
                net.stroke(&line, 0.0045, 0.0030, weight);
            }
        }
        let mut shadow = net.settle().blur(view.length(0.0022));
        add(&mut shadow, &haze);
        let shadow = stage.replace_air(half, shadow);
        stage.note(FIBROSIS, shadow.blur(view.length(0.012)));
    }
}
