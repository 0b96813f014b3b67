// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Weight normalisation: the fold, and its gradients against central differences in double.

#include "gpu/weight.h"

#include "base/random.h"
#include "base/status.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OUT 5
#define INNER 12
#define COUNT (OUT * INNER)

static void fill(float *to, int64_t count, uint64_t key)
{
  for (int64_t i = 0; i < count; ++i) {
    to[i] = random_uniform(11, key, (uint64_t)i) * 2.0f - 1.0f;
  }
}

static void make(weight *w)
{
  error err = {0};
  weight_init(w, "w", WEIGHT_CONV1D, 3, (const int64_t[]){OUT, 4, 3});
  assert_int_equal(weight_allocate(w, true, &err), STATUS_OK);
  fill(w->norm_g, OUT, 1);
  fill(w->norm_v, COUNT, 2);
}

// Loss = sum(seed * g v / |v|), one row, in double.
static double row_loss(double g, const double *v, const float *seed)
{
  double squares = 0.0, sum = 0.0;
  for (int j = 0; j < INNER; ++j) {
    squares += v[j] * v[j];
    sum += (double)seed[j] * v[j];
  }
  return g * sum / sqrt(squares);
}

static void check_row(const weight *w, int64_t row, const float *seed, double dg, const float *dv)
{
  const double h = 1e-6, g = (double)w->norm_g[row];
  double v[INNER];
  for (int j = 0; j < INNER; ++j) {
    v[j] = (double)w->norm_v[row * INNER + j];
  }
  const double slope = (row_loss(g + h, v, seed) - row_loss(g - h, v, seed)) / (2 * h);
  assert_true(fabs(slope - dg) < 1e-6 * (1.0 + fabs(slope)));
  for (int j = 0; j < INNER; ++j) {
    const double before = v[j];
    v[j] = before + h;
    const double above = row_loss(g, v, seed);
    v[j] = before - h;
    const double below = row_loss(g, v, seed);
    v[j] = before;
    assert_true(fabs((above - below) / (2 * h) - (double)dv[j]) < 1e-6);
  }
}

static void gradients_match_finite_differences(void **state)
{
  (void)state;
  weight w;
  float seed[COUNT], dg[OUT], dv[COUNT];
  make(&w);
  fill(seed, COUNT, 3);
  weight_norm_backward(&w, seed, dg, dv);
  for (int64_t i = 0; i < OUT; ++i) {
    check_row(&w, i, seed + i * INNER, (double)dg[i], dv + i * INNER);
  }
  weight_norm_backward(&w, seed, dg, seed); // in place
  assert_memory_equal(seed, dv, sizeof dv);
  weight_drop_master(&w);
}

static void folds_to_the_length_g(void **state)
{
  (void)state;
  weight w;
  make(&w);
  weight_fold(&w);
  for (int64_t i = 0; i < OUT; ++i) {
    double squares = 0.0;
    for (int64_t j = 0; j < INNER; ++j) {
      squares += (double)w.master[i * INNER + j] * (double)w.master[i * INNER + j];
    }
    assert_true(fabs(sqrt(squares) - fabs((double)w.norm_g[i])) < 1e-6);
  }
  weight_drop_master(&w);
}

static void no_direction_gives_no_gradient(void **state)
{
  (void)state;
  weight w;
  float seed[COUNT], dg[OUT], dv[COUNT];
  make(&w);
  fill(seed, COUNT, 3);
  memset(w.norm_v, 0, INNER * sizeof *w.norm_v);
  weight_fold(&w);
  weight_norm_backward(&w, seed, dg, dv);
  assert_true(dg[0] == 0.0f && dg[1] != 0.0f);
  for (int j = 0; j < INNER; ++j) {
    assert_true(w.master[j] == 0.0f && dv[j] == 0.0f);
  }
  weight_drop_master(&w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradients_match_finite_differences),
      cmocka_unit_test(folds_to_the_length_g),
      cmocka_unit_test(no_direction_gives_no_gradient),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
