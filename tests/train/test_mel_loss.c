// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The mel loss against its definition written out in double: slow transform, dense mel matrix.
#include "train/mel_loss.h"

#include "gpu/stft.h"
#include "train/mel_bank.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/failing_alloc.h"

#define PI 3.14159265358979323846
#define N_SAMPLES 300
#define RATE_HZ 8000.0

typedef struct one_case {
  const char *name;
  mel_loss_config config;
} one_case;

static const one_case cases[] = {
    {"EnCodec",
     {{32, 64, 128},
      3,
      16,
      0,
      RATE_HZ,
      false,
      true,
      1.0,
      false,
      false,
      1e-5,
      LOG_FLOOR_ADD,
      MEL_MEAN}},
    {"SoundStream",
     {{32, 64}, 2, 16, 128, RATE_HZ, true, false, 1.0, false, true, 1e-20, LOG_FLOOR_MAX, MEL_SUM}},
    {"high floor",
     {{64}, 1, 10, 0, RATE_HZ, true, true, 0.5, false, false, 0.05, LOG_FLOOR_MAX, MEL_MEAN}},
    {"sums of magnitudes",
     {{32}, 1, 6, 0, RATE_HZ, false, true, 2.0, false, false, 1e-2, LOG_FLOOR_ADD, MEL_SUM}},
    {"absolute",
     {{32, 64}, 2, 16, 0, RATE_HZ, false, true, 1.5, true, false, 1e-3, LOG_FLOOR_ADD, MEL_MEAN}},
    {"no logarithm",
     {{64}, 1, 10, 0, RATE_HZ, true, true, 0.0, false, false, 1.0, LOG_FLOOR_ADD, MEL_MEAN}},
};
#define N_CASES (sizeof cases / sizeof cases[0])

// The waves: a few partials and noise, never silent.
static void draw_wave(float *x, uint32_t state)
{
  for (int i = 0; i < N_SAMPLES; ++i) {
    state = state * 1664525u + 1013904223u;
    const double noise = (double)(state >> 8) / 8388608.0 - 1.0;
    x[i] = (float)(0.3 * sin(0.2 * i) + 0.2 * sin(1.1 * i + (double)(state % 3)) + 0.1 * noise);
  }
}

static double corner(int64_t b, int64_t n_bands)
{
  const double top = 2595.0 * log10(1.0 + RATE_HZ / 2.0 / 700.0);
  return 700.0 * (pow(10.0, top * (double)b / (double)(n_bands + 1) / 2595.0) - 1.0);
}

static double triangle(int64_t b, int64_t k, int64_t n_bands, int64_t n_fft)
{
  const double f = RATE_HZ * (double)k / (double)n_fft, low = corner(b, n_bands);
  const double peak = corner(b + 1, n_bands), high = corner(b + 2, n_bands);
  return fmax(0.0, fmin((f - low) / (peak - low), (high - f) / (high - peak)));
}

// Mel bands of one row of x, in double.
static void slow_bands(const mel_loss_config *c, int64_t window, int64_t n_bands, const double *x,
                       int64_t row, double *bands)
{
  const int64_t n_fft = window > c->least_fft ? window : c->least_fft;
  double energy = 0.0, hann[2048];
  for (int64_t i = 0; i < window; ++i) {
    hann[i] = 0.5 - 0.5 * cos(2.0 * PI * (double)i / (double)window);
    energy += hann[i] * hann[i];
  }
  memset(bands, 0, (size_t)n_bands * sizeof *bands);
  for (int64_t k = 0; k <= n_fft / 2; ++k) {
    double re = 0.0, im = 0.0;
    for (int64_t i = 0; i < window; ++i) {
      int64_t at = row * (window / 4) - window / 2 + i;
      at = at < 0 ? -at : at >= N_SAMPLES ? 2 * (N_SAMPLES - 1) - at : at;
      const double angle = 2.0 * PI * (double)(i * k % n_fft) / (double)n_fft;
      re += hann[i] * x[at] * cos(angle);
      im += hann[i] * x[at] * sin(angle);
    }
    const double power = (re * re + im * im) / (c->normalised ? energy : 1.0);
    for (int64_t b = 0; b < n_bands; ++b) {
      bands[b] += triangle(b, k, n_bands, n_fft) * (c->power ? power : sqrt(power + 1e-16));
    }
  }
}

static double slow_log(const mel_loss_config *c, double value)
{
  return log(c->floor_kind == LOG_FLOOR_ADD ? value + c->log_floor : fmax(value, c->log_floor));
}

static double slow_loss(const mel_loss_config *c, const double *x, const double *target)
{
  double loss = 0.0;
  for (int w = 0; w < c->n_windows; ++w) {
    const int64_t window = c->windows[w], rows = 1 + N_SAMPLES / (window / 4);
    mel_bank *bank = NULL; // for the number of bands, which test_mel_bank.c looks at
    assert_int_equal(mel_bank_new(&bank, RATE_HZ, window > c->least_fft ? window : c->least_fft,
                                  c->n_bands, NULL),
                     STATUS_OK);
    const int64_t n_bands = bank->n_bands;
    mel_bank_free(bank);
    const double alpha = c->log_weight * (c->log_by_window ? sqrt((double)window / 2.0) : 1.0);
    for (int64_t r = 0; r < rows; ++r) {
      double a[64], t[64], linear = 0.0, logs = 0.0;
      slow_bands(c, window, n_bands, x, r, a);
      slow_bands(c, window, n_bands, target, r, t);
      for (int64_t b = 0; b < n_bands; ++b) {
        const double difference = slow_log(c, a[b]) - slow_log(c, t[b]);
        linear += fabs(a[b] - t[b]);
        logs += c->log_absolute ? fabs(difference) : difference * difference;
      }
      loss += c->norm == MEL_SUM
                  ? (linear + alpha * sqrt(logs)) / (double)rows
                  : (linear + alpha * logs) / (double)(rows * n_bands * c->n_windows);
    }
  }
  return loss;
}

static void widen(double *to, const float *from)
{
  for (int i = 0; i < N_SAMPLES; ++i) {
    to[i] = (double)from[i];
  }
}

static void values_are_as_defined(void **unused)
{
  (void)unused;
  float x[N_SAMPLES], target[N_SAMPLES];
  double wide_x[N_SAMPLES], wide_target[N_SAMPLES];
  draw_wave(x, 1);
  draw_wave(target, 2);
  widen(wide_x, x);
  widen(wide_target, target);
  for (size_t i = 0; i < N_CASES; ++i) {
    mel_loss *l = NULL;
    assert_int_equal(mel_loss_new(&l, &cases[i].config, N_SAMPLES, NULL), STATUS_OK);
    const double got = mel_loss_apply(l, x, target, 7.0f, NULL);
    const double expected = slow_loss(&cases[i].config, wide_x, wide_target);
    if (!(fabs(got - expected) < 1e-5 * expected)) {
      fail_msg("%s: %.9g, %.9g expected", cases[i].name, got, expected);
    }
    mel_loss_free(l);
  }
}

// Along single samples, the mirrored ones among them, by central differences.
static void gradients_match_differences(void **unused)
{
  (void)unused;
  static const int samples[] = {0, 1, 2, 31, 64, 137, 150, 201, 298, 299};
  float x[N_SAMPLES], target[N_SAMPLES];
  double wide_x[N_SAMPLES], wide_target[N_SAMPLES];
  draw_wave(x, 3);
  draw_wave(target, 4);
  widen(wide_x, x);
  widen(wide_target, target);
  for (size_t i = 0; i < N_CASES; ++i) {
    const mel_loss_config *c = &cases[i].config;
    float gradient[N_SAMPLES] = {0};
    mel_loss *l = NULL;
    assert_int_equal(mel_loss_new(&l, c, N_SAMPLES, NULL), STATUS_OK);
    mel_loss_apply(l, x, target, 2.0f, gradient);
    float largest = 0.0f;
    for (int n = 0; n < N_SAMPLES; ++n) {
      largest = fmaxf(largest, fabsf(gradient[n]));
    }
    for (size_t j = 0; j < sizeof samples / sizeof samples[0]; ++j) {
      const int n = samples[j];
      wide_x[n] = (double)x[n] + 1e-6;
      const double above = slow_loss(c, wide_x, wide_target);
      wide_x[n] = (double)x[n] - 1e-6;
      const double below = slow_loss(c, wide_x, wide_target);
      wide_x[n] = (double)x[n];
      const double expected = 2.0 * (above - below) / 2e-6;
      if (!(fabs((double)gradient[n] - expected) < 1e-4 * (double)largest)) {
        fail_msg("%s: sample %d: %.9g, %.9g expected", cases[i].name, n, (double)gradient[n],
                 expected);
      }
    }
    mel_loss_free(l);
  }
}

static void equal_waves_lose_nothing(void **unused)
{
  (void)unused;
  float x[N_SAMPLES];
  draw_wave(x, 5);
  for (size_t i = 0; i < N_CASES; ++i) {
    float gradient[N_SAMPLES] = {0};
    mel_loss *l = NULL;
    assert_int_equal(mel_loss_new(&l, &cases[i].config, N_SAMPLES, NULL), STATUS_OK);
    assert_true(mel_loss_apply(l, x, x, 1.0f, gradient) == 0.0);
    for (int n = 0; n < N_SAMPLES; ++n) {
      assert_true(gradient[n] == 0.0f);
    }
    mel_loss_free(l);
  }
}

static void silence_has_a_finite_gradient(void **unused)
{
  (void)unused;
  float silent[N_SAMPLES] = {0}, x[N_SAMPLES];
  draw_wave(x, 6);
  for (size_t i = 0; i < N_CASES; ++i) {
    mel_loss *l = NULL;
    assert_int_equal(mel_loss_new(&l, &cases[i].config, N_SAMPLES, NULL), STATUS_OK);
    for (int which = 0; which < 2; ++which) {
      float gradient[N_SAMPLES] = {0};
      const double loss = mel_loss_apply(l, which ? silent : x, which ? x : silent, 1.0f, gradient);
      assert_true(isfinite(loss) && loss > 0.0);
      for (int n = 0; n < N_SAMPLES; ++n) {
        assert_true(isfinite(gradient[n]));
      }
    }
    mel_loss_free(l);
  }
}

static void gradients_are_added_and_repeat(void **unused)
{
  (void)unused;
  float x[N_SAMPLES], target[N_SAMPLES], once[N_SAMPLES] = {0}, again[N_SAMPLES] = {0};
  draw_wave(x, 7);
  draw_wave(target, 8);
  mel_loss *l = NULL, *other = NULL;
  assert_int_equal(mel_loss_new(&l, &cases[0].config, N_SAMPLES, NULL), STATUS_OK);
  assert_int_equal(mel_loss_new(&other, &cases[0].config, N_SAMPLES, NULL), STATUS_OK);
  failing_alloc_arm(-1);
  const double first = mel_loss_apply(l, x, target, 1.0f, once);
  mel_loss_apply(other, target, x, 1.0f, NULL); // leaves nothing behind
  assert_true(mel_loss_apply(other, x, target, 1.0f, again) == first);
  assert_int_equal(failing_alloc_count(), 0);
  assert_memory_equal(once, again, sizeof once);
  mel_loss_apply(l, x, target, 1.0f, again);
  for (int n = 0; n < N_SAMPLES; ++n) {
    assert_true(fabsf(again[n] - 2.0f * once[n]) <= 1e-5f * fabsf(once[n]) + 1e-7f);
  }
  mel_loss_free(l);
  mel_loss_free(other);
}

static void impossible_losses_are_refused(void **unused)
{
  (void)unused;
  const struct {
    int64_t window;
    int64_t least_fft;
    double floor;
    const char *words;
  } wrong[] = {
      {30, 0, 1e-5, "window of 30"},        {0, 0, 1e-5, "window of 0"},
      {1024, 0, 1e-5, "transform of 1024"}, {28, 0, 1e-5, "transform of 28"},
      {32, 0, 0.0, "floor of 0"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
    mel_loss_config config = cases[2].config;
    config.windows[0] = wrong[i].window;
    config.log_floor = wrong[i].floor;
    mel_loss *l = NULL;
    error err = {0};
    assert_int_equal(mel_loss_new(&l, &config, N_SAMPLES, &err), STATUS_USAGE);
    assert_null(l);
    assert_non_null(strstr(err.message, wrong[i].words));
  }
}

static void a_recipe_says_it_all(void **unused)
{
  (void)unused;
  const recipe_loss wanted = {.mel_windows = {{64, 128}, 2},
                              .mel_bins = 80,
                              .mel_least_fft = 512,
                              .mel_log_weight = 0.5,
                              .mel_log_by_window = true,
                              .mel_power = true,
                              .mel_log_floor = 1e-3,
                              .mel_log_floor_kind = LOG_FLOOR_MAX,
                              .mel_norm = MEL_SUM};
  mel_loss_config c;
  mel_loss_configure(&c, &wanted, 16000.0);
  assert_int_equal(c.n_windows, 2);
  assert_int_equal(c.windows[1], 128);
  assert_int_equal(c.n_bands, 80);
  assert_int_equal(c.least_fft, 512);
  assert_true(c.rate_hz == 16000.0 && c.log_weight == 0.5 && c.log_floor == 1e-3);
  assert_true(c.log_by_window && c.power && !c.normalised);
  assert_int_equal(c.floor_kind, LOG_FLOOR_MAX);
  assert_int_equal(c.norm, MEL_SUM);
}

static status make_and_free(void *user, error *err)
{
  (void)user;
  mel_loss *l = NULL;
  const status made = mel_loss_new(&l, &cases[0].config, N_SAMPLES, err);
  mel_loss_free(l);
  return made;
}

static void failed_allocations_are_reported(void **unused)
{
  (void)unused;
  assert_true(failing_alloc_each(make_and_free, NULL) > 20);
}

int main(void)
{
  if (!stft_available()) {
    return 77;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_are_as_defined),
      cmocka_unit_test(gradients_match_differences),
      cmocka_unit_test(equal_waves_lose_nothing),
      cmocka_unit_test(silence_has_a_finite_gradient),
      cmocka_unit_test(gradients_are_added_and_repeat),
      cmocka_unit_test(impossible_losses_are_refused),
      cmocka_unit_test(a_recipe_says_it_all),
      cmocka_unit_test(failed_allocations_are_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
