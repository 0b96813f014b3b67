// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// x [n, T, C] -> y [n, U, C]. One thread per element of what is written: of y forward, of dx back,
// which gathers from the windows that hold it. Floor: x and y, each moved once.
#include "gpu/cuda/gradient.cuh"

#define POOL_THREADS 256

struct pool_call {
  int64_t count, rows, rows_out, channels;
  int64_t kernel, stride, pad;
  bool count_padding;
};

// Real rows [*begin, *end) under output row u; returns 1 / what their sum is divided by.
static __device__ float pool_window(const pool_call &p, int64_t u, int64_t *begin, int64_t *end)
{
  const int64_t first = u * p.stride - p.pad, last = first + p.kernel;
  *begin = first > 0 ? first : 0;
  *end = last < p.rows ? last : p.rows;
  return 1.0f / (float)(p.count_padding ? p.kernel : *end - *begin);
}

__global__ void avg_pool1d_kernel(float *y, const float *x, const pool_call p)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= p.count) {
    return;
  }
  const int64_t c = i % p.channels, line = i / p.channels;
  const float *from = x + line / p.rows_out * p.rows * p.channels + c;
  int64_t begin, end;
  const float share = pool_window(p, line % p.rows_out, &begin, &end);
  float sum = 0.0f;
  for (int64_t t = begin; t < end; ++t) {
    sum += from[t * p.channels];
  }
  y[i] = sum * share;
}

__global__ void avg_pool1d_backward_kernel(float *dx, const float *dy, const pool_call p)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= p.count) {
    return;
  }
  const int64_t c = i % p.channels, line = i / p.channels, t = line % p.rows;
  const float *from = dy + line / p.rows * p.rows_out * p.channels + c;
  const int64_t after = t + p.pad - p.kernel; // the last place whose window ends before t
  float sum = 0.0f;
  for (int64_t u = after < 0 ? 0 : after / p.stride + 1;
       u < p.rows_out && u * p.stride - p.pad <= t; ++u) {
    int64_t begin, end;
    const float share = pool_window(p, u, &begin, &end);
    sum += from[u * p.channels] * share;
  }
  dx[i] += sum;
}

// ---------------------------------------------------------------------------------------------
// launchers

static pool_call pool_of(const tensor *x, const tensor *y, const avg_pool1d_args *args)
{
  return {0,         x->dims[1],         y->dims[1], x->dims[2], args->kernel, args->stride,
          args->pad, args->count_padding};
}

void cuda_avg_pool1d(run *r, tensor *y, const tensor *x, const avg_pool1d_args *args)
{
  pool_call p = pool_of(x, y, args);
  p.count = tensor_count(y);
  cuda_launch(r, "avg_pool1d", avg_pool1d_kernel, dim3(cuda_blocks(p.count, POOL_THREADS)),
              POOL_THREADS, 0, cuda_floats(y), cuda_floats(x), p);
}

void cuda_avg_pool1d_backward(run *r, const tape_node *node)
{
  const tensor *x = &node->in[0];
  const tensor dy = tape_gradient(r, &node->out), dx = tape_gradient(r, x);
  if (dx.data) {
    pool_call p = pool_of(x, &dy, &node->args.avg_pool1d);
    p.count = tensor_count(x);
    cuda_launch(r, "avg_pool1d backward", avg_pool1d_backward_kernel,
                dim3(cuda_blocks(p.count, POOL_THREADS)), POOL_THREADS, 0, cuda_floats(&dx),
                cuda_floats(&dy), p);
  }
}
