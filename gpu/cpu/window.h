// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The window product: the one kernel behind conv1d, transposed conv1d, conv2d, linear, matmul, the
/// LSTM's products and the codebook search.
///
///   y[r, o] = act(start + sum over segments s, terms j of x[r row_step + offsets[s] + j]
///                                                       * w[o, s segment_length + j]) + residual
///
/// Activations lie time-major with channels last, so the window of a convolution without dilation
/// is one contiguous run of kernel * C floats: nothing is unrolled into columns. Dilation makes K
/// segments of C, a 2-D kernel KH segments of KW * C. A transposed convolution is a convolution
/// with ceil(K / stride) taps over its input, that gives stride * O outputs per row.
///
/// Exactness: lanes run over outputs; the sum of one output is one sequential chain of fused
/// multiply-adds in the order above. Tiles, panels and threads only decide which outputs are made
/// together, so the bits are the same for any number of rows, streams or threads.
#ifndef CONTINUO_GPU_CPU_WINDOW_H
#define CONTINUO_GPU_CPU_WINDOW_H

#include "gpu/ops.h"

typedef struct window_job {
  const float *x;              ///< row 0's window begins at x + offsets[0]
  int64_t rows;                ///< windows
  int64_t row_step;            ///< floats from one window to the next
  int64_t segments;            ///< contiguous runs in one window
  int64_t segment_length;      ///< floats in each
  const int64_t *offsets;      ///< [segments] where they begin
  const unsigned char *panels; ///< packed weights, see panels.h
  int64_t panel_bytes;         ///< from one panel to the next
  int64_t outputs;             ///< of one row
  const float *start;          ///< where sums start: null, [outputs], or `start_step` apart by row
  int64_t start_step;          ///< 0: the same for all rows
  float *y;                    ///< may be `start`
  int64_t y_step;              ///< floats from one row of y to the next
  const float *residual;       ///< null, or rows `residual_step` apart, added after `act`
  int64_t residual_step;
  activation act;
  float slope;
  // int8 weights only: x cut into windows and quantised, and the scales.
  int8_t *codes;       ///< [rows][code_step]
  int64_t code_step;   ///< length of a window rounded up to a whole group
  float *code_scales;  ///< [rows]
  const float *scales; ///< [outputs] of the weights
  const int32_t *sums; ///< [outputs] of the weights' codes
} window_job;

/// The rows and panels of a job that one thread takes.
typedef struct window_part {
  int64_t row_begin, row_end, panel_begin, panel_end;
} window_part;

typedef void (*window_product)(const window_job *job, const window_part *part);

#endif
