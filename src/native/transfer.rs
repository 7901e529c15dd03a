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
    fn chestxr_download(
        count: usize,
        tensors: *const *const c_void,
        outs: *mut *mut c_void,
        event: *mut *mut c_void,
    ) -> *mut c_char;
    fn chestxr_event_wait(event: *const c_void) -> *mut c_char;
    fn chestxr_event_free(event: *mut c_void);
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

/// A copy on its way from a CUDA device.
#[derive(Debug)]
pub struct Download(*mut c_void);

// SAFETY: an event of CUDA may be waited for and freed from any thread.
unsafe impl Send for Download {}
// SAFETY: waiting changes nothing.
unsafe impl Sync for Download {}

impl Download {
    /// Waits until the copy is whole.
    ///
    /// # Errors
    /// When something that the device did has failed.
    pub fn wait(&self) -> Result<(), TchError> {
        // SAFETY: the event lives as long as this.
        outcome(unsafe { chestxr_event_wait(self.0) })
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        // SAFETY: nobody else has the event.
        unsafe { chestxr_event_free(self.0) }
    }
}

/// Starts to copy tensors of one CUDA device to pinned main memory, as plain rows with the values that they have when the device
/// comes to this call; later steps may change them. Nothing may read the copies before the [`Download`] was waited for.
///
/// # Errors
/// When `tensors` is empty or lies in main memory, or there is no memory for two copies, one here and one on the device.
pub fn download(tensors: &[&Tensor]) -> Result<(Vec<Tensor>, Download), TchError> {
    let [first, ..] = tensors else { return Err(TchError::Torch("nothing to download".into())) };
    if !tensors.iter().all(|tensor| tensor.device().is_cuda() && tensor.device() == first.device()) {
        return Err(TchError::Torch("a download is from one CUDA device".into()));
    }
    let pointers: Vec<*const c_void> = tensors.iter().map(|tensor| tensor.as_ptr().cast()).collect();
    let mut outs = vec![std::ptr::null_mut(); tensors.len()];
    let mut event = std::ptr::null_mut();
    // SAFETY: as many tensors as said outlive the call; on success each of `outs` is a tensor of its own and `event` an event.
    outcome(unsafe { chestxr_download(pointers.len(), pointers.as_ptr(), outs.as_mut_ptr(), &mut event) })?;
    let copies = outs.into_iter().map(|out| unsafe { Tensor::from_ptr(out.cast()) }).collect();
    Ok((copies, Download(event)))
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
