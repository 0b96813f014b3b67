// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// x -> y, any shape. One thread per element; y may be x.
#include "gpu/cuda/gradient.cuh"

#define ACTIVATE_THREADS 256

__global__ void activate_kernel(float *y, const float *x, int64_t count, int act, float slope)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) {
    y[i] = activate_value(x[i], act, slope);
  }
}

__global__ void activate_backward_kernel(float *dx, const float *dy, const float *x, int64_t count,
                                         int act, float slope)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) {
    dx[i] += dy[i] * activate_slope(x[i], act, slope);
  }
}

// ---------------------------------------------------------------------------------------------
// launchers

void cuda_activate(run *r, tensor *y, const tensor *x, activation act, float slope)
{
  const int64_t count = tensor_count(x);
  cuda_launch(r, "activate", activate_kernel, dim3(cuda_blocks(count, ACTIVATE_THREADS)),
              ACTIVATE_THREADS, 0, cuda_floats(y), cuda_floats(x), count, (int)act, slope);
}

void cuda_activate_backward(run *r, const tape_node *node)
{
  const tensor dy = tape_gradient(r, &node->out), dx = tape_gradient(r, &node->in[0]);
  if (dx.data) {
    const int64_t count = tensor_count(&dx);
    cuda_launch(r, "activate backward", activate_backward_kernel,
                dim3(cuda_blocks(count, ACTIVATE_THREADS)), ACTIVATE_THREADS, 0, cuda_floats(&dx),
                cuda_floats(&dy), cuda_floats(&node->in[0]), count, (int)node->args.activate.act,
                node->args.activate.slope);
  }
}
