// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/random.h"
#include "engine/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static histogram h;

static void empty_is_zero(void **unused)
{
  (void)unused;
  histogram_reset(&h);
  assert_int_equal(histogram_percentile(&h, 0.5), 0);
  assert_int_equal(histogram_percentile(&h, 1.0), 0);
  assert_true(histogram_mean_ns(&h) == 0.0);
}

static void one_value_is_every_percentile(void **unused)
{
  (void)unused;
  histogram_reset(&h);
  histogram_add(&h, 1234567);
  assert_int_equal(histogram_percentile(&h, 0.0), 1234567);
  assert_int_equal(histogram_percentile(&h, 0.5), 1234567);
  assert_int_equal(histogram_percentile(&h, 1.0), 1234567);
  assert_true(histogram_mean_ns(&h) == 1234567.0);
}

static int by_size(const void *a, const void *b)
{
  const uint64_t x = *(const uint64_t *)a;
  const uint64_t y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

// Against sorting: never below the exact percentile, and at most one part in 32 above it.
static void percentiles_agree_with_sorting(void **unused)
{
  (void)unused;
  enum { N = 20000 };
  static uint64_t values[N];
  const double fractions[] = {0.01, 0.5, 0.9, 0.99, 0.999, 1.0};
  histogram_reset(&h);
  for (uint64_t i = 0; i < N; ++i) {
    values[i] = random_bits(1, 2, i) >> (random_bits(1, 3, i) % 40 + 24);
    histogram_add(&h, values[i]);
  }
  qsort(values, N, sizeof *values, by_size);
  for (size_t f = 0; f < sizeof fractions / sizeof *fractions; ++f) {
    const uint64_t exact = values[(size_t)(fractions[f] * N + 0.5) - 1];
    const uint64_t found = histogram_percentile(&h, fractions[f]);
    assert_true(found >= exact);
    assert_true(found <= exact + exact / HISTOGRAM_PER_OCTAVE);
  }
}

static void hours_count_as_the_longest(void **unused)
{
  (void)unused;
  histogram_reset(&h);
  histogram_add(&h, UINT64_C(1) << 62);
  histogram_add(&h, 5);
  assert_int_equal(histogram_percentile(&h, 0.5), 5);
  assert_true(histogram_percentile(&h, 1.0) >= UINT64_C(1) << 40);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(empty_is_zero),
      cmocka_unit_test(one_value_is_every_percentile),
      cmocka_unit_test(percentiles_agree_with_sorting),
      cmocka_unit_test(hours_count_as_the_longest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
