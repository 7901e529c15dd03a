//! State of libtorch that belongs to the process or the thread: generators, autocast, CUDA's modes, memory.

use std::ffi::{c_char, c_int, c_void};
use std::marker::PhantomData;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tch::{Device, TchError, Tensor};

use super::outcome;

unsafe extern "C" {
    fn chestxr_generator_state(cuda_index: c_int, out: *mut *mut c_void) -> *mut c_char;
    fn chestxr_set_generator_state(cuda_index: c_int, state: *const c_void) -> *mut c_char;
    fn chestxr_autocast(cuda: c_int, kind: c_int) -> *mut c_char;
    fn chestxr_autocast_enable(cuda: c_int, enabled: c_int, before: *mut c_int) -> *mut c_char;
    fn chestxr_cuda_bfloat16(cuda_index: c_int, out: *mut c_int) -> *mut c_char;
    fn chestxr_cuda_mode(deterministic: c_int) -> *mut c_char;
    fn chestxr_release_cached(cuda_index: c_int) -> *mut c_char;
    fn chestxr_device_memory(
        cuda_index: c_int,
        used: *mut u64,
        free: *mut u64,
        total: *mut u64,
    ) -> *mut c_char;
}

/// The number of a CUDA device; below 0 the CPU.
pub(super) fn cuda_index(device: Device) -> c_int {
    match device {
        Device::Cuda(index) => c_int::try_from(index).unwrap_or(c_int::MAX),
        _ => -1,
    }
}

/// The state of a device's default generator, a `uint8` tensor on the CPU.
///
/// # Errors
/// Whatever libtorch says.
pub fn generator_state(device: Device) -> Result<Tensor, TchError> {
    let mut out = std::ptr::null_mut();
    // SAFETY: on success `out` is a tensor of its own, which the new `Tensor` owns and frees.
    outcome(unsafe { chestxr_generator_state(cuda_index(device), &mut out) })?;
    Ok(unsafe { Tensor::from_ptr(out.cast()) })
}

/// Sets a device's default generator to a state of [`generator_state`].
///
/// # Errors
/// When it is no state of such a generator.
pub fn set_generator_state(device: Device, state: &Tensor) -> Result<(), TchError> {
    // SAFETY: the tensor outlives the call.
    outcome(unsafe { chestxr_set_generator_state(cuda_index(device), state.as_ptr().cast()) })
}

/// Autocast on this thread, until it is dropped: matrix products and convolutions in 16 bits, the rest in 32.
#[derive(Debug)]
pub struct Autocast {
    cuda: bool,
    /// The switch belongs to the thread that turned it.
    stays_here: PhantomData<*const ()>,
}

impl Autocast {
    /// Turns it on for operations on `device`: bfloat16, or half precision.
    ///
    /// # Errors
    /// Whatever libtorch says.
    pub fn on(device: Device, half: bool) -> Result<Self, TchError> {
        let cuda = device.is_cuda();
        // SAFETY: plain numbers.
        outcome(unsafe { chestxr_autocast(cuda.into(), if half { 2 } else { 1 }) })?;
        Ok(Self { cuda, stays_here: PhantomData })
    }
}

impl Drop for Autocast {
    fn drop(&mut self) {
        // SAFETY: plain numbers. Turning it off can only fail as turning it on does, which has worked.
        let _ = outcome(unsafe { chestxr_autocast(self.cuda.into(), 0) });
    }
}

/// A part of an autocast region that computes in 32 bits, until it is dropped; without effect outside of one.
#[derive(Debug)]
pub struct FullPrecision {
    cuda: bool,
    before: bool,
    /// The switch belongs to the thread that turned it.
    stays_here: PhantomData<*const ()>,
}

impl FullPrecision {
    /// Suspends autocast on this thread for operations on `device`.
    ///
    /// # Errors
    /// When libtorch has no autocast for this kind of device.
    pub fn on(device: Device) -> Result<Self, TchError> {
        let (cuda, mut before) = (device.is_cuda(), 0);
        // SAFETY: `before` is valid for one int.
        outcome(unsafe { chestxr_autocast_enable(cuda.into(), 0, &mut before) })?;
        Ok(Self { cuda, before: before != 0, stays_here: PhantomData })
    }
}

impl Drop for FullPrecision {
    fn drop(&mut self) {
        let mut now = 0;
        // SAFETY: `now` is valid for one int. Turning it on again can only fail as turning it off does, which worked.
        let _ = outcome(unsafe { chestxr_autocast_enable(self.cuda.into(), self.before.into(), &mut now) });
    }
}

/// Whether a device has circuits that multiply bfloat16: CUDA devices since compute capability 8.0 (Ampere), CPUs with AMX
/// tiles or AVX-512's bfloat16. Elsewhere bfloat16 is computed by converting, which saves little or costs time.
pub fn multiplies_bfloat16(device: Device) -> bool {
    if device.is_cuda() {
        let mut yes = 0;
        // SAFETY: one number to be written. A device that can't be asked gets the precision that every one has.
        return outcome(unsafe { chestxr_cuda_bfloat16(cuda_index(device), &mut yes) }).is_ok() && yes != 0;
    }
    let flags = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    flags.split_whitespace().any(|flag| matches!(flag, "amx_bf16" | "avx512_bf16"))
}

/// How CUDA computes in this process while this is kept: the same bits in every run, or with TF32 and what cuDNN finds
/// fastest. The switch belongs to the process, so the trainer keeps it, and others leave it as it is meanwhile.
#[derive(Debug)]
pub struct CudaMode(());

/// How many keep the mode.
static KEEPERS: Mutex<usize> = Mutex::new(0);

fn keepers() -> MutexGuard<'static, usize> {
    // A number is whole whatever happened to a thread that held it.
    KEEPERS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CudaMode {
    /// Sets the mode and keeps it.
    ///
    /// # Errors
    /// When libtorch refuses a switch, which no build that was seen does.
    pub fn set(deterministic: bool) -> Result<Self, TchError> {
        let mut keepers = keepers();
        set_cuda_mode(deterministic)?;
        *keepers += 1;
        Ok(Self(()))
    }

    /// Sets the mode unless somebody keeps another.
    ///
    /// # Errors
    /// As [`CudaMode::set`].
    pub fn set_unless_held(deterministic: bool) -> Result<(), TchError> {
        let keepers = keepers();
        if *keepers == 0 { set_cuda_mode(deterministic) } else { Ok(()) }
    }
}

impl Drop for CudaMode {
    fn drop(&mut self) {
        *keepers() -= 1;
    }
}

fn set_cuda_mode(deterministic: bool) -> Result<(), TchError> {
    // SAFETY: a plain number.
    outcome(unsafe { chestxr_cuda_mode(deterministic.into()) })
}

/// Gives memory that no tensor has any more back to a CUDA device, where others may want it; without effect on the CPU.
pub fn release_cached(device: Device) {
    if !device.is_cuda() {
        return;
    }
    // SAFETY: a plain number.
    let released = outcome(unsafe { chestxr_release_cached(cuda_index(device)) });
    if let Err(error) = released {
        // Memory that stays cached is no reason to fail.
        tracing::warn!("libtorch keeps its memory on {device:?}: {error}");
    }
}

/// Memory of a device in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceMemory {
    /// Held by tensors of this process.
    pub used: u64,
    /// Free for anybody.
    pub free: u64,
    /// What there is.
    pub total: u64,
}

/// The memory of a CUDA device; `None` for the CPU or when libtorch doesn't say.
pub fn device_memory(device: Device) -> Option<DeviceMemory> {
    let index = cuda_index(device);
    if index < 0 {
        return None;
    }
    let mut memory = DeviceMemory::default();
    // SAFETY: three numbers to be written.
    outcome(unsafe { chestxr_device_memory(index, &mut memory.used, &mut memory.free, &mut memory.total) })
        .ok()?;
    Some(memory)
}
