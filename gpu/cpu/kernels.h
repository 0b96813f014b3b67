// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The inner loops that depend on the processor's vectors. Everything around them (shapes, padding,
/// history, threads) is plain C in fast_*.c, written once for all widths. All pointers are f32
/// unless said; no alignment is asked for; nothing is read or written beyond the counts.
#ifndef CONTINUO_GPU_CPU_KERNELS_H
#define CONTINUO_GPU_CPU_KERNELS_H

#include "gpu/cpu/outer.h"
#include "gpu/cpu/window.h"
#include "gpu/device.h"

#define TURN_MOST 16 ///< columns of one turn, and no more than lanes

/// Squares turned one after another: to[j][step[j] n + i] = from[from_next n + from_step i + j] for
/// n below count, i below lanes (zeros from `rows` on), j below columns.
typedef struct turn_job {
  const float *from;
  int64_t from_step, from_next, rows, columns, count;
  float *to[TURN_MOST];
  int64_t step[TURN_MOST];
} turn_job;

typedef struct kernels {
  const char *name;    ///< of the variant
  int64_t lanes;       ///< floats in a vector
  int64_t panel_lanes; ///< outputs in a panel
  int64_t code_group;  ///< int8 terms that one instruction sums; panels are laid out for it

  window_product product_f32, product_f16, product_bf16, product_i8;

  /// Codes of one window (segments as in window_job) with one scale, which is returned: the rule
  /// of quantise_row_i8.
  float (*quantise)(int8_t *codes, const float *x, const int64_t *offsets, int64_t segments,
                    int64_t length);

  /// y = act(x); y may be x.
  void (*activate)(float *y, const float *x, int64_t count, activation act, float slope);
  /// y = a + b, a * b, factor * a, a - b; y may be a.
  void (*add)(float *y, const float *a, const float *b, int64_t count);
  void (*subtract)(float *y, const float *a, const float *b, int64_t count);
  void (*multiply)(float *y, const float *a, const float *b, int64_t count);
  void (*scale)(float *y, const float *a, float factor, int64_t count);

  /// One LSTM step: gates [4 * size] are pre-activations i, f, g, o; h and c [size] are updated,
  /// y = h, plus `skip` where it is not null.
  void (*lstm_gates)(float *y, float *h, float *c, const float *gates, const float *skip,
                     int64_t size);

  /// Index of the least squares[e] - 2 products[e], the lowest at a tie.
  int32_t (*nearest)(const float *products, const float *squares, int64_t count);

  /// Depthwise convolution, lanes over channels: y[r, c] = act(bias[c] + sum over taps k, oldest
  /// first, of x[r row_step + k tap_step + c] * w[k channels + c]) + residual[r, c].
  void (*depthwise)(const window_job *job, const float *w, int64_t taps, int64_t tap_step);

  /// y = (x - mean) / deviation * scale + shift; scale, shift null or [count]; `rms`: no mean.
  void (*norm_row)(float *y, const float *x, const float *scale, const float *shift, int64_t count,
                   float epsilon, bool rms);
  void (*softmax_row)(float *y, const float *x, int64_t count);

  /// The operator itself.
  void (*attention)(run *r, tensor *y, const tensor *q, const tensor *k, const tensor *v,
                    tensor *cache_k, tensor *cache_v, const weight *sink_k, const weight *sink_v,
                    const tensor *lengths, const stream_control *control,
                    const attention_args *args);

  /// The sweep back. Outer products summed over rows: gpu/cpu/outer.h.
  void (*outer)(const outer_job *job);
  /// to = start + d * act'(x), start null for zero; `to` may be `start` or `d`.
  void (*chain)(float *to, const float *start, const float *d, const float *x, int64_t count,
                activation act, float slope);
  /// to = d * act'(x) from y = act(x): ELU and leaky ReLU of slopes above zero, ReLU, tanh,
  /// sigmoid.
  void (*chain_result)(float *to, const float *d, const float *y, int64_t count, activation act,
                       float slope);
  /// y += factor * a, and y += a * b.
  void (*add_scaled)(float *y, const float *a, float factor, int64_t count);
  void (*add_product)(float *y, const float *a, const float *b, int64_t count);
  /// to[c] += sum over rows of x[row, c].
  void (*column_sums)(float *to, const float *x, int64_t rows, int64_t columns);
  /// to[j to_step + i] = from[i from_step + j], or += it, for i below rows, j below columns; rows
  /// of `to` may be stored upwards or (a negative step) downwards.
  void (*transpose)(float *to, int64_t to_step, const float *from, int64_t from_step, int64_t rows,
                    int64_t columns);
  void (*turn)(const turn_job *job);
  void (*transpose_add)(float *to, int64_t to_step, const float *from, int64_t from_step,
                        int64_t rows, int64_t columns);
} kernels;

extern const kernels kernels_avx2;
extern const kernels kernels_avx512;

/// `dev->backend` of a CPU device that runs these kernels.
static inline const kernels *kernels_of(const device *dev)
{
  return dev->backend;
}

/// Overwrite the slots and `pack` of `dev` with operators on these kernels; dev->backend keeps
/// them.
void fast_install(device *dev, const kernels *k);

#endif
