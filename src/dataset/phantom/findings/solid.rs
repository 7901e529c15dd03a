//! Round things: nodules, masses, and the stomach above the diaphragm.

use super::super::anatomy::{add, ellipse, filled};
use super::super::canvas::{Ink, Point, at, closed_curve};
use super::super::draw::{Draw, turn};
use super::super::patient::Half;
use super::airspace::open_lung;
use super::{HERNIA, Lesion, MASS, NODULE, Stage};

/// A round outline with bumps: `rough` is the share of the radius by which it wavers.
fn lump(centre: Point, radius: f32, rough: f32, draw: &mut Draw) -> Vec<Point> {
    let corners: Vec<Point> = (0..9)
        .map(|corner| {
            let (cos, sin) = turn(corner as f32 / 9.0);
            let radius = radius * (1.0 + draw.range(-rough, rough));
            at(centre.x + radius * cos, centre.y + radius * sin)
        })
        .collect();
    closed_curve(&corners, 4)
}

/// One round shadow of more than 3 cm (an image shows about 35 cm across).
pub(super) fn mass(lesion: Lesion, stage: &mut Stage) {
    let Lesion { severity, half, mut draw, .. } = lesion;
    let (u, v) = (draw.range(0.15, 0.80), draw.range(0.18, 0.85));
    let centre = open_lung(stage, half, u, v);
    let radius = draw.range(0.044, 0.060) + 0.026 * severity;
    let mut ink = Ink::new(stage.view);
    ink.polygon(&lump(centre, radius, 0.13, &mut draw), 0.34 + 0.50 * severity);
    let shadow = ink.settle().blur(stage.view.length(radius * draw.range(0.16, 0.34)));
    stage.veil(MASS, half, shadow);
}

/// One to three round shadows of at most 3 cm, each a finding of its own.
pub(super) fn nodules(lesion: Lesion, stage: &mut Stage) {
    let Lesion { severity, half, mut draw, .. } = lesion;
    let count = 1 + draw.pick(2) + usize::from(draw.chance(0.15));
    for nodule in 0..count {
        let side = if nodule == 0 { half } else { Half::either(&mut draw) };
        let (u, v) = (draw.range(0.10, 0.88), draw.range(0.10, 0.90));
        let centre = open_lung(stage, side, u, v);
        let radius = draw.range(0.013, 0.021) + 0.009 * severity;
        let mut ink = Ink::new(stage.view);
        ink.polygon(&lump(centre, radius, 0.09, &mut draw), 0.42 + 0.46 * severity);
        // A ball is thinner towards its rim.
        let shadow = ink.settle().blur(stage.view.length(0.32 * radius));
        stage.veil(NODULE, side, shadow);
    }
}

/// Stomach behind the heart: a round shadow with a gas cap above a level of fluid.
pub(super) fn hernia(lesion: Lesion, stage: &mut Stage) {
    let Lesion { severity, mut draw, .. } = lesion;
    let (patient, view) = (stage.patient, stage.view);
    let (width, height) = (0.058 + 0.045 * severity, 0.050 + 0.034 * severity);
    let floor = patient.diaphragm(Half::Right, 0.06);
    let centre = at(patient.heart_shift + draw.range(-0.005, 0.055), floor - 0.80 * height);
    let level = centre.y + height * draw.range(-0.15, 0.30);
    let sac = ellipse(centre, width, height);
    let region = filled(view, &sac);
    // Gas: the part of the sac above the level, inside its wall.
    let gas: Vec<Point> =
        ellipse(centre, width - 0.007, height - 0.007).iter().map(|p| at(p.x, p.y.min(level))).collect();
    let mut inside = Ink::new(view);
    inside.stroke(&sac, 0.008, 0.008, 0.05);
    inside.polygon(&sac, 0.03);
    inside.polygon(&gas, -(0.15 + 0.16 * severity));
    let inside = inside.settle().blur(view.length(0.0025));
    add(&mut stage.effects.density, &inside);
    for (opacity, sac) in stage.effects.opacity.values.iter_mut().zip(&region.values) {
        *opacity = 1.0 - (1.0 - *opacity) * (1.0 - 0.75 * sac);
    }
    stage.note(HERNIA, region);
}
