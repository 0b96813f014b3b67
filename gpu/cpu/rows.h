// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What convolutions, transposed convolutions and matrix products have in common on the CPU: each
/// output row is a product of one window of input with every row of a matrix. This file turns a
/// weight's file layout into that matrix, and a call's shapes into windows, for the reference and
/// for every variant.
#ifndef CONTINUO_GPU_CPU_ROWS_H
#define CONTINUO_GPU_CPU_ROWS_H

#include "gpu/ops.h"

/// The matrix of a weight: rows in output order, each in the order that the sum is made.
/// WEIGHT_LINEAR [O][C]; CONV1D [O][K][C / groups]; CONV2D [O][KH][KW][C / groups];
/// CONV_TRANSPOSED1D [stride][O][M][C / groups] with M = ceil(K / stride) taps, oldest first, and
/// zeros where a tap does not exist; TABLE and CODEBOOK [rows][D]; VECTOR [1][C].
typedef struct row_shape {
  int64_t n_rows;    ///< rows of the matrix
  int64_t length;    ///< terms of one sum
  int64_t groups;    ///< output rows come in this many equal groups (within each stride phase)
  int64_t n_outputs; ///< O: rows / stride phases
} row_shape;

row_shape row_shape_of(const weight *w);

/// What every compute form on the CPU begins with, so that the reference's operators and backward
/// read the forms of all variants: the matrix, rounded through the storage type, or for int8 the
/// codes and their scales instead. Vector variants keep no `values` of matrices.
#define FORM(real)                                                                                 \
  {                                                                                                \
    row_shape shape;                                                                               \
    dtype storage;                                                                                 \
    real *values;                                                                                  \
    int8_t *codes;                                                                                 \
    float *scales;                                                                                 \
  }
typedef struct form_f32 FORM(float) form_f32;
typedef struct form_f64 FORM(double) form_f64;
#undef FORM

/// Fill rows [shape.n_rows][shape.length] from w->master.
void rows_from_master(float *rows, const weight *w);

/// int8 storage: scale = max |row| / 127 (1 for a zero row), code = round half even(value / scale).
/// The same rule quantises one window of activations. Returns the scale.
float quantise_row_i8(int8_t *codes, const float *values, int64_t count);

/// Nearest f16 / bf16 value (half to even; f16 overflow to infinity) and back.
uint16_t f16_from_f32(float value);
float f32_from_f16(uint16_t bits);
uint16_t bf16_from_f32(float value);
float f32_from_bf16(uint16_t bits);

/// Row of the input that padded position `position` shows, position 0 being the first real row;
/// -1 for a zero row. `reach` = max(left, right) decides EnCodec's rule for short input
/// (docs/codecs.md, Padding): zeros are appended until reflection is possible.
int64_t pad_source(int64_t position, int64_t rows, int64_t reach, pad_mode mode);

#endif
