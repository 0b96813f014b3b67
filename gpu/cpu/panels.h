// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The compute form of a weight on a vector device. A matrix (gpu/cpu/rows.h) is cut into panels of
/// `panel_lanes` outputs, each [length][lanes]: one vector of neighbouring outputs per term of the
/// sum, read front to back. Lanes beyond the last output are zero; the last panel is only as many
/// vectors wide as it needs. Grouped weights are a row of such blocks, one per stride phase and
/// group. int8 panels are [length / group][lanes][group], so that one instruction takes a group of
/// terms of every lane. Vectors and tables stay rows of f32; codebooks are both.
#ifndef CONTINUO_GPU_CPU_PANELS_H
#define CONTINUO_GPU_CPU_PANELS_H

#include "gpu/cpu/kernels.h"
#include "gpu/cpu/rows.h"

typedef struct panels {
  form_f32 matrix;       ///< what the reference reads; values: see rows.h
  dtype type;            ///< f32, f16, bf16 or i8
  int64_t n_rows;        ///< rows of the matrix: outputs of all blocks
  int64_t length;        ///< terms of one sum
  int64_t n_outputs;     ///< O: rows / stride phases
  int64_t n_blocks;      ///< 1, or stride phases * groups
  int64_t block_outputs; ///< rows of one block
  int64_t block_bytes;   ///< from one block to the next
  int64_t panel_bytes;   ///< from one panel to the next
  int64_t n_panels;      ///< of one block
  int64_t form_bytes;    ///< of all of it: where another form follows
  unsigned char *data;   ///< first panel; null for vectors and tables
  int32_t *sums;         ///< i8: [n_rows] sum of each row's codes
  float *taps;           ///< depthwise: [length][O] instead of panels, rounded through `type`
  float *squares;        ///< codebooks: |row|^2
} panels;

/// `dev->pack` of a vector device: the form, and the adjoint form of a weight that has a gradient.
status panels_pack(device *dev, weight *w, error *err);

/// The adjoint form, through which gradients of outputs reach inputs: of a convolution that of the
/// transposed one with the same master, the other way round, of a matrix its transpose. A 2-D
/// kernel has one per line, as of a 1-D convolution along the width; a convolution with narrow
/// groups one per group.
const panels *adjoint_line(const weight *w, int64_t line);

/// The adjoint of a convolution: windows of `taps` rows of dy, `row_step` rows apart, each of which
/// makes `phases` rows of dx. So many as the stride; or, where there are few channels, as many as
/// fill the lanes, all from one wider window (most of whose weights are zeros in some phase).
typedef struct adjoint_shape {
  int64_t phases, taps, row_step;
  int64_t spread; ///< rows of dy are to be laid so far apart, zeros between
  bool by_group;  ///< a form for each group's own rows
  bool cut;       ///< panels are of a matrix [phases * channels][taps * outputs]
} adjoint_shape;

/// Not of a transposed convolution, whose adjoint is a plain one.
adjoint_shape adjoint_shape_of(const kernels *k, const weight *w);

static inline const panels *panels_of(const weight *w)
{
  return w->form;
}

/// Values of a WEIGHT_VECTOR; null for null.
static inline const float *vector_of(const weight *w)
{
  return w ? panels_of(w)->matrix.values : NULL;
}

#endif
