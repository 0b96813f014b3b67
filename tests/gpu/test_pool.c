// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Pooling and reductions against figures worked out by hand: every CPU variant runs the same code,
// so comparing variants would not find a wrong rule.

#include "gpu/apply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ROWS 8

static _Alignas(64) unsigned char block[1 << 14];

typedef struct bench {
  device *dev;
  arena memory;
  run r;
  float x[ROWS];
} bench;

static int open_bench(void **state)
{
  static bench b;
  error err = {0};
  const device_options options = {.kind = COMPUTE_CPU, .n_threads = 1};
  assert_int_equal(device_open(&b.dev, &options, &err), STATUS_OK);
  *state = &b;
  return 0;
}

static int close_bench(void **state)
{
  device_unref(((bench *)*state)->dev);
  return 0;
}

// 1, -2, 3, -4, ... or 1, 2, 3, 4, ...
static tensor input(bench *b, bool signs)
{
  for (int i = 0; i < ROWS; ++i) {
    b->x[i] = signs && i % 2 ? -(float)(i + 1) : (float)(i + 1);
  }
  arena_init(&b->memory, block, sizeof block);
  run_init(&b->r, b->dev, &b->memory);
  return tensor_view(b->x, DTYPE_F32, 3, 1, ROWS, 1, 1);
}

static void check_pool(bench *b, const avg_pool1d_args *args, const float *expected, int64_t rows)
{
  const tensor y = apply_avg_pool1d(&b->r, input(b, false), args);
  assert_int_equal(b->r.failure.code, STATUS_OK);
  assert_int_equal(y.dims[1], rows);
  for (int64_t i = 0; i < rows; ++i) {
    assert_float_equal(((const float *)y.data)[i], expected[i], 1e-6f);
  }
}

static void windows_are_averaged(void **state)
{
  check_pool(*state, &(avg_pool1d_args){4, 2, 1, false}, (float[]){2.0f, 3.5f, 5.5f, 7.0f}, 4);
  check_pool(*state, &(avg_pool1d_args){4, 2, 1, true}, (float[]){1.5f, 3.5f, 5.5f, 5.25f}, 4);
  check_pool(*state, &(avg_pool1d_args){2, 3, 0, false}, (float[]){1.5f, 4.5f, 7.5f}, 3);
  check_pool(*state, &(avg_pool1d_args){3, 4, 0, false}, (float[]){2.0f, 6.0f},
             2); // 8 is left over
}

static void reductions_reduce(void **state)
{
  bench *b = *state;
  static const float expected[] = {-4.0f, -0.5f, 4.5f, 25.5f};
  for (int kind = REDUCE_SUM; kind <= REDUCE_SQUARE_MEAN; ++kind) {
    const tensor y = apply_reduce(&b->r, input(b, true), (reduction)kind);
    assert_int_equal(b->r.failure.code, STATUS_OK);
    assert_int_equal(tensor_count(&y), 1);
    assert_float_equal(*(const float *)y.data, expected[kind], 1e-6f);
  }
}

static void impossible_windows_are_named(void **state)
{
  bench *b = *state;
  static const avg_pool1d_args wrong[] = {
      {9, 1, 0, false}, {4, 0, 1, false}, {4, 2, 3, false}, {0, 1, 0, false}, {2, 1, -1, false}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    const tensor y = apply_avg_pool1d(&b->r, input(b, false), &wrong[i]);
    assert_null(y.data);
    assert_int_equal(b->r.failure.code, STATUS_USAGE);
    assert_non_null(strstr(b->r.failure.message, "8 rows"));
  }
}

static void a_device_without_them_says_so(void **state)
{
  bench *b = *state;
  const ops table = b->dev->table;
  b->dev->table.avg_pool1d = NULL;
  b->dev->table.reduce = NULL;
  apply_avg_pool1d(&b->r, input(b, false), &(avg_pool1d_args){4, 2, 1, false});
  assert_int_equal(b->r.failure.code, STATUS_UNSUPPORTED);
  assert_non_null(strstr(b->r.failure.message, "avg_pool1d does not exist on"));
  apply_reduce(&b->r, input(b, false), REDUCE_MEAN);
  assert_int_equal(b->r.failure.code, STATUS_UNSUPPORTED);
  b->dev->table = table;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(windows_are_averaged),
      cmocka_unit_test(reductions_reduce),
      cmocka_unit_test(impossible_windows_are_named),
      cmocka_unit_test(a_device_without_them_says_so),
  };
  return cmocka_run_group_tests(tests, open_bench, close_bench);
}
