//! Images and labels put together to batches in main memory.

use std::io;

use tch::{Device, Kind, TchError, Tensor};

use super::Epoch;
use crate::augment::{AugmentParams, AugmentPipeline, CpuAugmenter, normalised};
use crate::config::Border;
use crate::dataset::images::{Images, Labels};
use crate::label::target;
use crate::native;

/// What is asked of the host for every image.
#[derive(Clone)]
pub(super) struct HostWork {
    pub images: Images,
    pub labels: Option<Labels>,
    /// What happens to the images here; on a device something else may happen later.
    pub augment: Option<AugmentPipeline>,
    /// Whether batches are normalised here. Else they are grey levels, a quarter as many bytes.
    pub normalise: bool,
    /// Whether batches lie in memory that a CUDA device reads by itself.
    pub pinned: bool,
}

/// A batch on its way into the network.
pub(super) struct RawBatch {
    /// `float32 B,1,H,W` in -1..=1 where the host has normalised them, else `uint8 B,1,H,W`.
    pub images: Tensor,
    /// `float32 B,C`: 0, 1, or -1 where unknown; `B,0` without labels.
    pub targets: Tensor,
}

/// Makes batches on the calling thread.
pub(super) struct Collator<'a> {
    work: &'a HostWork,
    augmenter: CpuAugmenter,
    normal: [f32; 256],
    scratch: Vec<u8>,
}

impl<'a> Collator<'a> {
    pub fn new(work: &'a HostWork) -> Self {
        let border = work.augment.as_ref().map_or(Border::Constant, AugmentPipeline::border);
        Self { work, augmenter: CpuAugmenter::new(border), normal: normalised(), scratch: Vec::new() }
    }

    /// Asks for the images of a batch ahead of their use, where they lie on disk.
    pub fn announce(&self, epoch: &Epoch, number: usize) {
        if number < epoch.batches() {
            self.work.images.will_need(epoch.batch(number).map(|(image, _)| image));
        }
    }

    /// Batch `number` of an epoch.
    ///
    /// # Errors
    /// When an image can't be read, or libtorch refuses the memory.
    pub fn make(&mut self, epoch: &Epoch, number: usize) -> Result<RawBatch, TchError> {
        let HostWork { images, labels, normalise, pinned, .. } = self.work;
        let shape = [epoch.batch(number).len(), 1, images.height(), images.width()].map(|n| n as i64);
        let pixels = match normalise {
            true => filled(&shape, *pinned, |out: &mut [f32]| self.fill(epoch, number, out))?,
            false => filled(&shape, *pinned, |out: &mut [u8]| self.fill(epoch, number, out))?,
        };
        let classes = labels.as_ref().map_or(0, Labels::classes);
        let targets = filled(&[shape[0], classes as i64], *pinned, |values: &mut [f32]| {
            let rows =
                labels.iter().flat_map(|labels| epoch.batch(number).flat_map(|(image, _)| labels.row(image)));
            values.iter_mut().zip(rows).for_each(|(value, label)| *value = target(*label));
            Ok(())
        })?;
        Ok(RawBatch { images: pixels, targets })
    }

    fn fill<T: Element>(&mut self, epoch: &Epoch, number: usize, out: &mut [T]) -> io::Result<()> {
        let HostWork { images, augment, .. } = self.work;
        let size = (images.height(), images.width());
        for ((image, time), out) in epoch.batch(number).zip(out.chunks_exact_mut(images.area())) {
            let pixels = images.read(image, &mut self.scratch)?;
            match augment {
                Some(plan) => {
                    let draw = plan.draw(epoch.seed(), epoch.number(), image, time, size);
                    T::paint(&mut self.augmenter, pixels, &draw, out);
                }
                None => T::copy(&self.normal, pixels, out),
            }
        }
        Ok(())
    }
}

/// Numbers that a batch consists of: grey levels, or normalised ones.
trait Element: Copy + Default {
    const KIND: Kind;
    /// An image by the numbers of `draw`.
    fn paint(augmenter: &mut CpuAugmenter, pixels: &[u8], draw: &AugmentParams, out: &mut [Self]);
    /// An image as it is; `normal` has each grey level's normalised value.
    fn copy(normal: &[f32; 256], pixels: &[u8], out: &mut [Self]);
}

impl Element for u8 {
    const KIND: Kind = Kind::Uint8;

    fn paint(augmenter: &mut CpuAugmenter, pixels: &[u8], draw: &AugmentParams, out: &mut [u8]) {
        augmenter.paint_greys(pixels, draw, out);
    }

    fn copy(_: &[f32; 256], pixels: &[u8], out: &mut [u8]) {
        out.copy_from_slice(pixels);
    }
}

impl Element for f32 {
    const KIND: Kind = Kind::Float;

    fn paint(augmenter: &mut CpuAugmenter, pixels: &[u8], draw: &AugmentParams, out: &mut [f32]) {
        augmenter.paint(pixels, draw, out);
    }

    fn copy(normal: &[f32; 256], pixels: &[u8], out: &mut [f32]) {
        out.iter_mut().zip(pixels).for_each(|(value, grey)| *value = normal[usize::from(*grey)]);
    }
}

/// A new tensor in main memory with what `fill` writes into it, in memory that a CUDA device reads by itself when `pinned`.
/// Written in place, without an operation of libtorch: one of those would raise a pool of OpenMP threads of its own for every
/// worker.
fn filled<T: Element>(
    shape: &[i64],
    pinned: bool,
    fill: impl FnOnce(&mut [T]) -> io::Result<()>,
) -> Result<Tensor, TchError> {
    let tensor = match pinned {
        true => native::pinned_empty(shape, T::KIND == Kind::Float)?,
        false => Tensor::f_empty(shape, (T::KIND, Device::Cpu))?,
    };
    if tensor.numel() == 0 {
        return Ok(tensor);
    }
    // SAFETY: a fresh, contiguous tensor of as many numbers of this kind, which nobody else knows; bytes and floats have no
    // invalid bits, and all of it is written before anybody reads.
    let values = unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast::<T>(), tensor.numel()) };
    values.fill(T::default());
    fill(values)?;
    Ok(tensor)
}
