//! Augmentation of whole batches on the network's device. The numbers of a whole epoch lie there from its beginning, and a
//! batch takes its share of them, so that no step waits for a copy.

use std::ops::Range;

use tch::{Device, Kind, TchError, Tensor};

use super::cpu::{gaussian, normalised};
use super::{AugmentParams, Rect, Step};
use crate::config::Border;
use crate::random;

/// `grid_sampler`'s numbers for its ways.
const BILINEAR: i64 = 0;
const ZEROS: i64 = 0;
const REFLECTION: i64 = 2;

/// Grey levels of batches on a device, `uint8 B,1,H,W`, to `float32 B,1,H,W` in -1..=1, as the CPU path does it.
pub struct DeviceNormalizer {
    /// `float32 256`.
    table: Tensor,
}

impl DeviceNormalizer {
    /// A normaliser on `device`.
    ///
    /// # Errors
    /// When the device doesn't exist or has no memory left.
    pub fn new(device: Device) -> Result<Self, TchError> {
        Ok(Self { table: on(device, &normalised())? })
    }

    /// Normalises whole grey levels of any kind.
    ///
    /// # Errors
    /// When the device has no memory left.
    pub fn apply(&self, greys: &Tensor) -> Result<Tensor, TchError> {
        // Looked up, not computed: a device divides by multiplying, which gives other last bits than the CPU's division.
        let indices = greys.f_to_kind(Kind::Int)?.f_view(-1)?;
        self.table.f_index_select(0, &indices)?.f_view(greys.size().as_slice())
    }
}

/// What happens to every image of an epoch, on a device.
pub struct DeviceAugmenter {
    border: Border,
    /// Back from the augmented image to the image, in the sampler's coordinates (`float32 N,2,3`).
    maps: Option<(Places, Tensor)>,
    /// From grey level to grey level (`float32 N,256`).
    tones: Option<(Places, Tensor)>,
    blurs: Option<Blurs>,
    noises: Option<Noises>,
    /// Left, top, right, bottom (`int64 K,4`) of the images that have a cutout.
    cutouts: Option<(Rows, Tensor)>,
    /// Columns (`int64 1,1,1,W`) and rows (`int64 1,1,H,1`) of an image.
    axes: [Tensor; 2],
}

/// The images of the epoch, by their place in its order, that something happens to.
struct Places(Vec<usize>);

impl Places {
    /// Which of them lie in a batch, as numbers of this list.
    fn within(&self, batch: &Range<usize>) -> Range<usize> {
        let bound = |at: usize| self.0.partition_point(|place| *place < at);
        bound(batch.start)..bound(batch.end)
    }
}

/// The same, on the device too (`int64 K`).
struct Rows {
    places: Places,
    on_device: Tensor,
}

impl Rows {
    fn new(places: Vec<usize>, device: Device) -> Result<Self, TchError> {
        let numbers: Vec<i64> = places.iter().map(|place| *place as i64).collect();
        Ok(Self { on_device: on(device, &numbers)?, places: Places(places) })
    }

    /// The images of a batch that are meant: their numbers in this list, and their rows in the batch (`int64 k`).
    fn within(&self, batch: &Range<usize>) -> Result<Option<(Range<usize>, Tensor)>, TchError> {
        let these = self.places.within(batch);
        if these.is_empty() {
            return Ok(None);
        }
        let rows = part(&self.on_device, &these)?.f_sub_scalar(batch.start as i64)?;
        Ok(Some((these, rows)))
    }
}

struct Blurs {
    rows: Rows,
    /// Half the length of each kernel.
    reaches: Vec<usize>,
    /// Kernels, zero around the shorter ones (`float32 K,2R+1`).
    kernels: Tensor,
}

struct Noises {
    rows: Rows,
    /// `int64 K,1`.
    seeds: Tensor,
    /// Deviation in grey levels (`float64 K,1`).
    sigmas: Tensor,
    /// Each pixel's number, mixed (`int64 1,H*W`).
    pixels: Tensor,
}

impl DeviceAugmenter {
    /// Uploads the numbers of an epoch's images (`height x width` pixels) in their order.
    ///
    /// # Errors
    /// When they don't fit into the device's memory.
    pub fn new(
        draws: &[AugmentParams],
        border: Border,
        (height, width): (usize, usize),
        device: Device,
    ) -> Result<Self, TchError> {
        let axis = |length: usize| on(device, &(0..length as i64).collect::<Vec<i64>>());
        let axes = [axis(width)?.f_view([1, 1, 1, -1])?, axis(height)?.f_view([1, 1, -1, 1])?];
        let [maps, tones] = [maps(draws, (height, width), device)?, tones(draws, device)?];
        let blurs = Blurs::upload(draws, device)?;
        let noises = Noises::upload(draws, height * width, device)?;
        Ok(Self { border, maps, tones, blurs, noises, cutouts: cutouts(draws, device)?, axes })
    }

    /// Augments the images at the places `batch` of the epoch's order: `uint8 B,1,H,W` to whole grey levels, `float32 B,1,H,W`.
    /// Agrees with the CPU path within one grey level away from edges.
    ///
    /// # Errors
    /// When the batch doesn't fit into the device's memory, or has another length than its places.
    pub fn apply(&self, greys: &Tensor, batch: &Range<usize>) -> Result<Tensor, TchError> {
        let size = greys.size();
        let mut x = greys.f_to_kind(Kind::Float)?;
        if let Some((places, maps)) = &self.maps
            && !places.within(batch).is_empty()
        {
            let grid = Tensor::f_affine_grid_generator(&part(maps, batch)?, &size, true)?;
            let padding = match self.border {
                Border::Constant => ZEROS,
                Border::Reflect => REFLECTION,
            };
            x = rounded(&x.f_grid_sampler(&grid, BILINEAR, padding, true)?)?;
        }
        if let Some((places, tones)) = &self.tones
            && !places.within(batch).is_empty()
        {
            let levels = x.f_to_kind(Kind::Int64)?.f_view([size[0], -1])?;
            x = part(tones, batch)?.f_gather(1, &levels, false)?.f_view(size.as_slice())?;
        }
        if let Some(blurs) = &self.blurs
            && let Some((these, rows)) = blurs.rows.within(batch)?
        {
            x = x.f_index_copy(0, &rows, &blurs.blurred(&x.f_index_select(0, &rows)?, &these)?)?;
        }
        if let Some(noises) = &self.noises
            && let Some((these, rows)) = noises.rows.within(batch)?
        {
            let chosen = x.f_index_select(0, &rows)?;
            let field = noises.field(&these)?.f_view_as(&chosen)?;
            x = x.f_index_copy(0, &rows, &rounded(&chosen.f_add(&field)?)?)?;
        }
        if let Some((all, rects)) = &self.cutouts
            && let Some((these, rows)) = all.within(batch)?
        {
            let side = |number| part(rects, &these)?.f_select(1, number)?.f_view([-1, 1, 1, 1]);
            let [columns, lines] = &self.axes;
            let wide = columns.f_ge_tensor(&side(0)?)?.f_logical_and(&columns.f_lt_tensor(&side(2)?)?)?;
            let tall = lines.f_ge_tensor(&side(1)?)?.f_logical_and(&lines.f_lt_tensor(&side(3)?)?)?;
            let chosen = x.f_index_select(0, &rows)?.f_masked_fill(&wide.f_logical_and(&tall)?, 0.0)?;
            x = x.f_index_copy(0, &rows, &chosen)?;
        }
        Ok(x)
    }
}

/// A vector's values as a tensor on a device.
fn on<T: tch::kind::Element>(device: Device, values: &[T]) -> Result<Tensor, TchError> {
    Tensor::f_from_slice(values)?.f_to_device(device)
}

/// Rows `range` of a tensor.
fn part(tensor: &Tensor, range: &Range<usize>) -> Result<Tensor, TchError> {
    tensor.f_narrow(0, range.start as i64, range.len() as i64)
}

/// To the nearest grey level, halves upwards as on the CPU.
fn rounded(x: &Tensor) -> Result<Tensor, TchError> {
    x.f_add_scalar(0.5)?.f_floor()?.f_clamp(0.0, 255.0)
}

/// The places of the draws for which `of` has something, and what it has.
fn chosen<T>(draws: &[AugmentParams], of: impl Fn(&AugmentParams) -> Option<T>) -> (Vec<usize>, Vec<T>) {
    draws.iter().enumerate().filter_map(|(place, draw)| Some((place, of(draw)?))).unzip()
}

fn maps(
    draws: &[AugmentParams],
    (height, width): (usize, usize),
    device: Device,
) -> Result<Option<(Places, Tensor)>, TchError> {
    let moves = |draw: &AugmentParams| draw.steps.iter().any(|step| matches!(step, Step::Move(_)));
    let (places, _) = chosen(draws, |draw| moves(draw).then_some(()));
    if places.is_empty() {
        return Ok(None);
    }
    let [tall, wide] = [height, width].map(|side| (side as f64 - 1.0).max(1.0));
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
    Ok(Some((Places(places), on(device, &theta)?.f_view([-1, 2, 3])?)))
}

fn tones(draws: &[AugmentParams], device: Device) -> Result<Option<(Places, Tensor)>, TchError> {
    let (places, tables) = chosen(draws, AugmentParams::tone);
    if places.is_empty() {
        return Ok(None);
    }
    let same: [u8; 256] = std::array::from_fn(|grey| grey as u8);
    let mut all = same.repeat(draws.len());
    for (place, table) in places.iter().zip(&tables) {
        all[256 * place..][..256].copy_from_slice(table);
    }
    let all = on(device, &all)?.f_view([-1, 256])?.f_to_kind(Kind::Float)?;
    Ok(Some((Places(places), all)))
}

impl Blurs {
    fn upload(draws: &[AugmentParams], device: Device) -> Result<Option<Self>, TchError> {
        let (places, kernels) = chosen(draws, |draw| {
            draw.spatial().find_map(|step| match step {
                Step::Blur { sigma } => Some(gaussian(*sigma)),
                _ => None,
            })
        });
        let Some(longest) = kernels.iter().map(Vec::len).max() else { return Ok(None) };
        let padded: Vec<f32> = kernels
            .iter()
            .flat_map(|kernel| {
                let around = vec![0.0; (longest - kernel.len()) / 2];
                [around.clone(), kernel.clone(), around].concat()
            })
            .collect();
        let reaches = kernels.iter().map(|kernel| kernel.len() / 2).collect();
        let kernels = on(device, &padded)?.f_view([-1, longest as i64])?;
        Ok(Some(Self { rows: Rows::new(places, device)?, reaches, kernels }))
    }

    /// Images `float32 k,1,H,W` blurred each by its own kernel.
    fn blurred(&self, x: &Tensor, these: &Range<usize>) -> Result<Tensor, TchError> {
        let size = x.size();
        let reach = self.reaches[these.clone()].iter().copied().max().unwrap_or(0) as i64;
        let (count, taps) = (size[0], 2 * reach + 1);
        let around = (self.kernels.size()[1] - taps) / 2;
        let weights = part(&self.kernels, these)?.f_narrow(1, around, taps)?;
        // Every image is a channel with a kernel of its own.
        let along = |x: &Tensor, shape: [i64; 4]| {
            let weights = weights.f_reshape(shape.as_slice())?;
            x.f_conv2d(&weights, None::<&Tensor>, [1, 1], [0, 0], [1, 1], count)
        };
        let channels = x.f_view([1, count, size[2], size[3]])?;
        let padded = channels.f_reflection_pad2d([reach, reach, reach, reach])?;
        let blurred = along(&along(&padded, [count, 1, 1, taps])?, [count, 1, taps, 1])?;
        rounded(&blurred.f_view(size.as_slice())?)
    }
}

impl Noises {
    fn upload(draws: &[AugmentParams], area: usize, device: Device) -> Result<Option<Self>, TchError> {
        let (places, noises) = chosen(draws, |draw| {
            draw.spatial().find_map(|step| match step {
                Step::Noise { sigma, seed } => Some((*sigma, seed.cast_signed())),
                _ => None,
            })
        });
        if places.is_empty() {
            return Ok(None);
        }
        let (sigmas, seeds): (Vec<f64>, Vec<i64>) = noises.into_iter().unzip();
        let pixels: Vec<i64> =
            (0..area as u64).map(|pixel| random::split_mix64(pixel).cast_signed()).collect();
        Ok(Some(Self {
            rows: Rows::new(places, device)?,
            seeds: on(device, &seeds)?.f_view([-1, 1])?,
            sigmas: on(device, &sigmas)?.f_view([-1, 1])?,
            pixels: on(device, &pixels)?.f_view([1, -1])?,
        }))
    }

    /// The noise of [`super::cpu::noise`] at every pixel (`float32 k,H*W`).
    fn field(&self, these: &Range<usize>) -> Result<Tensor, TchError> {
        let keys = part(&self.seeds, these)?.f_bitwise_xor_tensor(&self.pixels)?;
        let bits = split_mix64_of(&keys)?;
        let sixteen = |at: i64| bits.f_bitwise_right_shift_tensor_scalar(at)?.f_bitwise_and(0xFFFF_i64);
        let sum = sixteen(0)?.f_add(&sixteen(16)?)?.f_add(&sixteen(32)?)?.f_add(&sixteen(48)?)?;
        let even = sum.f_to_kind(Kind::Double)?.f_div_scalar(65_535.0)?.f_sub_scalar(2.0)?;
        even.f_mul_scalar(3.0_f64.sqrt())?.f_mul(&part(&self.sigmas, these)?)?.f_to_kind(Kind::Float)
    }
}

/// [`random::split_mix64`] of every element (`int64`, whose products wrap around as unsigned ones do).
fn split_mix64_of(states: &Tensor) -> Result<Tensor, TchError> {
    // The shift of signed numbers brings copies of the sign in, which are masked away.
    let shifted = |z: &Tensor, by: u32| {
        z.f_bitwise_right_shift_tensor_scalar(i64::from(by))?.f_bitwise_and((u64::MAX >> by).cast_signed())
    };
    let mixed = |z: &Tensor, by: u32, factor: u64| {
        z.f_bitwise_xor_tensor(&shifted(z, by)?)?.f_mul_scalar(factor.cast_signed())
    };
    let z = states.f_add_scalar(random::GAMMA.cast_signed())?;
    let z = mixed(&z, 30, random::FACTORS[0])?;
    let z = mixed(&z, 27, random::FACTORS[1])?;
    z.f_bitwise_xor_tensor(&shifted(&z, 31)?)
}

fn cutouts(draws: &[AugmentParams], device: Device) -> Result<Option<(Rows, Tensor)>, TchError> {
    let (places, rects) = chosen(draws, |draw| {
        draw.spatial().find_map(|step| match step {
            Step::CutOut(rect) => Some(*rect),
            _ => None,
        })
    });
    if places.is_empty() {
        return Ok(None);
    }
    let sides: Vec<i64> = rects
        .iter()
        .flat_map(|Rect { left, top, right, bottom }| [*left, *top, *right, *bottom])
        .map(|side| side as i64)
        .collect();
    Ok(Some((Rows::new(places, device)?, on(device, &sides)?.f_view([-1, 4])?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::cpu::noise;

    #[test]
    fn noise_is_the_same_hash_as_on_the_cpu() {
        let mut draws: Vec<AugmentParams> = (0..4).map(|_| AugmentParams::new((5, 7))).collect();
        let wanted = [(1_usize, 12.5, 0x8000_0000_0000_0001_u64), (3, 0.7, 42)];
        for (place, sigma, seed) in wanted {
            draws[place].steps.push(Step::Noise { sigma, seed });
        }
        let noises = Noises::upload(&draws, 35, Device::Cpu).expect("memory").expect("two have noise");
        let field = noises.field(&(0..2)).expect("a field");
        for (row, (_, sigma, seed)) in wanted.into_iter().enumerate() {
            let theirs = Vec::<f32>::try_from(field.get(row as i64)).expect("floats");
            let ours: Vec<f32> = (0..35).map(|pixel| noise(seed, pixel, sigma)).collect();
            assert_eq!(ours, theirs);
        }
    }
}
