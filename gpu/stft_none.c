// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Stands in for stft.c where there is no KissFFT: no plan can be made.
#include "gpu/stft.h"

#include <stddef.h>

bool stft_available(void)
{
  return false;
}

status stft_new(stft **out, const stft_config *config, error *err)
{
  (void)config;
  *out = NULL;
  return error_set(err, STATUS_UNSUPPORTED, "this build has no spectra (KissFFT was missing)");
}

void stft_free(stft *s)
{
  (void)s;
}

const stft_config *stft_settings(const stft *s)
{
  (void)s;
  static const stft_config nothing = {0};
  return &nothing;
}

int64_t stft_bins(const stft_config *config)
{
  return config->n_fft / 2 + 1;
}

int64_t stft_rows(const stft_config *config, int64_t n_samples)
{
  (void)config;
  (void)n_samples;
  return 0;
}

float stft_unit_scale(int64_t window)
{
  (void)window;
  return 1.0f;
}

void stft_row_forward(stft *s, float *spectrum, const float *x, int64_t n_samples, int64_t row)
{
  (void)s;
  (void)spectrum;
  (void)x;
  (void)n_samples;
  (void)row;
}

void stft_row_backward(stft *s, float *d_x, const float *d_spectrum, int64_t n_samples, int64_t row)
{
  (void)s;
  (void)d_x;
  (void)d_spectrum;
  (void)n_samples;
  (void)row;
}

void stft_forward(stft *s, float *spectra, const float *x, int64_t n_samples)
{
  (void)s;
  (void)spectra;
  (void)x;
  (void)n_samples;
}

void stft_backward(stft *s, float *d_x, const float *d_spectra, int64_t n_samples)
{
  (void)s;
  (void)d_x;
  (void)d_spectra;
  (void)n_samples;
}
