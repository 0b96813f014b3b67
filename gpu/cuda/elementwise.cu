// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// a, b -> y of a's shape; b has a's shape or is one row, repeated. One thread per element; y may
// be a.
#include "gpu/cuda/common.cuh"

#define ELEMENT_THREADS 256

__global__ void add_kernel(float *y, const float *a, const float *b, int64_t count, int64_t period)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) {
    y[i] = a[i] + b[i % period];
  }
}

__global__ void multiply_kernel(float *y, const float *a, const float *b, int64_t count,
                                int64_t period)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) {
    y[i] = a[i] * b[i % period];
  }
}

__global__ void scale_kernel(float *y, const float *a, int64_t count, float factor)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) {
    y[i] = factor * a[i];
  }
}

// ---------------------------------------------------------------------------------------------
// launchers

void cuda_add(run *r, tensor *y, const tensor *a, const tensor *b)
{
  const int64_t count = tensor_count(a);
  cuda_launch(r, "add", add_kernel, dim3(cuda_blocks(count, ELEMENT_THREADS)), ELEMENT_THREADS, 0,
              cuda_floats(y), cuda_floats(a), cuda_floats(b), count, tensor_count(b));
}

void cuda_multiply(run *r, tensor *y, const tensor *a, const tensor *b)
{
  const int64_t count = tensor_count(a);
  cuda_launch(r, "multiply", multiply_kernel, dim3(cuda_blocks(count, ELEMENT_THREADS)),
              ELEMENT_THREADS, 0, cuda_floats(y), cuda_floats(a), cuda_floats(b), count,
              tensor_count(b));
}

void cuda_scale(run *r, tensor *y, const tensor *a, float factor)
{
  const int64_t count = tensor_count(a);
  cuda_launch(r, "scale", scale_kernel, dim3(cuda_blocks(count, ELEMENT_THREADS)), ELEMENT_THREADS,
              0, cuda_floats(y), cuda_floats(a), count, factor);
}
