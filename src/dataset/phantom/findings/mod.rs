//! Findings: how each condition changes the body and what it adds to the image.
//!
//! A condition acts twice. Before the chest is drawn it may change the patient's measures ([`Lesion::reshape`]:
//! an enlarged heart, flat diaphragms); afterwards it is drawn onto the chest ([`Lesion::draw`]). Airspace
//! disease replaces air, so it is drawn as *opacity*, the share of the lung's air that is gone: what is opaque
//! hides vessels and loses its border with heart or diaphragm by itself, as on a real image.
//!
//! Airspace shadows live in [`airspace`], round ones, heart and hernia in [`solid`], the pleura in [`pleura`].

mod airspace;
mod pleura;
mod solid;

use super::anatomy::Anatomy;
use super::canvas::{Plane, View};
use super::draw::{Draw, Topic};
use super::patient::{Half, Patient};

/// Label columns of ChestX-ray14.
const ATELECTASIS: usize = 0;
const CARDIOMEGALY: usize = 1;
const EFFUSION: usize = 2;
const INFILTRATION: usize = 3;
const MASS: usize = 4;
const NODULE: usize = 5;
const PNEUMONIA: usize = 6;
const PNEUMOTHORAX: usize = 7;
const CONSOLIDATION: usize = 8;
const EDEMA: usize = 9;
const EMPHYSEMA: usize = 10;
const FIBROSIS: usize = 11;
const PLEURAL_THICKENING: usize = 12;
const HERNIA: usize = 13;

/// What findings do to a chest that is drawn.
pub(super) struct Effects {
    /// Share of the lungs' air that is replaced; below 0 where there is more air than usual.
    pub opacity: Plane,
    /// Attenuation on top of everything.
    pub density: Plane,
    /// What is left of the vessels: 1 all, 0 none, above 1 congested.
    pub markings: Plane,
}

/// One condition of one patient, before it is drawn.
pub(super) struct Lesion {
    /// The label column.
    condition: usize,
    /// How conspicuous it is: 0.15 hardly visible to 1 plain.
    severity: f32,
    /// The half of the image where a one-sided condition lies.
    half: Half,
    draw: Draw,
}

impl Lesion {
    /// The condition in label column `condition` as image `index` of collection `seed` has it.
    pub fn new(seed: u64, index: u64, condition: usize) -> Self {
        let mut draw = Draw::sub(seed, index, Topic::Findings, condition);
        let (severity, half) = (draw.range(0.15, 1.0), Half::either(&mut draw));
        Self { condition, severity, half, draw }
    }

    /// Changes the patient's measures.
    pub fn reshape(&self, patient: &mut Patient) {
        let (severity, side) = (self.severity, self.half as usize);
        match self.condition {
            ATELECTASIS => {
                patient.dome[side] += 0.012 + 0.045 * severity;
                patient.base[side] -= 0.022 * severity;
                patient.heart_shift += 0.010 * severity * self.half.sign();
            }
            CARDIOMEGALY => patient.heart *= 1.20 + 0.34 * severity,
            PNEUMOTHORAX => patient.heart_shift -= 0.012 * severity * self.half.sign(),
            EDEMA => {
                patient.heart *= 1.02 + 0.08 * severity;
                patient.vessels *= 1.15 + 0.35 * severity;
            }
            EMPHYSEMA => {
                patient.air *= 1.03 + 0.09 * severity;
                patient.vessels *= 0.85 - 0.30 * severity;
                patient.heart *= 0.93 - 0.14 * severity;
                patient.rib_spacing *= 1.02 + 0.05 * severity;
                patient.apex -= 0.012 * severity;
                patient.base = patient.base.map(|base| base + 0.010 + 0.030 * severity);
                patient.dome = patient.dome.map(|dome| dome * (0.78 - 0.48 * severity));
            }
            FIBROSIS => patient.base = patient.base.map(|base| base - 0.025 * severity),
            _ => {}
        }
    }

    /// Draws the condition onto the chest.
    pub fn draw(self, stage: &mut Stage) {
        match self.condition {
            ATELECTASIS => airspace::atelectasis(self, stage),
            INFILTRATION => airspace::infiltration(self, stage),
            PNEUMONIA => airspace::pneumonia(self, stage),
            CONSOLIDATION => airspace::consolidation(self, stage),
            EDEMA => airspace::edema(self, stage),
            FIBROSIS => airspace::fibrosis(self, stage),
            EFFUSION => pleura::effusion(self, stage),
            PNEUMOTHORAX => pleura::pneumothorax(self, stage),
            PLEURAL_THICKENING => pleura::thickening(self, stage),
            MASS => solid::mass(self, stage),
            NODULE => solid::nodules(self, stage),
            HERNIA => solid::hernia(self, stage),
            CARDIOMEGALY => stage.note(CARDIOMEGALY, stage.anatomy.heart.clone()),
            // Its shape is the patient's: each lung is the finding.
            EMPHYSEMA => {
                for half in Half::BOTH {
                    stage.note(EMPHYSEMA, stage.anatomy.lungs[half as usize].clone());
                }
            }
            other => debug_assert!(false, "no such condition: {other}"),
        }
    }
}

/// A chest with the findings drawn so far.
pub(super) struct Stage<'a> {
    pub patient: &'a Patient,
    pub view: &'a View,
    pub anatomy: &'a Anatomy,
    pub effects: Effects,
    /// Each finding's label column and how much it shows in each pixel (any scale).
    pub found: Vec<(usize, Plane)>,
}

impl<'a> Stage<'a> {
    /// A chest without findings.
    pub fn new(patient: &'a Patient, view: &'a View, anatomy: &'a Anatomy) -> Self {
        let side = view.side;
        let effects = Effects {
            opacity: Plane::filled(side, 0.0),
            density: Plane::filled(side, 0.0),
            markings: Plane::filled(side, 1.0),
        };
        Self { patient, view, anatomy, effects, found: Vec::new() }
    }

    /// Keeps where a finding lies.
    fn note(&mut self, condition: usize, region: Plane) {
        self.found.push((condition, region));
    }

    /// Fills the lung of one half with `shadow`, an opacity, and notes it.
    fn veil(&mut self, condition: usize, half: Half, shadow: Plane) {
        let shadow = self.replace_air(half, shadow);
        self.note(condition, shadow);
    }

    /// Fills the lung of one half with `shadow`; returns what of it lies in the lung.
    fn replace_air(&mut self, half: Half, shadow: Plane) -> Plane {
        let shadow = shadow.times(&self.anatomy.lungs[half as usize]);
        for (opacity, more) in self.effects.opacity.values.iter_mut().zip(&shadow.values) {
            // What is left of the air passes through both.
            *opacity = 1.0 - (1.0 - *opacity) * (1.0 - more.clamp(-0.5, 0.97));
        }
        shadow
    }
}
