//! Quality of attribution methods on images whose findings are known, beside controls that use no network.

use anyhow::{Context, Result};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Serialize;
use tch::Tensor;

use super::map::Map;
use super::methods::{Method, blurred};
use super::options::Options;
use super::{Request, explain, noise, quality};
use crate::dataset::images::Images;
use crate::dataset::{Dataset, Split};
use crate::evaluation::Predictor;
use crate::label::PRESENT;
use crate::metrics::{Interval, interval};

/// A finding that the labels name, and where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Image and condition.
    pub request: Request,
    /// `H*W` values, 1 inside.
    pub mask: Vec<u8>,
}

/// A mean over images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// `None` without images.
    pub mean: Option<f64>,
    /// 95 %, from bootstrap resamples of the targets.
    pub ci: Option<Interval>,
    /// Behind the mean.
    pub n: usize,
}

/// The numbers of one method (or control) on the findings of one condition, or of all.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Scored {
    /// The method's name, `random` or `centre`.
    pub method: String,
    /// A condition's key; `all` for the mean over all targets.
    pub condition: String,
    /// Share of maps whose maximum lies in the finding's mask, 0 to 1.
    pub pointing: Estimate,
    /// Intersection over union of the mask and as many of the map's highest pixels, 0 to 1.
    pub iou: Estimate,
    /// Share of the map's positive part inside the mask, 0 to 1.
    pub mass: Estimate,
    /// Share of maps whose positive centre of mass lies in the box around the finding, 0 to 1.
    pub centre: Estimate,
    /// Area under the probability while pixels come back in the map's order onto a blurred image; higher is better.
    pub insertion: Estimate,
    /// The same while they are blurred; lower is better.
    pub deletion: Estimate,
    /// Rank correlation of maps with those of the same network with fresh weights; near 0 where a method looks at
    /// what was learned (Adebayo et al. 2018). Not for controls.
    pub randomisation: Estimate,
    /// Share of maps without anything positive.
    pub without_evidence: Option<f64>,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ScoreTable {
    /// The split of the images.
    pub split: String,
    /// Number of pairs of image and condition that were scored.
    pub targets: usize,
    /// Height and width of the layer that CAMs were made at.
    pub layer_size: [usize; 2],
    /// Layer of the CAM methods.
    pub layer: String,
    /// One a method and condition, methods outermost, `all` first.
    pub rows: Vec<Scored>,
}

/// Steps of insertion and deletion.
const STEPS: usize = 20;
const RESAMPLES: usize = 1000;
const SEED: u64 = 0;
/// Deviation of the centre prior as a share of the image's side.
const CENTRE: f64 = 0.25;

/// The findings of a split that its labels name, evenly over the split, at most `limit`.
pub fn targets(dataset: &Dataset, split: Split, limit: usize) -> Vec<Target> {
    let labels = &dataset.part(split).labels;
    let mut found = Vec::new();
    for image in 0..labels.len() {
        let row = labels.row(image);
        if !row.contains(&PRESENT) {
            continue;
        }
        for region in dataset.regions(split, image) {
            if row.get(region.class) == Some(&1) {
                found.push(Target { request: Request { image, class: region.class }, mask: region.mask });
            }
        }
    }
    if found.len() > limit {
        let all = found.len();
        let mut place = 0;
        found.retain(|_| {
            place += 1;
            // True for `limit` of `all` places, evenly.
            place * limit / all != (place - 1) * limit / all
        });
    }
    found
}

/// Numbers of one target.
#[derive(Clone, Copy, Debug, Default)]
struct Numbers {
    class: usize,
    values: [Option<f64>; 7],
    evidence: bool,
}

/// Scores methods and controls. `watch` receives the step and the numbers of targets done and in all; it returns
/// whether to continue. `None` when it returned `false`.
///
/// # Errors
/// As [`explain`].
pub fn score(
    predictor: &Predictor,
    dataset: &Dataset,
    split: Split,
    targets: &[Target],
    methods: &[&'static Method],
    options: &Options,
    watch: &mut dyn FnMut(&str, usize) -> bool,
) -> Result<Option<ScoreTable>> {
    let (images, _) = dataset.trainable(split)?;
    let fresh = predictor.with_fresh_weights(SEED)?;
    let requests: Vec<Request> = targets.iter().map(|target| target.request).collect();
    let layers = predictor.network().map_layers();
    let layer = options.layer_index(&layers)?;
    let mut table = ScoreTable {
        split: split.name().to_owned(),
        targets: targets.len(),
        layer: layers[layer].clone(),
        ..ScoreTable::default()
    };
    for method in methods {
        let mut numbers = Vec::new();
        for (request, target) in requests.iter().zip(targets) {
            if !watch(method.name, numbers.len()) {
                return Ok(None);
            }
            let one = std::slice::from_ref(request);
            let map = |predictor: &Predictor| -> Result<Map> {
                let maps = explain(predictor, images, one, method, options, &mut |_| true)?;
                maps.and_then(|mut maps| maps.pop()).context("nobody ended it")
            };
            let (map, of_fresh) = (map(predictor)?, map(&fresh)?);
            if method.has_layer {
                table.layer_size = map.native;
            }
            let randomisation = quality::rank_correlation(&map.values, &of_fresh.values);
            numbers.push(measure(predictor, images, target, &map.values, randomisation)?);
        }
        table.rows.extend(rows(method.name, &numbers, dataset));
    }
    for control in ["random", "centre"] {
        let mut numbers = Vec::new();
        for (index, target) in targets.iter().enumerate() {
            if !watch(control, index) {
                return Ok(None);
            }
            let [height, width] = [images.height(), images.width()];
            let values: Vec<f32> = match control {
                "random" => {
                    (0..height * width).map(|n| noise::uniform(index as u64, n as u64) as f32).collect()
                }
                _ => centre_prior(height, width),
            };
            numbers.push(measure(predictor, images, target, &values, None)?);
        }
        table.rows.extend(rows(control, &numbers, dataset));
    }
    Ok(Some(table))
}

/// A Gaussian over the middle of the image.
fn centre_prior(height: usize, width: usize) -> Vec<f32> {
    let at = |place: usize, side: usize| {
        let z = ((place as f64 + 0.5) / side as f64 - 0.5) / CENTRE;
        (-0.5 * z * z).exp()
    };
    (0..height * width).map(|pixel| (at(pixel / width, height) * at(pixel % width, width)) as f32).collect()
}

fn measure(
    predictor: &Predictor,
    images: &Images,
    target: &Target,
    values: &[f32],
    randomisation: Option<f64>,
) -> Result<Numbers> {
    let (insertion, deletion) = faithfulness(predictor, images, target.request, values)?;
    Ok(Numbers {
        class: target.request.class,
        values: [
            Some(quality::pointing(values, &target.mask)),
            Some(quality::iou(values, &target.mask)),
            Some(quality::mass(values, &target.mask)),
            Some(quality::centre(values, &target.mask, images.width())),
            Some(insertion),
            Some(deletion),
            randomisation,
        ],
        evidence: values.iter().any(|value| *value > 0.0),
    })
}

/// Insertion and deletion (Petsiuk et al. 2018): areas under the condition's probability while the pixels of highest
/// value come first onto a blurred image, and while they are blurred first.
fn faithfulness(
    predictor: &Predictor,
    images: &Images,
    request: Request,
    values: &[f32],
) -> Result<(f64, f64)> {
    let _no_grad = tch::no_grad_guard();
    let image = predictor.upload(images, &[request.image])?;
    let without = blurred(&image)?;
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
    let mut first = vec![0.0_f32; values.len() * (STEPS + 1)];
    for (step, mask) in first.chunks_exact_mut(values.len()).enumerate() {
        for pixel in &order[..values.len() * step / STEPS] {
            mask[*pixel] = 1.0;
        }
    }
    let size = image.size();
    let first = Tensor::f_from_slice(&first)?.f_view([STEPS as i64 + 1, 1, size[2], size[3]])?;
    let first = first.f_to_device(image.device())?;
    let mixed =
        |on: &Tensor, off: &Tensor| -> Result<Tensor> { Ok(off.f_add(&on.f_sub(off)?.f_mul(&first)?)?) };
    let probabilities = |images: &Tensor| -> Result<Vec<f64>> {
        let scores = predictor.probabilities(images)?.f_select(1, request.class as i64)?;
        Ok(Vec::<f32>::try_from(scores.f_contiguous()?)?.into_iter().map(f64::from).collect())
    };
    let insertion = probabilities(&mixed(&image, &without)?)?;
    let deletion = probabilities(&mixed(&without, &image)?)?;
    Ok((quality::area(&insertion), quality::area(&deletion)))
}

/// Means over all targets, then by condition.
fn rows(method: &str, numbers: &[Numbers], dataset: &Dataset) -> Vec<Scored> {
    let row = |condition: &str, numbers: &[Numbers]| {
        let of =
            |index: usize| estimate(numbers.iter().filter_map(|numbers| numbers.values[index]).collect());
        let none = numbers.iter().filter(|numbers| !numbers.evidence).count();
        Scored {
            method: method.to_owned(),
            condition: condition.to_owned(),
            pointing: of(0),
            iou: of(1),
            mass: of(2),
            centre: of(3),
            insertion: of(4),
            deletion: of(5),
            randomisation: of(6),
            without_evidence: (!numbers.is_empty()).then(|| none as f64 / numbers.len() as f64),
        }
    };
    let mut rows = vec![row("all", numbers)];
    for (class, condition) in dataset.labels().iter().enumerate() {
        let own: Vec<Numbers> = numbers.iter().filter(|numbers| numbers.class == class).copied().collect();
        if !own.is_empty() {
            rows.push(row(&condition.key, &own));
        }
    }
    rows
}

/// A mean with its percentile interval.
fn estimate(values: Vec<f64>) -> Estimate {
    if values.is_empty() {
        return Estimate::default();
    }
    let n = values.len();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(SEED);
    let mut resample = || (0..n).map(|_| values[rng.random_range(0..n)]).sum::<f64>() / n as f64;
    let drawn: Vec<f64> = (0..RESAMPLES).map(|_| resample()).collect();
    // One value has no spread.
    let ci = if n > 1 { interval(drawn) } else { None };
    Estimate { mean: Some(values.iter().sum::<f64>() / n as f64), ci, n }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_have_intervals_where_there_is_a_spread() {
        let spread = estimate(vec![0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0]);
        let [low, high] = spread.ci.expect("eight values");
        assert_eq!((spread.mean, spread.n), (Some(0.625), 8));
        assert!(low < 0.5 && high > 0.75 && high <= 1.0, "{low} {high}");
        assert_eq!(estimate(vec![0.5]), Estimate { mean: Some(0.5), ci: None, n: 1 });
        assert_eq!(estimate(Vec::new()), Estimate::default());
    }

    #[test]
    fn the_centre_prior_is_highest_in_the_middle() {
        let prior = centre_prior(8, 8);
        assert!(prior[3 * 8 + 3] > prior[3 * 8 + 1] && prior[0] < prior[9]);
    }
}
