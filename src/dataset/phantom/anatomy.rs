//! What every chest has: body, lungs, heart, great vessels, bones, vessels, gas below the diaphragm.
//!
//! Each part is a plane of X-ray attenuation in units in which the trunk's middle stops about 1; the image adds
//! them up (see the `exposure` module). Findings change the planes before that.

use super::canvas::{Ink, Plane, Point, View, at, closed_curve, path};
use super::draw::{Draw, turn};
use super::patient::{Half, Patient};

/// The parts of one chest, each a plane of the image's size.
pub(super) struct Anatomy {
    /// Share of each pixel inside the body.
    pub body: Plane,
    /// Share inside either lung, by half of the image.
    pub lungs: [Plane; 2],
    /// The heart's outline, filled.
    pub heart: Plane,
    /// Share of the lungs' depth that heart and great vessels take up.
    pub mediastinum: Plane,
    /// Attenuation of soft tissue on top of the trunk's: breasts; below 0 for gas.
    pub organs: Plane,
    /// Attenuation of bones.
    pub bones: Plane,
    /// Attenuation of the lungs' vessels.
    pub vessels: Plane,
}

impl Anatomy {
    /// Draws a patient.
    pub fn new(patient: &Patient, view: &View, draw: &mut Draw) -> Self {
        let heart = closed_curve(&patient.heart_corners(), 7);
        let mut body = filled(view, &body_outline(patient));
        // Where an arm lies against the trunk the outline crosses itself and would count twice.
        body.values.iter_mut().for_each(|share| *share = share.clamp(0.0, 1.0));
        Self {
            body,
            lungs: Half::BOTH.map(|half| filled(view, &patient.lung_outline(half))),
            mediastinum: mediastinum(patient, view, &heart),
            organs: organs(patient, view, draw),
            heart: filled(view, &heart),
            bones: bones(patient, view),
            vessels: vessels(patient, view, draw),
        }
    }
}

/// The plane of one filled outline.
pub(super) fn filled(view: &View, outline: &[Point]) -> Plane {
    let mut ink = Ink::new(view);
    ink.polygon(outline, 1.0);
    ink.settle()
}

/// Neck, shoulders, arms and trunk as one outline.
fn body_outline(patient: &Patient) -> Vec<Point> {
    let fat = 0.035 * (patient.habitus - 0.5);
    let (wall, arms) = (patient.half_width, patient.arms);
    let armpit = at(wall + 0.088 + fat, 0.40 - 0.02 * arms);
    let half = [
        (0.100 + fat, -0.25),
        (0.098 + fat, 0.000),
        (0.125 + fat, 0.068),
        (0.240, 0.098 - 0.5 * fat),
        (0.370, 0.118 - 0.5 * fat),
        (0.455, 0.165),
        (0.525 + 0.03 * arms, 0.270),
        (0.570 + 0.08 * arms, 0.460),
        (0.600 + 0.12 * arms, 0.700),
        (0.600 + 0.14 * arms, 1.200),
        (0.500 + 0.14 * arms, 1.200),
        (0.490 + 0.11 * arms, 0.700),
        (0.470 + 0.05 * arms, 0.500),
        (armpit.x, armpit.y),
        (wall + 0.066 + fat, 0.500),
        (wall + 0.062 + 1.5 * fat, 0.680),
        (wall + 0.068 + 2.0 * fat, 0.860),
        (wall + 0.074 + 2.5 * fat, 1.300),
    ];
    let right = half.iter().map(|(x, y)| at(*x, *y));
    let left = half.iter().rev().map(|(x, y)| at(-x, *y));
    closed_curve(&right.chain(left).collect::<Vec<_>>(), 5)
}

fn mediastinum(patient: &Patient, view: &View, heart: &[Point]) -> Plane {
    let mut ink = Ink::new(view);
    ink.polygon(heart, 0.80);
    // Aortic knob, the aorta's descent behind the heart, and the vena cava on the other side.
    let hilum = patient.hilum(Half::Right);
    let knob = at(0.034 + patient.heart_shift, hilum.y - 0.105);
    ink.polygon(&ellipse(knob, 0.014 + patient.aorta, 0.040), 0.46);
    // Pulmonary trunk: the shallow bay between the knob and the heart's left border.
    let top = heart.iter().fold(1.0, |top: f32, p| top.min(p.y));
    let trunk =
        [at(knob.x - 0.008, knob.y + 0.005), at(knob.x - 0.004, knob.y + 0.05), at(0.046, top + 0.10)];
    ink.stroke(&trunk, 0.050, 0.060, 0.42);
    let aorta = path(8, |t| at(knob.x + 0.012 - 0.02 * t * t, knob.y + 0.01 + 0.36 * t));
    ink.stroke(&aorta, 0.050, 0.036, 0.14);
    let cava = path(8, |t| at(-0.034 - 0.010 * t, hilum.y - 0.22 + 0.26 * t));
    ink.stroke(&cava, 0.026, 0.036, 0.38);
    ink.settle().blur(view.length(0.0045))
}

fn organs(patient: &Patient, view: &View, draw: &mut Draw) -> Plane {
    // Windpipe and main bronchi.
    let mut ink = Ink::new(view);
    let carina = patient.hilum(Half::Right).y - 0.045;
    let windpipe = path(8, |t| at(-0.006 * t, -0.15 + t * (carina + 0.15)));
    ink.stroke(&windpipe, 0.040, 0.034, -0.13);
    for half in Half::BOTH {
        let end = patient.hilum(half);
        let bronchus = [at(-0.006, carina), at(0.5 * end.x, 0.5 * (carina + end.y)), end];
        ink.stroke(&bronchus, 0.022, 0.014, -0.07);
    }
    let mut organs = ink.settle().blur(view.length(0.006));

    // The fundus' gas under the left dome: a flat fluid level below, round above.
    let x = draw.range(0.13, 0.21);
    let top = patient.diaphragm(Half::Right, x) + draw.range(0.018, 0.030);
    let (width, height) = (draw.range(0.028, 0.062), draw.range(0.018, 0.040));
    let bubble = path(20, |t| {
        let (cos, sin) = turn(0.5 + 0.5 * t);
        at(x + width * cos, top + height * (1.0 + sin))
    });
    let gas = if draw.chance(0.75) { draw.range(0.12, 0.30) } else { 0.05 };
    let mut ink = Ink::new(view);
    ink.polygon(&bubble, -gas);
    // Breasts: soft above, a clear fold below.
    if patient.breast > 0.0 {
        let (size, sag) = (patient.breast, 0.05 * draw.unit());
        for half in Half::BOTH {
            let centre = at(half.sign() * 0.215, 0.52 + sag + 0.06 * size);
            let breast = path(24, |t| {
                let (cos, sin) = turn(t);
                at(centre.x + (0.12 + 0.04 * size) * cos, centre.y + (0.085 + 0.055 * size) * sin)
            });
            ink.polygon(&breast, 0.05 + 0.08 * size);
        }
    }
    let soft = ink.settle().blur(view.length(0.007));
    add(&mut organs, &soft);
    // Gas in the bowel, faint and anywhere below.
    for _ in 0..draw.pick(5) {
        let centre = at(draw.range(-0.22, 0.30), draw.range(0.84, 1.0));
        organs.spot(view, centre, draw.range(0.025, 0.06), draw.range(0.018, 0.045), -draw.range(0.05, 0.22));
    }
    organs
}

/// An ellipse as a polygon.
pub(super) fn ellipse(centre: Point, rx: f32, ry: f32) -> Vec<Point> {
    path(25, |t| {
        let (cos, sin) = turn(t);
        at(centre.x + rx * cos, centre.y + ry * sin)
    })
}

/// Adds `other` pixel by pixel.
pub(super) fn add(plane: &mut Plane, other: &Plane) {
    for (value, more) in plane.values.iter_mut().zip(&other.values) {
        *value += more;
    }
}

fn bones(patient: &Patient, view: &View) -> Plane {
    let mut ink = Ink::new(view);
    let bone = patient.bone;
    spine(&mut ink, bone);
    for half in Half::BOTH {
        for rib in 0..11 {
            posterior_rib(patient, &mut ink, half, rib);
        }
        for rib in 1..8 {
            anterior_rib(patient, &mut ink, half, rib);
        }
        shoulder(patient, &mut ink, half);
    }
    ink.settle().blur(view.length(0.0016))
}

/// A bone's shaft: denser at its two borders, where the cortex is seen on edge.
fn shaft(ink: &mut Ink, line: &[Point], start: f32, end: f32, weight: f32) {
    ink.stroke(line, start, end, weight);
    ink.stroke(line, 0.66 * start, 0.66 * end, -0.38 * weight);
}

fn spine(ink: &mut Ink, bone: f32) {
    ink.stroke(&[at(0.0, -0.3), at(0.0, 0.5), at(0.0, 1.3)], 0.058, 0.088, 0.075 * bone);
    for disc in 0..20 {
        let y = -0.04 + 0.040 * disc as f32 + 0.00075 * (disc * disc) as f32;
        let half = 0.026 + 0.014 * y.max(0.0);
        ink.stroke(&[at(-half, y), at(half, y)], 0.008, 0.008, -0.045 * bone);
        // The spinous process and the pedicles of the vertebra below.
        ink.polygon(&ellipse(at(0.0, y + 0.024), 0.006, 0.010), 0.030 * bone);
        ink.polygon(&ellipse(at(-0.62 * half, y + 0.016), 0.006, 0.008), 0.022 * bone);
        ink.polygon(&ellipse(at(0.62 * half, y + 0.016), 0.006, 0.008), 0.022 * bone);
    }
}

/// Height at which rib `rib` (0 to 10) leaves the spine, and how far it falls to its outermost point.
fn rib_level(patient: &Patient, rib: usize) -> (f32, f32) {
    let n = rib as f32;
    let y = patient.apex - 0.012 + patient.rib_spacing * n;
    (y, patient.rib_fall * (0.42 + 0.075 * n))
}

fn posterior_rib(patient: &Patient, ink: &mut Ink, half: Half, rib: usize) {
    let (y0, fall) = rib_level(patient, rib);
    let outer = patient.wall(half, (y0 + fall).max(patient.apex + 0.02)) + 0.012;
    let line = path(15, |s| {
        let out = 1.0 - (1.0 - s) * (1.0 - s);
        let y = y0 - 0.085 * s * (1.0 - s) * (1.0 - 0.5 * s) + fall * s * s;
        at(half.sign() * (0.034 + (outer - 0.034) * out), y)
    });
    let below = 1.0 - 0.14 * (rib as f32 - 6.0).max(0.0);
    shaft(ink, &line, 0.019, 0.024, 0.150 * patient.bone * below);
}

fn anterior_rib(patient: &Patient, ink: &mut Ink, half: Half, rib: usize) {
    let (y0, fall) = rib_level(patient, rib);
    let (from, n) = (y0 + fall, rib as f32);
    let outer = patient.wall(half, from.max(patient.apex + 0.02)) + 0.010;
    let inner = 0.12 + 0.010 * n;
    let down = 0.075 + 0.010 * n;
    let line = path(11, |s| at(half.sign() * (outer - (outer - inner) * s * s), from + down * s));
    // The bone fades into cartilage, which does not show: three lengths on top of each other.
    for (points, share) in [(11, 0.4), (9, 0.3), (7, 0.3)] {
        shaft(ink, &line[..points], 0.019, 0.024, 0.085 * share * patient.bone);
    }
}

/// Collar bone, shoulder blade and the head of the upper arm.
fn shoulder(patient: &Patient, ink: &mut Ink, half: Half) {
    let (sign, bone, wall) = (half.sign(), patient.bone, patient.half_width);
    let y = patient.apex + 0.075;
    let clavicle = path(13, |s| {
        let bend = 0.030 * s * (1.0 - s) * (1.0 - 2.0 * s) * 4.0;
        at(sign * (0.030 + s * (wall + 0.035)), y - 0.085 * s + bend)
    });
    shaft(ink, &clavicle, 0.027, 0.020, 0.125 * bone);
    let x = wall + 0.012;
    let blade = [
        at(sign * (x - 0.085), y - 0.045),
        at(sign * (x - 0.020), y - 0.005),
        at(sign * (x + 0.055), y - 0.025),
        at(sign * (x + 0.052), y + 0.060),
        at(sign * (x + 0.020), y + 0.190),
        at(sign * (x - 0.020), y + 0.275),
        at(sign * (x - 0.045), y + 0.180),
    ];
    ink.polygon(&closed_curve(&blade, 4), 0.040 * bone);
    let edge = [blade[3], blade[4], blade[5]];
    ink.stroke(&edge, 0.010, 0.010, 0.070 * bone);
    let head = at(sign * (wall + 0.108), y + 0.005);
    ink.polygon(&ellipse(head, 0.043, 0.045), 0.12 * bone);
    let arm = 0.06 * patient.arms;
    let humerus = path(6, |t| at(head.x + sign * (0.012 + (0.10 + 1.5 * arm) * t), head.y + 0.02 + 0.75 * t));
    shaft(ink, &humerus, 0.050, 0.042, 0.13 * bone);
}

/// The lungs' vessels: a tree from each hilum, thinner and fainter at each fork, stronger towards the bases.
fn vessels(patient: &Patient, view: &View, draw: &mut Draw) -> Plane {
    let mut ink = Ink::new(view);
    let mut hila = Plane::filled(view.side, 0.0);
    for half in Half::BOTH {
        let hilum = patient.hilum(half);
        hila.spot(view, hilum, 0.055, 0.080, 0.10 * patient.vessels);
        let trunk = |t: f32| at(hilum.x + half.sign() * (0.002 + 0.022 * t), hilum.y - 0.035 + 0.12 * t);
        ink.stroke(&path(6, trunk), 0.024, 0.014, 0.09 * patient.vessels);
        // From straight up to straight down, in turns from the outward horizontal.
        for direction in [-0.21, -0.14, -0.07, -0.01, 0.04, 0.09, 0.13, 0.17, 0.21] {
            let direction = direction + draw.range(-0.025, 0.025);
            let reach = if direction < -0.03 { 0.085 } else { 0.105 };
            let branch = Branch {
                start: trunk((0.35 + 2.4 * direction).clamp(0.0, 0.95)),
                direction,
                length: reach,
                width: draw.range(0.007, 0.0105),
            };
            grow(&mut ink, &branch, half.sign(), 0.080 * patient.vessels, 3, draw);
        }
    }
    let mut plane = ink.settle();
    add(&mut plane, &hila);
    plane
}

/// One vessel from fork to fork.
pub(super) struct Branch {
    pub start: Point,
    /// In turns: 0 outwards, 0.25 down, -0.25 up.
    pub direction: f32,
    pub length: f32,
    pub width: f32,
}

/// Draws a branch and, `forks` times over, two smaller ones at its end.
pub(super) fn grow(ink: &mut Ink, branch: &Branch, sign: f32, weight: f32, forks: usize, draw: &mut Draw) {
    let bend = draw.range(-0.055, 0.055);
    let length = branch.length * draw.range(0.75, 1.2);
    let mut place = branch.start;
    let mut line = vec![place];
    for step in 1..=4 {
        let (cos, sin) = turn(branch.direction + bend * step as f32 / 4.0);
        place = at(place.x + sign * cos * length / 4.0, place.y + sin * length / 4.0);
        line.push(place);
    }
    ink.stroke(&line, branch.width, 0.72 * branch.width, weight);
    if forks == 0 {
        return;
    }
    let spread = draw.range(0.05, 0.13);
    let split = draw.range(0.25, 0.75);
    for (turned, share) in [(-split * spread, 0.72), ((1.0 - split) * spread, 0.66)] {
        let next = Branch {
            start: place,
            direction: branch.direction + bend + turned,
            length: 0.74 * branch.length,
            width: share * branch.width,
        };
        grow(ink, &next, sign, 0.86 * weight, forks - 1, draw);
    }
}
