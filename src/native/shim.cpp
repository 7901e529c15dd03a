#include "shim.h"

#include <ATen/ATen.h>
#include <ATen/ops/_fused_adam.h>
#include <c10/core/GradMode.h>
#include <torch/version.h>

#include <cstring>
#include <exception>
#include <vector>

namespace {

// Runs `body` and turns whatever it throws into a message: no exception may cross into Rust.
template <typename Body> char *guarded(Body body) {
  try {
    body();
    return nullptr;
  } catch (const c10::Error &error) {
    return strdup(error.what_without_backtrace());
  } catch (const std::exception &error) {
    return strdup(error.what());
  } catch (...) {
    return strdup("libtorch failed without saying why");
  }
}

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
                         double eps) {
  return guarded([&] {
    c10::AutoGradMode no_grad(false);
    const auto values = list(count, parameters);
    const auto averages = list(count, exp_avgs);
    const auto squares = list(count, exp_avg_sqs);
    auto states = list(count, steps);
    std::vector<at::Tensor> gradients;
    gradients.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      gradients.push_back(values[i].grad());
      require_match(values[i], gradients[i], "gradient");
      require_match(values[i], averages[i], "first moment");
      require_match(values[i], squares[i], "second moment");
    }
    // The kernel reads the step count but leaves counting to its caller, as torch.optim does.
    for (auto &state : states)
      state.add_(1);
    at::_fused_adam_(values, gradients, averages, squares, {}, states, lr, beta1, beta2, weight_decay, eps,
                     /*amsgrad=*/false, /*maximize=*/false);
  });
}

char *chestxr_channels_last(void *tensor, void **out) {
  return guarded([&] {
    c10::AutoGradMode no_grad(false);
    const auto &source = *static_cast<at::Tensor *>(tensor);
    *out = new at::Tensor(source.contiguous(at::MemoryFormat::ChannelsLast));
  });
}
}
