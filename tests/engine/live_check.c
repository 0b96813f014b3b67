// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/engine/live_check.h"

#include "engine/offline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// While going through the events in order: the present timeline, and from where on its sound
// counts.
typedef struct walk {
  const live_recording *recording;
  live_verdict *verdict;
  float *reference; // of the present timeline [n_samples - base, n_channels]
  size_t base;      // index of the timeline's sample 0
  size_t checked;   // index up to which everything is decided
  uint32_t latency_samples, host_rate_hz;
  bool wet; // what follows `checked` must be equal
} walk;

static size_t channels_of(const walk *w)
{
  return codec_get_info(w->recording->model)->n_channels;
}

static bool sample_equal(const walk *w, size_t index)
{
  static const float zeros[SESSION_MAX_CHANNELS];
  const size_t n_channels = channels_of(w);
  const size_t position = index - w->base;
  const float *expected = position < w->latency_samples
                              ? zeros
                              : w->reference + (position - w->latency_samples) * n_channels;
  return memcmp(w->recording->out + index * n_channels, expected, n_channels * sizeof(float)) == 0;
}

// Decide everything up to `end`.
static void go_to(walk *w, size_t end)
{
  end = end < w->recording->n_samples ? end : w->recording->n_samples;
  for (; w->checked < end; ++w->checked) {
    if (!w->wet) {
      ++w->verdict->n_excluded;
      continue;
    }
    ++w->verdict->n_compared;
    ++w->verdict->n_compared_last;
    if (!sample_equal(w, w->checked) && w->verdict->n_different++ == 0) {
      w->verdict->first_different = w->checked;
    }
  }
}

static status begin_timeline(walk *w, const session_event *e, error *err)
{
  const live_recording *r = w->recording;
  const size_t base = (size_t)(e->position_samples - r->host_time_samples);
  go_to(w, base);
  w->base = base;
  w->verdict->n_compared_last = 0;
  w->wet = w->verdict->n_timelines == 0;
  const int number = w->verdict->n_timelines++;
  if (number < LIVE_CHECK_MAX_TIMELINES && r->timeline_rates_hz[number]) {
    w->host_rate_hz = r->timeline_rates_hz[number];
  }
  free(w->reference);
  const size_t n = r->n_samples - base;
  w->reference = calloc(n * channels_of(w) + 1, sizeof *w->reference);
  if (!w->reference) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for the reference");
  }
  return offline_roundtrip(r->model, r->n_codebooks, w->host_rate_hz, r->in + base * channels_of(w),
                           n, w->reference, err);
}

static size_t fade_samples(const walk *w)
{
  const double fade_ms = w->recording->fade_ms != 0.0f ? (double)w->recording->fade_ms : 5.0;
  return (size_t)ceil(fade_ms * w->host_rate_hz / 1000.0);
}

static status take(walk *w, const session_event *e, error *err)
{
  const size_t index = w->base + (size_t)e->position_samples;
  switch (e->kind) {
  case EVENT_TIMELINE:
    return begin_timeline(w, e, err);
  case EVENT_LATE:
  case EVENT_PAUSED:
    w->verdict->n_late += e->kind == EVENT_LATE;
    go_to(w, index);
    w->wet = false;
    break;
  case EVENT_RECOVERED:
    ++w->verdict->n_recovered;
    go_to(w, index + fade_samples(w));
    w->wet = true;
    break;
  case EVENT_LATENCY:
    go_to(w, index);
    w->latency_samples = (uint32_t)e->value;
    break;
  default:
    break;
  }
  return STATUS_OK;
}

status live_check(const live_recording *r, live_verdict *v, error *err)
{
  walk w = {.recording = r, .verdict = v, .latency_samples = r->latency_samples};
  memset(v, 0, sizeof *v);
  status st = STATUS_OK;
  for (size_t i = 0; st == STATUS_OK && i < r->n_events; ++i) {
    st = take(&w, &r->events[i], err);
  }
  if (st == STATUS_OK) {
    go_to(&w, r->n_samples);
  }
  free(w.reference);
  return st;
}
