// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What attention and its backward share: where heads are turned to, and what a row sees.
#ifndef CONTINUO_GPU_CUDA_ATTENTION_CUH
#define CONTINUO_GPU_CUDA_ATTENTION_CUH

#include "gpu/cuda/common.cuh"

#include <math.h>

#define ATTENTION_MAX_DIM 256 // of a head

/// Cosine and sine of what `pair` of a head is turned by at `position`.
static __device__ inline void attention_turn(const attention_args &args, int64_t pair,
                                             int64_t position, float *cosine, float *sine)
{
  const double turn = -2.0 * (double)pair / (double)args.head_dim;
  const double angle = (double)position * pow((double)args.rope_base, turn);
  *cosine = (float)cos(angle);
  *sine = (float)sin(angle);
}

/// Rows [*first, *end) of those below `rows` that the row at `position` sees: as in the reference.
/// A ring holds the last `capacity` of them.
static __device__ inline void attention_visible(const attention_args &args, int64_t capacity,
                                                int64_t rows, int64_t position, int64_t *first,
                                                int64_t *end)
{
  *end = rows < position + 1 ? rows : position + 1;
  if (args.mask == MASK_FULL) {
    *end = rows;
  } else if (args.mask == MASK_PREFIX && position < args.prefix) {
    *end = rows < args.prefix ? rows : args.prefix;
  }
  *first = 0;
  if (args.mask == MASK_WINDOW_SINK && position + 1 > args.window) {
    *first = position + 1 - args.window;
  }
  if (args.cache == CACHE_RING && *first < *end - capacity) {
    *first = *end - capacity;
  }
}

#endif
