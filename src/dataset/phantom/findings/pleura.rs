//! Conditions between lung and chest wall: fluid, air, scars.

use super::super::canvas::{Ink, at, path};
use super::super::patient::Half;
use super::{EFFUSION, Lesion, PLEURAL_THICKENING, PNEUMOTHORAX, Stage};

/// Fluid that fills the costophrenic angle and climbs the wall: a blunted angle to half a white lung.
pub(super) fn effusion(lesion: Lesion, stage: &mut Stage) {
    let Lesion { severity, half, mut draw, .. } = lesion;
    let both = draw.chance(0.3);
    for side in Half::BOTH {
        if side != half && !both {
            continue;
        }
        let patient = stage.patient;
        let amount = if side == half { severity } else { severity * draw.range(0.2, 0.9) };
        let base = patient.base[side as usize];
        let height = 0.060 + 0.26 * amount * amount + 0.07 * amount;
        let wall = patient.half_width + 0.03;
        // The meniscus: level in the middle, drawn up along the wall.
        let mut outline = path(14, |t| {
            let lift = 0.55 + 0.45 * t * t * t;
            at(side.sign() * (0.02 + (wall - 0.02) * t), base - height * lift)
        });
        outline.extend([at(side.sign() * wall, base + 0.1), at(side.sign() * 0.02, base + 0.1)]);
        let mut ink = Ink::new(stage.view);
        ink.polygon(&outline, 0.93);
        let shadow = ink.settle().blur(stage.view.length(0.007));
        stage.veil(EFFUSION, side, shadow);
    }
}

/// Air beside a collapsed lung: no vessels there, and the visceral pleura as a fine line.
pub(super) fn pneumothorax(lesion: Lesion, stage: &mut Stage) {
    let Lesion { severity, half, mut draw, .. } = lesion;
    let (patient, view) = (stage.patient, stage.view);
    let collapse = 0.13 + 0.42 * severity;
    let (start, end) = (0.04 + 0.30 * collapse, draw.range(0.70, 0.97));
    // From the inner border below the tip, round over the collapsed lung's top, down along the wall.
    let line = path(30, |s| {
        let t = s * s;
        let over = (1.0 - t / 0.45).max(0.0);
        let top = (1.0 - over * over).sqrt();
        patient.lung(half, (1.0 - collapse * (1.0 - 0.80 * t * t)) * top, start + (end - start) * t)
    });
    let mut outline = line.clone();
    outline.extend(path(20, |t| patient.lung(half, 1.02, end * (1.0 - t) * (1.0 - t))));
    outline.extend(path(6, |t| patient.lung(half, 0.0, start * t)));
    let mut ink = Ink::new(view);
    ink.polygon(&outline, 1.0);
    let space = ink.settle().times(&stage.anatomy.lungs[half as usize]);
    for (left, free) in stage.effects.markings.values.iter_mut().zip(&space.values) {
        *left *= 1.0 - free.clamp(0.0, 1.0);
    }
    let mut pleura = Ink::new(view);
    pleura.stroke(&line, 0.0055, 0.0040, 0.30 + 0.20 * severity);
    let mut shadow = pleura.settle();
    let denser = 0.05 + 0.16 * severity;
    for (value, free) in shadow.values.iter_mut().zip(&space.values) {
        // More air in the space, less in the lung that gave way.
        *value += denser * (1.0 - free) - (0.09 + 0.10 * severity) * free;
    }
    stage.replace_air(half, shadow);
    stage.note(PNEUMOTHORAX, space);
}

/// A scar along the wall: a cap over the lung's tip or a band along its side.
pub(super) fn thickening(lesion: Lesion, stage: &mut Stage) {
    let Lesion { severity, half, mut draw, .. } = lesion;
    let patient = stage.patient;
    let thick = (0.075 + 0.11 * severity) * draw.range(0.85, 1.15);
    let cap = draw.chance(0.35);
    let (from, to) = if cap { (0.0, 0.24) } else { (draw.range(0.25, 0.5), draw.range(0.80, 1.0)) };
    let mut outline = path(12, |t| patient.lung(half, 1.03, from + (to - from) * t));
    outline.extend(path(12, |t| {
        let s = 1.0 - t;
        // Thickest in the middle of a band; a cap is thickest at the tip and covers it from side to side.
        let depth =
            if cap { 9.0 * thick * (1.0 - s) * (1.0 - s) } else { thick * (4.0 * s * (1.0 - s)).sqrt() };
        patient.lung(half, (1.0 - depth).max(0.0), from + (to - from) * s)
    }));
    let mut ink = Ink::new(stage.view);
    ink.polygon(&outline, 0.58 + 0.36 * severity);
    let shadow = ink.settle().blur(stage.view.length(0.003));
    stage.veil(PLEURAL_THICKENING, half, shadow);
}
