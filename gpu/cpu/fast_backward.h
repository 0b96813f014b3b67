// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What the sweeps back through convolutions and products share: for gpu/cpu's own sources. All of
/// them are one pair of sums over
///
///   strided[u, o] <-> spaced[u * stride + k * dilation - lead, c]    through w[o, c, k]
///
/// where a convolution reads `spaced` and writes `strided`, and a transposed one the other way
/// round. The weight's gradient is an outer product of both sides, summed over u
/// (gpu/cpu/outer.h). The input's is a window product (gpu/cpu/window.h) with the adjoint form of
/// the weight (gpu/cpu/panels.h): the kernels of the forwards. Everything goes in blocks of rows
/// that stay in L2, on the calling thread alone.
#ifndef CONTINUO_GPU_CPU_FAST_BACKWARD_H
#define CONTINUO_GPU_CPU_FAST_BACKWARD_H

#include "gpu/cpu/fast.h"

/// How `strided` and `spaced` belong together.
typedef struct conv_shape {
  int64_t kernel, stride, dilation, groups;
  int64_t lead; ///< rows of `spaced` before its first real one that window 0 begins at
} conv_shape;

static inline int64_t shape_reach(const conv_shape *s)
{
  return (s->kernel - 1) * s->dilation + 1;
}

/// Rows of `spaced` under `n` windows.
static inline int64_t rows_under(const conv_shape *s, int64_t n)
{
  return (n - 1) * s->stride + shape_reach(s);
}

#define SWEEP_BLOCK_FLOATS (32 * 1024) ///< of both sides of a product: some are in L1, all in L2
#define SWEEP_BLOCK_ROWS 48            ///< least rows for which a tile of sums is loaded and stored

/// `width` columns of rows that are `from_step` floats apart, to rows `to_step` apart.
void copy_columns(float *to, int64_t to_step, const float *from, int64_t from_step, int64_t rows,
                  int64_t width);

/// Rows of one stream, wanted in any range: padded, activated, spread apart. Row 0 is the first
/// real one.
typedef struct row_source {
  const kernels *k;
  const float *x; ///< [rows, channels]
  int64_t rows, channels;
  int64_t reach; ///< of the padding, see pad_source
  pad_mode mode;
  activation act;
  float slope;
  int64_t spread; ///< row i stands at i * spread, zeros between
} row_source;

/// Rows [first, first + count) where they stand in memory, or made in `buffer`.
const float *source_rows(const row_source *s, float *buffer, int64_t first, int64_t count);

/// Sums of dMatrix of a weight [O][c][lines][K] for a chunk of outputs: [line][O][K][c], or turned
/// [line][K][c][O] where O fills the lanes better. `lines` are the rows of a 2-D kernel, else 1.
typedef struct weight_gradient {
  const kernels *k;
  const conv_shape *shape;
  float *sums;
  int64_t outputs, channels, lines, taps;
  int64_t chunk; ///< outputs summed over all rows before the next ones
  bool turned;
  bool in_place; ///< the file's layout is the same: sums go on from what is there
  bool whole;    ///< a group's windows are one run, once its channels are cut out
  float *cut;    ///< then: room for the rows under one block, of one group
} weight_gradient;

/// `floats`: of both sides over all rows; few enough can be kept, so that sums go in chunks.
weight_gradient weight_gradient_plan(const kernels *k, const weight *w, const conv_shape *shape,
                                     int64_t floats);
size_t weight_gradient_bytes(const weight_gradient *g);

/// One kernel line of outputs [first, first + count), from `n` rows of both sides, added.
void weight_gradient_add(const weight_gradient *g, int64_t line, const float *strided,
                         const float *spaced, int64_t n, int64_t first, int64_t count);

/// Add the sums to `grad` in the file's layout.
void weight_gradient_store(const weight_gradient *g, float *grad, int64_t first, int64_t count);

/// Both sides of an outer product, of all streams.
typedef struct outer_sides {
  row_source strided, spaced;
  int64_t strided_step, spaced_step; ///< from one stream to the next
  int64_t n;
} outer_sides;

/// w->grad += .
void weight_backward(run *r, weight *w, const conv_shape *shape, outer_sides sides);

/// Window products that lead from the gradient of outputs to that of inputs: window t begins at row
/// t * row_step - lead of dy and makes `phases` rows of dx, the first of which is t * phases -
/// skip.
typedef struct adjoint_plan {
  const panels *p;
  int64_t row_step, lead, taps, tap_step;
  int64_t phases, skip;
  int64_t rows_out; ///< of dx, padding included
  int64_t groups, block;
  const weight *by_group; ///< null, or whose groups are cut out and have forms of their own
} adjoint_plan;

/// w's adjoint form (of its first kernel line); null and a failed run where there is none, or where
/// it was packed for another stride or dilation.
const panels *adjoint_panels(run *r, const weight *w, int64_t stride, int64_t dilation);

/// The plan of a convolution's input; skip, rows_out and block are left to the caller.
adjoint_plan adjoint_plan_of(const adjoint_shape *adjoint, const panels *p,
                             const conv_shape *shape);

/// What all products of a plan have in common; segments from the run's scratch.
window_job adjoint_job(run *r, const adjoint_plan *plan, int64_t channels_dy, int64_t channels_dx);

/// The products of one block of windows: y [n, phases * channels], from `start` where it is given.
void adjoint_products(const kernels *k, const adjoint_plan *plan, window_job job,
                      int64_t channels_dy);

/// Where an input's gradient goes, and what stands between it and the product.
typedef struct input_gradient {
  float *dx;      ///< [rows, channels]
  const float *x; ///< the same
  int64_t rows, channels, reach;
  pad_mode mode;
  activation act;
  float slope;
} input_gradient;

/// dx += of `n` streams.
void input_backward(run *r, adjoint_plan *plan, row_source dy, input_gradient to, int64_t n,
                    int64_t dy_step);

/// Does the result of an activation tell its derivative?
bool result_tells(activation act, float slope);

/// dy before the output's activation: from the result where that tells, else from the argument,
/// which `again` recomputes (null: it never has to).
const float *before_activation(run *r, const tape_node *node, const tensor *dy, activation act,
                               float slope,
                               void (*again)(run *r, const tape_node *node, tensor *sum));

/// bias->grad += the sums of dy's columns.
void bias_backward(run *r, const weight *bias, const float *dy, const tensor *shape);

#endif
