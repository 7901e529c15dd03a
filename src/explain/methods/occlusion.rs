//! Occlusion: the drop of the logit when a square of the image is covered.

use anyhow::Result;
use tch::Tensor;

use super::super::map::Map;
use super::super::options::Options;
use super::{PASSES, Scene};

/// Each pixel's value is the mean loss over all squares that cover it (Captum's `Occlusion`; squares that reach
/// beyond the image's edge are cut off there).
pub fn occlusion(scene: &Scene, options: &Options) -> Result<Vec<Map>> {
    let _no_grad = tch::no_grad_guard();
    let [height, width] = scene.size();
    let (window, stride) = options.occlusion([height as usize, width as usize]);
    let (window, stride) = (window as i64, stride as i64);
    let starts = |side: i64| -> Vec<i64> {
        // So many that the last one reaches the edge.
        (0..=(side - window + stride - 1) / stride).map(|step| step * stride).collect()
    };
    let squares: Vec<(i64, i64)> =
        starts(height).into_iter().flat_map(|y| starts(width).into_iter().map(move |x| (y, x))).collect();
    let cut = |start: i64, side: i64| (start, window.min(side - start));
    let mut maps = Vec::new();
    for row in 0..scene.classes.len() as i64 {
        let class = scene.classes[row as usize];
        let image = scene.images.f_narrow(0, row, 1)?;
        let cover = scene.baseline(row, options.baseline)?;
        let logit = scene.logits_of(&image, class)?[0];
        let mut sums = vec![0.0_f64; (height * width) as usize];
        let mut counts = vec![0_u32; sums.len()];
        for squares in squares.chunks(PASSES as usize) {
            let covered = image.f_repeat([squares.len() as i64, 1, 1, 1])?;
            for (place, (y, x)) in squares.iter().enumerate() {
                let part = |tensor: &Tensor, first: i64| -> Result<Tensor> {
                    let ((y, h), (x, w)) = (cut(*y, height), cut(*x, width));
                    Ok(tensor.f_narrow(0, first, 1)?.f_narrow(2, y, h)?.f_narrow(3, x, w)?)
                };
                let mut target = part(&covered, place as i64)?;
                target.f_copy_(&part(&cover, 0)?)?;
            }
            let logits = scene.logits_of(&covered, class)?;
            for ((y, x), covered) in squares.iter().zip(logits) {
                let ((top, h), (left, w)) = (cut(*y, height), cut(*x, width));
                for y in top..top + h {
                    for pixel in y * width + left..y * width + left + w {
                        sums[pixel as usize] += f64::from(logit) - f64::from(covered);
                        counts[pixel as usize] += 1;
                    }
                }
            }
        }
        let values: Vec<f32> =
            sums.iter().zip(&counts).map(|(sum, count)| (sum / f64::from((*count).max(1))) as f32).collect();
        maps.push(Map {
            height: height as usize,
            width: width as usize,
            values,
            native: [starts(height).len(), starts(width).len()],
            signed: true,
            logit,
            probability: scene.probability(logit, class)?,
            completeness: None,
        });
    }
    Ok(maps)
}
