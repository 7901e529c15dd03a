#include "guard.h"
#include "shim.h"

#include <ATen/ATen.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/CachingHostAllocator.h>
#include <ATen/ops/_amp_foreach_non_finite_check_and_unscale.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/GradMode.h>
#include <torch/version.h>

#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <vector>

namespace {

std::vector<at::Tensor> list(size_t count, void *const *pointers) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(count);
  for (size_t i = 0; i < count; ++i)
    tensors.push_back(*static_cast<at::Tensor *>(pointers[i]));
  return tensors;
}

// The kernels walk raw memory: what doesn't match a parameter must be refused before.
void require_match(const at::Tensor &parameter, const at::Tensor &other, const char *what) {
  TORCH_CHECK(other.defined(), "a parameter has no ", what);
  TORCH_CHECK(other.sizes() == parameter.sizes() && other.scalar_type() == parameter.scalar_type() &&
                  other.device() == parameter.device(),
              "a parameter and its ", what, " differ in shape, kind or device");
}

// Every parameter's gradient, each fit for a kernel that walks raw memory.
std::vector<at::Tensor> gradients_of(const std::vector<at::Tensor> &parameters) {
  std::vector<at::Tensor> gradients;
  gradients.reserve(parameters.size());
  for (const auto &parameter : parameters) {
    gradients.push_back(parameter.grad());
    require_match(parameter, gradients.back(), "gradient");
  }
  return gradients;
}

std::optional<at::Tensor> optional(void *tensor) {
  if (tensor == nullptr)
    return std::nullopt;
  return *static_cast<at::Tensor *>(tensor);
}

at::Device device(int cuda_index) {
  return cuda_index < 0 ? at::Device(at::kCPU) : at::Device(at::kCUDA, static_cast<int8_t>(cuda_index));
}

} // namespace

extern "C" {

const char *chestxr_libtorch_version() { return TORCH_VERSION; }

char *chestxr_clear_gradients(size_t count, void *const *parameters) {
  return guarded([&] {
    for (auto &parameter : list(count, parameters))
      parameter.mutable_grad().reset();
  });
}

char *chestxr_fused_adam(size_t count, void *const *parameters, void *const *exp_avgs, void *const *exp_avg_sqs,
                         void *const *steps, double lr, double beta1, double beta2, double weight_decay,
                         double eps, int decoupled, void *found_inf) {
  return guarded([&] {
    c10::AutoGradMode no_grad(false);
    const auto values = list(count, parameters);
    const auto averages = list(count, exp_avgs);
    const auto squares = list(count, exp_avg_sqs);
    const auto states = list(count, steps);
    const auto gradients = gradients_of(values);
    for (size_t i = 0; i < count; ++i) {
      require_match(values[i], averages[i], "first moment");
      require_match(values[i], squares[i], "second moment");
    }
    const auto overflow = optional(found_inf);
    // The kernel reads the step count but leaves counting to its caller, as torch.optim does. A step that
    // is skipped because its gradients overflowed doesn't count.
    at::_foreach_add_(states, 1);
    if (overflow)
      at::_foreach_add_(states, *overflow, /*alpha=*/-1);
    if (decoupled)
      at::_fused_adamw_(values, gradients, averages, squares, {}, states, lr, beta1, beta2, weight_decay, eps,
                        /*amsgrad=*/false, /*maximize=*/false, {}, overflow);
    else
      at::_fused_adam_(values, gradients, averages, squares, {}, states, lr, beta1, beta2, weight_decay, eps,
                       /*amsgrad=*/false, /*maximize=*/false, {}, overflow);
  });
}

char *chestxr_fused_sgd(size_t count, void *const *parameters, void *const *momenta, double lr, double momentum,
                        double weight_decay, int nesterov, void *found_inf) {
  return guarded([&] {
    c10::AutoGradMode no_grad(false);
    const auto values = list(count, parameters);
    const auto buffers = list(momentum == 0.0 ? 0 : count, momenta);
    const auto gradients = gradients_of(values);
    for (size_t i = 0; i < buffers.size(); ++i)
      require_match(values[i], buffers[i], "momentum");
    // Momenta that start at zero need no first step of their own: 0 * momentum + gradient is the gradient.
    at::_fused_sgd_(values, gradients, buffers, weight_decay, momentum, lr, /*dampening=*/0.0, nesterov != 0,
                    /*maximize=*/false, /*is_first_step=*/false, {}, optional(found_inf));
  });
}

char *chestxr_clip_gradients(size_t count, void *const *parameters, double most) {
  return guarded([&] {
    c10::AutoGradMode no_grad(false);
    const auto gradients = gradients_of(list(count, parameters));
    if (gradients.empty())
      return;
    const auto norm = at::stack(at::_foreach_norm(gradients, 2)).norm();
    // As torch.nn.utils.clip_grad_norm_: clamped instead of compared, so that nobody waits for the device.
    at::_foreach_mul_(gradients, at::clamp(most / (norm + 1e-6), std::nullopt, 1.0));
  });
}

char *chestxr_unscale_gradients(size_t count, void *const *parameters, void *found_inf, const void *inv_scale) {
  return guarded([&] {
    c10::AutoGradMode no_grad(false);
    const auto gradients = gradients_of(list(count, parameters));
    if (!gradients.empty())
      at::_amp_foreach_non_finite_check_and_unscale_(gradients, *static_cast<at::Tensor *>(found_inf),
                                                     *static_cast<const at::Tensor *>(inv_scale));
  });
}

char *chestxr_lerp(size_t count, void *const *means, void *const *values, double weight) {
  return guarded([&] {
    c10::AutoGradMode no_grad(false);
    if (count > 0)
      at::_foreach_lerp_(list(count, means), list(count, values), weight);
  });
}

char *chestxr_generator_state(int cuda_index, void **out) {
  return guarded([&] {
    auto generator = at::globalContext().defaultGenerator(device(cuda_index));
    std::lock_guard<std::mutex> lock(generator.mutex());
    *out = new at::Tensor(generator.get_state());
  });
}

char *chestxr_set_generator_state(int cuda_index, const void *state) {
  return guarded([&] {
    auto generator = at::globalContext().defaultGenerator(device(cuda_index));
    std::lock_guard<std::mutex> lock(generator.mutex());
    generator.set_state(*static_cast<const at::Tensor *>(state));
  });
}

char *chestxr_autocast(int cuda, int kind) {
  return guarded([&] {
    const auto type = cuda ? at::kCUDA : at::kCPU;
    if (kind == 0) {
      // Casts of weights are kept for the length of a step; the next one has other weights.
      if (at::autocast::decrement_nesting() == 0)
        at::autocast::clear_cache();
      at::autocast::set_autocast_enabled(type, false);
    } else {
      at::autocast::set_autocast_dtype(type, kind == 1 ? at::kBFloat16 : at::kHalf);
      at::autocast::set_autocast_enabled(type, true);
      at::autocast::increment_nesting();
    }
  });
}

char *chestxr_autocast_enable(int cuda, int enabled, int *before) {
  return guarded([&] {
    const auto type = cuda ? at::kCUDA : at::kCPU;
    *before = at::autocast::is_autocast_enabled(type);
    at::autocast::set_autocast_enabled(type, enabled != 0);
  });
}

char *chestxr_cuda_bfloat16(int cuda_index, int *out) {
  return guarded([&] {
    // The question is about the current device.
    const c10::DeviceGuard guard(device(cuda_index));
    *out = at::detail::getCUDAHooks().supportsBFloat16ConvolutionWithCuDNNv8();
  });
}

char *chestxr_cuda_mode(int deterministic) {
  return guarded([&] {
    auto &context = at::globalContext();
    context.setDeterministicAlgorithms(deterministic != 0, /*warn_only=*/true);
    context.setDeterministicCuDNN(deterministic != 0);
    context.setBenchmarkCuDNN(deterministic == 0);
    context.setAllowTF32CuDNN(deterministic == 0);
    context.setAllowTF32CuBLAS(deterministic == 0);
  });
}

void chestxr_start_openmp_threads(int count) {
  // A region that the compiler can't drop; without OpenMP nobody spins.
  int arrived = 0;
#ifdef _OPENMP
#pragma omp parallel num_threads(count) reduction(+ : arrived)
#endif
  arrived += 1;
  static_cast<void>(*static_cast<volatile int *>(&arrived));
  static_cast<void>(count);
}

char *chestxr_release_cached(int cuda_index) {
  return guarded([&] {
    const c10::DeviceGuard guard(device(cuda_index));
    at::getDeviceAllocator(at::kCUDA)->emptyCache();
    at::getHostAllocator(at::kCUDA)->empty_cache();
  });
}

char *chestxr_device_memory(int cuda_index, uint64_t *used, uint64_t *free, uint64_t *total) {
  return guarded([&] {
    const auto stats = at::getDeviceAllocator(at::kCUDA)->getDeviceStats(cuda_index);
    const auto [left, whole] = at::getDeviceAllocator(at::kCUDA)->getMemoryInfo(cuda_index);
    *used = static_cast<uint64_t>(stats.allocated_bytes[0].current);
    *free = left;
    *total = whole;
  });
}

bool chestxr_is_channels_last(const void *tensor) {
  return static_cast<const at::Tensor *>(tensor)->is_contiguous(at::MemoryFormat::ChannelsLast);
}

char *chestxr_channels_last(void *tensor, void **out) {
  return guarded([&] {
    c10::AutoGradMode no_grad(false);
    const auto &source = *static_cast<at::Tensor *>(tensor);
    // Not `contiguous`: it leaves the strides of one channel or of 1x1 kernels as they are, since both orders have the same
    // bytes, and convolutions, which go by the strides, then choose the other order.
    *out = new at::Tensor(source.to(source.options(), false, true, at::MemoryFormat::ChannelsLast));
  });
}
}
