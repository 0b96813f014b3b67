// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/cuda/pack.h"

#include "gpu/cpu/rows.h"

#include <stdlib.h>
#include <string.h>

#define SECTION_BYTES 256 // alignment of each part of a form

static size_t round_up(size_t value, size_t multiple)
{
  return (value + multiple - 1) / multiple * multiple;
}

pack_layout pack_layout_of(const weight *w)
{
  const bool looked_up =
      w->use == WEIGHT_VECTOR || w->use == WEIGHT_TABLE || w->use == WEIGHT_CODEBOOK;
  const row_shape shape = row_shape_of(w);
  pack_layout l = {
      .type = looked_up ? DTYPE_F32 : w->storage, .rows = shape.n_rows, .columns = shape.length};
  l.stride = (int64_t)round_up((size_t)l.columns, PACK_COLUMNS);
  if (l.type == DTYPE_I8) {
    l.matrix_offset_bytes = round_up((size_t)l.rows * sizeof(float), SECTION_BYTES);
  }
  const size_t matrix_bytes = (size_t)(l.rows * l.stride) * dtype_bytes(l.type);
  l.norms_offset_bytes = round_up(l.matrix_offset_bytes + matrix_bytes, SECTION_BYTES);
  l.bytes = l.norms_offset_bytes;
  if (w->use == WEIGHT_CODEBOOK) {
    l.bytes += (size_t)l.rows * sizeof(float);
  }
  return l;
}

static float squared_norm(const float *row, int64_t columns)
{
  float sum = 0.0f;
  for (int64_t j = 0; j < columns; ++j) {
    sum += row[j] * row[j];
  }
  return sum;
}

// One row into the form's type; returns the int8 scale, else 1.
static float pack_row(void *to, const float *from, int64_t columns, dtype type)
{
  switch (type) {
  case DTYPE_I8:
    return quantise_row_i8(to, from, columns);
  case DTYPE_F16:
    for (int64_t j = 0; j < columns; ++j) {
      ((uint16_t *)to)[j] = f16_from_f32(from[j]);
    }
    return 1.0f;
  case DTYPE_BF16:
    for (int64_t j = 0; j < columns; ++j) {
      ((uint16_t *)to)[j] = bf16_from_f32(from[j]);
    }
    return 1.0f;
  default:
    memcpy(to, from, (size_t)columns * sizeof *from);
    return 1.0f;
  }
}

status pack_weight(const weight *w, const pack_layout *layout, void *form, error *err)
{
  float *rows = malloc((size_t)(layout->rows * layout->columns) * sizeof *rows + 1);
  if (!rows) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to pack it", w->name);
  }
  rows_from_master(rows, w);
  memset(form, 0, layout->bytes);
  float *scales = form;
  float *norms = (float *)(void *)((unsigned char *)form + layout->norms_offset_bytes);
  unsigned char *matrix = (unsigned char *)form + layout->matrix_offset_bytes;
  const size_t row_bytes = (size_t)layout->stride * dtype_bytes(layout->type);
  for (int64_t r = 0; r < layout->rows; ++r) {
    const float *from = rows + r * layout->columns;
    const float scale =
        pack_row(matrix + (size_t)r * row_bytes, from, layout->columns, layout->type);
    if (layout->type == DTYPE_I8) {
      scales[r] = scale;
    }
    if (w->use == WEIGHT_CODEBOOK) {
      norms[r] = squared_norm(from, layout->columns);
    }
  }
  free(rows);
  return STATUS_OK;
}
