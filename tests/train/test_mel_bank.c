// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/mel_bank.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static double corner(int64_t b, int64_t n_bands, double rate_hz)
{
  const double top = 2595.0 * log10(1.0 + rate_hz / 2.0 / 700.0);
  return 700.0 * (pow(10.0, top * (double)b / (double)(n_bands + 1) / 2595.0) - 1.0);
}

// Weight of bin k in band b, straight from the definition.
static double triangle(int64_t b, int64_t k, int64_t n_bands, double rate_hz, int64_t n_fft)
{
  const double f = rate_hz * (double)k / (double)n_fft, low = corner(b, n_bands, rate_hz);
  const double peak = corner(b + 1, n_bands, rate_hz), high = corner(b + 2, n_bands, rate_hz);
  return fmax(0.0, fmin((f - low) / (peak - low), (high - f) / (high - peak)));
}

static void bands_are_triangles(void **unused)
{
  (void)unused;
  static const int64_t lengths[] = {32, 128, 600, 2048};
  for (int i = 0; i < 4; ++i) {
    mel_bank *m = NULL;
    assert_int_equal(mel_bank_new(&m, 24000.0, lengths[i], 64, NULL), STATUS_OK);
    float *values = calloc((size_t)m->n_bins, sizeof *values);
    float *bands = calloc((size_t)m->n_bands, sizeof *bands);
    for (int64_t k = 0; k < m->n_bins; ++k) {
      values[k] = 1.0f;
      mel_bank_apply(m, bands, values);
      values[k] = 0.0f;
      for (int64_t b = 0; b < m->n_bands; ++b) {
        const double expected = triangle(b, k, m->n_bands, 24000.0, lengths[i]);
        assert_true(fabs((double)bands[b] - expected) < 1e-6);
      }
    }
    free(values);
    free(bands);
    mel_bank_free(m);
  }
}

static void spreading_is_the_transpose(void **unused)
{
  (void)unused;
  mel_bank *m = NULL;
  assert_int_equal(mel_bank_new(&m, 24000.0, 512, 40, NULL), STATUS_OK);
  assert_int_equal(m->n_bands, 40);
  float bands[40] = {0}, back[257];
  for (int64_t b = 0; b < 40; ++b) {
    bands[b] = 1.0f;
    mel_bank_spread(m, back, bands);
    bands[b] = 0.0f;
    for (int64_t k = 0; k < 257; ++k) {
      assert_true(fabs((double)back[k] - triangle(b, k, 40, 24000.0, 512)) < 1e-6);
    }
  }
  mel_bank_free(m);
}

static void short_transforms_have_fewer_bands_none_empty(void **unused)
{
  (void)unused;
  int64_t before = 0;
  for (int64_t n_fft = 32; n_fft <= 2048; n_fft *= 2) {
    mel_bank *m = NULL;
    assert_int_equal(mel_bank_new(&m, 24000.0, n_fft, 64, NULL), STATUS_OK);
    assert_true(m->n_bands >= before);
    before = m->n_bands;
    for (int64_t b = 0; b < m->n_bands; ++b) {
      double sum = 0.0;
      for (int64_t k = 0; k <= n_fft / 2; ++k) {
        sum += triangle(b, k, m->n_bands, 24000.0, n_fft);
      }
      assert_true(sum >= 0.25);
    }
    assert_true(n_fft < 512 ? m->n_bands < n_fft / 2 : m->n_bands == 64);
    assert_true(m->n_bands >= 5);
    mel_bank_free(m);
  }
}

static void impossible_banks_are_refused(void **unused)
{
  (void)unused;
  mel_bank *m = NULL;
  error err = {0};
  assert_int_equal(mel_bank_new(&m, 0.0, 512, 40, &err), STATUS_USAGE);
  assert_int_equal(mel_bank_new(&m, 24000.0, 511, 40, &err), STATUS_USAGE);
  assert_int_equal(mel_bank_new(&m, 24000.0, 512, 0, &err), STATUS_USAGE);
  assert_null(m);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bands_are_triangles),
      cmocka_unit_test(spreading_is_the_transpose),
      cmocka_unit_test(short_transforms_have_fewer_bands_none_empty),
      cmocka_unit_test(impossible_banks_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
