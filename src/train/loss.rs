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
/// With label smoothing `s` a label is `y (1 - s) + s / 2`.
pub struct Loss {
    kind: LossKind,
    /// Weights of positives, `float32 C`; none when all are 1.
    pos_weight: Option<Tensor>,
    smoothing: f64,
    gamma: f64,
    gamma_pos: f64,
    gamma_neg: f64,
    clip: f64,
}

impl Loss {
    /// The loss of these settings; the weights come from `train`, the counts of the training images.
    ///
    /// # Errors
    /// When the class weights can't be copied to the device.
    pub fn new(section: &LossSection, train: &SplitStats, device: Device) -> Result<Self, TchError> {
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
        })
    }

    /// Mean loss of logits (`N,C`) and 0/1 targets (`float32 N,C`), a scalar with its gradient, in float32
    /// whatever the logits are.
    ///
    /// # Errors
    /// When the shapes of `logits` and `targets` differ.
    pub fn of(&self, logits: &Tensor, targets: &Tensor) -> Result<Tensor, TchError> {
        let logits = logits.f_to_kind(Kind::Float)?;
        let smoothed;
        let targets = match self.smoothing {
            0.0 => targets,
            s => {
                smoothed = targets.f_mul_scalar(1.0 - s)?.f_add_scalar(s / 2.0)?;
                &smoothed
            }
        };
        match self.kind {
            LossKind::Bce => self.cross_entropy(&logits, targets, Reduction::Mean),
            LossKind::Focal => {
                let p = logits.f_sigmoid()?;
                let missed = p.f_add(targets)?.f_sub(&p.f_mul(targets)?.f_mul_scalar(2.0)?)?;
                let cost = self.cross_entropy(&logits, targets, Reduction::None)?;
                cost.f_mul(&missed.f_pow_tensor_scalar(self.gamma)?)?.f_mean(Kind::Float)
            }
            LossKind::Asymmetric => self.asymmetric(&logits, targets),
        }
    }

    fn cross_entropy(&self, logits: &Tensor, targets: &Tensor, mean: Reduction) -> Result<Tensor, TchError> {
        logits.f_binary_cross_entropy_with_logits(targets, None::<&Tensor>, self.pos_weight.as_ref(), mean)
    }

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
        hit.f_add(&spared)?.f_mul(&focus)?.f_mean(Kind::Float)?.f_neg()
    }
}

/// The weight of each condition's positives.
pub fn pos_weights(section: &LossSection, train: &SplitStats) -> Vec<f64> {
    let weight = |&positives: &usize| section.pos_weight.of(positives, train.images - positives);
    train.positives.iter().map(weight).collect()
}

/// How far weights and sampling have moved each condition's logit from that of its probability: a positive
/// that weighs `w` times as much adds `ln w` (King & Zeng 2001), and a condition drawn at the rate `sampled`
/// instead of its own adds the difference of their logits. Logits are brought back by subtracting it.
/// For focal and asymmetric losses this undoes the weights alone: what focusing does has no closed form.
pub fn logit_correction(weights: &[f64], train: &SplitStats, sampled: Option<&[f64]>) -> Vec<f32> {
    let logit = |p: f64| (p / (1.0 - p)).ln();
    let shift = |(condition, weight): (usize, &f64)| {
        let natural = train.positives[condition] as f64 / train.images.max(1) as f64;
        let drawn = sampled.map_or(0.0, |sampled| logit(sampled[condition]) - logit(natural));
        weight.ln() + if drawn.is_finite() { drawn } else { 0.0 }
    };
    weights.iter().enumerate().map(shift).map(|shift| shift as f32).collect()
}
