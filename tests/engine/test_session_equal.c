// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// What is heard is a function of the input and of the controls' stamps: the same bits whatever the
// blocks, and whether the conductor runs beside the host or the host waits for it. Everything at
// once: the codec that ships, an oracle, modes, actions, effects, parameters and clocks at random.

#include "base/random.h"
#include "engine/session_internal.h"
#include "tests/engine/trial_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST_BLOCK 1024
#define MOST_EVENTS 4096
#define SECONDS 8
#define AHEAD_SAMPLES 12000 // of the conductor, at most, where nobody waits for it

typedef struct take {
  float *out;
  size_t n_samples;
  session_event *events;
  size_t n_events;
  session_telemetry telemetry;
} take;

typedef struct way {
  uint64_t seed;
  uint32_t rate_hz;
  uint64_t blocks; // 0: all of MOST_BLOCK, else the seed of their sizes
  bool live;
} way;

static uint32_t block_length(const way *w, uint64_t n)
{
  static const uint32_t most[] = {16, 256, MOST_BLOCK, MOST_BLOCK};
  return w->blocks
             ? 1 + (uint32_t)(random_bits(w->blocks, 1, n) % most[random_bits(w->blocks, 2, n) % 4])
             : MOST_BLOCK;
}

static void take_events(session *s, take *made)
{
  while (made->n_events < MOST_EVENTS && session_next_event(s, &made->events[made->n_events])) {
    ++made->n_events;
  }
}

static void play(session *s, const way *w, take *made)
{
  static float in[MOST_BLOCK];
  trial_script script = trial_script_start(w->seed, w->rate_hz);
  uint64_t n_blocks = 0;
  for (size_t t = 0; t < made->n_samples; ++n_blocks) {
    const uint32_t wanted = block_length(w, n_blocks);
    const size_t left = made->n_samples - t;
    const uint32_t n = wanted < left ? wanted : (uint32_t)left;
    const float *ins[] = {in};
    float *outs[] = {made->out + t};
    control c;
    for (uint32_t i = 0; i < n; ++i) {
      in[i] = trial_stage_sound(w->seed, w->rate_hz, t + i);
    }
    while (trial_script_next(&script, t + n, &c)) {
      assert_true(session_send_at(s, &c, (uint32_t)(c.position_samples - t)));
    }
    session_process(s, ins, outs, n, t);
    if (w->live) {
      trial_stage_wait(s, AHEAD_SAMPLES);
    }
    take_events(s, made);
    t += n;
  }
  trial_stage_wait(s, 0);
  take_events(s, made);
}

static take perform(const trial_stage *g, const way *w)
{
  error err = {STATUS_OK, ""};
  take made = {.n_samples = (size_t)SECONDS * w->rate_hz};
  session *s = NULL;
  made.out = calloc(made.n_samples, sizeof *made.out);
  made.events = calloc(MOST_EVENTS, sizeof *made.events);
  assert_true(made.out && made.events);
  const session_config config = {.model = g->codec,
                                 .player = g->oracle,
                                 .host_rate_hz = w->rate_hz,
                                 .block_samples = MOST_BLOCK,
                                 .slack_samples = 2 * AHEAD_SAMPLES,
                                 .output_stage = true,
                                 .keep_s = 1.0,
                                 .offline = !w->live};
  if (session_open(&s, &config, &err)) {
    fail_msg("%s", err.message);
  }
  play(s, w, &made);
  session_read_telemetry(s, &made.telemetry);
  session_close(s);
  return made;
}

static void take_free(take *made)
{
  free(made->out);
  free(made->events);
}

static void assert_same(const take *a, const take *b, const way *w)
{
  size_t first = 0;
  while (first < a->n_samples && a->out[first] == b->out[first]) {
    ++first;
  }
  if (first < a->n_samples) {
    fail_msg("seed %llu, %u Hz, blocks %llu%s: the first sample to differ is %zu",
             (unsigned long long)w->seed, w->rate_hz, (unsigned long long)w->blocks,
             w->live ? ", live" : "", first);
  }
  assert_memory_equal(a->out, b->out, a->n_samples * sizeof *a->out);
  assert_int_equal(a->n_events, b->n_events);
  for (size_t i = 0; i < a->n_events; ++i) {
    assert_int_equal(a->events[i].kind, b->events[i].kind);
    assert_int_equal(a->events[i].position_samples, b->events[i].position_samples);
    assert_int_equal(a->events[i].value, b->events[i].value);
  }
  assert_int_equal(b->telemetry.late_samples, 0);
  assert_int_equal(a->telemetry.dropped_controls, b->telemetry.dropped_controls);
}

// Or all of it would prove little.
static void assert_something_happened(const take *made)
{
  int n_modes = 0, n_controls = 0;
  double energy = 0.0;
  for (size_t i = 0; i < made->n_events; ++i) {
    n_modes += made->events[i].kind == EVENT_MODE;
    n_controls += made->events[i].kind == EVENT_CONTROL;
  }
  for (size_t i = 0; i < made->n_samples; ++i) {
    energy += (double)made->out[i] * (double)made->out[i];
  }
  assert_true(n_modes > 10 && n_controls > 50);
  assert_true(energy / (double)made->n_samples > 1e-6);
}

static void check(const trial_stage *g, uint64_t seed, uint32_t rate_hz, bool live)
{
  const way plain = {.seed = seed, .rate_hz = rate_hz};
  take reference = perform(g, &plain);
  assert_something_happened(&reference);
  for (uint64_t blocks = 1; blocks <= 2; ++blocks) {
    const way other = {seed, rate_hz, blocks, live};
    take made = perform(g, &other);
    assert_same(&reference, &made, &other);
    take_free(&made);
  }
  take_free(&reference);
}

static void the_blocks_do_not_matter(void **state)
{
  check(*state, 1, 48000, false);
  check(*state, 2, 44100, false);
  check(*state, 3, 24000, false);
}

static void live_is_as_offline(void **state)
{
  check(*state, 4, 48000, true);
  check(*state, 5, 44100, true);
  check(*state, 6, 96000, true);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_blocks_do_not_matter),
      cmocka_unit_test(live_is_as_offline),
  };
  return cmocka_run_group_tests(tests, trial_stage_open, trial_stage_close);
}
