//! Augmentation of whole batches on the network's device, for images that are resident there.

use tch::{Device, Kind, TchError, Tensor};

use super::cpu::{gaussian, noise};
use super::{AugmentParams, Step};
use crate::config::Border;

/// `grid_sampler`'s numbers for its ways.
const BILINEAR: i64 = 0;
const ZEROS: i64 = 0;
const REFLECTION: i64 = 2;

/// Images `indices` of `images` (`uint8 N,H,W`) by the numbers of `draws`, normalised: `float32 B,1,H,W` on the images'
/// device. Agrees with the CPU path within one grey level away from edges.
///
/// # Errors
/// When an index lies outside `images`, or the batch doesn't fit into the device's memory.
pub fn augment_batch(
    images: &Tensor,
    indices: &[usize],
    draws: &[AugmentParams],
    border: Border,
) -> Result<Tensor, TchError> {
    let device = images.device();
    let [_, height, width] = images.size()[..] else {
        return Err(TchError::Torch("images must be N,H,W".into()));
    };
    let indices: Vec<i64> = indices.iter().map(|index| *index as i64).collect();
    let count = indices.len() as i64;
    let chosen = images.f_index_select(0, &Tensor::f_from_slice(&indices)?.f_to_device(device)?)?;
    let mut x = chosen.f_to_kind(Kind::Float)?.f_unsqueeze(1)?;
    if draws.iter().any(|draw| draw.steps.iter().any(|step| matches!(step, Step::Move(_)))) {
        x = rounded(&moved(&x, draws, border)?)?;
    }
    if draws.iter().any(|draw| draw.tone().is_some()) {
        let tables: Vec<f32> = draws
            .iter()
            .flat_map(|draw| {
                draw.tone().unwrap_or_else(|| std::array::from_fn(|grey| grey as u8)).map(f32::from)
            })
            .collect();
        let tables = Tensor::f_from_slice(&tables)?.f_view([count, 256])?.f_to_device(device)?;
        let greys = x.f_to_kind(Kind::Int64)?.f_view([count, -1])?;
        x = tables.f_gather(1, &greys, false)?.f_view([count, 1, height, width])?;
    }
    x = spatial(x, draws, device)?;
    x.f_div_scalar(255.0)?.f_sub_scalar(0.5)?.f_div_scalar(0.5)
}

/// To the nearest grey level, halves upwards as on the CPU.
fn rounded(x: &Tensor) -> Result<Tensor, TchError> {
    x.f_add_scalar(0.5)?.f_floor()?.f_clamp(0.0, 255.0)
}

/// Bilinear samples by each draw's map.
fn moved(x: &Tensor, draws: &[AugmentParams], border: Border) -> Result<Tensor, TchError> {
    let size = x.size();
    let [tall, wide] = [size[2] as f64 - 1.0, size[3] as f64 - 1.0].map(|last| last.max(1.0));
    // The sampler's coordinates run from -1 to 1 between the centres of the border pixels.
    let theta: Vec<f32> = draws
        .iter()
        .flat_map(|draw| {
            let back = draw.map().inverse();
            [
                back.a,
                back.b * tall / wide,
                back.a + back.b * tall / wide + 2.0 * back.c / wide - 1.0,
                back.d * wide / tall,
                back.e,
                back.d * wide / tall + back.e + 2.0 * back.f / tall - 1.0,
            ]
        })
        .map(|value| value as f32)
        .collect();
    let theta = Tensor::f_from_slice(&theta)?.f_view([size[0], 2, 3])?.f_to_device(x.device())?;
    let grid = Tensor::f_affine_grid_generator(&theta, size, true)?;
    let padding = match border {
        Border::Constant => ZEROS,
        Border::Reflect => REFLECTION,
    };
    x.f_grid_sampler(&grid, BILINEAR, padding, true)
}

/// Blur, noise and cutout, for the draws that have them.
fn spatial(mut x: Tensor, draws: &[AugmentParams], device: Device) -> Result<Tensor, TchError> {
    let size = x.size();
    let (count, height, width) = (size[0], size[2], size[3]);
    let of = |wanted: fn(&Step) -> bool| draws.iter().any(|draw| draw.spatial().any(wanted));
    if of(|step| matches!(step, Step::Blur { .. })) {
        let kernels: Vec<Vec<f32>> = draws
            .iter()
            .map(|draw| {
                let sigma = draw.spatial().find_map(|step| match step {
                    Step::Blur { sigma } => Some(*sigma),
                    _ => None,
                });
                gaussian(sigma.unwrap_or(0.0))
            })
            .collect();
        let longest = kernels.iter().map(Vec::len).max().unwrap_or(1);
        let weights: Vec<f32> = kernels
            .iter()
            .flat_map(|kernel| {
                let around = vec![0.0; (longest - kernel.len()) / 2];
                [around.clone(), kernel.clone(), around].concat()
            })
            .collect();
        let weights = Tensor::f_from_slice(&weights)?.f_to_device(device)?;
        let (taps, reach) = (longest as i64, longest as i64 / 2);
        // Every image is a channel with a kernel of its own.
        let channels = x.f_view([1, count, height, width])?;
        let blurred = channels
            .f_reflection_pad2d([reach, reach, reach, reach])?
            .f_conv2d(&weights.f_view([count, 1, 1, taps])?, None::<&Tensor>, [1, 1], [0, 0], [1, 1], count)?
            .f_conv2d(
                &weights.f_view([count, 1, taps, 1])?,
                None::<&Tensor>,
                [1, 1],
                [0, 0],
                [1, 1],
                count,
            )?;
        x = rounded(&blurred.f_view([count, 1, height, width])?)?;
    }
    if of(|step| matches!(step, Step::Noise { .. })) {
        let area = (height * width) as usize;
        // A hash of 64 bits a pixel is no work for a device that counts in 32: the field comes from the CPU.
        let mut field = vec![0.0; draws.len() * area];
        for (draw, field) in draws.iter().zip(field.chunks_exact_mut(area)) {
            for step in draw.spatial() {
                if let Step::Noise { sigma, seed } = step {
                    field
                        .iter_mut()
                        .enumerate()
                        .for_each(|(place, value)| *value = noise(*seed, place, *sigma));
                }
            }
        }
        let field = Tensor::f_from_slice(&field)?.f_view([count, 1, height, width])?.f_to_device(device)?;
        x = rounded(&x.f_add(&field)?)?;
    }
    for (image, draw) in draws.iter().enumerate() {
        for step in draw.spatial() {
            if let Step::CutOut(rect) = step {
                let rows = x.f_get(image as i64)?.f_slice(1, rect.top as i64, rect.bottom as i64, 1)?;
                let _ = rows.f_slice(2, rect.left as i64, rect.right as i64, 1)?.f_zero_()?;
            }
        }
    }
    Ok(x)
}
