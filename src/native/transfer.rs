//! The way of a batch from main memory to a CUDA device, beside what the device computes.

use std::ffi::{c_char, c_int, c_void};

use tch::{Device, TchError, Tensor};

use super::context::cuda_index;
use super::outcome;

unsafe extern "C" {
    fn chestxr_pinned_empty(
        dimensions: usize,
        sizes: *const i64,
        floats: c_int,
        out: *mut *mut c_void,
    ) -> *mut c_char;
    fn chestxr_upload(tensor: *const c_void, cuda_index: c_int, out: *mut *mut c_void) -> *mut c_char;
    fn chestxr_synchronize(cuda_index: c_int) -> *mut c_char;
}

/// A tensor (`float32` with `floats`, else `uint8`) in main memory that a CUDA device reads by itself, its values undefined.
/// libtorch keeps the memory of tensors that were dropped and hands it out again, once the device has read it.
///
/// # Errors
/// When there is no CUDA device, or the system refuses to lock as much memory.
pub fn pinned_empty(shape: &[i64], floats: bool) -> Result<Tensor, TchError> {
    let mut out = std::ptr::null_mut();
    // SAFETY: `shape` outlives the call; on success `out` is a tensor of its own, which the new `Tensor` owns and frees.
    outcome(unsafe { chestxr_pinned_empty(shape.len(), shape.as_ptr(), floats.into(), &mut out) })?;
    Ok(unsafe { Tensor::from_ptr(out.cast()) })
}

/// Copies a tensor of main memory to `device`. To a CUDA device the copy runs on a stream of its own, beside what the device
/// computes, and what this thread asks of the device from then on waits for it on the device; the calling thread waits only
/// where `tensor` isn't pinned.
///
/// # Errors
/// When the device doesn't exist or has no memory left.
pub fn upload(tensor: &Tensor, device: Device) -> Result<Tensor, TchError> {
    if !device.is_cuda() {
        return tensor.f_to_device(device);
    }
    let mut out = std::ptr::null_mut();
    // SAFETY: the tensor outlives the call, and libtorch keeps pinned memory until the copy is done; `out` as above.
    outcome(unsafe { chestxr_upload(tensor.as_ptr().cast(), cuda_index(device), &mut out) })?;
    Ok(unsafe { Tensor::from_ptr(out.cast()) })
}

/// Waits until a device has done all that was asked of it; at once for the CPU.
///
/// # Errors
/// When something that the device did has failed.
pub fn synchronize(device: Device) -> Result<(), TchError> {
    if !device.is_cuda() {
        return Ok(());
    }
    // SAFETY: a plain number.
    outcome(unsafe { chestxr_synchronize(cuda_index(device)) })
}
