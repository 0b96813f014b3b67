// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The compute form of a weight on CUDA: the matrix of gpu/cpu/rows.h in the weight's storage
/// type, each row padded with zeros so that 16-byte loads need no tail. Plain C: packing needs no
/// device.
#ifndef CONTINUO_GPU_CUDA_PACK_H
#define CONTINUO_GPU_CUDA_PACK_H

#include "gpu/weight.h"

/// Rows are padded to a multiple of this many elements: 16 bytes of the smallest type.
#define PACK_COLUMNS 16

/// Where things lie in a form. Matrix row r begins at element r * stride of the matrix.
typedef struct pack_layout {
  dtype type;                 ///< of the matrix; f32 for vectors, tables and codebooks
  int64_t rows;               ///< of the matrix: outputs, times stride when transposed
  int64_t columns;            ///< elements of a row that mean something
  int64_t stride;             ///< elements from row to row
  size_t matrix_offset_bytes; ///< i8: the matrix follows [rows] f32 scales; else 0
  size_t norms_offset_bytes;  ///< WEIGHT_CODEBOOK: [rows] f32 |e|^2, after the matrix
  size_t bytes;               ///< of the whole form
} pack_layout;

pack_layout pack_layout_of(const weight *w);

/// Write the form of `w->master` to `form` (layout.bytes of host memory). STATUS_NO_MEMORY.
status pack_weight(const weight *w, const pack_layout *layout, void *form, error *err);

#endif
