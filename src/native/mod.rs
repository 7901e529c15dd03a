//! What tch lacks of libtorch, in one small C++ shim (`shim.cpp`) and this safe wrapper: the fused Adam
//! step, channels-last storage; and the allocator settings of the process.

use std::ffi::{CStr, c_char, c_void};

use tch::{TchError, Tensor};

unsafe extern "C" {
    fn chestxr_fused_adam(
        count: usize,
        parameters: *const *mut c_void,
        exp_avgs: *const *mut c_void,
        exp_avg_sqs: *const *mut c_void,
        steps: *const *mut c_void,
        lr: f64,
        beta1: f64,
        beta2: f64,
        weight_decay: f64,
        eps: f64,
    ) -> *mut c_char;
    fn chestxr_clear_gradients(count: usize, parameters: *const *mut c_void) -> *mut c_char;
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

/// The numbers of an Adam step; see [`fused_adam`].
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    pub lr: f64,
    pub beta1: f64,
    pub beta2: f64,
    pub weight_decay: f64,
    pub eps: f64,
}

/// One Adam step in place over all `parameters`, each with a gradient (Kingma & Ba 2015, weight decay added to the gradient as
/// `torch.optim.Adam` does). `steps` are float32 scalars, one a parameter, counted up here.
///
/// # Errors
/// Whatever libtorch says, e.g. when shapes or devices differ.
pub fn fused_adam(
    parameters: &[Tensor],
    exp_avgs: &[Tensor],
    exp_avg_sqs: &[Tensor],
    steps: &[Tensor],
    step: AdamStep,
) -> Result<(), TchError> {
    let count = parameters.len();
    assert!([exp_avgs, exp_avg_sqs, steps].iter().all(|list| list.len() == count));
    let lists = [parameters, exp_avgs, exp_avg_sqs, steps].map(pointers);
    // SAFETY: each list holds `count` pointers to tensors that outlive the call.
    outcome(unsafe {
        chestxr_fused_adam(
            count,
            lists[0].as_ptr(),
            lists[1].as_ptr(),
            lists[2].as_ptr(),
            lists[3].as_ptr(),
            step.lr,
            step.beta1,
            step.beta2,
            step.weight_decay,
            step.eps,
        )
    })
}

/// Drops the gradients of `parameters`, so that the next backward pass hands its own over instead of adding
/// to zeros.
///
/// # Errors
/// Whatever libtorch says.
pub fn clear_gradients(parameters: &[Tensor]) -> Result<(), TchError> {
    let list = pointers(parameters);
    // SAFETY: the list holds as many pointers to tensors that outlive the call.
    outcome(unsafe { chestxr_clear_gradients(list.len(), list.as_ptr()) })
}

/// The version of libtorch this program was compiled against, e.g. `2.13.0`.
pub fn libtorch_version() -> &'static str {
    // SAFETY: a NUL-terminated literal of the C++ side.
    unsafe { CStr::from_ptr(chestxr_libtorch_version()) }.to_str().unwrap_or("unknown")
}

/// The same values (`N,C,H,W`) stored channels last, which some convolutions run faster on.
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
