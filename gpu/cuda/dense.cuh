// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The product behind every convolution and matrix: each output row is a window of the input
/// times every row of a packed matrix. conv1d, conv_transposed1d, conv2d, linear, norm_linear and
/// lstm only describe their window; what runs is chosen here by size.
#ifndef CONTINUO_GPU_CUDA_DENSE_CUH
#define CONTINUO_GPU_CUDA_DENSE_CUH

#include "gpu/cuda/matrix.cuh"

/// n streams of T input rows, U windows each. Window u holds, for tap k and channel c of its
/// group, input row u * stride + k * dilation - left. Rows before 0 come from the history, or from
/// padding; rows from T on from padding. A matrix row is (phase, output), phase-major; window u
/// and phase j make output row u * phases + j - trim of `rows_y`, dropped when outside.
struct dense_call {
  // input
  const float *x;       ///< [n, T, C]
  const float *history; ///< [n, left, C], activated, or null
  const uint8_t *reset; ///< [n]; null: every stream is fresh, its history counts as empty
  int streams, rows_in, channels;
  int windows; ///< U
  int taps, stride, dilation, left;
  int reach;  ///< max(left, right padding), for reflection of short input
  int pad;    ///< pad_mode
  int groups; ///< channels and outputs fall into this many
  int act_in, act_out;
  float slope;
  // matrix
  cuda_matrix w;
  const float *bias; ///< [O] or null
  // output
  float *y;              ///< [n, rows_y, O]
  const float *residual; ///< like y or null
  int outputs;           ///< O
  int phases, rows_y, trim;
  // normalised input (norm_linear): one group, one tap, columns <= DENSE_MAX_NORMED
  int norm; ///< norm_kind, or -1
  float epsilon;
  const float *norm_scale, *norm_shift; ///< [C] or null
};

/// Longest row that `dense` can normalise on the way.
#define DENSE_MAX_NORMED 2048
/// Windows below which a norm is recomputed by each block instead of written out once.
#define DENSE_FEW_WINDOWS 64

/// y = x w^T over `rows` rows of C channels: what linear is; the caller sets the rest.
dense_call dense_linear(const float *x, int64_t rows, const weight *w);

/// Queue the product. `what` names the operator in failures.
void dense_run(run *r, const char *what, const dense_call *call);

/// Queue the update of `history` [n, left, C]: its rows become the last `left` rows before the
/// next input. Must follow every reader of the history.
void dense_keep(run *r, const char *what, const dense_call *call, float *history);

#endif
