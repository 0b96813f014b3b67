// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What every .cu shares: the queue behind a run, checked launches, activations, and sums over a
/// warp. Kernels use only what the emulator in tests/gpu/emulator has too, so that the same
/// sources run on a machine without a device.
#ifndef CONTINUO_GPU_CUDA_COMMON_CUH
#define CONTINUO_GPU_CUDA_COMMON_CUH

#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <stdint.h>

extern "C" {
#include "gpu/cuda/device_cuda.h"
#include "gpu/cuda/launchers.h"
#include "gpu/run.h"
}

/// A block's dynamic shared memory, as floats on a 16-byte boundary.
#ifndef CUDA_SHARED_FLOATS
#define CUDA_SHARED_FLOATS(name) extern __shared__ __align__(16) float name[]
#endif

/// Dynamic shared memory that every device gives without asking.
#define CUDA_SHARED_MAX_BYTES (48 * 1024)

#define WARP_LANES 32
#define ALL_LANES 0xffffffffu

/// One ordered line of work. The device has one, and each capture one of its own, so that a
/// capture in one thread never swallows what another thread queues.
struct cuda_queue {
  cudaStream_t stream;
  cublasHandle_t blas;
  void *blas_workspace; ///< given to cuBLAS, which then never allocates (capture forbids it)
};

/// What device->backend points to.
struct cuda_backend {
  int ordinal; ///< as the runtime counts devices
  int n_multiprocessors;
  bool bf16; ///< the products of networks round their operands
  cuda_queue queue;
};

/// Make and unmake a queue on the current device; cuBLAS makes do with the workspace it is given.
/// STATUS_DEVICE, STATUS_NO_MEMORY.
status cuda_queue_open(cuda_queue *queue, size_t workspace_bytes, error *err);
void cuda_queue_close(cuda_queue *queue);

/// The run's queue: run->stream when a capture set it, else the device's.
static inline cuda_queue *cuda_queue_of(const run *r)
{
  if (r->stream) {
    return (cuda_queue *)r->stream;
  }
  return &((cuda_backend *)r->dev->backend)->queue;
}

/// Whether products of networks round their operands to bf16.
static inline bool cuda_rounds(const run *r)
{
  return ((const cuda_backend *)r->dev->backend)->bf16;
}

/// The same for cuBLAS, to f32 matrices.
static inline cublasComputeType_t cuda_compute_type(const run *r)
{
  return cuda_rounds(r) ? CUBLAS_COMPUTE_32F_FAST_16BF : CUBLAS_COMPUTE_32F;
}

/// Set the run's failure when `code` is one; `what` names the operator.
static inline bool cuda_passed(run *r, cudaError_t code, const char *what)
{
  if (code == cudaSuccess) {
    return true;
  }
  cudaGetLastError(); // the next launch must not report this one again
  run_fail(r, STATUS_DEVICE, "%s: %s", what, cudaGetErrorString(code));
  return false;
}

static inline bool cuda_blas_passed(run *r, cublasStatus_t code, const char *what)
{
  if (code != CUBLAS_STATUS_SUCCESS) {
    run_fail(r, STATUS_DEVICE, "%s: cuBLAS failed with status %d", what, (int)code);
  }
  return run_ok(r);
}

/// Queue `kernel` over `grid` blocks of `threads`; an empty grid is nothing to do, and a run that
/// only measures does nothing.
template <typename... Expected, typename... Given>
void cuda_launch(run *r, const char *what, void (*kernel)(Expected...), dim3 grid, int threads,
                 size_t shared_bytes, Given... given)
{
  if (!run_ok(r) || r->measuring || grid.x == 0 || grid.y == 0 || grid.z == 0) {
    return;
  }
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = dim3((unsigned)threads);
  config.dynamicSmemBytes = shared_bytes;
  config.stream = cuda_queue_of(r)->stream;
  cuda_passed(r, cudaLaunchKernelEx(&config, kernel, Expected(given)...), what);
}

/// Blocks of `per` that cover `count`.
static inline unsigned cuda_blocks(int64_t count, int64_t per)
{
  return (unsigned)((count + per - 1) / per);
}

/// c [n, rows, columns] (row after row) = a b, or that added to c; a is [n, rows, length], or [n,
/// length, rows] when transposed; b [n, length, columns], or [n, columns, length]. cuBLAS, in f32
/// but for operands rounded to bf16 where the device's products are. Too large for it, or failing:
/// the run's failure.
struct cuda_factor {
  const float *data;
  int64_t ld;     ///< floats from row to row
  int64_t stride; ///< floats from one of the n to the next
  bool transposed;
};
struct cuda_product {
  float *c; ///< rows of `columns` floats, one after the other
  cuda_factor a, b;
  int64_t n, rows, length, columns;
  bool add;
  bool exact = false; ///< f32 whatever the device's products are
};
void cuda_multiply_matrices(run *r, const char *what, const cuda_product *p);

/// The form of a vector weight, or null.
static inline const float *cuda_vector(const weight *w)
{
  return w ? (const float *)w->form : nullptr;
}

static inline float *cuda_floats(const tensor *t)
{
  return t ? (float *)t->data : nullptr;
}

static __device__ inline float activate_value(float x, int act, float slope)
{
  switch (act) {
  case ACT_ELU:
    return x > 0.0f ? x : slope * expm1f(x);
  case ACT_LEAKY_RELU:
    return x > 0.0f ? x : slope * x;
  case ACT_RELU:
    return x > 0.0f ? x : 0.0f;
  case ACT_GELU:
    return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
  case ACT_SILU:
    return x / (1.0f + expf(-x));
  case ACT_TANH:
    return tanhf(x);
  case ACT_SIGMOID:
    return 1.0f / (1.0f + expf(-x));
  default:
    return x;
  }
}

/// d activate_value / d x.
static __device__ inline float activate_slope(float x, int act, float slope)
{
  switch (act) {
  case ACT_ELU:
    return x > 0.0f ? 1.0f : slope * expf(x);
  case ACT_LEAKY_RELU:
    return x > 0.0f ? 1.0f : slope;
  case ACT_RELU:
    return x > 0.0f ? 1.0f : 0.0f;
  case ACT_GELU:
    return 0.5f * (1.0f + erff(x * 0.70710678118654752f)) +
           x * 0.39894228040143268f * expf(-0.5f * x * x);
  case ACT_SILU: {
    const float share = 1.0f / (1.0f + expf(-x));
    return share * (1.0f + x * (1.0f - share));
  }
  case ACT_TANH: {
    const float y = tanhf(x);
    return 1.0f - y * y;
  }
  case ACT_SIGMOID: {
    const float y = 1.0f / (1.0f + expf(-x));
    return y * (1.0f - y);
  }
  default:
    return 1.0f;
  }
}

/// Sum over the warp, the same in every lane.
static __device__ inline float warp_sum(float v)
{
  for (int step = WARP_LANES / 2; step > 0; step /= 2) {
    v += __shfl_xor_sync(ALL_LANES, v, step);
  }
  return v;
}

static __device__ inline float warp_max(float v)
{
  for (int step = WARP_LANES / 2; step > 0; step /= 2) {
    v = fmaxf(v, __shfl_xor_sync(ALL_LANES, v, step));
  }
  return v;
}

#endif
