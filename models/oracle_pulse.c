// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/oracle_pulse.h"

#include <string.h>

#define MEAN_KEEPS 0.99f // of the running mean of rises
#define LEAST_PULSE 0.1f // likeness below which there is none

/// What a row holds before the sums.
enum { NORM, RISE, RISE_BEFORE, MEAN, N_HEADS };

static size_t row_length(const oracle_pulse_shape *shape)
{
  return N_HEADS + shape->n_lags;
}

static size_t onsets_bytes(const oracle_pulse_shape *shape)
{
  return (shape->capacity * sizeof(float) + 7) / 8 * 8;
}

static size_t rows_bytes(const oracle_pulse_shape *shape)
{
  return ((shape->rewind_steps + 1) * row_length(shape) * sizeof(float) + 7) / 8 * 8;
}

size_t oracle_pulse_bytes(const oracle_pulse_shape *shape)
{
  return onsets_bytes(shape) + rows_bytes(shape);
}

void oracle_pulse_init(oracle_pulse *p, const oracle_pulse_shape *shape, void *block)
{
  p->shape = shape;
  p->onsets = block;
  p->rows = (float *)(void *)((char *)block + onsets_bytes(shape));
}

/// The row of the sums over the first `n_steps` steps.
static float *row_after(const oracle_pulse *p, uint64_t n_steps)
{
  return p->rows + n_steps % (p->shape->rewind_steps + 1) * row_length(p->shape);
}

void oracle_pulse_clear(oracle_pulse *p)
{
  memset(row_after(p, 0), 0, row_length(p->shape) * sizeof *p->rows);
}

float oracle_pulse_onset(const oracle_pulse *p, uint64_t step)
{
  return p->onsets[step % p->shape->capacity];
}

void oracle_pulse_onsets(const oracle_pulse *p, uint64_t step, uint32_t count, float *onsets)
{
  const uint32_t at = (uint32_t)(step % p->shape->capacity);
  const uint32_t first = p->shape->capacity - at < count ? p->shape->capacity - at : count;
  memcpy(onsets, p->onsets + at, first * sizeof *onsets);
  memcpy(onsets + first, p->onsets, (count - first) * sizeof *onsets);
}

/// The onsets of the steps before `step` by lag, and `onset` itself at lag 0, into the sums.
static void add_products(const oracle_pulse *p, uint64_t step, float onset, const float *from,
                         float *to)
{
  const uint32_t capacity = p->shape->capacity;
  const float keeps = p->shape->keeps;
  uint32_t at = (uint32_t)(step % capacity);
  for (uint32_t lag = 0; lag < p->shape->n_lags; ++lag) {
    to[lag] = keeps * from[lag] + (lag <= step ? onset * p->onsets[at] : 0.0f);
    at = at ? at - 1 : capacity - 1;
  }
}

void oracle_pulse_add(oracle_pulse *p, uint64_t step, float norm)
{
  const float *from = row_after(p, step);
  float *to = row_after(p, step + 1);
  const float rise = step && norm > from[NORM] ? norm - from[NORM] : 0.0f;
  to[NORM] = norm;
  to[RISE] = rise;
  to[RISE_BEFORE] = from[RISE];
  to[MEAN] = MEAN_KEEPS * from[MEAN] + (1.0f - MEAN_KEEPS) * rise;
  const float smooth = 0.25f * rise + 0.5f * from[RISE] + 0.25f * from[RISE_BEFORE];
  const float onset = smooth - to[MEAN];
  p->onsets[step % p->shape->capacity] = onset;
  add_products(p, step, onset, from + N_HEADS, to + N_HEADS);
}

float oracle_pulse_likeness(const oracle_pulse *p, uint64_t n_steps, uint32_t lag)
{
  const float *sums = row_after(p, n_steps) + N_HEADS;
  return sums[0] > 0.0f ? sums[lag] / sums[0] : 0.0f;
}

float oracle_pulse_period(const oracle_pulse *p, uint64_t n_steps)
{
  const float *sums = row_after(p, n_steps) + N_HEADS;
  uint32_t best = 0;
  float most = LEAST_PULSE * sums[0];
  for (uint32_t lag = p->shape->least_lag; lag + 1 < p->shape->n_lags; ++lag) {
    if (sums[lag] > most && sums[lag] >= sums[lag - 1] && sums[lag] >= sums[lag + 1]) {
      most = sums[lag];
      best = lag;
    }
  }
  if (!best) {
    return 0.0f;
  }
  const float before = sums[best - 1], after = sums[best + 1];
  const float bend = before - 2.0f * most + after;
  return (float)best + (bend < 0.0f ? 0.5f * (before - after) / bend : 0.0f);
}
