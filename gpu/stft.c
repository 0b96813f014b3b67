// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/stft.h"

#include <kiss_fftr.h>

#include <math.h>
#include <stdlib.h>

struct stft {
  stft_config config;
  kiss_fftr_cfg forward, inverse;
  float *window;          // [window], times the scale
  float *padded;          // [n_fft], stays zero outside the window's place
  float *returned;        // [n_fft]
  kiss_fft_cpx *spectrum; // [bins]
};

#define PI 3.14159265358979323846

// KissFFT allocates at each call where another prime factor is left.
static bool has_small_factors(int64_t n)
{
  static const int64_t primes[] = {2, 3, 5};
  for (int i = 0; i < 3; ++i) {
    while (n % primes[i] == 0) {
      n /= primes[i];
    }
  }
  return n == 1;
}

static status check(const stft_config *c, error *err)
{
  if (c->n_fft < 2 || c->n_fft > 1 << 20 || c->n_fft % 2 != 0 || !has_small_factors(c->n_fft)) {
    return error_set(err, STATUS_USAGE,
                     "a transform of %lld samples: even, with no prime factor but 2, 3 and 5, and "
                     "at most 1048576 is possible",
                     (long long)c->n_fft);
  }
  if (c->window < 2 || c->window > c->n_fft) {
    return error_set(err, STATUS_USAGE,
                     "a window of %lld samples in a transform of %lld: 2 to %lld"
                     " are possible",
                     (long long)c->window, (long long)c->n_fft, (long long)c->n_fft);
  }
  if (c->hop < 1) {
    return error_set(err, STATUS_USAGE, "a hop of %lld samples: at least 1 is possible",
                     (long long)c->hop);
  }
  return STATUS_OK;
}

static double hann(int64_t i, int64_t window)
{
  return 0.5 - 0.5 * cos(2.0 * PI * (double)i / (double)window);
}

bool stft_available(void)
{
  return true;
}

status stft_new(stft **out, const stft_config *config, error *err)
{
  *out = NULL;
  const status checked = check(config, err);
  if (checked != STATUS_OK) {
    return checked;
  }
  stft *s = calloc(1, sizeof *s);
  if (s) {
    const int n_fft = (int)config->n_fft;
    s->config = *config;
    s->forward = kiss_fftr_alloc(n_fft, 0, NULL, NULL);
    s->inverse = kiss_fftr_alloc(n_fft, 1, NULL, NULL);
    s->window = calloc((size_t)config->window, sizeof *s->window);
    s->padded = calloc((size_t)n_fft, sizeof *s->padded);
    s->returned = calloc((size_t)n_fft, sizeof *s->returned);
    s->spectrum = calloc((size_t)stft_bins(config), sizeof *s->spectrum);
  }
  if (!s || !s->forward || !s->inverse || !s->window || !s->padded || !s->returned ||
      !s->spectrum) {
    stft_free(s);
    return error_set(err, STATUS_NO_MEMORY, "no memory for a transform of %lld samples",
                     (long long)config->n_fft);
  }
  for (int64_t i = 0; i < config->window; ++i) {
    s->window[i] = (float)(hann(i, config->window) * (double)config->scale);
  }
  *out = s;
  return STATUS_OK;
}

void stft_free(stft *s)
{
  if (s) {
    kiss_fftr_free(s->forward);
    kiss_fftr_free(s->inverse);
    free(s->window);
    free(s->padded);
    free(s->returned);
    free(s->spectrum);
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
    energy += hann(i, window) * hann(i, window);
  }
  return (float)(1.0 / sqrt(energy));
}

// The samples under a row's window: x[start ...], mirrored at the ends where `outside`.
typedef struct span {
  int64_t margin, start;
  bool outside;
} span;

static span row_span(const stft_config *c, int64_t n_samples, int64_t row)
{
  const int64_t margin = (c->n_fft - c->window) / 2;
  const int64_t start = row * c->hop + margin - (c->centred ? c->n_fft / 2 : 0);
  return (span){margin, start, start < 0 || start + c->window > n_samples};
}

static int64_t mirrored(int64_t i, int64_t n_samples)
{
  const int64_t right = i < 0 ? -i : i;
  return right < n_samples ? right : 2 * (n_samples - 1) - right;
}

void stft_row_forward(stft *s, float *spectrum, const float *x, int64_t n_samples, int64_t row)
{
  const span at = row_span(&s->config, n_samples, row);
  const float *window = s->window;
  float *to = s->padded + at.margin;
  if (at.outside) {
    for (int64_t i = 0; i < s->config.window; ++i) {
      to[i] = window[i] * x[mirrored(at.start + i, n_samples)];
    }
  } else {
    const float *from = x + at.start;
    for (int64_t i = 0; i < s->config.window; ++i) {
      to[i] = window[i] * from[i];
    }
  }
  kiss_fftr(s->forward, s->padded, (kiss_fft_cpx *)(void *)spectrum);
}

void stft_row_backward(stft *s, float *d_x, const float *d_spectrum, int64_t n_samples, int64_t row)
{
  // The adjoint sums each bin once; the inverse real transform counts all but the first and the
  // last twice, for their mirror images, and does not look at the imaginary part of those two.
  const int64_t last = s->config.n_fft / 2;
  for (int64_t k = 0; k <= last; ++k) {
    s->spectrum[k].r = 0.5f * d_spectrum[2 * k];
    s->spectrum[k].i = 0.5f * d_spectrum[2 * k + 1];
  }
  s->spectrum[0].r = d_spectrum[0];
  s->spectrum[last].r = d_spectrum[2 * last];
  kiss_fftri(s->inverse, s->spectrum, s->returned);

  const span at = row_span(&s->config, n_samples, row);
  const float *window = s->window, *from = s->returned + at.margin;
  if (at.outside) {
    for (int64_t i = 0; i < s->config.window; ++i) {
      d_x[mirrored(at.start + i, n_samples)] += window[i] * from[i];
    }
  } else {
    float *to = d_x + at.start;
    for (int64_t i = 0; i < s->config.window; ++i) {
      to[i] += window[i] * from[i];
    }
  }
}

void stft_forward(stft *s, float *spectra, const float *x, int64_t n_samples)
{
  const int64_t rows = stft_rows(&s->config, n_samples), bins = stft_bins(&s->config);
  for (int64_t r = 0; r < rows; ++r) {
    stft_row_forward(s, spectra + r * bins * 2, x, n_samples, r);
  }
}

void stft_backward(stft *s, float *d_x, const float *d_spectra, int64_t n_samples)
{
  const int64_t rows = stft_rows(&s->config, n_samples), bins = stft_bins(&s->config);
  for (int64_t r = 0; r < rows; ++r) {
    stft_row_backward(s, d_x, d_spectra + r * bins * 2, n_samples, r);
  }
}
