// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/high_pass.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define RATE_HZ 24000
#define N 48000

static float x[N];

// Gain of a sine once the start has died away, in dB.
static double gain_db(double cutoff_hz, double sine_hz)
{
  high_pass h;
  high_pass_init(&h, cutoff_hz, RATE_HZ);
  for (int i = 0; i < N; ++i) {
    x[i] = (float)sin(2.0 * 3.14159265358979323846 * sine_hz * i / RATE_HZ);
  }
  high_pass_apply(&h, x, N);
  double power = 0.0;
  for (int i = N / 2; i < N; ++i) {
    power += (double)x[i] * (double)x[i] / (N / 2);
  }
  return 10.0 * log10(2.0 * power);
}

// A Butterworth high-pass of order two: |H|^2 = 1 / (1 + (fc / f)^4), as long as f is far below
// half the rate.
static void test_response(void **state)
{
  (void)state;
  static const double hz[] = {5.0, 10.0, 20.0, 40.0, 100.0, 1000.0};
  for (size_t i = 0; i < sizeof hz / sizeof *hz; ++i) {
    const double expected = -10.0 * log10(1.0 + pow(20.0 / hz[i], 4.0));
    assert_true(fabs(gain_db(20.0, hz[i]) - expected) < 0.02);
  }
}

static void test_offset(void **state)
{
  (void)state;
  high_pass h;
  high_pass_init(&h, 20.0, RATE_HZ);
  for (int i = 0; i < N; ++i) {
    x[i] = 0.5f;
  }
  high_pass_apply(&h, x, N);
  assert_true(fabsf(x[0] - 0.5f) < 0.01f); // it starts from silence
  assert_true(fabsf(x[N / 4]) < 1e-6f);
}

static void test_cuts(void **state)
{
  (void)state;
  static float y[1000];
  high_pass whole, cut;
  high_pass_init(&whole, 20.0, RATE_HZ);
  high_pass_init(&cut, 20.0, RATE_HZ);
  for (int i = 0; i < 1000; ++i) {
    x[i] = y[i] = (float)((i * 7919) % 2001 - 1000) / 1000.0f;
  }
  high_pass_apply(&whole, x, 1000);
  for (size_t at = 0, n = 0; at < 1000; at += n) {
    n = 1 + at % 37 < 1000 - at ? 1 + at % 37 : 1000 - at;
    high_pass_apply(&cut, y + at, n);
  }
  assert_memory_equal(x, y, sizeof y);
}

static void test_none(void **state)
{
  (void)state;
  float y[4] = {1.0f, -0.25f, 0.0f, 0.1f};
  const float before[4] = {1.0f, -0.25f, 0.0f, 0.1f};
  high_pass h;
  high_pass_init(&h, 0.0, RATE_HZ);
  high_pass_apply(&h, y, 4);
  assert_memory_equal(y, before, sizeof y);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_response),
      cmocka_unit_test(test_offset),
      cmocka_unit_test(test_cuts),
      cmocka_unit_test(test_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
