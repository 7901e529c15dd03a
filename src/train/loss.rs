//! What training makes small.

use tch::{Device, Kind, Reduction, TchError, Tensor};

use crate::config::{LossKind, LossSection};
use crate::dataset::stats::SplitStats;

/// Probabilities are kept this far from 0 before a logarithm (as the authors of the asymmetric loss do).
const LEAST_PROBABILITY: f64 = 1e-8;

/// The trained loss: the mean over images and conditions of
/// - `bce`: `-w y ln p - (1 - y) ln (1 - p)` with the weight `w` of the condition's positives;
/// - `focal` (Lin et al. 2017, as `torchvision.ops.sigmoid_focal_loss` without alpha): that times
///   `(1 - p_t)^gamma`, where `p_t` is the probability of what the label says;
/// - `asymmetric` (Ridnik et al. 2021): `gamma_pos` for positives, `gamma_neg` for negatives, and
///   `min(1 - p + clip, 1)` in place of a negative's `1 - p`. Unlike the authors' default the gradient goes
///   through the focusing factor too.
///
/// With label smoothing `s` a label is `y (1 - s) + s / 2`. Labels that are unknown have no cost: the mean is over the known
/// ones of the batch (0 where there are none).
pub struct Loss {
    kind: LossKind,
    /// Weights of positives, `float32 C`; none when all are 1.
    pos_weight: Option<Tensor>,
    smoothing: f64,
    gamma: f64,
    gamma_pos: f64,
    gamma_neg: f64,
    clip: f64,
    /// Whether labels can be unknown. The mean over the known ones costs two operations more.
    masked: bool,
}

impl Loss {
    /// The loss of these settings; the weights come from `train`, the counts of the training images. `masked` says that
    /// some labels of the data set are unknown.
    ///
    /// # Errors
    /// When the class weights can't be copied to the device.
    pub fn new(
        section: &LossSection,
        train: &SplitStats,
        masked: bool,
        device: Device,
    ) -> Result<Self, TchError> {
        let weights: Vec<f32> = pos_weights(section, train).into_iter().map(|weight| weight as f32).collect();
        let weighted = weights.iter().any(|weight| *weight != 1.0);
        Ok(Self {
            kind: section.kind,
            pos_weight: match weighted {
                true => Some(Tensor::f_from_slice(&weights)?.f_to_device(device)?),
                false => None,
            },
            smoothing: section.smoothing,
            gamma: section.gamma,
            gamma_pos: section.gamma_pos,
            gamma_neg: section.gamma_neg,
            clip: section.clip,
            masked,
        })
    }

    /// Mean loss of logits (`N,C`) and targets (`float32 N,C`: 0, 1, or -1 where a label is unknown), a scalar with its
    /// gradient, in float32 whatever the logits are.
    ///
    /// # Errors
    /// When the shapes of `logits` and `targets` differ.
    pub fn of(&self, logits: &Tensor, targets: &Tensor) -> Result<Tensor, TchError> {
        let logits = logits.f_to_kind(Kind::Float)?;
        let (known, absent_if_unknown);
        let (targets, known) = if self.masked {
            known = targets.f_ge(0.0)?.f_to_kind(Kind::Float)?;
            absent_if_unknown = targets.f_clamp_min(0.0)?;
            (&absent_if_unknown, Some(&known))
        } else {
            (targets, None)
        };
        let smoothed;
        let targets = match self.smoothing {
            0.0 => targets,
            s => {
                smoothed = targets.f_mul_scalar(1.0 - s)?.f_add_scalar(s / 2.0)?;
                &smoothed
            }
        };
        match self.kind {
            LossKind::Bce => match known {
                None => self.cross_entropy(&logits, targets, Reduction::Mean),
                known => mean(&self.cross_entropy(&logits, targets, Reduction::None)?, known),
            },
            LossKind::Focal => {
                let p = logits.f_sigmoid()?;
                let missed = p.f_add(targets)?.f_sub(&p.f_mul(targets)?.f_mul_scalar(2.0)?)?;
                let cost = self.cross_entropy(&logits, targets, Reduction::None)?;
                mean(&cost.f_mul(&missed.f_pow_tensor_scalar(self.gamma)?)?, known)
            }
            LossKind::Asymmetric => mean(&self.asymmetric(&logits, targets)?, known)?.f_neg(),
        }
    }

    fn cross_entropy(&self, logits: &Tensor, targets: &Tensor, mean: Reduction) -> Result<Tensor, TchError> {
        logits.f_binary_cross_entropy_with_logits(targets, None::<&Tensor>, self.pos_weight.as_ref(), mean)
    }

    /// The logarithm of the focused likelihood of each label (`N,C`), at most 0.
    fn asymmetric(&self, logits: &Tensor, targets: &Tensor) -> Result<Tensor, TchError> {
        let p = logits.f_sigmoid()?;
        let absent = targets.f_neg()?.f_add_scalar(1.0)?;
        let q = p.f_neg()?.f_add_scalar(1.0 + self.clip)?.f_clamp_max(1.0)?;
        let hit = p.f_clamp_min(LEAST_PROBABILITY)?.f_log()?.f_mul(targets)?;
        let hit = match &self.pos_weight {
            Some(weight) => hit.f_mul(weight)?,
            None => hit,
        };
        let spared = q.f_clamp_min(LEAST_PROBABILITY)?.f_log()?.f_mul(&absent)?;
        let right = p.f_mul(targets)?.f_add(&q.f_mul(&absent)?)?;
        let gamma = targets.f_mul_scalar(self.gamma_pos)?.f_add(&absent.f_mul_scalar(self.gamma_neg)?)?;
        let focus = right.f_neg()?.f_add_scalar(1.0)?.f_pow(&gamma)?;
        hit.f_add(&spared)?.f_mul(&focus)
    }
}

/// The mean of `cost` (`N,C`) over all labels, or over the `known` ones (1, else 0); 0 where none is known.
fn mean(cost: &Tensor, known: Option<&Tensor>) -> Result<Tensor, TchError> {
    let Some(known) = known else { return cost.f_mean(Kind::Float) };
    let count = known.f_sum(Kind::Float)?.f_clamp_min(1.0)?;
    cost.f_mul(known)?.f_sum(Kind::Float)?.f_div(&count)
}

/// The weight of each condition's positives.
pub fn pos_weights(section: &LossSection, train: &SplitStats) -> Vec<f64> {
    let weight = |column: usize| section.pos_weight.of(train.positives[column], train.negatives(column));
    (0..train.positives.len()).map(weight).collect()
}

/// How far weights and sampling have moved each condition's logit from that of its probability: a positive
/// that weighs `w` times as much adds `ln w` (King & Zeng 2001), and a condition drawn at the rate `sampled`
/// instead of its own adds the difference of their logits. Logits are brought back by subtracting it.
/// For focal and asymmetric losses this undoes the weights alone: what focusing does has no closed form.
pub fn logit_correction(weights: &[f64], train: &SplitStats, sampled: Option<&[f64]>) -> Vec<f32> {
    let logit = |p: f64| (p / (1.0 - p)).ln();
    let shift = |(condition, weight): (usize, &f64)| {
        let natural = train.positives[condition] as f64 / train.known(condition).max(1) as f64;
        let drawn = sampled.map_or(0.0, |sampled| logit(sampled[condition]) - logit(natural));
        weight.ln() + if drawn.is_finite() { drawn } else { 0.0 }
    };
    weights.iter().enumerate().map(shift).map(|shift| shift as f32).collect()
}
