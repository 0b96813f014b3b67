// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Element types of tensors as files hold them, and their conversion to f32. Little-endian, as are
/// all the formats read here and all the machines continuo builds for. Any thread.
#ifndef CONTINUO_BASE_ELEMENT_H
#define CONTINUO_BASE_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum element_type {
  ELEMENT_F64,
  ELEMENT_I64,
  ELEMENT_U64,
  ELEMENT_F32,
  ELEMENT_I32,
  ELEMENT_U32,
  ELEMENT_F16,
  ELEMENT_BF16,
  ELEMENT_I16,
  ELEMENT_U16,
  ELEMENT_I8,
  ELEMENT_U8,
  ELEMENT_BOOL, ///< one byte, 0 or 1
} element_type;

#define ELEMENT_TYPES 13
#define ELEMENT_MAX_RANK 8

size_t element_bytes(element_type type);
const char *element_name(element_type type); ///< "f32", "bf16", "bool", ...

/// Number of elements and bytes of a tensor of that shape; false when a dimension is negative or
/// the size does not fit size_t. Rank 0 is one element.
bool element_count(int rank, const int64_t *dims, size_t *count);
bool element_size(element_type type, int rank, const int64_t *dims, size_t *size_bytes);

/// `count` elements at `data` (any alignment) as f32; integers and f64 are rounded to nearest.
void element_to_f32(element_type type, const void *data, size_t count, float *out);

/// "[1024, 128]" into `text`; returns `text`.
char *element_shape_text(int rank, const int64_t *dims, char text[static 192]);

#endif
