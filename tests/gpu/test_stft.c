// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Spectra against a direct transform in double, and their adjoint against what defines it.
#include "gpu/stft.h"

#include "gpu/apply.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/failing_alloc.h"

#define PI 3.14159265358979323846
#define N_SAMPLES 301

typedef struct one_case {
  const char *name;
  stft_config config;
  int64_t rows;
} one_case;

static const one_case cases[] = {
    {"plain", {32, 32, 8, false, 1.0f}, 34},
    {"centred", {32, 32, 8, true, 1.0f}, 38},
    {"padded window", {48, 128, 12, true, 0.25f}, 26},
    {"padded, odd window", {27, 60, 7, false, 3.0f}, 35},
    {"hop above window", {16, 20, 50, true, 1.0f}, 7},
    {"as long as the mirror allows", {600, 600, 150, true, 1.0f}, 3},
    {"exactly one row", {300, 300, 150, false, 1.0f}, 1},
};
#define N_CASES (sizeof cases / sizeof cases[0])

// Numbers in [-1, 1) from a small generator.
static float draw(uint32_t *state)
{
  *state = *state * 1664525u + 1013904223u;
  return (float)(*state >> 8) / 8388608.0f - 1.0f;
}

static float *draws(size_t count, uint32_t seed)
{
  float *values = malloc(count * sizeof *values);
  assert_non_null(values);
  for (size_t i = 0; i < count; ++i) {
    values[i] = draw(&seed);
  }
  return values;
}

// Weight of sample `at` in bin k of a row: the transform written out, mirror and all.
static void slow_bin(const stft_config *c, const float *x, int64_t row, int64_t k, double *re,
                     double *im)
{
  *re = *im = 0.0;
  for (int64_t i = 0; i < c->n_fft; ++i) {
    const int64_t in_window = i - (c->n_fft - c->window) / 2;
    if (in_window < 0 || in_window >= c->window) {
      continue;
    }
    int64_t at = row * c->hop + i - (c->centred ? c->n_fft / 2 : 0);
    at = at < 0 ? -at : at;
    at = at >= N_SAMPLES ? 2 * (N_SAMPLES - 1) - at : at;
    const double factor =
        (double)c->scale * (0.5 - 0.5 * cos(2.0 * PI * (double)in_window / (double)c->window));
    const double angle = 2.0 * PI * (double)(i * k % c->n_fft) / (double)c->n_fft;
    *re += factor * (double)x[at] * cos(angle);
    *im -= factor * (double)x[at] * sin(angle);
  }
}

static void spectra_are_the_direct_transform(void **unused)
{
  (void)unused;
  float *x = draws(N_SAMPLES, 1);
  for (size_t i = 0; i < N_CASES; ++i) {
    const stft_config *c = &cases[i].config;
    const int64_t rows = stft_rows(c, N_SAMPLES), bins = stft_bins(c);
    assert_int_equal(rows, cases[i].rows);
    float *got = malloc((size_t)(rows * bins * 2) * sizeof *got);
    stft *s = NULL;
    assert_int_equal(stft_new(&s, c, NULL), STATUS_OK);
    stft_forward(s, got, x, N_SAMPLES);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t k = 0; k < bins; ++k) {
        double re, im;
        slow_bin(c, x, r, k, &re, &im);
        const float *bin = got + (r * bins + k) * 2;
        const double off = hypot((double)bin[0] - re, (double)bin[1] - im);
        if (!(off < 2e-6 * (double)c->scale * sqrt((double)c->window))) {
          fail_msg("%s: row %d bin %d: %g off", cases[i].name, (int)r, (int)k, off);
        }
      }
    }
    stft_free(s);
    free(got);
  }
  free(x);
}

// <A x, y> = <x, A' y> for random x and y.
static void backward_is_the_adjoint(void **unused)
{
  (void)unused;
  for (size_t i = 0; i < N_CASES; ++i) {
    const stft_config *c = &cases[i].config;
    const int64_t rows = stft_rows(c, N_SAMPLES), bins = stft_bins(c);
    const size_t count = (size_t)(rows * bins * 2);
    float *x = draws(N_SAMPLES, 2), *y = draws(count, 3), *spectra = draws(count, 4);
    float *back = calloc(N_SAMPLES, sizeof *back);
    stft *s = NULL;
    assert_int_equal(stft_new(&s, c, NULL), STATUS_OK);
    stft_forward(s, spectra, x, N_SAMPLES);
    stft_backward(s, back, y, N_SAMPLES);
    double left = 0.0, right = 0.0, size = 0.0;
    for (size_t j = 0; j < count; ++j) {
      left += (double)spectra[j] * (double)y[j];
      size += fabs((double)spectra[j] * (double)y[j]);
    }
    for (size_t j = 0; j < N_SAMPLES; ++j) {
      right += (double)x[j] * (double)back[j];
    }
    if (!(fabs(left - right) < 1e-6 * size)) {
      fail_msg("%s: %.9g is not %.9g", cases[i].name, left, right);
    }
    stft_free(s);
    free(x);
    free(y);
    free(spectra);
    free(back);
  }
}

// Every sample's gradient, not only a projection: the adjoint's columns are the transform's rows.
static void gradients_are_exact_sample_by_sample(void **unused)
{
  (void)unused;
  for (size_t i = 0; i < 4; ++i) {
    const stft_config *c = &cases[i].config;
    const int64_t rows = stft_rows(c, N_SAMPLES), bins = stft_bins(c);
    const size_t count = (size_t)(rows * bins * 2);
    float *y = draws(count, 5), *back = calloc(N_SAMPLES, sizeof *back);
    float *unit = calloc(N_SAMPLES, sizeof *unit);
    stft *s = NULL;
    assert_int_equal(stft_new(&s, c, NULL), STATUS_OK);
    stft_backward(s, back, y, N_SAMPLES);
    for (int64_t n = 0; n < N_SAMPLES; n += 17) {
      double expected = 0.0;
      unit[n] = 1.0f;
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t k = 0; k < bins; ++k) {
          double re, im;
          slow_bin(c, unit, r, k, &re, &im);
          expected += re * (double)y[(r * bins + k) * 2] + im * (double)y[(r * bins + k) * 2 + 1];
        }
      }
      unit[n] = 0.0f;
      if (!(fabs(expected - (double)back[n]) < 2e-6 * (double)c->scale * (double)c->window)) {
        fail_msg("%s: sample %d: %g, %g expected", cases[i].name, (int)n, (double)back[n],
                 expected);
      }
    }
    stft_free(s);
    free(y);
    free(back);
    free(unit);
  }
}

static void backward_adds_to_what_is_there(void **unused)
{
  (void)unused;
  const stft_config *c = &cases[1].config;
  const size_t count = (size_t)(stft_rows(c, N_SAMPLES) * stft_bins(c) * 2);
  float *y = draws(count, 6), once[N_SAMPLES] = {0}, twice[N_SAMPLES];
  stft *s = NULL;
  assert_int_equal(stft_new(&s, c, NULL), STATUS_OK);
  stft_backward(s, once, y, N_SAMPLES);
  for (int i = 0; i < N_SAMPLES; ++i) {
    twice[i] = 1000.0f;
  }
  stft_backward(s, twice, y, N_SAMPLES);
  for (int i = 0; i < N_SAMPLES; ++i) {
    assert_true(fabsf(twice[i] - 1000.0f - once[i]) < 1e-3f);
  }
  stft_free(s);
  free(y);
}

static void unit_scale_gives_a_window_of_unit_energy(void **unused)
{
  (void)unused;
  assert_true(fabsf(stft_unit_scale(1024) - 1.0f / sqrtf(0.375f * 1024.0f)) < 1e-6f);
}

static void too_short_gives_no_rows(void **unused)
{
  (void)unused;
  const stft_config plain = {32, 32, 8, false, 1.0f}, centred = {32, 32, 8, true, 1.0f};
  assert_int_equal(stft_rows(&plain, 31), 0);
  assert_int_equal(stft_rows(&plain, 32), 1);
  assert_int_equal(stft_rows(&centred, 16), 0);
  assert_int_equal(stft_rows(&centred, 17), 3);
}

static void impossible_lengths_are_refused(void **unused)
{
  (void)unused;
  const struct {
    stft_config config;
    const char *words;
  } wrong[] = {
      {{32, 33, 8, false, 1.0f}, "transform of 33"}, {{32, 0, 8, false, 1.0f}, "transform of 0"},
      {{8, 14, 8, false, 1.0f}, "transform of 14"},  {{33, 32, 8, false, 1.0f}, "window of 33"},
      {{1, 32, 8, false, 1.0f}, "window of 1"},      {{32, 32, 0, false, 1.0f}, "hop of 0"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
    stft *s = NULL;
    error err = {0};
    assert_int_equal(stft_new(&s, &wrong[i].config, &err), STATUS_USAGE);
    assert_null(s);
    assert_non_null(strstr(err.message, wrong[i].words));
  }
}

// The operator says what it cannot do; what it can is in the list of cases.
static void wrong_waves_fail_the_run(void **unused)
{
  (void)unused;
  device *dev = NULL;
  const device_options options = {.kind = COMPUTE_CPU};
  assert_int_equal(device_open(&dev, &options, NULL), STATUS_OK);
  static unsigned char block[1 << 16];
  float x[64] = {0};
  stft *s = NULL;
  assert_int_equal(stft_new(&s, &cases[0].config, NULL), STATUS_OK);
  for (int which = 0; which < 3; ++which) {
    arena memory;
    run r;
    arena_init(&memory, block, sizeof block);
    run_init(&r, dev, &memory);
    void (*const slot)(run *, tensor *, const tensor *, stft *) = dev->table.stft;
    dev->table.stft = which == 2 ? NULL : slot;
    const tensor wave =
        tensor_view(x, DTYPE_F32, 3, 1, which == 0 ? 31 : 32, which == 1 ? 2 : 1, 1);
    assert_null(apply_stft(&r, wave, s).data);
    dev->table.stft = slot;
    static const char *const words[] = {"31 samples are too few for a transform of 32",
                                        "channels: expected 1, found 2", "stft does not exist on"};
    assert_non_null(strstr(r.failure.message, words[which]));
  }
  stft_free(s);
  device_unref(dev);
}

static status make_and_free(void *user, error *err)
{
  (void)user;
  stft *s = NULL;
  const status made = stft_new(&s, &cases[0].config, err);
  stft_free(s);
  return made;
}

static void failed_allocations_are_reported(void **unused)
{
  (void)unused;
  assert_true(failing_alloc_each(make_and_free, NULL) >= 4);
}

static void nothing_is_allocated_after_creation(void **unused)
{
  (void)unused;
  float x[N_SAMPLES] = {0}, *spectra = calloc(34 * 17 * 2, sizeof *spectra);
  stft *s = NULL;
  assert_int_equal(stft_new(&s, &cases[0].config, NULL), STATUS_OK);
  failing_alloc_arm(-1);
  stft_forward(s, spectra, x, N_SAMPLES);
  stft_backward(s, x, spectra, N_SAMPLES);
  assert_int_equal(failing_alloc_count(), 0);
  stft_free(s);
  free(spectra);
}

int main(void)
{
  if (!stft_available()) {
    return 77;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(spectra_are_the_direct_transform),
      cmocka_unit_test(backward_is_the_adjoint),
      cmocka_unit_test(gradients_are_exact_sample_by_sample),
      cmocka_unit_test(backward_adds_to_what_is_there),
      cmocka_unit_test(unit_scale_gives_a_window_of_unit_energy),
      cmocka_unit_test(too_short_gives_no_rows),
      cmocka_unit_test(impossible_lengths_are_refused),
      cmocka_unit_test(wrong_waves_fail_the_run),
      cmocka_unit_test(failed_allocations_are_reported),
      cmocka_unit_test(nothing_is_allocated_after_creation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
