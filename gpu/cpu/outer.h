// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The outer product summed over rows: the one kernel behind the weight gradients of convolutions,
/// transposed convolutions and matrix products.
///
///   sums[i, j] += sum over rows r of a[r a_step + i] * b[r b_step + j]
///
/// One side holds output gradients, the other windows of input. Rows may overlap: the windows of a
/// convolution over time-major rows are `kernel * channels` contiguous floats, `stride * channels`
/// apart, so nothing is unrolled into columns.
///
/// Determinism: lanes run over j, the sum of one element is one sequential chain of fused
/// multiply-adds over the rows, from zero, and is then added to what was there.
#ifndef CONTINUO_GPU_CPU_OUTER_H
#define CONTINUO_GPU_CPU_OUTER_H

#include <stdint.h>

typedef struct outer_job {
  const float *a;      ///< rows `a_step` floats apart
  int64_t a_step, n_a; ///< n_a: floats of a row that take part
  const float *b;      ///< rows `b_step` floats apart
  int64_t b_step, n_b; ///< n_b: floats of a row that take part; lanes run over these
  int64_t rows;        ///< rows summed
  float *sums;         ///< [n_a] rows of n_b, `sums_step` floats apart
  int64_t sums_step;
} outer_job;

#endif
