// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Sums of many values in a fixed order: each block sums a part in double, then one thread, or
/// every thread of the next kernel, the parts in turn.
#ifndef CONTINUO_GPU_CUDA_SUM_CUH
#define CONTINUO_GPU_CUDA_SUM_CUH

#include "gpu/cuda/common.cuh"

#define SUM_THREADS 256
#define SUM_PER_PART 4096 // values of a part, at least
#define SUM_PARTS 256     // at most

/// Parts that `count` values are summed in: depends on the count alone.
static inline unsigned sum_parts(int64_t count)
{
  const unsigned wanted = cuda_blocks(count, SUM_PER_PART);
  return wanted < SUM_PARTS ? wanted : SUM_PARTS;
}

/// Sum of one value per thread, in thread 0; all SUM_THREADS threads of the block call. `shared`
/// [SUM_THREADS] may be used again after the next barrier.
static __device__ inline double block_sum(double value, double *shared)
{
  shared[threadIdx.x] = value;
  for (int half = SUM_THREADS / 2; half > 0; half /= 2) {
    __syncthreads();
    if ((int)threadIdx.x < half) {
      shared[threadIdx.x] += shared[threadIdx.x + half];
    }
  }
  return threadIdx.x == 0 ? shared[0] : 0.0;
}

static __device__ inline double parts_sum(const double *parts, int count)
{
  double total = 0.0;
  for (int i = 0; i < count; ++i) {
    total += parts[i];
  }
  return total;
}

#endif
