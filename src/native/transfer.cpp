// Copies between main memory and a CUDA device beside what the device computes.
#include "guard.h"
#include "shim.h"

#include <ATen/ATen.h>
#include <c10/core/Event.h>
#include <c10/core/GradMode.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <map>
#include <memory>
#include <vector>

namespace {

at::Device cuda(int index) { return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index)); }

// The stream on which this thread copies: libtorch has a fixed pool of them and gives them out in turn, so one is asked for
// once for each thread and device.
c10::Stream stream_of(at::Device device) {
  thread_local std::map<int, c10::Stream> streams;
  auto found = streams.find(device.index());
  if (found == streams.end()) {
    const c10::impl::VirtualGuardImpl guard(device.type());
    found = streams.emplace(device.index(), guard.getStreamFromGlobalPool(device, /*isHighPriority=*/false)).first;
  }
  return found->second;
}

at::Tensor pinned(at::IntArrayRef sizes, at::ScalarType kind) {
  return at::empty(sizes, at::TensorOptions().dtype(kind).pinned_memory(true));
}

} // namespace

extern "C" {

char *chestxr_pinned_empty(size_t dimensions, const int64_t *sizes, int floats, void **out) {
  return guarded([&] {
    *out = new at::Tensor(pinned(at::IntArrayRef(sizes, dimensions), floats ? at::kFloat : at::kByte));
  });
}

char *chestxr_upload(const void *tensor, int cuda_index, void **out) {
  return guarded([&] {
    const auto target = cuda(cuda_index);
    const c10::impl::VirtualGuardImpl guard(target.type());
    const auto copying_stream = stream_of(target);
    const auto computing = guard.getStream(target);
    at::Tensor copy;
    c10::Event copied(target.type());
    {
      const c10::StreamGuard copying(copying_stream);
      copy = static_cast<const at::Tensor *>(tensor)->to(target, /*non_blocking=*/true, /*copy=*/true);
      copied.record(copying_stream);
    }
    copied.block(computing);
    // The memory belongs to the copying stream: its allocator must know that another one reads it.
    copy.record_stream(computing);
    *out = new at::Tensor(std::move(copy));
  });
}

char *chestxr_download(size_t count, void *const *tensors, void **outs, void **event) {
  return guarded([&] {
    c10::AutoGradMode no_grad(false);
    const auto device = static_cast<const at::Tensor *>(tensors[0])->device();
    const c10::impl::VirtualGuardImpl guard(device.type());
    const auto computing = guard.getStream(device);
    const auto copying_stream = stream_of(device);
    // Copied on the device first: the next step changes the tensors in place while the slow copy is still on its way.
    std::vector<at::Tensor> copies;
    copies.reserve(count);
    for (size_t i = 0; i < count; ++i)
      copies.push_back(static_cast<const at::Tensor *>(tensors[i])->detach().clone(at::MemoryFormat::Contiguous));
    c10::Event copied(device.type());
    copied.record(computing);
    copied.block(copying_stream);
    std::vector<at::Tensor> hosts;
    hosts.reserve(count);
    auto done = std::make_unique<c10::Event>(device.type());
    {
      const c10::StreamGuard copying(copying_stream);
      for (const auto &copy : copies) {
        hosts.push_back(pinned(copy.sizes(), copy.scalar_type()));
        hosts.back().copy_(copy, /*non_blocking=*/true);
        copy.record_stream(copying_stream);
      }
      done->record(copying_stream);
    }
    for (size_t i = 0; i < count; ++i)
      outs[i] = new at::Tensor(std::move(hosts[i]));
    *event = done.release();
  });
}

char *chestxr_event_wait(const void *event) {
  return guarded([&] { static_cast<const c10::Event *>(event)->synchronize(); });
}

void chestxr_event_free(void *event) { delete static_cast<c10::Event *>(event); }

char *chestxr_synchronize(int cuda_index) {
  return guarded([&] {
    const c10::impl::VirtualGuardImpl guard(at::kCUDA);
    guard.synchronizeDevice(static_cast<c10::DeviceIndex>(cuda_index));
  });
}
}
