// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The compute form that CUDA kernels read: where rows begin, what pads them, how each storage type
// comes back.

#include "gpu/cpu/rows.h"
#include "gpu/cuda/pack.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct packed {
  weight w;
  pack_layout layout;
  unsigned char *form;
} packed;

static packed make(weight_use use, dtype storage, int rank, int64_t d0, int64_t d1, int64_t d2,
                   int64_t groups, int64_t stride)
{
  packed p;
  error err = {0};
  const int64_t dims[] = {d0, d1, d2, 1};
  weight_init(&p.w, "w", use, rank, dims);
  p.w.storage = storage;
  p.w.groups = groups;
  p.w.stride = stride;
  assert_int_equal(weight_allocate(&p.w, false, &err), STATUS_OK);
  for (int64_t i = 0; i < weight_count(&p.w); ++i) {
    p.w.master[i] = (float)(i % 17 - 8) / 3.0f;
  }
  p.layout = pack_layout_of(&p.w);
  p.form = malloc(p.layout.bytes);
  assert_non_null(p.form);
  memset(p.form, 0xa5, p.layout.bytes);
  assert_int_equal(pack_weight(&p.w, &p.layout, p.form, &err), STATUS_OK);
  return p;
}

static void drop(packed *p)
{
  free(p->form);
  weight_drop_master(&p->w);
}

static float element(const packed *p, int64_t row, int64_t column)
{
  const unsigned char *matrix = p->form + p->layout.matrix_offset_bytes;
  const int64_t at = row * p->layout.stride + column;
  switch (p->layout.type) {
  case DTYPE_F16:
    return f32_from_f16(((const uint16_t *)(const void *)matrix)[at]);
  case DTYPE_BF16:
    return f32_from_bf16(((const uint16_t *)(const void *)matrix)[at]);
  case DTYPE_I8:
    return (float)((const int8_t *)matrix)[at] * ((const float *)(const void *)p->form)[row];
  default:
    return ((const float *)(const void *)matrix)[at];
  }
}

static void rows_are_aligned_and_padded_with_zeros(void **state)
{
  (void)state;
  const dtype types[] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_I8};
  for (int t = 0; t < 4; ++t) {
    packed p = make(WEIGHT_LINEAR, types[t], 2, 5, 21, 1, 1, 1);
    assert_int_equal(p.layout.rows, 5);
    assert_int_equal(p.layout.columns, 21);
    assert_int_equal(p.layout.stride, 32);
    assert_int_equal(p.layout.matrix_offset_bytes % 256, 0);
    assert_int_equal((size_t)p.layout.stride * dtype_bytes(types[t]) % 16, 0);
    assert_true(p.layout.bytes >=
                p.layout.matrix_offset_bytes + 5 * 32 * dtype_bytes(p.layout.type));
    for (int64_t r = 0; r < 5; ++r) {
      for (int64_t j = 21; j < 32; ++j) {
        assert_true(element(&p, r, j) == 0.0f);
      }
    }
    drop(&p);
  }
}

static void each_type_comes_back_within_its_rounding(void **state)
{
  (void)state;
  const dtype types[] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_I8};
  const float bounds[] = {0.0f, 0x1p-10f, 0x1p-7f, 8.0f / 3.0f / 127.0f};
  for (int t = 0; t < 4; ++t) {
    packed p = make(WEIGHT_LINEAR, types[t], 2, 7, 40, 1, 1, 1);
    for (int64_t i = 0; i < 7 * 40; ++i) {
      assert_true(fabsf(element(&p, i / 40, i % 40) - p.w.master[i]) <= bounds[t]);
    }
    drop(&p);
  }
}

// Row (phase, output), column (row of input, oldest first; channel), from master [in][out][tap].
static void a_transposed_convolution_is_sorted_by_phase(void **state)
{
  (void)state;
  packed p = make(WEIGHT_CONV_TRANSPOSED1D, DTYPE_F32, 3, 4, 3, 5, 2, 2);
  assert_int_equal(p.layout.rows, 2 * 6);
  assert_int_equal(p.layout.columns, 3 * 2);
  for (int64_t row = 0; row < 12; ++row) {
    for (int64_t column = 0; column < 6; ++column) {
      const int64_t phase = row / 6, o = row % 6, tap = phase + (2 - column / 2) * 2;
      const int64_t c = o / 3 * 2 + column % 2;
      const float expected = tap < 5 ? p.w.master[(c * 3 + o % 3) * 5 + tap] : 0.0f;
      assert_true(element(&p, row, column) == expected);
    }
  }
  drop(&p);
}

static void a_codebook_stays_whole_and_carries_its_norms(void **state)
{
  (void)state;
  packed p = make(WEIGHT_CODEBOOK, DTYPE_I8, 2, 6, 10, 1, 1, 1);
  assert_int_equal(p.layout.type, DTYPE_F32);
  const float *norms = (const float *)(const void *)(p.form + p.layout.norms_offset_bytes);
  assert_int_equal(p.layout.bytes, p.layout.norms_offset_bytes + 6 * sizeof(float));
  for (int64_t r = 0; r < 6; ++r) {
    float sum = 0.0f;
    for (int64_t j = 0; j < 10; ++j) {
      sum += p.w.master[r * 10 + j] * p.w.master[r * 10 + j];
    }
    assert_true(norms[r] == sum);
  }
  drop(&p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_are_aligned_and_padded_with_zeros),
      cmocka_unit_test(each_type_comes_back_within_its_rounding),
      cmocka_unit_test(a_transposed_convolution_is_sorted_by_phase),
      cmocka_unit_test(a_codebook_stays_whole_and_carries_its_norms),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
