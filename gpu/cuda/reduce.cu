// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// x, any shape -> y [1], summed in double: each block a part, then one thread the parts. Floor: x
// once.
#include "gpu/cuda/gradient.cuh"
#include "gpu/cuda/sum.cuh"

__global__ void reduce_parts_kernel(double *parts, const float *x, int64_t count, int kind)
{
  __shared__ double shared[SUM_THREADS];
  double sum = 0.0;
  for (int64_t i = (int64_t)blockIdx.x * SUM_THREADS + threadIdx.x; i < count;
       i += (int64_t)gridDim.x * SUM_THREADS) {
    const double value = x[i];
    sum += kind == REDUCE_ABS_MEAN      ? fabs(value)
           : kind == REDUCE_SQUARE_MEAN ? value * value
                                        : value;
  }
  sum = block_sum(sum, shared);
  if (threadIdx.x == 0) {
    parts[blockIdx.x] = sum;
  }
}

__global__ void reduce_finish_kernel(float *y, const double *parts, int n_parts, double divisor)
{
  y[0] = (float)(parts_sum(parts, n_parts) / divisor);
}

__global__ void reduce_backward_kernel(float *dx, const float *dy, const float *x, int64_t count,
                                       int kind)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) {
    return;
  }
  const float share = kind == REDUCE_SUM ? dy[0] : dy[0] / (float)count;
  const float value = x[i];
  const float sign = (value > 0.0f ? 1.0f : 0.0f) - (value < 0.0f ? 1.0f : 0.0f);
  const float slope = kind == REDUCE_ABS_MEAN      ? sign
                      : kind == REDUCE_SQUARE_MEAN ? 2.0f * value
                                                   : 1.0f;
  dx[i] += share * slope;
}

// ---------------------------------------------------------------------------------------------
// launchers

void cuda_reduce(run *r, tensor *y, const tensor *x, reduction kind)
{
  const int64_t count = tensor_count(x);
  const unsigned parts = sum_parts(count);
  const size_t mark = arena_mark(r->memory);
  double *sums = (double *)run_scratch(r, (size_t)(parts + 1) * sizeof(double));
  cuda_launch(r, "reduce", reduce_parts_kernel, dim3(parts), SUM_THREADS, 0, sums, cuda_floats(x),
              count, (int)kind);
  cuda_launch(r, "reduce", reduce_finish_kernel, dim3(1), 1, 0, cuda_floats(y), sums, (int)parts,
              kind == REDUCE_SUM ? 1.0 : (double)count);
  arena_rewind(r->memory, mark);
}

void cuda_reduce_backward(run *r, const tape_node *node)
{
  const tensor dy = tape_gradient(r, &node->out), dx = tape_gradient(r, &node->in[0]);
  const int64_t count = tensor_count(&node->in[0]);
  if (dx.data) {
    cuda_launch(r, "reduce backward", reduce_backward_kernel, dim3(cuda_blocks(count, SUM_THREADS)),
                SUM_THREADS, 0, cuda_floats(&dx), cuda_floats(&dy), cuda_floats(&node->in[0]),
                count, (int)node->args.reduce);
  }
}
