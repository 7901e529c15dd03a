// What tch lacks of libtorch, as plain C functions.
//
// Every function returns nullptr, or a message allocated with malloc that the caller frees. Tensors are
// passed as tch passes them: a pointer to an at::Tensor.
#pragma once
#include <cstddef>
#include <cstdint>

extern "C" {
/// The version of libtorch this was compiled against; never freed.
const char *chestxr_libtorch_version();

/// One fused Adam step over `count` parameters with a gradient each, in place: weight decay as torch.optim.Adam
/// or, `decoupled`, as AdamW. With `found_inf` (float32 scalar, may be null) not 0 nothing changes.
char *chestxr_fused_adam(size_t count, void *const *parameters, void *const *exp_avgs, void *const *exp_avg_sqs,
                         void *const *steps, double lr, double beta1, double beta2, double weight_decay,
                         double eps, int decoupled, void *found_inf);

/// One fused step of gradient descent as torch.optim.SGD; momenta start at zero.
char *chestxr_fused_sgd(size_t count, void *const *parameters, void *const *momenta, double lr, double momentum,
                        double weight_decay, int nesterov, void *found_inf);

/// Shortens all gradients together to a 2-norm of at most `most`.
char *chestxr_clip_gradients(size_t count, void *const *parameters, double most);

/// Multiplies all gradients by `inv_scale`; sets `found_inf` to 1 if one is not finite (float32 scalars).
char *chestxr_unscale_gradients(size_t count, void *const *parameters, void *found_inf, const void *inv_scale);

/// Moves each of `means` by the share `weight` of the way to its value.
char *chestxr_lerp(size_t count, void *const *means, void *const *values, double weight);

/// The state of a generator as a new uint8 tensor the caller owns; a negative index is the CPU.
char *chestxr_generator_state(int cuda_index, void **out);
char *chestxr_set_generator_state(int cuda_index, const void *state);

/// Autocast of this thread: 0 off, 1 bfloat16, 2 half. Every on is followed by one off.
char *chestxr_autocast(int cuda, int kind);
// Turns autocast off or on again without forgetting its casts; `before` is whether it was on.
char *chestxr_autocast_enable(int cuda, int enabled, int *before);

/// Whether a CUDA device multiplies bfloat16 natively, as those since compute capability 8.0 do.
char *chestxr_cuda_bfloat16(int cuda_index, int *out);

/// Deterministic algorithms, or TF32 and cuDNN's own choice of the fastest.
char *chestxr_cuda_mode(int deterministic);

/// Starts `count` - 1 OpenMP threads that belong to the calling one.
void chestxr_start_openmp_threads(int count);

/// Gives memory that no tensor has back to a CUDA device and to the system.
char *chestxr_release_cached(int cuda_index);

/// Bytes used by this process, free and in all on a CUDA device.
char *chestxr_device_memory(int cuda_index, uint64_t *used, uint64_t *free, uint64_t *total);

/// Drops the gradients, so that the next backward pass hands its own over instead of adding to zeros.
char *chestxr_clear_gradients(size_t count, void *const *parameters);

/// Batch norm of training, 2x2 max pooling and ReLU of `x` (N,C,H,W stored channels last, even sides, on the CPU),
/// with gradients; updates the running statistics. `out` receives a new tensor the caller owns.
char *chestxr_batch_norm_max_pool_relu(const void *x, const void *weight, const void *bias, const void *running_mean,
                        const void *running_var, double momentum, double epsilon, void **out);

/// A new tensor of page-locked main memory, float32 with `floats` and else uint8, with undefined values; `out` receives it,
/// and the caller owns it.
char *chestxr_pinned_empty(size_t dimensions, const int64_t *sizes, int floats, void **out);

/// Copies `tensor` to a CUDA device on a stream of its own, which the calling thread's stream waits for on the device; `out`
/// receives a new tensor the caller owns.
char *chestxr_upload(const void *tensor, int cuda_index, void **out);

/// Copies `count` tensors of one CUDA device to pinned memory (`outs`, plain rows, owned by the caller), as they are when the
/// device comes to this call, and without waiting: the copies are whole once `event`, owned by the caller too, has come.
char *chestxr_download(size_t count, void *const *tensors, void **outs, void **event);
char *chestxr_event_wait(const void *event);
void chestxr_event_free(void *event);

/// Waits for all streams of a CUDA device.
char *chestxr_synchronize(int cuda_index);

/// Whether `tensor` is stored channels last, N,C,H,W.
bool chestxr_is_channels_last(const void *tensor);

/// Stores `tensor` (4-D) channels last; `out` receives a new tensor the caller owns.
char *chestxr_channels_last(void *tensor, void **out);
}
