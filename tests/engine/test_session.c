// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/random.h"
#include "engine/session.h"
#include "tests/engine/live_check.h"
#include "tests/engine/trial_codec.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define HOST_START 1000

// --- a host ---

typedef struct host {
  session *s;
  codec *model;
  session_config config;
  uint32_t n_channels;
  float *in, *out; // [n_samples, n_channels]
  size_t n_samples, done;
  uint32_t latency_samples; // at the start
  double pace;              // times real time; 0: not paced
  struct timespec next;     // when the next block is due
  session_event events[LIVE_CHECK_MAX_EVENTS];
  size_t n_events;
} host;

static void host_open(host *h, codec *model, const session_config *config, double seconds,
                      double pace)
{
  error err = {0};
  memset(h, 0, sizeof *h);
  h->model = codec_ref(model);
  h->config = *config;
  h->config.model = model;
  h->pace = pace;
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
  clock_gettime(CLOCK_MONOTONIC, &h->next);
}

static void take_events(host *h)
{
  while (h->n_events < LIVE_CHECK_MAX_EVENTS && session_next_event(h->s, &h->events[h->n_events])) {
    ++h->n_events;
  }
}

static void pace(host *h, uint32_t n)
{
  if (h->pace > 0.0) {
    const double wait_s = n / (h->pace * h->config.host_rate_hz);
    h->next.tv_nsec += (long)(wait_s * 1e9);
    h->next.tv_sec += h->next.tv_nsec / 1000000000;
    h->next.tv_nsec %= 1000000000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &h->next, NULL);
  }
}

// One block of n samples through the session, or what is left of the input.
static void host_block(host *h, uint32_t n)
{
  static float in[SESSION_MAX_CHANNELS][SESSION_MAX_BLOCK_SAMPLES];
  static float out[SESSION_MAX_CHANNELS][SESSION_MAX_BLOCK_SAMPLES];
  const float *ins[SESSION_MAX_CHANNELS];
  float *outs[SESSION_MAX_CHANNELS];
  n = n < h->n_samples - h->done ? n : (uint32_t)(h->n_samples - h->done);
  for (uint32_t c = 0; c < h->n_channels; ++c) {
    ins[c] = in[c];
    outs[c] = out[c];
    for (uint32_t i = 0; i < n; ++i) {
      in[c][i] = h->in[(h->done + i) * h->n_channels + c];
    }
  }
  pace(h, n);
  session_process(h->s, ins, outs, n, HOST_START + h->done);
  for (uint32_t c = 0; c < h->n_channels; ++c) {
    for (uint32_t i = 0; i < n; ++i) {
      h->out[(h->done + i) * h->n_channels + c] = out[c][i];
    }
  }
  h->done += n;
  take_events(h);
}

static void host_run(host *h, double until_seconds, uint32_t block)
{
  const size_t end = (size_t)(until_seconds * h->config.host_rate_hz);
  while (h->done < end && h->done < h->n_samples) {
    host_block(h, block);
  }
}

// Let the conductor finish and report, then compare everything with the offline result.
static live_verdict host_close(host *h)
{
  live_verdict v;
  error err = {0};
  const struct timespec moment = {.tv_nsec = 100000000};
  nanosleep(&moment, NULL);
  take_events(h);
  session_close(h->s);
  const live_recording recording = {
      .in = h->in,
      .out = h->out,
      .n_samples = h->done,
      .host_time_samples = HOST_START,
      .events = h->events,
      .n_events = h->n_events,
      .model = h->model,
      .n_codebooks = h->config.n_codebooks,
      .host_rate_hz = h->config.host_rate_hz,
      .latency_samples = h->latency_samples,
      .fade_samples = (h->config.host_rate_hz * 5 + 999) / 1000,
  };
  if (live_check(&recording, &v, &err) != STATUS_OK) {
    fail_msg("live_check: %s", err.message);
  }
  if (v.n_different) {
    print_message("%zu of %zu differ, the first at %zu; L %u, %d late, %d timelines\n",
                  v.n_different, v.n_compared, v.first_different, h->latency_samples, v.n_late,
                  v.n_timelines);
  }
  free(h->in);
  free(h->out);
  codec_unref(h->model);
  return v;
}

static const session_event *find_event(const host *h, session_event_kind kind)
{
  for (size_t i = 0; i < h->n_events; ++i) {
    if (h->events[i].kind == kind) {
      return &h->events[i];
    }
  }
  return NULL;
}

static codec *open_trial(uint32_t rate_hz, uint32_t hop, uint32_t n_channels, uint32_t delay)
{
  codec *c = NULL;
  const trial_options options = {rate_hz, hop, n_channels, delay};
  assert_int_equal(trial_codec_open(&c, &options), STATUS_OK);
  return c;
}

// --- equality ---

static void live_equals_offline(uint32_t rate_hz, uint32_t block, uint32_t n_channels)
{
  static host h;
  codec *model = open_trial(24000, 320, n_channels, 77);
  const session_config config = {.host_rate_hz = rate_hz, .block_samples = block};
  host_open(&h, model, &config, 1.0, 2.0);
  host_run(&h, 1.0, block);
  const live_verdict v = host_close(&h);
  assert_int_equal(v.n_different, 0);
  assert_int_equal(v.n_timelines, 1);
  assert_true(v.n_compared > h.n_samples / 4); // the machine may be busy, not for the most part
  codec_unref(model);
}

static void equal_at_the_rates_and_blocks_of_the_bars(void **unused)
{
  (void)unused;
  live_equals_offline(24000, 128, 1);
  live_equals_offline(48000, 64, 1);
  live_equals_offline(48000, 256, 1);
  live_equals_offline(44100, 1024, 1);
  live_equals_offline(96000, 512, 1);
}

static void equal_in_stereo_and_at_odd_sizes(void **unused)
{
  (void)unused;
  live_equals_offline(44100, 441, 2);
  live_equals_offline(47999, 509, 1);
  live_equals_offline(22050, 1, 1);
}

// --- bypass, freewheel ---

static void bypass_gives_the_input_back_late(void **unused)
{
  (void)unused;
  static host h;
  codec *model = NULL;
  assert_int_equal(codec_open_bypass(&model, 48000, 640, 1, NULL), STATUS_OK);
  const session_config config = {.host_rate_hz = 48000, .block_samples = 256, .offline = true};
  host_open(&h, model, &config, 1.0, 0.0);
  host_run(&h, 1.0, 256);
  const uint32_t latency = h.latency_samples;
  // A hop of 640 = 2.5 blocks: at worst 512 samples wait for the hop to fill, then one block
  // passes.
  assert_int_equal(latency, 512 + 256 + 640);
  for (size_t i = 0; i < h.done; ++i) {
    const float expected = i < latency ? 0.0f : h.in[i - latency];
    assert_true(h.out[i] == expected);
  }
  assert_int_equal(host_close(&h).n_different, 0);
  codec_unref(model);
}

static void freewheel_is_never_late_and_equal(void **unused)
{
  (void)unused;
  static host h;
  codec *model = open_trial(24000, 320, 2, 500);
  const session_config config = {.host_rate_hz = 44100, .block_samples = 512, .offline = true};
  host_open(&h, model, &config, 4.0, 0.0);
  for (uint64_t i = 0; h.done < h.n_samples; ++i) {
    host_block(&h, 1 + (uint32_t)(random_bits(3, 3, i) % SESSION_MAX_BLOCK_SAMPLES));
  }
  const live_verdict v = host_close(&h);
  assert_int_equal(v.n_different, 0);
  assert_int_equal(v.n_excluded, 0);
  assert_int_equal(v.n_compared, h.n_samples);
  codec_unref(model);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equal_at_the_rates_and_blocks_of_the_bars),
      cmocka_unit_test(equal_in_stereo_and_at_odd_sizes),
      cmocka_unit_test(bypass_gives_the_input_back_late),
      cmocka_unit_test(freewheel_is_never_late_and_equal),
  };
  (void)find_event;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
