// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// position [n], reset [n]. One thread per stream.
#include "gpu/cuda/common.cuh"

#define ADVANCE_THREADS 64

__global__ void advance_kernel(int64_t *position, uint8_t *reset, int64_t streams, int64_t n_steps)
{
  const int64_t n = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (n < streams) {
    position[n] += n_steps;
    reset[n] = 0;
  }
}

// ---------------------------------------------------------------------------------------------
// launcher

void cuda_advance(run *r, stream_control *control, int64_t n_steps)
{
  if (n_steps > 0) {
    cuda_launch(r, "advance", advance_kernel,
                dim3(cuda_blocks(control->n_streams, ADVANCE_THREADS)), ADVANCE_THREADS, 0,
                control->position, control->reset, control->n_streams, n_steps);
  }
}
