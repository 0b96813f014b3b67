// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/mel_bank.h"

#include <math.h>
#include <stdlib.h>

#define LEAST_WEIGHT 0.25

static double mel_of(double hz)
{
  return 2595.0 * log10(1.0 + hz / 700.0);
}

static double hz_of(double mel)
{
  return 700.0 * (pow(10.0, mel / 2595.0) - 1.0);
}

static double bin_hz(const mel_bank *m, double rate_hz, int64_t k)
{
  return rate_hz * 0.5 * (double)k / (double)(m->n_bins - 1);
}

// All tables for n bands. The last bin lies on the last corner, where every weight is 0.
static void fill(mel_bank *m, double rate_hz, int64_t n_bands)
{
  const double top = mel_of(rate_hz * 0.5);
  m->n_bands = n_bands;
  for (int64_t b = 0; b < n_bands + 2; ++b) {
    m->corners_hz[b] = hz_of(top * (double)b / (double)(n_bands + 1));
  }
  int64_t k = 0;
  for (int64_t s = 0; s <= n_bands; ++s) {
    const double low = m->corners_hz[s], high = m->corners_hz[s + 1];
    m->first[s] = k;
    for (; k < m->n_bins - 1 && bin_hz(m, rate_hz, k) < high; ++k) {
      const double up = (bin_hz(m, rate_hz, k) - low) / (high - low);
      m->rising[k] = s < n_bands ? (float)up : 0.0f;
      m->falling[k] = s > 0 ? (float)(1.0 - up) : 0.0f;
    }
  }
  m->first[n_bands + 1] = k;
}

static double least_weight(const mel_bank *m)
{
  double least = 1e9;
  for (int64_t b = 0; b < m->n_bands; ++b) {
    double sum = 0.0;
    for (int64_t k = m->first[b]; k < m->first[b + 1]; ++k) {
      sum += (double)m->rising[k];
    }
    for (int64_t k = m->first[b + 1]; k < m->first[b + 2]; ++k) {
      sum += (double)m->falling[k];
    }
    least = sum < least ? sum : least;
  }
  return least;
}

status mel_bank_new(mel_bank **out, double rate_hz, int64_t n_fft, int64_t most_bands, error *err)
{
  *out = NULL;
  if (!(rate_hz > 0.0) || n_fft < 4 || n_fft % 2 != 0 || most_bands < 1 || most_bands > 4096) {
    return error_set(err, STATUS_USAGE,
                     "%lld mel bands over a transform of %lld samples at %g Hz: not possible",
                     (long long)most_bands, (long long)n_fft, rate_hz);
  }
  mel_bank *m = calloc(1, sizeof *m);
  if (m) {
    m->n_bins = n_fft / 2 + 1;
    m->corners_hz = calloc((size_t)most_bands + 2, sizeof *m->corners_hz);
    m->first = calloc((size_t)most_bands + 2, sizeof *m->first);
    m->rising = calloc((size_t)m->n_bins, sizeof *m->rising);
    m->falling = calloc((size_t)m->n_bins, sizeof *m->falling);
  }
  if (!m || !m->corners_hz || !m->first || !m->rising || !m->falling) {
    mel_bank_free(m);
    return error_set(err, STATUS_NO_MEMORY, "no memory for %lld mel bands", (long long)most_bands);
  }
  int64_t n_bands = most_bands;
  fill(m, rate_hz, n_bands);
  while (n_bands > 1 && least_weight(m) < LEAST_WEIGHT) {
    fill(m, rate_hz, --n_bands);
  }
  *out = m;
  return STATUS_OK;
}

void mel_bank_free(mel_bank *m)
{
  if (m) {
    free(m->corners_hz);
    free(m->first);
    free(m->rising);
    free(m->falling);
    free(m);
  }
}

// Four sums side by side, so that vectors can take them; their order is fixed.
static float dot(const float *a, const float *b, int64_t count)
{
  float sums[4] = {0.0f, 0.0f, 0.0f, 0.0f};
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (int j = 0; j < 4; ++j) {
      sums[j] += a[i + j] * b[i + j];
    }
  }
  float rest = 0.0f;
  for (; i < count; ++i) {
    rest += a[i] * b[i];
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest;
}

void mel_bank_apply(const mel_bank *m, float *bands, const float *values)
{
  for (int64_t b = 0; b < m->n_bands; ++b) {
    const int64_t low = m->first[b], peak = m->first[b + 1], high = m->first[b + 2];
    bands[b] = dot(m->rising + low, values + low, peak - low) +
               dot(m->falling + peak, values + peak, high - peak);
  }
}

void mel_bank_spread(const mel_bank *m, float *d_values, const float *d_bands)
{
  for (int64_t s = 0; s <= m->n_bands; ++s) {
    const float up = s < m->n_bands ? d_bands[s] : 0.0f, down = s > 0 ? d_bands[s - 1] : 0.0f;
    for (int64_t k = m->first[s]; k < m->first[s + 1]; ++k) {
      d_values[k] = up * m->rising[k] + down * m->falling[k];
    }
  }
  d_values[m->n_bins - 1] = 0.0f;
}
