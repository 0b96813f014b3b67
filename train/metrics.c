// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/metrics.h"

#include "gpu/stft.h"
#include "train/mel_bank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N_WINDOWS 7
#define SHORTEST 32
#define LONGEST (SHORTEST << (N_WINDOWS - 1))
#define MOST_BANDS 64
#define LEAST_VALUE 1e-5f

void si_snr_push(si_snr *s, const float *x, const float *target, int64_t n_samples)
{
  for (int64_t i = 0; i < n_samples; ++i) {
    const double a = (double)x[i], t = (double)target[i];
    s->x += a;
    s->target += t;
    s->x_x += a * a;
    s->target_target += t * t;
    s->x_target += a * t;
  }
  s->n_samples += (double)n_samples;
}

double si_snr_db(const si_snr *s)
{
  const double n = s->n_samples;
  const double x_x = s->x_x - s->x * s->x / n;
  const double t_t = s->target_target - s->target * s->target / n;
  const double x_t = s->x_target - s->x * s->target / n;
  if (!(t_t > 0.0)) {
    return (double)NAN;
  }
  const double projected = x_t * x_t / t_t;
  if (!(projected > 0.0)) {
    return -(double)INFINITY;
  }
  return 10.0 * log10(projected / fmax(x_x - projected, 0.0));
}

typedef struct distance_scale {
  stft *transform;
  mel_bank *bank;
  int64_t window, bins, n_low; // n_low: bands that end below the limit
  int64_t next;                // first sample of the next row, negative before the clip
  int64_t rows;
  double whole, low; // sums over rows of means over bands
} distance_scale;

struct mel_distance {
  distance_scale scales[N_WINDOWS];
  // The last samples of both, `held` of them, after LONGEST of silence at the start.
  float x[2 * LONGEST], target[2 * LONGEST];
  int64_t held, n_samples; // n_samples: of the clip so far
  float spectrum[LONGEST + 2];
  float values[LONGEST / 2 + 1];
  float bands[2][MOST_BANDS];
};

static void start_clip(mel_distance *m)
{
  memset(m->x, 0, LONGEST * sizeof *m->x);
  memset(m->target, 0, LONGEST * sizeof *m->target);
  m->held = LONGEST;
  m->n_samples = 0;
  for (int i = 0; i < N_WINDOWS; ++i) {
    distance_scale *s = &m->scales[i];
    s->next = s->window / 4 - s->window;
    s->rows = 0;
    s->whole = s->low = 0.0;
  }
}

static status scale_new(distance_scale *s, int64_t window, double rate_hz, error *err)
{
  const stft_config config = {window, window, window / 4, false, stft_unit_scale(window)};
  const status made = stft_new(&s->transform, &config, err);
  if (made != STATUS_OK) {
    return made;
  }
  s->window = window;
  s->bins = stft_bins(&config);
  const status banked = mel_bank_new(&s->bank, rate_hz, window, MOST_BANDS, err);
  while (banked == STATUS_OK && s->n_low < s->bank->n_bands &&
         s->bank->corners_hz[s->n_low + 2] <= MEL_DISTANCE_LOW_HZ) {
    ++s->n_low;
  }
  return banked;
}

status mel_distance_new(mel_distance **out, double rate_hz, error *err)
{
  *out = NULL;
  mel_distance *m = calloc(1, sizeof *m);
  if (!m) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for the mel distance");
  }
  for (int i = 0; i < N_WINDOWS; ++i) {
    const status made = scale_new(&m->scales[i], SHORTEST << i, rate_hz, err);
    if (made != STATUS_OK) {
      mel_distance_free(m);
      error_prefix(err, "mel distance");
      return made;
    }
  }
  start_clip(m);
  *out = m;
  return STATUS_OK;
}

void mel_distance_free(mel_distance *m)
{
  if (m) {
    for (int i = 0; i < N_WINDOWS; ++i) {
      stft_free(m->scales[i].transform);
      mel_bank_free(m->scales[i].bank);
    }
    free(m);
  }
}

static void row_bands(mel_distance *m, const distance_scale *s, const float *samples, float *bands)
{
  stft_row_forward(s->transform, m->spectrum, samples, s->window, 0);
  for (int64_t k = 0; k < s->bins; ++k) {
    const float re = m->spectrum[2 * k], im = m->spectrum[2 * k + 1];
    m->values[k] = sqrtf(re * re + im * im);
  }
  mel_bank_apply(s->bank, bands, m->values);
}

static void add_row(mel_distance *m, distance_scale *s, int64_t at)
{
  row_bands(m, s, m->x + at, m->bands[0]);
  row_bands(m, s, m->target + at, m->bands[1]);
  double low = 0.0, high = 0.0;
  for (int64_t b = 0; b < s->bank->n_bands; ++b) {
    const float x = fmaxf(m->bands[0][b], LEAST_VALUE);
    const float target = fmaxf(m->bands[1][b], LEAST_VALUE);
    const double distance = fabs((double)log10f(x / target));
    low += b < s->n_low ? distance : 0.0;
    high += b < s->n_low ? 0.0 : distance;
  }
  s->whole += (low + high) / (double)s->bank->n_bands;
  s->low += s->n_low > 0 ? low / (double)s->n_low : 0.0;
  ++s->rows;
}

// Rows that are complete now; none starts at `end` or later.
static void add_rows(mel_distance *m, int64_t end)
{
  const int64_t first = m->n_samples - m->held; // place of x[0] in the clip
  for (int i = 0; i < N_WINDOWS; ++i) {
    distance_scale *s = &m->scales[i];
    for (; s->next + s->window <= m->n_samples && s->next < end; s->next += s->window / 4) {
      add_row(m, s, s->next - first);
    }
  }
}

// Zeros where x is null.
static void push(mel_distance *m, const float *x, const float *target, int64_t n_samples,
                 int64_t end)
{
  for (int64_t done = 0; done < n_samples;) {
    if (m->held == 2 * LONGEST) { // every row before the last LONGEST samples is done
      memcpy(m->x, m->x + LONGEST, LONGEST * sizeof *m->x);
      memcpy(m->target, m->target + LONGEST, LONGEST * sizeof *m->target);
      m->held = LONGEST;
    }
    const int64_t room = 2 * LONGEST - m->held, left = n_samples - done;
    const int64_t count = left < room ? left : room;
    for (int64_t i = 0; i < count; ++i) {
      m->x[m->held + i] = x ? x[done + i] : 0.0f;
      m->target[m->held + i] = x ? target[done + i] : 0.0f;
    }
    m->held += count;
    m->n_samples += count;
    done += count;
    add_rows(m, end);
  }
}

void mel_distance_push(mel_distance *m, const float *x, const float *target, int64_t n_samples)
{
  push(m, x, target, n_samples, INT64_MAX);
}

mel_distances mel_distance_end(mel_distance *m)
{
  mel_distances d = {0.0, 0.0};
  int with_low = 0;
  if (m->n_samples == 0) {
    return (mel_distances){(double)NAN, (double)NAN};
  }
  push(m, NULL, NULL, LONGEST, m->n_samples);
  for (int i = 0; i < N_WINDOWS; ++i) {
    const distance_scale *s = &m->scales[i];
    d.whole += s->whole / (double)s->rows / N_WINDOWS;
    d.low += s->n_low > 0 ? s->low / (double)s->rows : 0.0;
    with_low += s->n_low > 0;
  }
  d.low /= with_low;
  start_clip(m);
  return d;
}

void code_tally(int64_t *counts, int64_t size, const int32_t *codes, int64_t n_steps,
                int64_t stride)
{
  for (int64_t i = 0; i < n_steps; ++i) {
    const int32_t code = codes[i * stride];
    if (code >= 0 && code < size) {
      ++counts[code];
    }
  }
}

double code_entropy(const int64_t *counts, int64_t size)
{
  double total = 0.0, sum = 0.0;
  for (int64_t i = 0; i < size; ++i) {
    total += (double)counts[i];
  }
  for (int64_t i = 0; i < size; ++i) {
    const double share = (double)counts[i] / total;
    sum -= counts[i] > 0 ? share * log(share) : 0.0;
  }
  return total > 0.0 && size > 1 ? sum / log((double)size) : 0.0;
}
