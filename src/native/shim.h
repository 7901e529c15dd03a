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

/// One fused Adam step over `count` parameters with a gradient each, in place (coupled weight decay, as
/// torch.optim.Adam).
char *chestxr_fused_adam(size_t count, void *const *parameters, void *const *exp_avgs, void *const *exp_avg_sqs,
                         void *const *steps, double lr, double beta1, double beta2, double weight_decay,
                         double eps);

/// Drops the gradients, so that the next backward pass hands its own over instead of adding to zeros.
char *chestxr_clear_gradients(size_t count, void *const *parameters);

/// Stores `tensor` (4-D) channels last; `out` receives a new tensor the caller owns.
char *chestxr_channels_last(void *tensor, void **out);
}
