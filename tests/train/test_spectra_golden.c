// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Spectra, mel losses and distances against PyTorch in double:
// tests/reference/make_spectra_golden.py.
#include "gpu/stft.h"
#include "train/mel_loss.h"
#include "train/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/models/golden.h"

#define RATE_HZ 24000.0

typedef struct golden {
  safetensors st;
  float *x, *target;
  int64_t n_samples;
} golden;

static int open_golden(void **state)
{
  static golden g;
  g.st = golden_open("spectra");
  g.x = golden_f32(&g.st, "x", &g.n_samples);
  g.target = golden_f32(&g.st, "target", &g.n_samples);
  *state = &g;
  return 0;
}

static int close_golden(void **state)
{
  golden *g = *state;
  free(g->x);
  free(g->target);
  safetensors_close(&g->st);
  return 0;
}

static double golden_value(const golden *g, const char *name, int index)
{
  int64_t count = 0;
  float *values = golden_f32(&g->st, name, &count);
  assert_true(index < count);
  const double value = (double)values[index];
  free(values);
  return value;
}

static void check_loss(const golden *g, const mel_loss_config *config, const char *loss_name,
                       const char *gradient_name)
{
  int64_t count = 0;
  float *expected = golden_f32(&g->st, gradient_name, &count);
  float *gradient = calloc((size_t)count, sizeof *gradient);
  assert_int_equal(count, g->n_samples);
  mel_loss *l = NULL;
  assert_int_equal(mel_loss_new(&l, config, g->n_samples, NULL), STATUS_OK);
  const double loss = mel_loss_apply(l, g->x, g->target, 1.0f, gradient);
  const double value = golden_value(g, loss_name, 0);
  print_message("%s: value off by %.1e, gradient by %.1e\n", loss_name, fabs(loss - value) / value,
                relative_error(gradient, expected, (size_t)count));
  assert_true(fabs(loss - value) < 1e-5 * value);
  assert_true(relative_error(gradient, expected, (size_t)count) < 1e-4);
  mel_loss_free(l);
  free(expected);
  free(gradient);
}

static void mel_loss_as_encodec(void **state)
{
  const mel_loss_config config = {.windows = {32, 64, 128, 256, 512, 1024, 2048},
                                  .n_windows = 7,
                                  .n_bands = 64,
                                  .rate_hz = RATE_HZ,
                                  .normalised = true,
                                  .log_weight = 1.0,
                                  .log_floor = 1e-5,
                                  .floor_kind = LOG_FLOOR_ADD,
                                  .norm = MEL_MEAN};
  check_loss(*state, &config, "encodec_loss", "encodec_gradient");
}

static void mel_loss_as_soundstream(void **state)
{
  const mel_loss_config config = {.windows = {64, 128, 256, 512, 1024, 2048},
                                  .n_windows = 6,
                                  .n_bands = 64,
                                  .least_fft = 512,
                                  .rate_hz = RATE_HZ,
                                  .power = true,
                                  .log_weight = 1.0,
                                  .log_by_window = true,
                                  .log_floor = 1e-20,
                                  .floor_kind = LOG_FLOOR_MAX,
                                  .norm = MEL_SUM};
  check_loss(*state, &config, "soundstream_loss", "soundstream_gradient");
}

static void spectra_as_torch(void **state)
{
  const golden *g = *state;
  for (int centred = 0; centred < 2; ++centred) {
    const stft_config config = {48, 80, 12, centred == 1, 1.0f};
    int64_t rows = 0;
    float *expected = golden_f32(&g->st, centred ? "stft_centred" : "stft_plain", &rows);
    assert_int_equal(rows, stft_rows(&config, 300));
    const size_t count = (size_t)(rows * stft_bins(&config) * 2);
    float *spectra = calloc(count, sizeof *spectra);
    stft *s = NULL;
    assert_int_equal(stft_new(&s, &config, NULL), STATUS_OK);
    stft_forward(s, spectra, g->x, 300);
    assert_true(relative_error(spectra, expected, count) < 1e-6);
    stft_free(s);
    free(spectra);
    free(expected);
  }
}

static void metrics_as_torch(void **state)
{
  const golden *g = *state;
  si_snr snr = {0};
  si_snr_push(&snr, g->x, g->target, g->n_samples);
  assert_true(fabs(si_snr_db(&snr) - golden_value(g, "si_snr_db", 0)) < 1e-5);
  mel_distance *m = NULL;
  assert_int_equal(mel_distance_new(&m, RATE_HZ, NULL), STATUS_OK);
  mel_distance_push(m, g->x, g->target, g->n_samples);
  const mel_distances d = mel_distance_end(m);
  assert_true(fabs(d.whole - golden_value(g, "distances", 0)) < 1e-5 * d.whole);
  assert_true(fabs(d.low - golden_value(g, "distances", 1)) < 1e-5 * d.low);
  mel_distance_free(m);
}

int main(void)
{
  if (!stft_available()) {
    return 77;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mel_loss_as_encodec),
      cmocka_unit_test(mel_loss_as_soundstream),
      cmocka_unit_test(spectra_as_torch),
      cmocka_unit_test(metrics_as_torch),
  };
  return cmocka_run_group_tests(tests, open_golden, close_golden);
}
