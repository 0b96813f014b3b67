// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/output/limiter.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ONE (UINT32_C(1) << 30)           // gain 1
#define LOUDEST_BITS UINT32_C(0x49742400) // 1e6f, samples are kept within
#define AVERAGE_MS 0.75                   // each of two

// Neighbours of a peak that get its gain too, so that the gain is flat under the middle of the
// kernel that a loudspeaker's converter interpolates with.
#define NEIGHBOURS 2

// The release aims beyond 1 by this part, and so arrives.
#define BEYOND (ONE / 1024)

static uint32_t samples_of(double ms, uint32_t rate_hz)
{
  const double samples = floor(ms * 1e-3 * (double)rate_hz + 0.5);
  return samples > 1.0 ? (uint32_t)samples : 1;
}

// Sample o comes out at time k = o + delay. The two averages take in the last `reach` minima, the
// earliest of which has to know of the interval NEIGHBOURS + 1 after o, and the newest still of the
// one NEIGHBOURS before it; the meter is TRUE_PEAK_DELAY_SAMPLES late.
static void set_lengths(limiter *l)
{
  l->half = samples_of(AVERAGE_MS, l->rate_hz);
  const uint32_t reach = 2 * l->half - 1;
  l->delay_samples = reach + TRUE_PEAK_DELAY_SAMPLES + NEIGHBOURS;
  l->window = reach + 1 + 2 * NEIGHBOURS;
  l->n_leaves = 1;
  while (l->n_leaves < l->window) {
    l->n_leaves *= 2;
  }
  l->full_sum = (uint64_t)l->half * l->half * ONE;
}

status limiter_init(limiter *l, uint32_t rate_hz, uint32_t n_channels, error *err)
{
  if (rate_hz < 1 || rate_hz > LIMITER_MAX_HZ || n_channels < 1 ||
      n_channels > LIMITER_MAX_CHANNELS) {
    return error_set(err, STATUS_USAGE,
                     "limiter: %u channels at %u Hz, expected 1 to %d at 1 to %d Hz", n_channels,
                     rate_hz, LIMITER_MAX_CHANNELS, LIMITER_MAX_HZ);
  }
  *l = (limiter){.rate_hz = rate_hz, .n_channels = n_channels, .ceiling = LIMITER_DEFAULT_CEILING};
  set_lengths(l);
  const size_t sums_bytes = l->half * sizeof *l->sums;
  const size_t meters_bytes = n_channels * sizeof *l->meters;
  const size_t delayed_bytes = (size_t)l->delay_samples * n_channels * sizeof *l->delayed;
  const size_t ceilings_bytes = l->delay_samples * sizeof *l->ceilings;
  const size_t least_bytes = 2 * (size_t)l->n_leaves * sizeof *l->least;
  const size_t gains_bytes = l->half * sizeof *l->gains;
  unsigned char *at = malloc(sums_bytes + meters_bytes + delayed_bytes + ceilings_bytes +
                             least_bytes + gains_bytes);
  if (!at) {
    return error_set(err, STATUS_NO_MEMORY, "limiter: no memory for %u channels", n_channels);
  }
  l->memory = at;
  l->sums = (uint64_t *)(void *)at; // the widest first: all are aligned
  l->meters = (true_peak *)(void *)(at += sums_bytes);
  l->delayed = (float *)(void *)(at += meters_bytes);
  l->ceilings = (float *)(void *)(at += delayed_bytes);
  l->least = (uint32_t *)(void *)(at += ceilings_bytes);
  l->gains = (uint32_t *)(void *)(at + least_bytes);
  limiter_set_release(l, LIMITER_DEFAULT_RELEASE_MS);
  limiter_reset(l);
  return STATUS_OK;
}

void limiter_destroy(limiter *l)
{
  free(l->memory);
  *l = (limiter){0};
}

void limiter_reset(limiter *l)
{
  memset(l->meters, 0, l->n_channels * sizeof *l->meters);
  memset(l->delayed, 0, (size_t)l->delay_samples * l->n_channels * sizeof *l->delayed);
  for (uint32_t i = 0; i < l->delay_samples; ++i) {
    l->ceilings[i] = l->ceiling;
  }
  for (uint32_t i = 0; i < 2 * l->n_leaves; ++i) {
    l->least[i] = ONE;
  }
  for (uint32_t i = 0; i < l->half; ++i) {
    l->gains[i] = ONE;
    l->sums[i] = (uint64_t)l->half * ONE;
  }
  l->at_delay = l->at_least = l->at_half = 0;
  l->gain = ONE;
  l->sum = (uint64_t)l->half * ONE;
  l->sum_of_sums = l->full_sum;
  const float unity = 1.0f;
  uint32_t bits;
  memcpy(&bits, &unity, sizeof bits);
  atomic_store_explicit(&l->least_gain, bits, memory_order_relaxed);
}

uint32_t limiter_delay_samples(const limiter *l)
{
  return l->delay_samples;
}

void limiter_set_ceiling(limiter *l, float ceiling)
{
  if (isnan(ceiling)) {
    return;
  }
  const float least = ceiling > LIMITER_LEAST_CEILING ? ceiling : LIMITER_LEAST_CEILING;
  l->ceiling = least < LIMITER_GREATEST_CEILING ? least : LIMITER_GREATEST_CEILING;
}

// 1 - exp(-1/n) is 1/(n + 1/2) to a part in 12 n^2: no exp in the audio thread.
void limiter_set_release(limiter *l, float release_ms)
{
  const float least = release_ms > 1.0f ? release_ms : 1.0f; // not a number: 1
  const double ms = (double)(least < 10000.0f ? least : 10000.0f);
  const double n_samples = ms * 1e-3 * (double)l->rate_hz;
  l->release = (uint32_t)(4294967296.0 / ((n_samples > 1.0 ? n_samples : 1.0) + 0.5));
}

// --- one sample ---

// By the bits: comparing as numbers may come out as instructions that flush denormals to zero.
static float clean(float x)
{
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  const uint32_t magnitude = bits & UINT32_C(0x7fffffff);
  if (magnitude >= UINT32_C(0x7f800000)) { // infinite, or not a number
    return 0.0f;
  }
  if (magnitude > LOUDEST_BITS) {
    bits = (bits ^ magnitude) | LOUDEST_BITS;
  }
  memcpy(&x, &bits, sizeof x);
  return x;
}

// Of the interval that the meters have just come to the end of, in 2^-30, rounded down.
static uint32_t wanted_gain(limiter *l, const float *in)
{
  float peak = 0.0f;
  for (uint32_t c = 0; c < l->n_channels; ++c) {
    const float p = true_peak_step(&l->meters[c], clean(in[c]));
    peak = p > peak ? p : peak;
  }
  const uint32_t back = TRUE_PEAK_DELAY_SAMPLES; // the ring is longer
  const uint32_t at =
      l->at_delay >= back ? l->at_delay - back : l->at_delay + l->delay_samples - back;
  const float ceiling = l->ceilings[at]; // of the interval's later end
  return peak > ceiling ? (uint32_t)(ceiling / peak * (float)ONE) : ONE;
}

// The least of the last `window`. A tree, whose depth is the time that each sample takes; a queue
// would take less on average, but now and then as long as the window.
static uint32_t slide_least(limiter *l, uint32_t gain)
{
  uint32_t node = l->n_leaves + l->at_least;
  l->at_least = l->at_least + 1 == l->window ? 0 : l->at_least + 1;
  l->least[node] = gain;
  while (node > 1) {
    const uint32_t other = l->least[node ^ 1];
    gain = other < gain ? other : gain;
    node /= 2;
    l->least[node] = gain;
  }
  return gain;
}

static uint32_t released(uint32_t gain, uint32_t least, uint32_t release)
{
  const uint64_t missing = (uint64_t)ONE + BEYOND - gain;
  const uint32_t risen = gain + (uint32_t)((missing * release) >> 32) + 1;
  return risen < least ? risen : least; // `least` is ONE at most
}

static void average_twice(limiter *l)
{
  const uint32_t at = l->at_half;
  l->at_half = at + 1 == l->half ? 0 : at + 1;
  l->sum += l->gain;
  l->sum -= l->gains[at];
  l->gains[at] = l->gain;
  l->sum_of_sums += l->sum;
  l->sum_of_sums -= l->sums[at];
  l->sums[at] = l->sum;
}

static void note_gain(limiter *l, float gain)
{
  const uint32_t noted = atomic_load_explicit(&l->least_gain, memory_order_relaxed);
  uint32_t bits;
  memcpy(&bits, &gain, sizeof bits);
  if (bits < noted) { // numbers of one sign have the order of their bits
    atomic_store_explicit(&l->least_gain, bits, memory_order_relaxed);
  }
}

// Rounding may have left x a little above.
static float within(float x, float ceiling)
{
  return x > ceiling ? ceiling : x < -ceiling ? -ceiling : x;
}

void limiter_step(limiter *l, const float *in, float *out)
{
  const float ceiling = l->ceilings[l->at_delay];
  float *delayed = l->delayed + (size_t)l->at_delay * l->n_channels;
  l->ceilings[l->at_delay] = l->ceiling;
  l->gain = released(l->gain, slide_least(l, wanted_gain(l, in)), l->release);
  average_twice(l);
  // At gain 1 there is no product: a host's flush-to-zero setting would take denormals away.
  const bool open = l->sum_of_sums == l->full_sum;
  const float gain = (float)((double)(int64_t)l->sum_of_sums / (double)(int64_t)l->full_sum);
  for (uint32_t c = 0; c < l->n_channels; ++c) {
    const float x = clean(in[c]); // before `out`, which may be the same
    out[c] = open ? delayed[c] : within(delayed[c] * gain, ceiling);
    delayed[c] = x;
  }
  if (!open) {
    note_gain(l, gain);
  }
  l->at_delay = l->at_delay + 1 == l->delay_samples ? 0 : l->at_delay + 1;
}

void limiter_process(limiter *l, const float *in, float *out, size_t n_samples)
{
  for (size_t i = 0; i < n_samples; ++i) {
    limiter_step(l, in + i * l->n_channels, out + i * l->n_channels);
  }
}

float limiter_reduction_db(limiter *l)
{
  const float unity = 1.0f;
  uint32_t bits;
  float gain;
  memcpy(&bits, &unity, sizeof bits);
  bits = atomic_exchange_explicit(&l->least_gain, bits, memory_order_relaxed);
  memcpy(&gain, &bits, sizeof gain);
  return gain < 1.0f ? -20.0f * log10f(gain > 1e-6f ? gain : 1e-6f) : 0.0f;
}
