// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/output/true_peak.h"

#include "tests/engine/output/fine_peak.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

// The greatest of a tone of amplitude 1, in dB.
static double read_tone(double of_rate, double phase)
{
  true_peak m = {0};
  float peak = 0.0f;
  for (int i = 0; i < 2000; ++i) {
    const float p = true_peak_step(&m, (float)cos(2.0 * M_PI * (of_rate * i + phase)));
    peak = i > 100 && p > peak ? p : peak;
  }
  return 20.0 * log10((double)peak);
}

static void tones_read_within_the_stated_error(void **unused)
{
  (void)unused;
  double least = 1.0, most = -1.0;
  for (double of_rate = 0.0; of_rate <= 0.417; of_rate += 0.0031) {
    for (double phase = 0.0; phase < 1.0; phase += 0.0624) {
      if (of_rate > 0.004) {
        least = fmin(least, read_tone(of_rate, phase));
        most = fmax(most, read_tone(of_rate, phase));
      }
    }
  }
  for (int part = 3; part < 20; ++part) { // the same few phases for ever, midway between points
    least = fmin(least, read_tone(1.0 / part, 1.0 / (16.0 * part)));
  }
  print_message("tones below 0.417: %.3f to %.3f dB\n", least, most);
  assert_true(least > -0.06 - 0.117 && most < 0.06);
  assert_true(read_tone(0.45, 0.1) > -0.45);
}

// At a quarter of the rate, half way between: samples are 3 dB below the wave.
static void peaks_between_samples_are_seen(void **unused)
{
  (void)unused;
  assert_true(fabs(read_tone(0.25, 0.125)) < 0.06);
}

// An impulse draws the kernel: point c of an interval, as far from the impulse as it is.
static void the_kernel_is_the_stated_one(void **unused)
{
  (void)unused;
  for (unsigned k = 0; k < TRUE_PEAK_TAPS; ++k) {
    true_peak m = {0};
    float peak = true_peak_step(&m, 1.0f);
    for (unsigned i = 0; i < k; ++i) {
      peak = true_peak_step(&m, 0.0f);
    }
    double expected = 0.0;
    for (int c = 1; c <= TRUE_PEAK_POINTS; ++c) {
      const double d = (double)c / TRUE_PEAK_POINTS + (double)k - TRUE_PEAK_TAPS / 2;
      const double sinc = d == 0.0 ? 1.0 : sin(M_PI * d) / (M_PI * d);
      expected = fmax(expected, fabs(sinc * kaiser(d, TRUE_PEAK_TAPS / 2, 4.0)));
    }
    assert_true(fabs((double)peak - expected) < 1e-7);
  }
}

static void no_sample_reads_less_than_itself(void **unused)
{
  (void)unused;
  true_peak m = {0};
  float past[TRUE_PEAK_DELAY_SAMPLES + 1] = {0};
  uint32_t seed = 1;
  for (int i = 0; i < 10000; ++i) {
    seed = seed * 1664525u + 1013904223u;
    const float x = (float)(int32_t)seed / 2147483648.0f;
    for (int k = TRUE_PEAK_DELAY_SAMPLES; k > 0; --k) {
      past[k] = past[k - 1];
    }
    past[0] = x;
    assert_true(true_peak_step(&m, x) >= fabsf(past[TRUE_PEAK_DELAY_SAMPLES]));
  }
}

static void denormal_numbers_read_as_nothing(void **unused)
{
  (void)unused;
  true_peak m = {0};
  for (int i = 0; i < 100; ++i) {
    assert_true(true_peak_step(&m, 1e-40f) == 0.0f);
  }
  true_peak_step(&m, 1.0f);
  true_peak_reset(&m);
  assert_true(true_peak_step(&m, 0.0f) == 0.0f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tones_read_within_the_stated_error),
      cmocka_unit_test(peaks_between_samples_are_seen),
      cmocka_unit_test(the_kernel_is_the_stated_one),
      cmocka_unit_test(no_sample_reads_less_than_itself),
      cmocka_unit_test(denormal_numbers_read_as_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
