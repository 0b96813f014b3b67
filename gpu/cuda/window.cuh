// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Convolutions over whole sequences and pictures, and their way back: three products over
/// the same windows, each one implicit matrix product with tiles in shared memory.
///
///   forward     y[m, r]   = sum over j of window[m, j] w[r, j]
///   to weights  dw[r, j] += sum over m of dy[m, r] window[m, j]
///   to inputs   dx[q, c]  = sum over the windows m and taps that show q of dy[m, r] w[r, j]
///
/// m counts windows over all streams, j the taps and channels of one, r the outputs (times the
/// phases of a transposed convolution). Sums are in f32, in an order that depends on the shapes
/// alone: in f32 the same call gives the same bits on any card. No atomic additions. Where the
/// device's products are in bf16, operands are rounded, unless a product has at most 8 outputs (or,
/// to inputs, 8 channels).
#ifndef CONTINUO_GPU_CUDA_WINDOW_CUH
#define CONTINUO_GPU_CUDA_WINDOW_CUH

#include "gpu/cuda/matrix.cuh"

extern "C" {
#include "gpu/tape.h"
}

/// One axis of the windows. Window u holds, for tap k, place u * stride + k * dilation of the
/// padded input, whose place `left` is the input's first.
struct window_axis {
  int size;  ///< of the input
  int left;  ///< places before it
  int right; ///< and after it
  int windows, taps, stride, dilation;
};

/// Height is 1 for sequences, whose rows are the width.
struct window_call {
  const float *x; ///< [n, height, width, channels]
  int streams, channels, groups;
  window_axis height, width;
  int pad; ///< pad_mode along the width; the height is padded with zeros
  int act_in, act_out;
  float slope;
  const weight *w;
  const weight *bias; ///< or null
  // y [n, windows of the height, rows_y, outputs]: window v and phase j of a transposed convolution
  // make row v * phases + j - trim; elsewhere there is one phase, and nothing to trim.
  int outputs, phases, rows_y, trim;
};

/// The call that an operator is; its tensors must have the operator's shapes.
window_call window_conv1d(const tensor *x, const tensor *y, const weight *w, const weight *bias,
                          const conv1d_args *args);
window_call window_conv_transposed1d(const tensor *x, const tensor *y, const weight *w,
                                     const weight *bias, const conv_transposed1d_args *args);
window_call window_conv2d(const tensor *x, const tensor *y, const weight *w, const weight *bias,
                          const conv2d_args *args);

/// Whether `window_forward` is the way: f32 weights and enough windows to fill tiles.
bool window_suits(const window_call *c);

/// y = act_out(bias + products) + residual; residual like y or null.
void window_forward(run *r, const char *what, const window_call *c, float *y,
                    const float *residual);

/// Sweep the recorded call back: adds into the gradients of its input, weights and residual (the
/// node's second input, if it has one). Weights of any type but i8.
void window_backward(run *r, const char *what, const window_call *c, const tape_node *node);

#endif
