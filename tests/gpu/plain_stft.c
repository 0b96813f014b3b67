// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// gpu/stft.h as it is defined there, summed in double and sharing nothing with gpu/stft.c, so that
// CUDA is held to the definition: for scripts/gpu-check too, which has nothing but a compiler, and
// for whom an hour's training would be too slow but a step is not.
#include "gpu/stft.h"

#include <math.h>
#include <stdlib.h>

#define PI 3.14159265358979323846

struct stft {
  stft_config config;
  double *cosine, *sine; // [n_fft], of 2 pi i / n_fft
  double *weight;        // [n_fft], of each sample: scale * hann, 0 in the margins
};

// 0.5 - 0.5 cos 2a = sin^2 a
static double hann(int64_t i, int64_t window)
{
  return pow(sin(PI * (double)i / (double)window), 2.0);
}

bool stft_available(void)
{
  return true;
}

status stft_new(stft **out, const stft_config *config, error *err)
{
  *out = NULL;
  const int64_t n_fft = config->n_fft, margin = (n_fft - config->window) / 2;
  if (n_fft < 2 || n_fft % 2 || config->window < 2 || config->window > n_fft || config->hop < 1) {
    return error_set(err, STATUS_USAGE, "a transform of %lld samples over %lld", (long long)n_fft,
                     (long long)config->window);
  }
  stft *s = calloc(1, sizeof *s);
  if (s) {
    s->config = *config;
    s->cosine = calloc((size_t)n_fft, sizeof *s->cosine);
    s->sine = calloc((size_t)n_fft, sizeof *s->sine);
    s->weight = calloc((size_t)n_fft, sizeof *s->weight);
  }
  if (!s || !s->cosine || !s->sine || !s->weight) {
    stft_free(s);
    return error_set(err, STATUS_NO_MEMORY, "no memory for a transform");
  }
  for (int64_t i = 0; i < n_fft; ++i) {
    s->cosine[i] = cos(2.0 * PI * (double)i / (double)n_fft);
    s->sine[i] = sin(2.0 * PI * (double)i / (double)n_fft);
  }
  for (int64_t i = 0; i < config->window; ++i) {
    s->weight[margin + i] = (double)config->scale * hann(i, config->window);
  }
  *out = s;
  return STATUS_OK;
}

void stft_free(stft *s)
{
  if (s) {
    free(s->cosine);
    free(s->sine);
    free(s->weight);
    free(s);
  }
}

const stft_config *stft_settings(const stft *s)
{
  return &s->config;
}

// Frequencies from none to half the rate.
int64_t stft_bins(const stft_config *config)
{
  int64_t bins = 0;
  while (2 * bins <= config->n_fft) {
    ++bins;
  }
  return bins;
}

// What the mirrors at each end add.
static int64_t reach(const stft_config *config)
{
  return config->centred ? config->n_fft / 2 : 0;
}

// As many transforms as there is room for, if the mirror has so much to show.
int64_t stft_rows(const stft_config *config, int64_t n_samples)
{
  const int64_t room = n_samples + 2 * reach(config);
  int64_t rows = 0;
  while (n_samples > reach(config) && rows * config->hop + config->n_fft <= room) {
    ++rows;
  }
  return rows;
}

float stft_unit_scale(int64_t window)
{
  double energy = 0.0;
  for (int64_t i = 0; i < window; ++i) {
    energy += pow(hann(i, window), 2.0);
  }
  return (float)pow(energy, -0.5);
}

// Which of n_samples is under place `i` of a row's transform.
static int64_t sample_under(const stft_config *c, int64_t row, int64_t i, int64_t n_samples)
{
  const int64_t last = n_samples - 1;
  const int64_t at = llabs(row * c->hop + i - reach(c));
  return last - llabs(last - at);
}

// What place `i` counts for in bin k: the real part and the imaginary.
typedef struct factor {
  double re, im;
} factor;

static factor factor_of(const stft *s, int64_t k, int64_t i)
{
  const int64_t turned = k * i % s->config.n_fft;
  return (factor){s->weight[i] * s->cosine[turned], -s->weight[i] * s->sine[turned]};
}

void stft_row_forward(stft *s, float *spectrum, const float *x, int64_t n_samples, int64_t row)
{
  const int64_t bins = stft_bins(&s->config);
  for (int64_t k = 0; k < bins; ++k) {
    double re = 0.0, im = 0.0;
    for (int64_t i = 0; i < s->config.n_fft; ++i) {
      const factor f = factor_of(s, k, i);
      const double value = (double)x[sample_under(&s->config, row, i, n_samples)];
      re += f.re * value;
      im += f.im * value;
    }
    spectrum[2 * k] = (float)re;
    spectrum[2 * k + 1] = (float)im;
  }
}

void stft_row_backward(stft *s, float *d_x, const float *d_spectrum, int64_t n_samples, int64_t row)
{
  const int64_t bins = stft_bins(&s->config);
  for (int64_t i = 0; i < s->config.n_fft; ++i) {
    double sum = 0.0;
    for (int64_t k = 0; k < bins; ++k) {
      const factor f = factor_of(s, k, i);
      sum += f.re * (double)d_spectrum[2 * k] + f.im * (double)d_spectrum[2 * k + 1];
    }
    d_x[sample_under(&s->config, row, i, n_samples)] += (float)sum;
  }
}

void stft_forward(stft *s, float *spectra, const float *x, int64_t n_samples)
{
  const int64_t row_values = 2 * stft_bins(&s->config);
  for (int64_t r = 0; r < stft_rows(&s->config, n_samples); ++r) {
    stft_row_forward(s, spectra + r * row_values, x, n_samples, r);
  }
}

void stft_backward(stft *s, float *d_x, const float *d_spectra, int64_t n_samples)
{
  const int64_t row_values = 2 * stft_bins(&s->config);
  for (int64_t r = 0; r < stft_rows(&s->config, n_samples); ++r) {
    stft_row_backward(s, d_x, d_spectra + r * row_values, n_samples, r);
  }
}
