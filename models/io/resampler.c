// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/resampler.h"

#include "models/io/resampler_converter.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SILENCE_SAMPLES 256

struct resampler {
  converter *conv;            // null for equal rates
  uint64_t step_in, step_out; // the ratio, reduced
  uint32_t n_channels;
  uint64_t lead;     // inputs needed for output 0
  uint64_t received; // inputs so far
  uint64_t given;    // outputs so far
  float *held;       // outputs that the converter gave before they were due [held_cap, n_channels]
  size_t held_n, held_cap;
  bool flushing;
  uint64_t total; // outputs of the whole, while flushing
  float *silence; // [SILENCE_SAMPLES, n_channels]
};

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
  while (b) {
    const uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

// floor(n * a / b) for n up to 2^64 / b, whatever n * a is.
static uint64_t scale_floor(uint64_t n, uint64_t a, uint64_t b)
{
  return n / b * a + n % b * a / b;
}

// The converter keeps its position as a double, advanced by a rounded 1 / ratio per output. Where
// it falls short of the true position an output only comes early (and is held). Where it goes
// beyond, an output comes late once the error exceeds the distance of the true positions' fractions
// from the next whole number, at least 1 / step_out. True unless that takes 1e12 outputs, years of
// sound.
static bool drift_matters(const resampler *r)
{
  const double advance = (double)r->step_in / (double)r->step_out;
  const double error_per_output = 0x1p-52 * (advance > 1.0 ? advance : 1.0);
  return 1e12 * error_per_output * (double)r->step_out > 1.0;
}

// The converter's lookahead follows from its table and the ratio by a rounding of its own, so it is
// measured: inputs until the first output. Every later output needs as many beyond its own
// position.
static status measure_lead(resampler *r)
{
  size_t produced = 0;
  for (r->lead = 0; produced == 0; ++r->lead) {
    size_t consumed = 0;
    const status code = converter_run(r->conv, r->silence, 1, r->held, 1, &consumed, &produced);
    if (code != STATUS_OK || consumed != 1) {
      return STATUS_INTERNAL;
    }
  }
  converter_reset(r->conv);
  r->lead += drift_matters(r);
  return STATUS_OK;
}

static status make_converter(resampler *r, error *err)
{
  const double ratio = (double)r->step_out / (double)r->step_in;
  const status code = converter_new(&r->conv, ratio, (int)r->n_channels, err);
  if (code != STATUS_OK) {
    return code;
  }
  // Held at most: what one input brings and did not fit, what two bring early, and rounding.
  r->held_cap = 3 * (size_t)(r->step_out / r->step_in + 1) + 4;
  r->held = calloc(r->held_cap * r->n_channels, sizeof *r->held);
  r->silence = calloc((size_t)SILENCE_SAMPLES * r->n_channels, sizeof *r->silence);
  if (!r->held || !r->silence) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a sample-rate converter");
  }
  if (measure_lead(r) != STATUS_OK) {
    return error_set(err, STATUS_INTERNAL, "libsamplerate gave no output");
  }
  return STATUS_OK;
}

static status check_arguments(uint32_t rate_in_hz, uint32_t rate_out_hz, uint32_t n_channels,
                              error *err)
{
  if (rate_in_hz < 1 || rate_out_hz < 1 || rate_in_hz > RESAMPLER_MAX_HZ ||
      rate_out_hz > RESAMPLER_MAX_HZ) {
    return error_set(err, STATUS_USAGE, "cannot convert from %u Hz to %u Hz: rates are 1 to %d Hz",
                     rate_in_hz, rate_out_hz, RESAMPLER_MAX_HZ);
  }
  if (n_channels < 1 || n_channels > RESAMPLER_MAX_CHANNELS) {
    return error_set(err, STATUS_USAGE, "cannot convert %u channels: 1 to %d are possible",
                     n_channels, RESAMPLER_MAX_CHANNELS);
  }
  if ((uint64_t)rate_in_hz > (uint64_t)rate_out_hz * RESAMPLER_MAX_RATIO ||
      (uint64_t)rate_out_hz > (uint64_t)rate_in_hz * RESAMPLER_MAX_RATIO) {
    return error_set(err, STATUS_UNSUPPORTED,
                     "cannot convert from %u Hz to %u Hz: the ratio is beyond %d", rate_in_hz,
                     rate_out_hz, RESAMPLER_MAX_RATIO);
  }
  return STATUS_OK;
}

status resampler_new(resampler **r, uint32_t rate_in_hz, uint32_t rate_out_hz, uint32_t n_channels,
                     error *err)
{
  *r = NULL;
  status code = check_arguments(rate_in_hz, rate_out_hz, n_channels, err);
  if (code != STATUS_OK) {
    return code;
  }
  resampler *made = calloc(1, sizeof *made);
  if (!made) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a sample-rate converter");
  }
  const uint64_t divisor = common_divisor(rate_in_hz, rate_out_hz);
  made->step_in = rate_in_hz / divisor;
  made->step_out = rate_out_hz / divisor;
  made->n_channels = n_channels;
  made->lead = 1;
  if (rate_in_hz != rate_out_hz) {
    code = make_converter(made, err);
  }
  if (code != STATUS_OK) {
    resampler_free(made);
    return code;
  }
  *r = made;
  return STATUS_OK;
}

void resampler_free(resampler *r)
{
  if (r) {
    converter_free(r->conv);
    free(r->held);
    free(r->silence);
    free(r);
  }
}

void resampler_reset(resampler *r)
{
  if (r->conv) {
    converter_reset(r->conv);
  }
  r->received = r->given = r->total = 0;
  r->held_n = 0;
  r->flushing = false;
}

// Output k is due once input floor(k * in / out) and lead - 1 more are there.
uint64_t resampler_outputs_after(const resampler *r, uint64_t n_in)
{
  if (n_in < r->lead) {
    return 0;
  }
  const uint64_t n = n_in - r->lead + 1;
  return scale_floor(n, r->step_out, r->step_in) + (n % r->step_in * r->step_out % r->step_in != 0);
}

uint64_t resampler_inputs_for(const resampler *r, uint64_t n_out)
{
  return n_out ? scale_floor(n_out - 1, r->step_in, r->step_out) + r->lead : 0;
}

uint32_t resampler_lookahead(const resampler *r)
{
  return (uint32_t)(r->lead - 1);
}

uint64_t resampler_total(const resampler *r, uint64_t n_in)
{
  const uint64_t whole = n_in / r->step_in * r->step_out;
  return whole + (2 * (n_in % r->step_in) * r->step_out + r->step_in) / (2 * r->step_in);
}

// How many of n_in inputs may go in before the outputs due exceed what fits. The last one may bring
// several outputs of which only some fit; the others are held.
static size_t inputs_allowed(const resampler *r, size_t n_in, uint64_t given_limit)
{
  const uint64_t all = r->received + n_in;
  if (resampler_outputs_after(r, all) <= given_limit) {
    return n_in;
  }
  const uint64_t limit = resampler_inputs_for(r, given_limit); // the input that fills the capacity
  if (resampler_outputs_after(r, r->received) >= given_limit) {
    return 0;
  }
  const uint64_t most = limit < all ? limit : all;
  return (size_t)(most - r->received);
}

static size_t take_held(resampler *r, float *out, size_t capacity)
{
  const size_t n = r->held_n < capacity ? r->held_n : capacity;
  const size_t width = r->n_channels;
  if (n) {
    memcpy(out, r->held, n * width * sizeof *out);
    memmove(r->held, r->held + n * width, (r->held_n - n) * width * sizeof *out);
    r->held_n -= n;
  }
  return n;
}

// Run the converter until all n_in are inside and all n_out are out; what it gives beyond is held.
static status convert(resampler *r, const float *in, size_t n_in, float *out, size_t n_out)
{
  const size_t width = r->n_channels;
  size_t used = 0;
  size_t made = take_held(r, out, n_out);
  while (made < n_out || used < n_in) {
    const bool beyond = made == n_out;
    float *to = beyond ? r->held + r->held_n * width : out + made * width;
    const size_t room = beyond ? r->held_cap - r->held_n : n_out - made;
    size_t consumed = 0;
    size_t produced = 0;
    const float *from = used < n_in ? in + used * width : NULL;
    const status code = converter_run(r->conv, from, n_in - used, to, room, &consumed, &produced);
    if (code != STATUS_OK || (consumed == 0 && produced == 0)) {
      return STATUS_INTERNAL;
    }
    used += consumed;
    *(beyond ? &r->held_n : &made) += produced;
  }
  return STATUS_OK;
}

static status run(resampler *r, const float *in, size_t n_in, float *out, size_t capacity,
                  size_t *consumed, size_t *produced)
{
  const uint64_t room = UINT64_MAX - r->given;
  const uint64_t limit = r->given + (capacity < room ? capacity : room);
  const size_t n = inputs_allowed(r, n_in, limit);
  const uint64_t due = resampler_outputs_after(r, r->received + n);
  const size_t n_out = (size_t)((due < limit ? due : limit) - r->given);
  if (!r->conv) {
    if (n) {
      memcpy(out, in, n * r->n_channels * sizeof *out);
    }
  } else if (n || n_out) {
    const status code = convert(r, in, n, out, n_out);
    if (code != STATUS_OK) {
      return code;
    }
  }
  r->received += n;
  r->given += n_out;
  *consumed = n;
  *produced = n_out;
  return STATUS_OK;
}

status resampler_process(resampler *r, const float *in, size_t n_in, float *out, size_t capacity,
                         size_t *consumed, size_t *produced)
{
  *consumed = *produced = 0;
  return r->flushing ? STATUS_USAGE : run(r, in, n_in, out, capacity, consumed, produced);
}

status resampler_flush(resampler *r, float *out, size_t capacity, size_t *produced)
{
  *produced = 0;
  if (!r->flushing) {
    r->flushing = true;
    r->total = resampler_total(r, r->received);
  }
  while (*produced < capacity && r->given < r->total) {
    const uint64_t rest = r->total - r->given;
    const size_t room = capacity - *produced;
    size_t consumed = 0;
    size_t made = 0;
    const status code = run(r, r->silence, SILENCE_SAMPLES, out + *produced * r->n_channels,
                            rest < room ? (size_t)rest : room, &consumed, &made);
    if (code != STATUS_OK) {
      return code;
    }
    *produced += made;
  }
  return STATUS_OK;
}
