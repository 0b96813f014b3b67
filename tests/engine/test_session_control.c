// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Controls on their way into a session: one stamp for a batch, floods that cost nobody else
// anything, gain and mix on the very sample, values that can be read. The codec passes samples on
// as they are, so what is heard is arithmetic.

#include "base/random.h"
#include "engine/output/level.h"
#include "engine/play/effect_parameters.h"
#include "engine/session_internal.h"
#include "tests/engine/trial_codec.h"
#include "tests/engine/trial_host.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define RATE_HZ 48000
#define BLOCK 256
#define FADE 240
#define MOST 96000
#define EVENTS 256

typedef struct desk {
  session *s;
  codec *codec;
  uint32_t latency, block;
  uint64_t t;
  float in[MOST], out[MOST];
  session_event events[EVENTS];
  int n_events;
} desk;

static desk d;

static void open_desk(bool output_stage, session_fallback fallback)
{
  error err = {STATUS_OK, ""};
  memset(&d, 0, sizeof d);
  assert_int_equal(codec_open_bypass(&d.codec, RATE_HZ, 480, 1, &err), STATUS_OK);
  const session_config config = {.model = d.codec,
                                 .host_rate_hz = RATE_HZ,
                                 .block_samples = BLOCK,
                                 .fallback = fallback,
                                 .output_stage = output_stage,
                                 .offline = true};
  if (session_open(&d.s, &config, &err)) {
    fail_msg("%s", err.message);
  }
  d.block = BLOCK;
  d.latency = session_latency_samples(d.s);
  for (int i = 0; i < MOST; ++i) {
    d.in[i] = 0.4f * (random_uniform(1, 2, (uint64_t)i) - 0.5f);
  }
}

static int open_plain(void **unused)
{
  (void)unused;
  open_desk(false, FALLBACK_SILENCE);
  return 0;
}

static int open_with_limiter(void **unused)
{
  (void)unused;
  open_desk(true, FALLBACK_SILENCE);
  return 0;
}

static int close_desk(void **unused)
{
  (void)unused;
  session_close(d.s);
  codec_unref(d.codec);
  return 0;
}

static void block(uint32_t n)
{
  const float *in[] = {d.in + d.t};
  float *out[] = {d.out + d.t};
  assert_true(d.t + n <= MOST);
  session_process(d.s, in, out, n, d.t);
  d.t += n;
  while (d.n_events < EVENTS && session_next_event(d.s, &d.events[d.n_events])) {
    ++d.n_events;
  }
}

static void play(int n_blocks)
{
  for (int i = 0; i < n_blocks; ++i) {
    block(d.block);
  }
}

static control setting(int id, double value)
{
  return (control){.kind = CONTROL_SET, .id = (uint16_t)id, .value = value};
}

static control action(control_action id)
{
  return (control){.kind = CONTROL_ACTION, .id = (uint16_t)id};
}

static void send(control c)
{
  assert_true(session_send(d.s, &c, 1));
}

static uint64_t n_dropped(void)
{
  session_telemetry t;
  session_read_telemetry(d.s, &t);
  return t.dropped_controls;
}

// What went in L before.
static float given(uint64_t t)
{
  return t < d.latency ? 0.0f : d.in[t - d.latency];
}

// --- values ---

static void values_begin_at_their_standard(void **unused)
{
  (void)unused;
  for (int i = 0; i < parameter_count(); ++i) {
    assert_true(session_parameter(d.s, i) == parameter_get(i)->standard);
  }
  assert_true(session_parameter(d.s, -1) == 0.0);
  assert_true(session_parameter(d.s, parameter_count()) == 0.0);
}

static void values_are_read_as_they_were_stamped(void **unused)
{
  (void)unused;
  send(setting(PARAMETER_LEVEL, -12.5));
  send(setting(PARAMETER_SEED, 1e99));
  assert_true(session_parameter(d.s, PARAMETER_LEVEL) == 0.0); // not yet
  play(1);
  assert_true(session_parameter(d.s, PARAMETER_LEVEL) == -12.5);
  assert_true(session_parameter(d.s, PARAMETER_SEED) == parameter_get(PARAMETER_SEED)->most);
  play(20);
  assert_true(session_parameter(d.s, PARAMETER_LEVEL) == -12.5);
}

// What was asked for is not always what is.
static void values_follow_what_became_of_them(void **unused)
{
  (void)unused;
  const int stutter = parameter_of_effect(CODE_EFFECT_STUTTER, EFFECT_FADER);
  send(setting(PARAMETER_MODE, MODE_CONTINUE)); // there is no model
  play(8);
  assert_true(session_parameter(d.s, PARAMETER_MODE) == MODE_MONITOR);
  send(setting(stutter, 0.5));
  send(setting(PARAMETER_THRU, THRU_DRY));
  play(8);
  assert_true(session_parameter(d.s, stutter) == 0.5);
  send(action(ACTION_PANIC));
  play(8);
  assert_true(session_parameter(d.s, stutter) == 0.0);
  assert_true(session_parameter(d.s, PARAMETER_THRU) == THRU_OFF);
  assert_true(session_parameter(d.s, PARAMETER_MODE) == MODE_LISTEN);
  send(action(ACTION_TAP));
  d.block = 240;
  play(100);
  send(action(ACTION_TAP));
  play(8);
  assert_true(session_parameter(d.s, PARAMETER_TEMPO) == 120.0);
}

// --- batches ---

static void a_batch_gets_one_stamp(void **unused)
{
  (void)unused;
  play(10);
  const control batch[] = {action(ACTION_MARK), action(ACTION_FORGET),
                           setting(PARAMETER_MODE, MODE_LISTEN), action(ACTION_TAP)};
  const uint64_t stamp = d.t;
  assert_true(session_send(d.s, batch, 4));
  play(10);
  int n = 0;
  for (int i = 0; i < d.n_events; ++i) {
    if (d.events[i].kind == EVENT_CONTROL) {
      assert_int_equal(d.events[i].position_samples, stamp);
      ++n;
    }
  }
  assert_int_equal(n, 4);
}

static void a_batch_is_taken_whole_or_not_at_all(void **unused)
{
  (void)unused;
  static control many[SESSION_ASKED + 1];
  control batch[] = {setting(PARAMETER_LEVEL, -6), setting(PARAMETER_MIX, 0.5),
                     setting(PARAMETER_LEVEL, (double)NAN)};
  assert_false(session_send(d.s, batch, 3));
  batch[2] = batch[0];
  batch[0] = setting(PARAMETER_LEVEL, (double)INFINITY);
  assert_false(session_send(d.s, batch, 3));
  batch[0] = batch[2];
  batch[2] = setting(parameter_count(), 0);
  assert_false(session_send(d.s, batch, 3));
  batch[2] = action(N_CONTROL_ACTIONS);
  assert_false(session_send(d.s, batch, 3));
  batch[2] = (control){.kind = CONTROL_CLOCK, .value = 1.0, .more = -1.0};
  assert_false(session_send(d.s, batch, 3));
  batch[2] = (control){.kind = 77};
  assert_false(session_send(d.s, batch, 3));
  for (int i = 0; i <= SESSION_ASKED; ++i) {
    many[i] = action(ACTION_MARK);
  }
  assert_false(session_send(d.s, many, SESSION_ASKED + 1));
  play(4);
  assert_true(session_parameter(d.s, PARAMETER_LEVEL) == 0.0);
  assert_true(session_parameter(d.s, PARAMETER_MIX) == 1.0);
  assert_int_equal(n_dropped(), 6 * 3 + SESSION_ASKED + 1);
  assert_true(session_send(d.s, batch, 2));
  assert_true(session_send(d.s, NULL, 0));
}

// What was taken is not lost later: as many at once as anybody may send, all of them for the
// mixer.
static void as_many_as_are_taken_act(void **unused)
{
  (void)unused;
  static control many[256];
  play(10);
  for (int i = 0; i < 256; ++i) {
    many[i] = i % 2 ? setting(PARAMETER_LEVEL, -60.0 + i * 0.25) : action(ACTION_MARK);
  }
  assert_true(session_send(d.s, many, 256));
  play(10);
  assert_int_equal(n_dropped(), 0);
  assert_true(session_parameter(d.s, PARAMETER_LEVEL) == -60.0 + 255 * 0.25);
}

// --- floods ---

typedef struct flooder {
  pthread_t thread;
  atomic_bool stop;
  uint64_t n_refused;
} flooder;

static void *flood(void *user)
{
  flooder *f = user;
  const control c = setting(PARAMETER_FOLLOW, 0.5);
  while (!atomic_load(&f->stop)) {
    f->n_refused += !session_send(d.s, &c, 1);
  }
  return NULL;
}

// Two who send as fast as they can, and one who plays.
static void a_flood_costs_nobody_else_anything(void **unused)
{
  (void)unused;
  static flooder floods[2];
  memset(floods, 0, sizeof floods);
  for (int i = 0; i < 2; ++i) {
    assert_int_equal(pthread_create(&floods[i].thread, NULL, flood, &floods[i]), 0);
  }
  uint64_t n_refused = 0;
  for (int i = 0; i < 200; ++i) {
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    const control c = setting(PARAMETER_LEVEL, -(double)(i % 50));
    n_refused += !session_send(d.s, &c, 1);
    play(1);
    assert_true(session_parameter(d.s, PARAMETER_LEVEL) == -(double)(i % 50));
  }
  uint64_t n_lost = 0;
  for (int i = 0; i < 2; ++i) {
    atomic_store(&floods[i].stop, true);
    pthread_join(floods[i].thread, NULL);
    n_lost += floods[i].n_refused;
  }
  assert_int_equal(n_refused, 0);
  assert_true(n_lost > 1000);
  assert_int_equal(n_dropped(), n_lost);
}

static void the_hosts_flood_is_bounded(void **unused)
{
  (void)unused;
  const control c = setting(PARAMETER_FOLLOW, 0.5);
  play(300); // what may come at the beginning is over
  uint64_t n_taken = 0, n_sent = 0;
  for (int i = 0; i < 50; ++i) {
    for (int k = 0; k < 500; ++k) {
      n_taken += session_send_at(d.s, &c, 0);
      ++n_sent;
    }
    play(1);
  }
  assert_true(n_taken >= 50 * BLOCK * 2000 / RATE_HZ && n_taken < 50 * BLOCK * 2000 / RATE_HZ + 70);
  assert_int_equal(n_dropped(), n_sent - n_taken);
  while (session_send_at(d.s, &c, 0)) {
  }
  const control panic = {.kind = CONTROL_ACTION, .id = ACTION_PANIC};
  assert_true(session_send_at(d.s, &panic, 0)); // there is always room for that
}

// --- on the sample ---

// Gain of the sample at t of a fade from 1 to `to` that was stamped at `stamp`.
static float faded(uint64_t t, uint64_t stamp, float to)
{
  const float at = t < stamp ? 0.0f : (float)(t - stamp + 1) / FADE;
  return 1.0f + (to - 1.0f) * (at < 1.0f ? at : 1.0f);
}

static void assert_near(float a, float b)
{
  assert_true(fabsf(a - b) <= 1e-6f);
}

static void level_acts_on_its_sample(void **unused)
{
  (void)unused;
  play(20);
  const uint64_t stamp = d.t + 77;
  const control c = setting(PARAMETER_LEVEL, -20.0);
  send(setting(PARAMETER_CEILING, -24.0)); // there is no limiter
  assert_true(session_send_at(d.s, &c, 77));
  play(20);
  for (uint64_t t = 0; t < stamp; ++t) {
    assert_true(d.out[t] == given(t));
  }
  for (uint64_t t = stamp; t < d.t; ++t) {
    assert_near(d.out[t], given(t) * faded(t, stamp, 0.1f));
  }
  assert_true(d.out[stamp] != given(stamp));
}

static void offsets_stay_in_the_block_and_do_not_fall(void **unused)
{
  (void)unused;
  play(20);
  const uint64_t start = d.t;
  const uint32_t offsets[] = {100, 40, 5000};
  const control_action actions[] = {ACTION_MARK, ACTION_FORGET, ACTION_TAP};
  for (int i = 0; i < 3; ++i) {
    const control c = action(actions[i]);
    assert_true(session_send_at(d.s, &c, offsets[i]));
  }
  play(1);
  send(action(ACTION_AGAIN)); // not held up by the one that was far beyond
  play(10);
  const uint64_t expected[] = {start + 100, start + 100, start + BLOCK - 1, start + BLOCK};
  int n = 0;
  for (int i = 0; i < d.n_events; ++i) {
    if (d.events[i].kind == EVENT_CONTROL) {
      assert_int_equal(d.events[i].position_samples, expected[n++]);
    }
  }
  assert_int_equal(n, 4);
}

static void mix_goes_from_the_input_to_the_instrument(void **unused)
{
  (void)unused;
  send(setting(PARAMETER_MODE, MODE_LISTEN)); // the instrument is silent
  play(40);
  assert_true(d.out[d.t - 1] == 0.0f);
  const uint64_t stamp = d.t + 5;
  const control c = setting(PARAMETER_MIX, 0.25);
  assert_true(session_send_at(d.s, &c, 5));
  play(20);
  assert_true(d.out[stamp - 1] == 0.0f);
  for (uint64_t t = stamp; t < d.t; ++t) { // as late as the instrument would be
    assert_near(d.out[t], given(t) * (1.0f - faded(t, stamp, 0.25f)));
  }
}

static void panic_silences_within_one_fade(void **unused)
{
  (void)unused;
  send(setting(PARAMETER_MIX, 0.5)); // the input, too
  play(20);
  const uint64_t stamp = d.t + 200;
  const control c = action(ACTION_PANIC);
  assert_true(session_send_at(d.s, &c, 200));
  play(20);
  for (uint64_t t = stamp - 100; t < d.t - 1000; ++t) {
    assert_near(d.out[t], given(t) * faded(t, stamp, 0.0f));
  }
  for (uint64_t t = stamp + FADE - 1; t < d.t; ++t) {
    assert_true(d.out[t] == 0.0f);
  }
  send(setting(PARAMETER_LEVEL, -1)); // asks for no sound
  play(10);
  assert_true(d.out[d.t - 1] == 0.0f);
  send(setting(PARAMETER_LEVEL, 0));
  const uint64_t back = d.t;
  send(setting(PARAMETER_MODE, MODE_MONITOR));
  play(30);
  assert_true(d.out[back] != 0.0f); // the mixed-in input, at once
  for (uint64_t t = d.t - 1000; t < d.t; ++t) {
    assert_near(d.out[t], given(t));
  }
}

// The limiter is last and late: what is on the sample before it is so after it.
static void the_limiter_is_late_and_nothing_else(void **unused)
{
  (void)unused;
  static float expected[MOST];
  const control script[] = {setting(PARAMETER_LEVEL, -9), setting(PARAMETER_MIX, 0.3),
                            action(ACTION_PANIC), setting(PARAMETER_MODE, MODE_MONITOR),
                            setting(PARAMETER_LEVEL, 3)};
  uint32_t latency = 0;
  for (int limited = 0; limited < 2; ++limited) {
    open_desk(limited, FALLBACK_SILENCE);
    for (int i = 0; i < 5; ++i) {
      play(10);
      assert_true(session_send_at(d.s, &script[i], 31 + (uint32_t)i));
    }
    play(20);
    if (!limited) {
      memcpy(expected, d.out, sizeof expected);
      latency = d.latency;
    }
    close_desk(NULL);
  }
  const uint64_t late = d.latency - latency;
  assert_true(late > 0);
  for (uint64_t t = late; t < d.t; ++t) {
    assert_true(d.out[t] == expected[t - late]);
  }
}

static float loudest(uint64_t from, uint64_t end)
{
  float most = 0.0f;
  for (uint64_t t = from; t < end; ++t) {
    most = fmaxf(most, fabsf(d.out[t]));
  }
  return most;
}

static void the_ceiling_acts_on_its_sample(void **unused)
{
  (void)unused;
  const uint32_t late = limiter_delay_samples(d.s->audio.plan->peaks);
  const float ceiling = (float)level_amplitude(-24.0);
  play(20);
  const uint64_t stamp = d.t + 40;
  const control c = setting(PARAMETER_CEILING, -24.0);
  assert_true(session_send_at(d.s, &c, 40));
  play(20);
  assert_true(loudest(stamp - 500, stamp) > 2.0f * ceiling);
  assert_true(loudest(stamp + late, d.t) <= ceiling);
  // Never more gently than it has to: what lies well before is as it was.
  for (uint64_t t = stamp - 200; t < stamp; ++t) {
    assert_true(d.out[t] == given(t));
  }
}

static void another_rate_keeps_the_ceiling(void **unused)
{
  (void)unused;
  const float ceiling = (float)level_amplitude(-24.0);
  send(setting(PARAMETER_CEILING, -24.0));
  play(20);
  assert_int_equal(session_set_rate(d.s, 44100, NULL), STATUS_OK);
  play(100);
  assert_true(loudest(d.t - 2000, d.t) > 0.5f * ceiling);
  assert_true(loudest(d.t - 2000, d.t) <= ceiling);
}

// --- on the step ---

// Of a codec of 24000 Hz and 100 samples a hop; at 44100 Hz few steps start on a sample.
static uint64_t start_of_step(uint64_t step)
{
  return (step * 100 * 44100 + 23999) / 24000;
}

static void modes_act_on_the_first_step_not_before_them(void **unused)
{
  (void)unused;
  memset(&d, 0, sizeof d);
  assert_int_equal(codec_open_bypass(&d.codec, 24000, 100, 1, NULL), STATUS_OK);
  const session_config config = {
      .model = d.codec, .host_rate_hz = 44100, .block_samples = BLOCK, .offline = true};
  assert_int_equal(session_open(&d.s, &config, NULL), STATUS_OK);
  d.block = BLOCK;
  uint64_t expected[60];
  int n = 0;
  for (uint64_t step = 5; n < 60; step += 3, n += 2) {
    for (uint64_t late = 0; late < 2; ++late) {
      const uint64_t stamp = start_of_step(step + late) + late;
      const control c = setting(PARAMETER_MODE, late ? MODE_MONITOR : MODE_LISTEN);
      while (stamp >= d.t + BLOCK) {
        block(BLOCK);
      }
      assert_true(session_send_at(d.s, &c, (uint32_t)(stamp - d.t)));
      expected[n + (int)late] = start_of_step(step + 2 * late);
    }
  }
  play(5);
  int n_modes = 0;
  for (int i = 0; i < d.n_events; ++i) {
    if (d.events[i].kind == EVENT_MODE) {
      assert_int_equal(d.events[i].position_samples, expected[n_modes++]);
    }
  }
  assert_int_equal(n_modes, 60);
  close_desk(NULL);
}

// --- late, while the input is heard beside the instrument ---

// Where the input stands in for what is late, it is heard once.
static void dry_is_not_heard_twice(void **unused)
{
  (void)unused;
  static trial_host h;
  codec *model = trial_host_codec(24000, 320, 1, 0);
  trial_codec_be_transparent(model);
  const session_config config = {
      .host_rate_hz = 24000, .block_samples = 128, .fallback = FALLBACK_DRY};
  trial_host_open_stepped(&h, model, &config, 3.0);
  const control batch[] = {setting(PARAMETER_MODE, MODE_LISTEN), setting(PARAMETER_THRU, THRU_DRY)};
  assert_true(session_send(h.s, batch, 2));
  trial_host_run(&h, 1.0, 128);
  trial_host_hold(&h, 0.5);
  trial_host_run(&h, 3.0, 128);
  trial_host_take_events(&h);
  assert_non_null(trial_host_event(&h, EVENT_LATE, 0));
  assert_non_null(trial_host_event(&h, EVENT_RECOVERED, 0));
  for (size_t t = 12000; t < h.n_samples; ++t) { // all the way through
    assert_true(fabsf(h.out[t] - h.in[t - h.latency_samples]) < 1e-5f);
  }
  session_close(h.s);
  trial_codec_set_hook(model, NULL, NULL);
  trial_host_free(&h);
  codec_unref(model);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_plain, close_desk)
#define LIMITED(name) cmocka_unit_test_setup_teardown(name, open_with_limiter, close_desk)
  const struct CMUnitTest tests[] = {
      CASE(values_begin_at_their_standard),
      CASE(values_are_read_as_they_were_stamped),
      CASE(values_follow_what_became_of_them),
      CASE(a_batch_gets_one_stamp),
      CASE(a_batch_is_taken_whole_or_not_at_all),
      CASE(as_many_as_are_taken_act),
      CASE(a_flood_costs_nobody_else_anything),
      CASE(the_hosts_flood_is_bounded),
      CASE(level_acts_on_its_sample),
      CASE(offsets_stay_in_the_block_and_do_not_fall),
      CASE(mix_goes_from_the_input_to_the_instrument),
      CASE(panic_silences_within_one_fade),
      cmocka_unit_test(the_limiter_is_late_and_nothing_else),
      LIMITED(the_ceiling_acts_on_its_sample),
      LIMITED(another_rate_keeps_the_ceiling),
      cmocka_unit_test(modes_act_on_the_first_step_not_before_them),
      cmocka_unit_test(dry_is_not_heard_twice),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
