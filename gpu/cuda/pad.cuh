// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Padding, shared by both ways of a convolution.
#ifndef CONTINUO_GPU_CUDA_PAD_CUH
#define CONTINUO_GPU_CUDA_PAD_CUH

#include "gpu/cuda/common.cuh"

/// Row of the input behind padded position t: as pad_source in gpu/cpu/rows.h.
static __device__ inline int pad_row(int t, int rows, int reach, int pad)
{
  if (t >= 0 && t < rows) {
    return t;
  }
  if (rows == 0 || pad == PAD_ZERO) {
    return -1;
  }
  if (pad == PAD_REPLICATE) {
    return t < 0 ? 0 : rows - 1;
  }
  const int extended = rows > reach ? rows : reach + 1;
  int source = t < 0 ? -t : t;
  if (source >= extended) {
    source = 2 * (extended - 1) - source;
  }
  return source >= 0 && source < rows ? source : -1;
}

#endif
