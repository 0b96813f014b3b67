// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/tensor.h"

#include <assert.h>

size_t dtype_bytes(dtype type)
{
  switch (type) {
  case DTYPE_F64:
    return 8;
  case DTYPE_F32:
  case DTYPE_I32:
    return 4;
  case DTYPE_F16:
  case DTYPE_BF16:
    return 2;
  case DTYPE_I8:
    return 1;
  }
  return 0;
}

const char *dtype_name(dtype type)
{
  switch (type) {
  case DTYPE_F32:
    return "f32";
  case DTYPE_F64:
    return "f64";
  case DTYPE_F16:
    return "f16";
  case DTYPE_BF16:
    return "bf16";
  case DTYPE_I8:
    return "i8";
  case DTYPE_I32:
    return "i32";
  }
  return "?";
}

int64_t tensor_count(const tensor *t)
{
  return t->data ? t->dims[0] * t->dims[1] * t->dims[2] * t->dims[3] : 0;
}

size_t tensor_bytes(const tensor *t)
{
  return (size_t)tensor_count(t) * dtype_bytes(t->type);
}

tensor tensor_view(void *data, dtype type, int rank, int64_t d0, int64_t d1, int64_t d2, int64_t d3)
{
  const int64_t dims[TENSOR_MAX_DIMS] = {d0, d1, d2, d3};
  tensor t = {.data = data, .type = type, .rank = rank};
  for (int i = 0; i < TENSOR_MAX_DIMS; ++i) {
    t.dims[i] = i < rank ? dims[i] : 1;
  }
  return t;
}

tensor tensor_reshape(tensor t, int rank, int64_t d0, int64_t d1, int64_t d2, int64_t d3)
{
  tensor view = tensor_view(t.data, t.type, rank, d0, d1, d2, d3);
  view.grad = t.grad;
  assert(!t.data || tensor_count(&view) == tensor_count(&t));
  return view;
}

int64_t tensor_rows(const tensor *t)
{
  int64_t rows = 1;
  for (int i = 0; i + 1 < t->rank; ++i) {
    rows *= t->dims[i];
  }
  return rows;
}

int64_t tensor_channels(const tensor *t)
{
  return t->rank ? t->dims[t->rank - 1] : 1;
}
