// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/engine/trial_host.h"

#include "base/random.h"
#include "engine/session_internal.h"
#include "engine/thread_times.h"
#include "tests/engine/trial_codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLOWER 4.0
#elif __has_feature(address_sanitizer)
#define SLOWER 2.0
#endif
#elif defined(__SANITIZE_THREAD__)
#define SLOWER 4.0
#elif defined(__SANITIZE_ADDRESS__)
#define SLOWER 2.0
#endif
#if !defined(SLOWER)
#define SLOWER 1.0
#endif

#define UNWAITED_SAMPLES 64 // played between two looks at the conductor, at least

void trial_host_set_pace(trial_host *h, double pace)
{
  h->pace = pace / SLOWER;
  clock_gettime(CLOCK_MONOTONIC, &h->next);
}

void trial_host_stall(trial_host *h, double seconds)
{
  session_inject_stall(h->s, (uint32_t)(1000.0 * seconds / h->pace));
}

void trial_host_open(trial_host *h, codec *model, const session_config *config, double seconds,
                     double pace)
{
  error err = {0};
  memset(h, 0, sizeof *h);
  h->model = codec_ref(model);
  h->config = *config;
  h->config.model = model;
  h->timeline_rates_hz[0] = config->host_rate_hz;
  h->n_channels = codec_get_info(model)->n_channels;
  h->n_samples = (size_t)(seconds * config->host_rate_hz);
  h->in = calloc(h->n_samples * h->n_channels, sizeof *h->in);
  h->out = calloc(h->n_samples * h->n_channels, sizeof *h->out);
  assert_true(h->in && h->out);
  for (size_t i = 0; i < h->n_samples * h->n_channels; ++i) {
    h->in[i] = random_uniform(7, 1, i) - 0.5f;
  }
  if (session_open(&h->s, &h->config, &err) != STATUS_OK) {
    fail_msg("session_open: %s", err.message);
  }
  h->latency_samples = session_latency_samples(h->s);
  trial_host_set_pace(h, pace);
}

void trial_host_take_events(trial_host *h)
{
  while (h->n_events < LIVE_CHECK_MAX_EVENTS && session_next_event(h->s, &h->events[h->n_events])) {
    ++h->n_events;
  }
}

// --- stepped ---

static void moment(long ns)
{
  nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

// In the conductor's thread, before each step.
static void stand_if_told(void *user)
{
  trial_host *h = user;
  if (h->at_step) {
    h->at_step();
  }
  if (atomic_load(&h->hold) != HOLD_ASKED) {
    return;
  }
  const uint64_t begun_ns = clock_thread_cpu_ns();
  atomic_store(&h->hold, HOLD_STANDS);
  while (atomic_load(&h->hold) == HOLD_STANDS) {
    if (h->hold_works) {
      atomic_store(&h->held_cpu_ns, clock_thread_cpu_ns() - begun_ns);
    } else {
      moment(100000);
    }
  }
}

void trial_host_open_stepped(trial_host *h, codec *model, const session_config *config,
                             double seconds)
{
  trial_host_open(h, model, config, seconds, 0.0);
  h->stepped = true;
  trial_codec_set_hook(model, stand_if_told, h);
}

void trial_host_hold(trial_host *h, double seconds)
{
  assert_true(h->stepped);
  h->hold_until = h->done + (size_t)(seconds * h->config.host_rate_hz);
  atomic_store(&h->held_cpu_ns, 0);
  atomic_store(&h->hold, HOLD_ASKED);
}

void trial_host_release(trial_host *h)
{
  atomic_store(&h->hold, HOLD_NONE);
}

bool trial_host_holds(const trial_host *h)
{
  return atomic_load(&h->hold) == HOLD_STANDS;
}

// Until the conductor has worked off everything and sleeps, or stands where it was told to.
static void wait_for_conductor(trial_host *h)
{
  const session *s = h->s;
  while (!trial_host_holds(h) &&
         (atomic_load(&s->worked) < s->audio.n_pushed || !atomic_load(&s->asleep))) {
    moment(20000);
  }
}

static void step(trial_host *h, uint32_t n_samples)
{
  h->unwaited += n_samples;
  if (h->unwaited < UNWAITED_SAMPLES) {
    return; // it has time
  }
  h->unwaited = 0;
  wait_for_conductor(h);
  if (trial_host_holds(h) && h->done >= h->hold_until) {
    trial_host_release(h);
    wait_for_conductor(h);
  }
}

// --- blocks ---

static void pace(trial_host *h, uint32_t n_samples)
{
  if (h->pace > 0.0) {
    const double wait_s = n_samples / (h->pace * h->config.host_rate_hz);
    h->next.tv_nsec += (long)(wait_s * 1e9);
    h->next.tv_sec += h->next.tv_nsec / 1000000000;
    h->next.tv_nsec %= 1000000000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &h->next, NULL);
  }
}

void trial_host_block(trial_host *h, uint32_t n_samples)
{
  static float in[SESSION_MAX_CHANNELS][SESSION_MAX_BLOCK_SAMPLES + 1];
  static float out[SESSION_MAX_CHANNELS][SESSION_MAX_BLOCK_SAMPLES + 1];
  const float *ins[SESSION_MAX_CHANNELS];
  float *outs[SESSION_MAX_CHANNELS];
  const size_t left = h->n_samples - h->done;
  const uint32_t n = n_samples < left ? n_samples : (uint32_t)left;
  for (uint32_t c = 0; c < h->n_channels; ++c) {
    ins[c] = in[c];
    outs[c] = out[c];
    for (uint32_t i = 0; i < n; ++i) {
      in[c][i] = h->in[(h->done + i) * h->n_channels + c];
    }
  }
  pace(h, n);
  if (h->before_process) {
    h->before_process();
  }
  session_process(h->s, ins, outs, n, TRIAL_HOST_START + h->done);
  if (h->after_process) {
    h->after_process();
  }
  for (uint32_t c = 0; c < h->n_channels; ++c) {
    for (uint32_t i = 0; i < n; ++i) {
      h->out[(h->done + i) * h->n_channels + c] = out[c][i];
    }
  }
  h->done += n;
  if (h->stepped) {
    step(h, n);
  }
  trial_host_take_events(h);
}

void trial_host_run(trial_host *h, double until_seconds, uint32_t block_samples)
{
  const size_t end = (size_t)(until_seconds * h->config.host_rate_hz);
  while (h->done < end && h->done < h->n_samples) {
    trial_host_block(h, block_samples);
  }
}

live_verdict trial_host_close(trial_host *h)
{
  live_verdict v;
  error err = {0};
  if (!h->stepped) {
    moment(100000000);
  }
  trial_host_take_events(h);
  session_close(h->s);
  h->s = NULL;
  if (h->stepped) {
    trial_codec_set_hook(h->model, NULL, NULL);
  }
  live_recording recording = {
      .in = h->in,
      .out = h->out,
      .n_samples = h->done,
      .host_time_samples = TRIAL_HOST_START,
      .events = h->events,
      .n_events = h->n_events,
      .model = h->model,
      .n_codebooks = h->config.n_codebooks,
      .latency_samples = h->latency_samples,
      .fade_ms = h->config.fade_ms,
  };
  memcpy(recording.timeline_rates_hz, h->timeline_rates_hz, sizeof h->timeline_rates_hz);
  if (live_check(&recording, &v, &err) != STATUS_OK) {
    fail_msg("live_check: %s", err.message);
  }
  if (v.n_different) {
    print_message("%zu of %zu differ, the first at %zu; L %u, %d late, %d timelines\n",
                  v.n_different, v.n_compared, v.first_different, h->latency_samples, v.n_late,
                  v.n_timelines);
  }
  return v;
}

void trial_host_free(trial_host *h)
{
  free(h->in);
  free(h->out);
  codec_unref(h->model);
}

const session_event *trial_host_event(const trial_host *h, session_event_kind kind, int nth)
{
  for (size_t i = 0; i < h->n_events; ++i) {
    if (h->events[i].kind == kind && nth-- == 0) {
      return &h->events[i];
    }
  }
  return NULL;
}

codec *trial_host_codec(uint32_t rate_hz, uint32_t hop, uint32_t n_channels, uint32_t delay)
{
  codec *c = NULL;
  const trial_options options = {rate_hz, hop, n_channels, delay};
  assert_int_equal(trial_codec_open(&c, &options), STATUS_OK);
  return c;
}
