// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/mel_loss.h"

#include "gpu/losses.h"
#include "gpu/stft.h"
#include "train/mel_bank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAGNITUDE_EPSILON 1e-16f

// One window length.
typedef struct mel_scale {
  stft *transform;
  mel_bank *bank;
  int64_t rows, bins;
  float log_weight; // alpha
  double share;     // of a row's sum in the loss
  void *tables;     // in a device's memory: what mel_rows points to, in its order; or null
} mel_scale;

struct mel_loss {
  mel_loss_config config;
  int64_t n_samples;
  device *placed; // whose memory holds the tables; referenced
  mel_scale scales[RECIPE_MAX_WINDOWS];
  // Scratch for one row of the longest transform.
  float *spectrum;               // [bins, 2], of x
  float *target_spectrum;        // [bins, 2]
  float *values;                 // [bins], of x
  float *target_values;          // [bins], then the values' gradient
  float *bands, *target_bands;   // [bands]
  float *differences, *d_floors; // [bands] L_x - L_t and d L_x / d S_x
};

void mel_loss_configure(mel_loss_config *config, const recipe_loss *from, double rate_hz)
{
  *config = (mel_loss_config){
      .n_windows = from->mel_windows.n,
      .n_bands = from->mel_bins,
      .least_fft = from->mel_least_fft,
      .rate_hz = rate_hz,
      .power = from->mel_power,
      .normalised = from->mel_norm == MEL_MEAN,
      .log_weight = from->mel_log_weight,
      .log_absolute = from->mel_log_absolute && from->mel_norm == MEL_MEAN,
      .log_by_window = from->mel_log_by_window,
      .log_floor = from->mel_log_floor,
      .floor_kind = from->mel_log_floor_kind == LOG_FLOOR_MAX ? LOG_FLOOR_MAX : LOG_FLOOR_ADD,
      .norm = from->mel_norm == MEL_SUM ? MEL_SUM : MEL_MEAN,
  };
  for (int i = 0; i < from->mel_windows.n && i < RECIPE_MAX_WINDOWS; ++i) {
    config->windows[i] = from->mel_windows.values[i];
  }
}

static status scale_new(mel_scale *s, const mel_loss_config *c, int64_t window, int64_t n_samples,
                        error *err)
{
  if (window < 4 || window % 4 != 0) {
    return error_set(err, STATUS_USAGE, "mel loss: a window of %lld samples: not a multiple of 4",
                     (long long)window);
  }
  const stft_config config = {
      .window = window,
      .n_fft = window > c->least_fft ? window : c->least_fft,
      .hop = window / 4,
      .centred = true,
      .scale = c->normalised ? stft_unit_scale(window) : 1.0f,
  };
  status made = stft_new(&s->transform, &config, err);
  if (made == STATUS_OK) {
    made = mel_bank_new(&s->bank, c->rate_hz, config.n_fft, c->n_bands, err);
  }
  if (made != STATUS_OK) {
    return error_prefix(err, "mel loss");
  }
  s->bins = stft_bins(&config);
  s->rows = stft_rows(&config, n_samples);
  if (s->rows == 0) {
    return error_set(err, STATUS_USAGE,
                     "mel loss: examples of %lld samples, a transform of %lld needs more than half "
                     "of its length",
                     (long long)n_samples, (long long)config.n_fft);
  }
  s->log_weight = (float)(c->log_weight * (c->log_by_window ? sqrt((double)window / 2.0) : 1.0));
  s->share = 1.0 / (double)s->rows;
  if (c->norm == MEL_MEAN) {
    s->share /= (double)s->bank->n_bands * (double)c->n_windows;
  }
  return STATUS_OK;
}

static status scratch_new(mel_loss *l, error *err)
{
  size_t bins = 1, bands = 1;
  for (int i = 0; i < l->config.n_windows; ++i) {
    const mel_scale *s = &l->scales[i];
    bins = (size_t)s->bins > bins ? (size_t)s->bins : bins;
    bands = (size_t)s->bank->n_bands > bands ? (size_t)s->bank->n_bands : bands;
  }
  l->spectrum = calloc(bins * 2, sizeof(float));
  l->target_spectrum = calloc(bins * 2, sizeof(float));
  l->values = calloc(bins, sizeof(float));
  l->target_values = calloc(bins, sizeof(float));
  l->bands = calloc(bands, sizeof(float));
  l->target_bands = calloc(bands, sizeof(float));
  l->differences = calloc(bands, sizeof(float));
  l->d_floors = calloc(bands, sizeof(float));
  if (!l->spectrum || !l->target_spectrum || !l->values || !l->target_values || !l->bands ||
      !l->target_bands || !l->differences || !l->d_floors) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for the mel loss");
  }
  return STATUS_OK;
}

status mel_loss_new(mel_loss **out, const mel_loss_config *config, int64_t n_samples, error *err)
{
  *out = NULL;
  if (config->n_windows < 1 || config->n_windows > RECIPE_MAX_WINDOWS ||
      !(config->log_floor > 0.0)) {
    return error_set(err, STATUS_USAGE,
                     "mel loss: %d windows (1 to %d) and a floor of %g (above 0)",
                     config->n_windows, RECIPE_MAX_WINDOWS, config->log_floor);
  }
  mel_loss *l = calloc(1, sizeof *l);
  if (!l) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for the mel loss");
  }
  l->config = *config;
  l->n_samples = n_samples;
  status made = STATUS_OK;
  for (int i = 0; i < config->n_windows && made == STATUS_OK; ++i) {
    made = scale_new(&l->scales[i], config, config->windows[i], n_samples, err);
  }
  if (made == STATUS_OK) {
    made = scratch_new(l, err);
  }
  if (made != STATUS_OK) {
    mel_loss_free(l);
    return made;
  }
  *out = l;
  return STATUS_OK;
}

void mel_loss_free(mel_loss *l)
{
  if (l) {
    for (int i = 0; i < l->config.n_windows; ++i) {
      stft_free(l->scales[i].transform);
      mel_bank_free(l->scales[i].bank);
      if (l->scales[i].tables) {
        l->placed->release(l->placed, l->scales[i].tables);
      }
    }
    device_unref(l->placed);
    free(l->spectrum);
    free(l->target_spectrum);
    free(l->values);
    free(l->target_values);
    free(l->bands);
    free(l->target_bands);
    free(l->differences);
    free(l->d_floors);
    free(l);
  }
}

static void bin_values(float *values, const float *spectrum, int64_t bins, bool power)
{
  for (int64_t k = 0; k < bins; ++k) {
    const float re = spectrum[2 * k], im = spectrum[2 * k + 1];
    values[k] = re * re + im * im;
  }
  if (!power) {
    for (int64_t k = 0; k < bins; ++k) {
      values[k] = sqrtf(values[k] + MAGNITUDE_EPSILON);
    }
  }
}

// The spectrum becomes the loss's gradient toward it; d_values is that toward power or magnitude.
static void spread_to_spectrum(float *spectrum, float *d_values, const float *values, int64_t bins,
                               bool power)
{
  for (int64_t k = 0; k < bins; ++k) {
    d_values[k] = power ? 2.0f * d_values[k] : d_values[k] / values[k];
  }
  for (int64_t k = 0; k < bins; ++k) {
    spectrum[2 * k] *= d_values[k];
    spectrum[2 * k + 1] *= d_values[k];
  }
}

// Fills L_x - L_t (its sign where the absolute difference counts) and d L_x / d S_x; returns the
// sum of squared, or absolute, differences.
static float log_terms(mel_loss *l, int64_t n_bands)
{
  const float least = (float)l->config.log_floor;
  const bool add = l->config.floor_kind == LOG_FLOOR_ADD;
  float sum = 0.0f;
  for (int64_t b = 0; b < n_bands; ++b) {
    const float a = l->bands[b], t = l->target_bands[b];
    const float held_a = add ? a + least : a > least ? a : least;
    const float held_t = add ? t + least : t > least ? t : least;
    const float difference = logf(held_a / held_t);
    const float sign = (difference > 0.0f ? 1.0f : 0.0f) - (difference < 0.0f ? 1.0f : 0.0f);
    l->differences[b] = l->config.log_absolute ? sign : difference;
    l->d_floors[b] = !add && a < least ? 0.0f : 1.0f / held_a;
    sum += difference * l->differences[b];
  }
  return sum;
}

// One row's sum over the bands; `bands` becomes its gradient, times `factor`.
static float row_loss(mel_loss *l, const mel_scale *s, float factor)
{
  const int64_t n = s->bank->n_bands;
  float linear = 0.0f, logs = 0.0f, slope = 0.0f; // slope: of `logs` along each difference
  if (s->log_weight > 0.0f) {
    logs = log_terms(l, n);
    slope = l->config.log_absolute ? 1.0f : 2.0f;
    if (l->config.norm == MEL_SUM) {
      logs = sqrtf(logs);
      slope = logs > 0.0f ? 1.0f / logs : 0.0f;
    }
  }
  const float log_factor = factor * s->log_weight * slope;
  for (int64_t b = 0; b < n; ++b) {
    const float d = l->bands[b] - l->target_bands[b];
    const float sign = (d > 0.0f ? 1.0f : 0.0f) - (d < 0.0f ? 1.0f : 0.0f);
    linear += fabsf(d);
    l->bands[b] = factor * sign + log_factor * l->differences[b] * l->d_floors[b];
  }
  return linear + s->log_weight * logs;
}

double mel_loss_apply(mel_loss *l, const float *x, const float *target, float factor,
                      float *gradient)
{
  const bool power = l->config.power;
  double loss = 0.0;
  for (int i = 0; i < l->config.n_windows; ++i) {
    const mel_scale *s = &l->scales[i];
    const float row_factor = (float)((double)factor * s->share);
    double sum = 0.0;
    for (int64_t row = 0; row < s->rows; ++row) {
      stft_row_forward(s->transform, l->spectrum, x, l->n_samples, row);
      stft_row_forward(s->transform, l->target_spectrum, target, l->n_samples, row);
      bin_values(l->values, l->spectrum, s->bins, power);
      bin_values(l->target_values, l->target_spectrum, s->bins, power);
      mel_bank_apply(s->bank, l->bands, l->values);
      mel_bank_apply(s->bank, l->target_bands, l->target_values);
      sum += (double)row_loss(l, s, row_factor);
      if (gradient) {
        mel_bank_spread(s->bank, l->target_values, l->bands);
        spread_to_spectrum(l->spectrum, l->target_values, l->values, s->bins, power);
        stft_row_backward(s->transform, gradient, l->spectrum, l->n_samples, row);
      }
    }
    loss += s->share * sum;
  }
  return loss;
}

// ---- on a device ------------------------------------------------------------------------------

// Bytes of first, segment, rising and falling.
static size_t table_bytes(const mel_bank *m)
{
  return (size_t)(m->n_bands + 2) * sizeof(int32_t) +
         (size_t)m->n_bins * (sizeof(int32_t) + 2 * sizeof(float));
}

static void fill_tables(unsigned char *to, const mel_bank *m)
{
  int32_t *first = (int32_t *)(void *)to, *segment = first + m->n_bands + 2;
  float *rising = (float *)(void *)(segment + m->n_bins);
  for (int64_t k = 0; k < m->n_bins; ++k) {
    segment[k] = (int32_t)m->n_bands + 1; // the last bin lies in none
  }
  for (int64_t s = 0; s < m->n_bands + 2; ++s) {
    first[s] = (int32_t)m->first[s];
    for (int64_t k = m->first[s]; s <= m->n_bands && k < m->first[s + 1]; ++k) {
      segment[k] = (int32_t)s;
    }
  }
  memcpy(rising, m->rising, (size_t)m->n_bins * sizeof *rising);
  memcpy(rising + m->n_bins, m->falling, (size_t)m->n_bins * sizeof *rising);
}

static status place_scale(mel_scale *s, device *dev, error *err)
{
  const size_t bytes = table_bytes(s->bank);
  unsigned char *host = calloc(bytes, 1);
  s->tables = dev->allocate(dev, bytes);
  status code =
      host && s->tables ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "no memory for mel bands");
  if (code == STATUS_OK) {
    fill_tables(host, s->bank);
    code = dev->upload(dev, s->tables, host, bytes, err);
  }
  free(host);
  return code;
}

status mel_loss_place(mel_loss *l, device *dev, error *err)
{
  status code = STATUS_OK;
  l->placed = device_ref(dev);
  for (int i = 0; i < l->config.n_windows && code == STATUS_OK; ++i) {
    code = place_scale(&l->scales[i], dev, err);
  }
  return code;
}

int mel_loss_sums(const mel_loss *l)
{
  return l->config.n_windows;
}

double mel_loss_total(const mel_loss *l, const double *sums)
{
  double loss = 0.0;
  for (int i = 0; i < l->config.n_windows; ++i) {
    loss += l->scales[i].share * sums[i];
  }
  return loss;
}

static mel_rows rows_of(const mel_loss *l, const mel_scale *s, int64_t n, float factor)
{
  const int32_t *first = s->tables, *segment = first + s->bank->n_bands + 2;
  const float *rising = (const float *)(const void *)(segment + s->bins);
  return (mel_rows){.n_rows = n * s->rows,
                    .n_bins = s->bins,
                    .n_bands = s->bank->n_bands,
                    .first = first,
                    .segment = segment,
                    .rising = rising,
                    .falling = rising + s->bins,
                    .power = l->config.power,
                    .log_absolute = l->config.log_absolute,
                    .root = l->config.norm == MEL_SUM,
                    .floor_added = l->config.floor_kind == LOG_FLOOR_ADD,
                    .log_floor = (float)l->config.log_floor,
                    .log_weight = s->log_weight,
                    .factor = (float)((double)factor * s->share)};
}

void mel_loss_queue(mel_loss *l, run *r, double *sums, const tensor *x, const tensor *target,
                    float factor, tensor *gradient)
{
  const int64_t n = x->dims[0];
  for (int i = 0; i < l->config.n_windows && run_ok(r); ++i) {
    const mel_scale *s = &l->scales[i];
    const size_t mark = arena_mark(r->memory);
    const mel_rows rows = rows_of(l, s, n, factor);
    tensor spectra = run_tensor(r, DTYPE_F32, 4, n, s->rows, s->bins, 2);
    tensor targets = run_tensor(r, DTYPE_F32, 4, n, s->rows, s->bins, 2);
    if (run_ok(r)) {
      r->dev->table.stft(r, &spectra, x, s->transform);
      r->dev->table.stft(r, &targets, target, s->transform);
      r->dev->losses->mel(r, sums + i, spectra.data, targets.data, &rows);
      r->dev->losses->spectra_back(r, gradient, &spectra, s->transform);
    }
    arena_rewind(r->memory, mark); // later work is queued behind this
  }
}
