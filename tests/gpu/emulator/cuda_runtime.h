// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// As much of the CUDA runtime as gpu/cuda needs, on the host: the .cu files compile as plain C++
/// against this header and run here, one fiber per thread. It proves index arithmetic, bounds,
/// barriers and the order of launches; it says nothing about speed, and a data race shows only
/// where the order of threads matters, which changes from launch to launch.
#ifndef CONTINUO_TESTS_GPU_EMULATOR_CUDA_RUNTIME_H
#define CONTINUO_TESTS_GPU_EMULATOR_CUDA_RUNTIME_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <functional>

#define __global__ static
#define __device__
#define __host__
#define __shared__ static
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __launch_bounds__(threads)
#define CUDA_SHARED_FLOATS(name) float *const name = (float *)emulated_shared()

// ---- types ----

struct dim3 {
  unsigned x, y, z;
  dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

struct alignas(16) float4 {
  float x, y, z, w;
};

struct alignas(16) uint4 {
  unsigned x, y, z, w;
};

typedef enum cudaError_t {
  cudaSuccess,
  cudaErrorMemoryAllocation,
  cudaErrorInvalidValue,
  cudaErrorNotReady
} cudaError_t;

typedef struct emulated_stream *cudaStream_t;
typedef struct emulated_graph *cudaGraph_t;
typedef struct emulated_graph *cudaGraphExec_t;
typedef enum cudaMemcpyKind {
  cudaMemcpyHostToDevice,
  cudaMemcpyDeviceToHost,
  cudaMemcpyDeviceToDevice
} cudaMemcpyKind;
typedef enum cudaStreamCaptureMode { cudaStreamCaptureModeRelaxed } cudaStreamCaptureMode;

enum { cudaStreamNonBlocking = 1, cudaHostAllocMapped = 2 };

struct cudaDeviceProp {
  char name[256];
  int multiProcessorCount, major, minor;
};

struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  size_t dynamicSmemBytes;
  cudaStream_t stream;
};

// ---- what a kernel sees ----

extern dim3 threadIdx, blockIdx, blockDim, gridDim;

void *emulated_shared();
void emulated_block_barrier();
uint32_t emulated_exchange(uint32_t mine, int lane_mask); ///< all lanes of a warp must call

static inline void __syncthreads()
{
  emulated_block_barrier();
}

template <typename T> static T __shfl_xor_sync(unsigned lanes, T value, int lane_mask)
{
  static_assert(sizeof(T) == 4, "one word");
  (void)lanes;
  uint32_t word;
  memcpy(&word, &value, sizeof word);
  word = emulated_exchange(word, lane_mask);
  memcpy(&value, &word, sizeof word);
  return value;
}

static inline void __threadfence_system() {}

static inline float __uint_as_float(unsigned bits)
{
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline int min(int a, int b)
{
  return a < b ? a : b;
}

static inline int max(int a, int b)
{
  return a > b ? a : b;
}

// ---- runtime ----

cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int ordinal);
cudaError_t cudaSetDevice(int ordinal);
cudaError_t cudaGetLastError();
const char *cudaGetErrorString(cudaError_t code);

cudaError_t emulated_malloc(void **data, size_t bytes);
template <typename T> static cudaError_t cudaMalloc(T **data, size_t bytes)
{
  return emulated_malloc((void **)data, bytes);
}
template <typename T> static cudaError_t cudaHostAlloc(T **data, size_t bytes, unsigned)
{
  return emulated_malloc((void **)data, bytes);
}
template <typename T> static cudaError_t cudaHostGetDevicePointer(T **device, void *host, unsigned)
{
  *device = (T *)host;
  return cudaSuccess;
}
cudaError_t cudaFree(void *data);
cudaError_t cudaFreeHost(void *data);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *data, int value, size_t bytes, cudaStream_t stream);

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamQuery(cudaStream_t stream);

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec);

/// Do `work` now, or, while `stream` is being captured, at each launch of its graph.
cudaError_t emulated_queue(cudaStream_t stream, const std::function<void()> &work);
void emulated_grid(dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()> &kernel);

template <typename... Expected, typename... Given>
static cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t *config, void (*kernel)(Expected...),
                                      Given... given)
{
  const cudaLaunchConfig_t c = *config;
  if (c.gridDim.y > 65535 || c.gridDim.z > 65535 || c.gridDim.x > 0x7fffffffu ||
      c.blockDim.x == 0 || c.blockDim.x > 1024 || c.dynamicSmemBytes > 48 * 1024) {
    return cudaErrorInvalidValue;
  }
  return emulated_queue(c.stream, [=] {
    emulated_grid(c.gridDim, c.blockDim, c.dynamicSmemBytes, [=] { kernel(given...); });
  });
}

#endif
