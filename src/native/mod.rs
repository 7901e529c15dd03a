//! What tch lacks of libtorch, in one small C++ shim (`shim.cpp`) and this safe wrapper: fused optimizer
//! steps (`optim`), generator state, autocast and memory (`context`), batch norm fused with pooling (`batch_norm_max_pool_relu`), channels-last
//! storage; and the
//! allocator settings of the process.

mod batch_norm_max_pool_relu;
mod context;
mod optim;
mod threads;
mod transfer;

use std::ffi::{CStr, c_char, c_void};

use tch::{TchError, Tensor};

pub use batch_norm_max_pool_relu::{batch_norm_max_pool_relu, can_fuse_batch_norm_max_pool_relu};
pub use context::{
    Autocast, CudaMode, DeviceMemory, FullPrecision, device_memory, generator_state, multiplies_bfloat16,
    release_cached, set_generator_state,
};
pub use optim::{
    AdamStep, SgdStep, clear_gradients, clip_gradients, fused_adam, fused_sgd, lerp, unscale_gradients,
};

pub use threads::prepare_threads;
pub use transfer::{Download, download, pinned_empty, synchronize, upload};

unsafe extern "C" {
    fn chestxr_libtorch_version() -> *const c_char;
    fn chestxr_channels_last(tensor: *mut c_void, out: *mut *mut c_void) -> *mut c_char;
}

/// Takes the shim's message, if there is one, and frees it.
fn outcome(message: *mut c_char) -> Result<(), TchError> {
    if message.is_null() {
        return Ok(());
    }
    // SAFETY: a message that isn't null is a NUL-terminated string the shim made with strdup.
    let text = unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned();
    unsafe { libc::free(message.cast()) };
    Err(TchError::Torch(text))
}

fn pointers(tensors: &[Tensor]) -> Vec<*mut c_void> {
    tensors.iter().map(|tensor| tensor.as_ptr().cast_mut().cast()).collect()
}

/// The version of libtorch this program was compiled against, e.g. `2.13.0`.
pub fn libtorch_version() -> &'static str {
    // SAFETY: a NUL-terminated literal of the C++ side.
    unsafe { CStr::from_ptr(chestxr_libtorch_version()) }.to_str().unwrap_or("unknown")
}

/// A copy of the values (`N,C,H,W`) stored channels last, which some convolutions run faster on. No gradients flow through it.
///
/// # Errors
/// When `tensor` has not four dimensions.
pub fn channels_last(tensor: &Tensor) -> Result<Tensor, TchError> {
    let mut out = std::ptr::null_mut();
    // SAFETY: on success `out` is a tensor of its own, which the new `Tensor` owns and frees.
    outcome(unsafe { chestxr_channels_last(tensor.as_ptr().cast_mut().cast(), &mut out) })?;
    Ok(unsafe { Tensor::from_ptr(out.cast()) })
}

/// Keeps glibc from handing large blocks back to the kernel and fetching them again on every step, which
/// costs more than the arithmetic at large batches. For the start of `main`, before any thread exists.
pub fn tune_allocator() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt only changes parameters of the allocator; no other thread runs yet.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
        libc::mallopt(libc::M_TOP_PAD, 64 << 20);
    }
}

/// Gives cuBLAS the fixed memory that it needs to compute the same bits in every run, unless the environment already does. For
/// the start of `main`: the library reads it once, and a run that wants it may start much later.
pub fn fix_cublas_workspace() {
    const NAME: &str = "CUBLAS_WORKSPACE_CONFIG";
    if std::env::var_os(NAME).is_none() {
        // SAFETY: no other thread runs yet that could read the environment meanwhile.
        unsafe { std::env::set_var(NAME, ":4096:8") };
    }
}

/// Hands back to the kernel what was freed, which [`tune_allocator`] keeps from happening by itself: for measuring
/// memory.
pub fn release_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: malloc_trim touches free blocks only and may be called from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}
