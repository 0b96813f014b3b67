// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// x [rows, C] -> y. One warp per row, three passes; each lane writes only what it alone reads, so
// y may be x.
#include "gpu/cuda/gradient.cuh"

#include <math.h>

#define SOFTMAX_WARPS 4

__global__ void softmax_kernel(float *y, const float *x, int64_t rows, int64_t channels)
{
  const int64_t row = (int64_t)blockIdx.x * SOFTMAX_WARPS + threadIdx.x / WARP_LANES;
  const int lane = threadIdx.x % WARP_LANES;
  if (row >= rows) {
    return;
  }
  const float *from = x + row * channels;
  float *to = y + row * channels;
  float largest = -INFINITY, sum = 0.0f;
  for (int64_t c = lane; c < channels; c += WARP_LANES) {
    largest = fmaxf(largest, from[c]);
  }
  largest = warp_max(largest);
  for (int64_t c = lane; c < channels; c += WARP_LANES) {
    const float share = expf(from[c] - largest);
    to[c] = share;
    sum += share;
  }
  sum = warp_sum(sum);
  for (int64_t c = lane; c < channels; c += WARP_LANES) {
    to[c] /= sum;
  }
}

// dx += y (dy - sum(dy y)). One warp per row.
__global__ void softmax_backward_kernel(float *dx, const float *dy, const float *y, int64_t rows,
                                        int64_t channels)
{
  const int64_t row = (int64_t)blockIdx.x * SOFTMAX_WARPS + threadIdx.x / WARP_LANES;
  const int lane = threadIdx.x % WARP_LANES;
  if (row >= rows) {
    return;
  }
  const float *share = y + row * channels, *d = dy + row * channels;
  float sum = 0.0f;
  for (int64_t c = lane; c < channels; c += WARP_LANES) {
    sum += d[c] * share[c];
  }
  sum = warp_sum(sum);
  for (int64_t c = lane; c < channels; c += WARP_LANES) {
    dx[row * channels + c] += share[c] * (d[c] - sum);
  }
}

// ---------------------------------------------------------------------------------------------
// launchers

void cuda_softmax(run *r, tensor *y, const tensor *x)
{
  const int64_t rows = tensor_rows(x);
  cuda_launch(r, "softmax", softmax_kernel, dim3(cuda_blocks(rows, SOFTMAX_WARPS)),
              SOFTMAX_WARPS * WARP_LANES, 0, cuda_floats(y), cuda_floats(x), rows,
              tensor_channels(x));
}

void cuda_softmax_backward(run *r, const tape_node *node)
{
  const tensor dy = tape_gradient(r, &node->out), dx = tape_gradient(r, &node->in[0]);
  if (dx.data) {
    const int64_t rows = tensor_rows(&node->out);
    cuda_launch(r, "softmax backward", softmax_backward_kernel,
                dim3(cuda_blocks(rows, SOFTMAX_WARPS)), SOFTMAX_WARPS * WARP_LANES, 0,
                cuda_floats(&dx), cuda_floats(&dy), cuda_floats(&node->out), rows,
                tensor_channels(&node->out));
  }
}
