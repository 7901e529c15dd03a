//! From a tensor's description to its bytes: every claim is checked before memory is allocated.

use super::archive::Archive;
use super::error::{Fault, shown};
use super::values::{Heap, RawTensor, Value};
use super::{Dtype, PthTensor};

/// Most axes a tensor has; PyTorch itself works with up to 64.
const MOST_AXES: usize = 64;

/// A tensor whose place in the file is known to exist.
#[derive(Debug)]
pub(super) struct Placed<'a> {
    name: &'a str,
    dtype: Dtype,
    shape: Vec<u64>,
    /// Steps in elements.
    stride: Vec<u64>,
    /// Place in the file of the first element.
    at: u64,
    /// Number of elements.
    count: u64,
    /// Elements from the first to the last one in the file, both included.
    span: u64,
}

impl<'a> Placed<'a> {
    /// Finds the values of the tensor `raw`.
    pub(super) fn find(
        name: &'a str,
        raw: RawTensor,
        heap: &Heap<'a>,
        archive: &Archive,
    ) -> Result<Self, Fault> {
        let damaged = |why| Fault::Tensor { name: shown(name), why };
        let whole = |place: usize| -> Result<Vec<u64>, Fault> {
            let numbers = heap.sequences[place].iter().map(|item| match item {
                Value::Int(number) => u64::try_from(*number).ok(),
                _ => None,
            });
            numbers.collect::<Option<_>>().ok_or_else(|| damaged("its shape or strides aren't whole numbers"))
        };
        let storage = heap.storages[raw.storage];
        let (shape, mut stride) = (whole(raw.size)?, whole(raw.stride)?);
        if shape.len() != stride.len() || shape.len() > MOST_AXES {
            return Err(damaged("its shape doesn't go with its strides"));
        }
        for (stride, _) in stride.iter_mut().zip(&shape).filter(|(_, size)| **size == 1) {
            *stride = 0; // never taken, so PyTorch writes anything here
        }
        let mut placed = Self { name, dtype: storage.dtype, shape, stride, at: 0, count: 0, span: 0 };
        if placed.shape.contains(&0) {
            return Ok(placed); // no values, so it matters nothing where they lie
        }
        let outside = || damaged("it reaches beyond its storage");
        let stored = u64::try_from(storage.count).map_err(|_| damaged("its storage has a negative size"))?;
        let count = placed.shape.iter().try_fold(1_u64, |count, size| count.checked_mul(*size));
        placed.count = count.ok_or_else(outside)?;
        let mut last = 0_u64;
        for (size, stride) in placed.shape.iter().zip(&placed.stride) {
            let reach = (size - 1).checked_mul(*stride);
            last = reach.and_then(|reach| last.checked_add(reach)).ok_or_else(outside)?;
        }
        let offset = u64::try_from(raw.offset).map_err(|_| outside())?;
        if last.checked_add(offset).is_none_or(|last| last >= stored) {
            return Err(outside());
        }
        placed.span = last + 1;
        // Strides of 0 would let a small file request any amount of memory.
        if placed.count > stored {
            return Err(Fault::Expanded { name: shown(name), count: placed.count, stored });
        }
        let part = archive.part(&format!("data/{}", storage.key))?;
        let part = part.ok_or_else(|| damaged("its values are missing from the file"))?;
        let width = placed.dtype.width();
        if stored.checked_mul(width).is_none_or(|bytes| bytes > part.size) {
            return Err(damaged("the file holds fewer values than it needs"));
        }
        placed.at = part.at + offset * width; // no overflow: `offset` is below `stored`
        Ok(placed)
    }

    /// Bytes it takes in memory.
    pub(super) fn bytes(&self) -> u64 {
        self.count * self.dtype.width() // no overflow: `count` is at most `stored`
    }

    /// Reads its values into the order of its axes, the last one running fastest.
    pub(super) fn read(self, archive: &Archive) -> Result<PthTensor, Fault> {
        let width = self.dtype.width();
        // Never more than the file has: the span lies within a part of it.
        let mut bytes = self.zeros(self.span * width)?;
        archive.fill(self.at, &mut bytes)?;
        if !self.is_contiguous() {
            bytes = self.in_order(&bytes)?;
        }
        // No wrap: `find` had them from i64.
        let shape = self.shape.iter().map(|size| *size as i64).collect();
        Ok(PthTensor { name: self.name.to_owned(), shape, dtype: self.dtype, bytes })
    }

    fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        self.count == 0
            || self.shape.iter().zip(&self.stride).rev().all(|(size, stride)| {
                let fits = *size == 1 || *stride == expected;
                expected *= size; // at most `count`
                fits
            })
    }

    /// The elements of `spread`, which begins with the first one, in order and without gaps.
    fn in_order(&self, spread: &[u8]) -> Result<Vec<u8>, Fault> {
        // All of them fit: they are bounded by the size of `spread`.
        let width = self.dtype.width() as usize;
        let mut ordered = self.zeros(self.bytes())?;
        let mut place = vec![0; self.shape.len()];
        let mut at = 0;
        for element in ordered.chunks_exact_mut(width) {
            element.copy_from_slice(&spread[at * width..(at + 1) * width]);
            for axis in (0..place.len()).rev() {
                place[axis] += 1;
                at += self.stride[axis] as usize;
                if place[axis] < self.shape[axis] {
                    break;
                }
                at -= (place[axis] * self.stride[axis]) as usize;
                place[axis] = 0;
            }
        }
        Ok(ordered)
    }

    /// Memory, or an error where there is none.
    fn zeros(&self, needs: u64) -> Result<Vec<u8>, Fault> {
        let fault = || Fault::Memory { name: shown(self.name), needs };
        let length = usize::try_from(needs).map_err(|_| fault())?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length).map_err(|_| fault())?;
        bytes.resize(length, 0);
        Ok(bytes)
    }
}
