// Batch norm, 2x2 max pooling and ReLU of training in as few passes over memory as there can be.
//
// ReLU and maximum commute, and batch norm is monotone in each channel (rising for a weight of 0 or more,
// falling below), so only the pooled quarter of the values has to be normalised: the largest or the smallest
// of each window. What PyTorch does in three operators each way becomes one pass for the statistics and one
// for the selection; backwards, one over the pooled quarter and one that writes the gradient, in which each
// channel is an affine function of the input but for one place a window:
//
//   z = a x + b,  a = weight / deviation,  b = bias - a mean
//   dx = a (dz - mean(dz) - xhat mean(dz xhat)),  dz being 0 outside the selected places
//
// (Ioffe & Szegedy 2015.) A channel whose weight is exactly 0 has windows of equals, of which PyTorch takes the
// first and this the largest: both are subgradients. Sums are kept an image at a time and added in order, so that they don't depend on the
// number of threads.

#include "guard.h"
#include "shim.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <vector>

// The loops run over channels, which lie side by side: compilers turn them into vector instructions, and
// this into the widest this processor has.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__)
#define WIDEST __attribute__((target_clones("arch=haswell", "default")))
#else
#define WIDEST
#endif
#define INLINE inline __attribute__((always_inline))
// No two of the arrays of a loop overlap, which a compiler can't know of so many.
#if defined(__clang__)
#define APART _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define APART _Pragma("GCC ivdep")
#else
#define APART
#endif

namespace {

// Pixels whose sums are kept in the narrow type before they go into the wide one.
constexpr int64_t CHUNK = 64;

// Several channels as one value, which GCC and Clang have as an extension of the language: the choice of one
// of four places is one that no compiler turned into vector instructions by itself. Of 16 bytes, which every
// processor has: GCC takes wider ones apart before it knows of the clones below.
template <typename T> constexpr int64_t LANES = 16 / sizeof(T);
template <typename T> struct Vector;
template <> struct Vector<float> {
  typedef float type __attribute__((vector_size(16)));
};
template <> struct Vector<double> {
  typedef double type __attribute__((vector_size(16)));
};
template <typename T> using Lanes = typename Vector<T>::type;

template <typename T> INLINE Lanes<T> load(const T *from) {
  Lanes<T> lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

template <typename T> INLINE void store(T *to, std::type_identity_t<Lanes<T>> lanes) {
  std::memcpy(to, &lanes, sizeof lanes);
}

struct Sides {
  int64_t images, channels, height, width;
  int64_t pixels() const { return height * width; }
  int64_t rows() const { return images * (height / 2); }
};

// Sum and sum of squares of x - shift over one image.
template <typename T>
INLINE void image_sums(const T *x, const T *shift, int64_t pixels, int64_t channels, double *sum, double *square,
                      T *part) {
  T *s = part, *q = part + channels;
  for (int64_t begin = 0; begin < pixels; begin += CHUNK) {
    const int64_t end = std::min(begin + CHUNK, pixels);
    std::memset(part, 0, sizeof(T) * 2 * channels);
    int64_t p = begin;
    for (; p + 4 <= end; p += 4) {
      const T *r = x + p * channels;
      APART for (int64_t c = 0; c < channels; ++c) {
        const T d0 = r[c] - shift[c], d1 = r[c + channels] - shift[c];
        const T d2 = r[c + 2 * channels] - shift[c], d3 = r[c + 3 * channels] - shift[c];
        s[c] += (d0 + d1) + (d2 + d3);
        q[c] += (d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3);
      }
    }
    for (; p < end; ++p) {
      const T *r = x + p * channels;
      APART for (int64_t c = 0; c < channels; ++c) {
        const T d = r[c] - shift[c];
        s[c] += d;
        q[c] += d * d;
      }
    }
    for (int64_t c = 0; c < channels; ++c) {
      sum[c] += s[c];
      square[c] += q[c];
    }
  }
}

// For each window the value whose normalised one is the largest, and what becomes of it.
template <typename T>
INLINE void select_rows(const T *x, T *value, T *out, const T *sign, const T *a, const T *b, Sides sides,
                        int64_t begin, int64_t end) {
  const int64_t channels = sides.channels, stride = sides.width * channels;
  for (int64_t row = begin; row < end; ++row) {
    const T *upper = x + 2 * row * stride;
    T *v = value + row * (stride / 2), *y = out + row * (stride / 2);
    for (int64_t j = 0; j < sides.width / 2; ++j) {
      const T *p0 = upper + 2 * j * channels, *p1 = p0 + channels, *p2 = p0 + stride, *p3 = p2 + channels;
      APART for (int64_t c = 0; c < channels; ++c) {
        const T t0 = sign[c] * p0[c], t1 = sign[c] * p1[c], t2 = sign[c] * p2[c], t3 = sign[c] * p3[c];
        const T m0 = t1 > t0 ? t1 : t0, m1 = t3 > t2 ? t3 : t2;
        const T best = sign[c] * (m1 > m0 ? m1 : m0);
        const T z = a[c] * best + b[c];
        v[c] = best;
        // What is no number stays none.
        y[c] = z < 0 ? 0 : z;
      }
      v += channels;
      y += channels;
    }
  }
}

// Sums of the gradient and of the gradient times the normalised value over one image's windows.
template <typename T>
INLINE void image_gradients(const T *value, const T *dy, const T *a, const T *b, const T *mean, int64_t windows,
                           int64_t channels, double *sum, double *product, T *part) {
  T *s = part, *q = part + channels;
  for (int64_t begin = 0; begin < windows; begin += CHUNK) {
    const int64_t end = std::min(begin + CHUNK, windows);
    std::memset(part, 0, sizeof(T) * 2 * channels);
    for (int64_t p = begin; p < end; ++p) {
      const T *v = value + p * channels, *g = dy + p * channels;
      APART for (int64_t c = 0; c < channels; ++c) {
        const T given = g[c], z = a[c] * v[c] + b[c];
        const T dz = z > 0 ? given : T(0);
        s[c] += dz;
        q[c] += dz * (v[c] - mean[c]);
      }
    }
    for (int64_t c = 0; c < channels; ++c) {
      sum[c] += s[c];
      product[c] += q[c];
    }
  }
}

// dx = slope x + offset, and a dz more at the selected place, the first one of equals as PyTorch has it.
template <typename T>
INLINE void gradient_rows(const T *x, const T *dy, T *dx, const T *sign, const T *a, const T *b, const T *slope,
                          const T *offset, Sides sides, int64_t begin, int64_t end) {
  const int64_t channels = sides.channels, stride = sides.width * channels;
  for (int64_t row = begin; row < end; ++row) {
    const T *upper = x + 2 * row * stride;
    T *out = dx + 2 * row * stride;
    const T *g = dy + row * (stride / 2);
    for (int64_t j = 0; j < sides.width / 2; ++j) {
      const T *p0 = upper + 2 * j * channels, *p1 = p0 + channels, *p2 = p0 + stride, *p3 = p2 + channels;
      T *d0 = out + 2 * j * channels, *d1 = d0 + channels, *d2 = d0 + stride, *d3 = d2 + channels;
      for (int64_t next = 0; next < channels; next += LANES<T>) {
        // The last lanes may be done twice, which changes nothing: all is written from what isn't.
        const int64_t c = std::min(next, channels - LANES<T>);
        const auto x0 = load(p0 + c), x1 = load(p1 + c), x2 = load(p2 + c), x3 = load(p3 + c);
        const auto side = load(sign + c), up = load(a + c), rise = load(slope + c), from = load(offset + c);
        const auto t0 = side * x0, t1 = side * x1, t2 = side * x2, t3 = side * x3;
        const auto m0 = t1 > t0 ? t1 : t0, m1 = t3 > t2 ? t3 : t2;
        const auto best = m1 > m0 ? m1 : m0;
        const Lanes<T> none{};
        const auto more = up * (side * best) + load(b + c) > none ? up * load(g + c) : none;
        const auto is0 = t0 >= best, is1 = ~is0 & (t1 >= best), is2 = ~(is0 | is1) & (t2 >= best);
        store(d0 + c, rise * x0 + from + (is0 ? more : none));
        store(d1 + c, rise * x1 + from + (is1 ? more : none));
        store(d2 + c, rise * x2 + from + (is2 ? more : none));
        store(d3 + c, rise * x3 + from + (is0 | is1 | is2 ? none : more));
      }
      g += channels;
    }
  }
}

#define KERNELS(T)                                                                                                     \
  WIDEST void sums(const T *x, const T *shift, int64_t p, int64_t c, double *s, double *q, T *part) {                  \
    image_sums<T>(x, shift, p, c, s, q, part);                                                                          \
  }                                                                                                                    \
  WIDEST void select(const T *x, T *v, T *y, const T *sign, const T *a, const T *b, Sides sides, int64_t from,         \
                     int64_t to) {                                                                                     \
    select_rows<T>(x, v, y, sign, a, b, sides, from, to);                                                              \
  }                                                                                                                    \
  WIDEST void products(const T *v, const T *dy, const T *a, const T *b, const T *mean, int64_t w, int64_t c,           \
                       double *s, double *q, T *part) {                                                                \
    image_gradients<T>(v, dy, a, b, mean, w, c, s, q, part);                                                            \
  }                                                                                                                    \
  WIDEST void gradient(const T *x, const T *dy, T *dx, const T *sign, const T *a, const T *b, const T *slope,          \
                       const T *offset, Sides sides, int64_t from, int64_t to) {                                       \
    gradient_rows<T>(x, dy, dx, sign, a, b, slope, offset, sides, from, to);                                           \
  }
KERNELS(float)
KERNELS(double)
#undef KERNELS

// Adds what each image came to, in the order of the images.
std::vector<double> added(const std::vector<double> &parts, int64_t images, int64_t width) {
  std::vector<double> all(width, 0.0);
  for (int64_t n = 0; n < images; ++n)
    for (int64_t i = 0; i < width; ++i)
      all[i] += parts[n * width + i];
  return all;
}

Sides sides_of(const at::Tensor &x) { return {x.size(0), x.size(1), x.size(2), x.size(3)}; }

template <typename T> std::vector<T> signs_of(const T *weight, int64_t channels) {
  std::vector<T> signs(channels);
  for (int64_t c = 0; c < channels; ++c)
    signs[c] = weight[c] < 0 ? -1 : 1;
  return signs;
}

// Mean and variance (divided by the count) of each channel.
template <typename T> void statistics(const T *x, Sides sides, std::vector<double> &mean, std::vector<double> &variance) {
  const int64_t channels = sides.channels;
  std::vector<double> parts(sides.images * 2 * channels, 0.0);
  // Squares are taken of the distance from some value of the channel: of large values themselves too few digits
  // of a small variance would be left.
  const std::vector<T> shift(x, x + channels);
  at::parallel_for(0, sides.images, 1, [&](int64_t begin, int64_t end) {
    std::vector<T> part(2 * channels);
    for (int64_t n = begin; n < end; ++n) {
      double *sum = parts.data() + n * 2 * channels;
      sums(x + n * sides.pixels() * channels, shift.data(), sides.pixels(), channels, sum, sum + channels, part.data());
    }
  });
  const std::vector<double> all = added(parts, sides.images, 2 * channels);
  const double count = static_cast<double>(sides.images * sides.pixels());
  for (int64_t c = 0; c < channels; ++c) {
    const double away = all[c] / count;
    mean[c] = shift[c] + away;
    const double spread = all[channels + c] / count - away * away;
    variance[c] = spread < 0 ? 0 : spread;
  }
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class NormPool : public torch::autograd::Function<NormPool> {
public:
  static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &weight,
                            const at::Tensor &bias, const at::Tensor &running_mean, const at::Tensor &running_var,
                            double momentum, double epsilon) {
    const Sides sides = sides_of(x);
    const auto size = {sides.images, sides.channels, sides.height / 2, sides.width / 2};
    auto value = at::empty(size, x.options(), at::MemoryFormat::ChannelsLast);
    auto out = at::empty(size, x.options(), at::MemoryFormat::ChannelsLast);
    auto mean = at::empty({sides.channels}, x.options()), scale = at::empty({sides.channels}, x.options());
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "batch_norm_max_pool_relu", [&] {
      const scalar_t *data = x.const_data_ptr<scalar_t>(), *gamma = weight.const_data_ptr<scalar_t>(),
                     *beta = bias.const_data_ptr<scalar_t>();
      std::vector<double> means(sides.channels), variances(sides.channels);
      statistics(data, sides, means, variances);
      std::vector<scalar_t> a(sides.channels), b(sides.channels);
      const double count = static_cast<double>(sides.images * sides.pixels());
      scalar_t *running_means = running_mean.mutable_data_ptr<scalar_t>();
      scalar_t *running_vars = running_var.mutable_data_ptr<scalar_t>();
      for (int64_t c = 0; c < sides.channels; ++c) {
        const double inverse = 1 / std::sqrt(variances[c] + epsilon);
        mean.mutable_data_ptr<scalar_t>()[c] = means[c];
        scale.mutable_data_ptr<scalar_t>()[c] = inverse;
        a[c] = gamma[c] * inverse;
        b[c] = beta[c] - gamma[c] * inverse * means[c];
        running_means[c] += momentum * (means[c] - running_means[c]);
        running_vars[c] += momentum * (variances[c] * count / (count - 1) - running_vars[c]);
      }
      const auto signs = signs_of(gamma, sides.channels);
      scalar_t *v = value.mutable_data_ptr<scalar_t>(), *y = out.mutable_data_ptr<scalar_t>();
      at::parallel_for(0, sides.rows(), 1, [&](int64_t begin, int64_t end) {
        select(data, v, y, signs.data(), a.data(), b.data(), sides, begin, end);
      });
    });
    context->save_for_backward({x, weight, bias, value, mean, scale});
    return out;
  }

  static variable_list backward(AutogradContext *context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &bias = saved[2], &value = saved[3];
    const Sides sides = sides_of(x);
    const int64_t channels = sides.channels;
    const auto dy = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    auto dx = at::empty_like(x, x.options(), at::MemoryFormat::ChannelsLast);
    auto dweight = at::empty_like(weight), dbias = at::empty_like(bias);
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "batch_norm_max_pool_relu", [&] {
      const scalar_t *data = x.const_data_ptr<scalar_t>(), *v = value.const_data_ptr<scalar_t>(),
                     *g = dy.const_data_ptr<scalar_t>(), *gamma = weight.const_data_ptr<scalar_t>(),
                     *beta = bias.const_data_ptr<scalar_t>(), *mean = saved[4].const_data_ptr<scalar_t>(),
                     *scale = saved[5].const_data_ptr<scalar_t>();
      std::vector<scalar_t> a(channels), b(channels), slope(channels), offset(channels);
      for (int64_t c = 0; c < channels; ++c) {
        a[c] = gamma[c] * scale[c];
        b[c] = beta[c] - a[c] * mean[c];
      }
      const int64_t windows = sides.pixels() / 4;
      std::vector<double> parts(sides.images * 2 * channels, 0.0);
      at::parallel_for(0, sides.images, 1, [&](int64_t begin, int64_t end) {
        std::vector<scalar_t> part(2 * channels);
        for (int64_t n = begin; n < end; ++n) {
          double *sum = parts.data() + n * 2 * channels;
          products(v + n * windows * channels, g + n * windows * channels, a.data(), b.data(), mean, windows, channels,
                   sum, sum + channels, part.data());
        }
      });
      const std::vector<double> all = added(parts, sides.images, 2 * channels);
      const double count = static_cast<double>(sides.images * sides.pixels());
      for (int64_t c = 0; c < channels; ++c) {
        const double sum = all[c], product = all[channels + c] * scale[c];
        dbias.mutable_data_ptr<scalar_t>()[c] = sum;
        dweight.mutable_data_ptr<scalar_t>()[c] = product;
        const double rise = -static_cast<double>(a[c]) * scale[c] * product / count;
        slope[c] = rise;
        offset[c] = -static_cast<double>(a[c]) * sum / count - rise * mean[c];
      }
      const auto signs = signs_of(gamma, channels);
      scalar_t *d = dx.mutable_data_ptr<scalar_t>();
      at::parallel_for(0, sides.rows(), 1, [&](int64_t begin, int64_t end) {
        gradient(data, g, d, signs.data(), a.data(), b.data(), slope.data(), offset.data(), sides, begin, end);
      });
    });
    return {dx, dweight, dbias, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

} // namespace

extern "C" {

char *chestxr_batch_norm_max_pool_relu(const void *x, const void *weight, const void *bias, const void *running_mean,
                        const void *running_var, double momentum, double epsilon, void **out) {
  return guarded([&] {
    const auto tensor = [](const void *pointer) -> const at::Tensor & {
      return *static_cast<const at::Tensor *>(pointer);
    };
    const at::Tensor &images = tensor(x);
    TORCH_CHECK(images.dim() == 4 && images.is_cpu() && images.is_contiguous(at::MemoryFormat::ChannelsLast),
                "batch_norm_max_pool_relu takes N,C,H,W stored channels last on the CPU");
    TORCH_CHECK(images.size(1) >= LANES<float>, "batch_norm_max_pool_relu takes at least ", LANES<float>, " channels");
    TORCH_CHECK(images.size(2) % 2 == 0 && images.size(3) % 2 == 0 && images.numel() > images.size(1),
                "batch_norm_max_pool_relu takes even sides and more than one value a channel");
    for (const void *other : {weight, bias, running_mean, running_var})
      TORCH_CHECK(tensor(other).is_contiguous() && tensor(other).numel() == images.size(1) &&
                      tensor(other).scalar_type() == images.scalar_type() && tensor(other).is_cpu(),
                  "batch_norm_max_pool_relu takes a number a channel, of the kind of the images");
    *out = new at::Tensor(NormPool::apply(images, tensor(weight), tensor(bias), tensor(running_mean),
                                          tensor(running_var), momentum, epsilon));
  });
}
}
