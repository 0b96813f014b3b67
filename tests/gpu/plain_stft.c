// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// gpu/stft.h with the transform written out, in double: for scripts/gpu-check, which has nothing
// but a compiler, and for whom an hour's training would be too slow but a step is not.
#include "gpu/stft.h"

#include <math.h>
#include <stdlib.h>

struct stft {
  stft_config config;
  double *cosine, *sine; // [n_fft]
  float *window;         // [window], times the scale
};

#define TURN 6.28318530717958647693

bool stft_available(void)
{
  return true;
}

status stft_new(stft **out, const stft_config *config, error *err)
{
  *out = NULL;
  if (config->n_fft < 2 || config->n_fft % 2 || config->window < 2 ||
      config->window > config->n_fft || config->hop < 1) {
    return error_set(err, STATUS_USAGE, "a transform of %lld samples over %lld",
                     (long long)config->n_fft, (long long)config->window);
  }
  stft *s = calloc(1, sizeof *s);
  if (s) {
    s->config = *config;
    s->cosine = calloc((size_t)config->n_fft, sizeof *s->cosine);
    s->sine = calloc((size_t)config->n_fft, sizeof *s->sine);
    s->window = calloc((size_t)config->window, sizeof *s->window);
  }
  if (!s || !s->cosine || !s->sine || !s->window) {
    stft_free(s);
    return error_set(err, STATUS_NO_MEMORY, "no memory for a transform");
  }
  for (int64_t i = 0; i < config->n_fft; ++i) {
    s->cosine[i] = cos(TURN * (double)i / (double)config->n_fft);
    s->sine[i] = sin(TURN * (double)i / (double)config->n_fft);
  }
  for (int64_t i = 0; i < config->window; ++i) {
    const double hann = 0.5 - 0.5 * cos(TURN * (double)i / (double)config->window);
    s->window[i] = (float)(hann * (double)config->scale);
  }
  *out = s;
  return STATUS_OK;
}

void stft_free(stft *s)
{
  if (s) {
    free(s->cosine);
    free(s->sine);
    free(s->window);
    free(s);
  }
}

const stft_config *stft_settings(const stft *s)
{
  return &s->config;
}

int64_t stft_bins(const stft_config *config)
{
  return config->n_fft / 2 + 1;
}

int64_t stft_rows(const stft_config *config, int64_t n_samples)
{
  if (config->centred) {
    return n_samples > config->n_fft / 2 ? 1 + n_samples / config->hop : 0;
  }
  return n_samples >= config->n_fft ? 1 + (n_samples - config->n_fft) / config->hop : 0;
}

float stft_unit_scale(int64_t window)
{
  double energy = 0.0;
  for (int64_t i = 0; i < window; ++i) {
    const double hann = 0.5 - 0.5 * cos(TURN * (double)i / (double)window);
    energy += hann * hann;
  }
  return (float)(1.0 / sqrt(energy));
}

// Sample under place `i` of a row's window.
static int64_t source(const stft_config *c, int64_t row, int64_t i, int64_t n_samples)
{
  const int64_t margin = (c->n_fft - c->window) / 2;
  const int64_t place = row * c->hop + margin + i - (c->centred ? c->n_fft / 2 : 0);
  const int64_t right = place < 0 ? -place : place;
  return right < n_samples ? right : 2 * (n_samples - 1) - right;
}

static int64_t angle_of(const stft_config *c, int64_t k, int64_t i)
{
  return k * ((c->n_fft - c->window) / 2 + i) % c->n_fft;
}

void stft_row_forward(stft *s, float *spectrum, const float *x, int64_t n_samples, int64_t row)
{
  const stft_config *c = &s->config;
  for (int64_t k = 0; k < stft_bins(c); ++k) {
    double re = 0.0, im = 0.0;
    for (int64_t i = 0; i < c->window; ++i) {
      const double value = (double)(s->window[i] * x[source(c, row, i, n_samples)]);
      re += value * s->cosine[angle_of(c, k, i)];
      im -= value * s->sine[angle_of(c, k, i)];
    }
    spectrum[2 * k] = (float)re;
    spectrum[2 * k + 1] = (float)im;
  }
}

void stft_row_backward(stft *s, float *d_x, const float *d_spectrum, int64_t n_samples, int64_t row)
{
  const stft_config *c = &s->config;
  for (int64_t i = 0; i < c->window; ++i) {
    double sum = 0.0;
    for (int64_t k = 0; k < stft_bins(c); ++k) {
      sum += (double)d_spectrum[2 * k] * s->cosine[angle_of(c, k, i)] -
             (double)d_spectrum[2 * k + 1] * s->sine[angle_of(c, k, i)];
    }
    d_x[source(c, row, i, n_samples)] += s->window[i] * (float)sum;
  }
}

void stft_forward(stft *s, float *spectra, const float *x, int64_t n_samples)
{
  for (int64_t r = 0; r < stft_rows(&s->config, n_samples); ++r) {
    stft_row_forward(s, spectra + r * stft_bins(&s->config) * 2, x, n_samples, r);
  }
}

void stft_backward(stft *s, float *d_x, const float *d_spectra, int64_t n_samples)
{
  for (int64_t r = 0; r < stft_rows(&s->config, n_samples); ++r) {
    stft_row_backward(s, d_x, d_spectra + r * stft_bins(&s->config) * 2, n_samples, r);
  }
}
