// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The audio thread's half under the real-time guard while everything is played: the codec that
// ships, an oracle, the limiter, all that is kept; every mode, action, effect and parameter, from
// the host's callback and from another thread: no allocation, no lock, no system call but one futex
// wake a callback.

#include "engine/play/effect_parameters.h"
#include "tests/engine/trial_stage.h"
#include "tests/live/rt_guard.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#define RATE_HZ 48000
#define BLOCK 256
#define AHEAD_SAMPLES 12000

typedef struct trial_run {
  session *s;
  uint64_t t;
  int means;
  bool waits; // the conductor may not fall behind
  uint64_t seen_modes, seen_actions;
  atomic_bool stop; // the other sender
  pthread_t sender;
} trial_run;

static trial_run host;

// The callback. Controls that have room in it are stamped in it.
static void callback(const control *controls, int n)
{
  static float in[BLOCK], out[BLOCK];
  const float *ins[] = {in};
  float *outs[] = {out};
  for (uint32_t i = 0; i < BLOCK; ++i) {
    in[i] = trial_stage_sound(1, RATE_HZ, host.t + i);
  }
  rt_guard_enter();
  for (int i = 0; i < n; ++i) {
    session_send_at(host.s, &controls[i], (uint32_t)(BLOCK * i / n));
  }
  session_process(host.s, ins, outs, BLOCK, host.t);
  rt_guard_leave();
  host.t += BLOCK;
  if (host.waits) {
    const bool rests = host.t / BLOCK % 16 == 0; // so that there is somebody to wake
    trial_stage_wait(host.s, rests ? 0 : AHEAD_SAMPLES);
    nanosleep(&(struct timespec){.tv_nsec = rests ? 500000 : 1}, NULL);
  }
  for (session_event e; session_next_event(host.s, &e);) {
    if (e.kind == EVENT_MODE) {
      host.seen_modes |= UINT64_C(1) << e.value;
    } else if (e.kind == EVENT_CONTROL && e.value >= N_MODES) {
      host.seen_actions |= UINT64_C(1) << (e.value - N_MODES);
    }
  }
}

static void play(int n_blocks)
{
  while (n_blocks-- > 0) {
    callback(NULL, 0);
  }
}

static void set(int id, double value)
{
  callback(&(control){.kind = CONTROL_SET, .id = (uint16_t)id, .value = value}, 1);
}

static void act(control_action id)
{
  callback(&(control){.kind = CONTROL_ACTION, .id = (uint16_t)id}, 1);
}

static void open_run(const trial_stage *g, session_fallback fallback)
{
  error err = {STATUS_OK, ""};
  const session_config config = {.model = g->codec,
                                 .player = g->oracle,
                                 .host_rate_hz = RATE_HZ,
                                 .block_samples = BLOCK,
                                 .slack_samples = 2 * AHEAD_SAMPLES,
                                 .fallback = fallback,
                                 .output_stage = true,
                                 .keep_s = 5.0,
                                 .lock_memory = true};
  host = (trial_run){.means = host.means, .waits = true};
  if (session_open(&host.s, &config, &err)) {
    fail_msg("%s", err.message);
  }
  rt_guard_reset();
}

static void close_run(uint64_t least_calls)
{
  rt_guard_report r;
  rt_guard_read(&r);
  session_close(host.s);
  assert_true(r.calls >= least_calls);
  assert_int_equal(r.allocations, 0);
  assert_int_equal(r.system_calls, 0);
  assert_true(r.most_wakes <= 1);
  if (host.means & RT_GUARD_SYSTEM_CALLS) {
    assert_true(r.wakes > 0); // or it has not been looking
  }
}

static void every_mode_and_action(void **state)
{
  open_run(*state, FALLBACK_DRY);
  for (int mode = 0; mode < N_MODES; ++mode) {
    for (int action = 0; action < N_CONTROL_ACTIONS; ++action) {
      set(PARAMETER_MODE, mode);
      play(12);
      act((control_action)action);
      play(12);
    }
  }
  play(200);
  assert_int_equal(host.seen_modes, ((1u << N_MODES) - 1) & ~(1u << MODE_GENERATE));
  assert_int_equal(host.seen_actions, (1u << N_CONTROL_ACTIONS) - 1);
  close_run(500);
}

static void every_parameter_at_its_ends(void **state)
{
  open_run(*state, FALLBACK_SILENCE);
  play(200);
  set(PARAMETER_MODE, MODE_CONTINUE);
  for (int id = 1; id < parameter_count(); ++id) {
    const parameter_info *info = parameter_get(id);
    const double values[] = {info->least, info->most, info->standard};
    for (int i = 0; i < 3; ++i) {
      set(id, values[i]);
      play(4);
      assert_true(session_parameter(host.s, id) == parameter_clamp(id, values[i]));
    }
  }
  close_run(1000);
}

static void every_effect_by_the_beat(void **state)
{
  open_run(*state, FALLBACK_HOLD);
  callback(&(control){.kind = CONTROL_CLOCK, .value = 0.25, .more = 2.0}, 1);
  set(PARAMETER_QUANTISE, QUANTISE_BEAT);
  play(200);
  set(PARAMETER_MODE, MODE_CONTINUE);
  for (int kind = 0; kind < CODE_N_EFFECTS; ++kind) {
    set(parameter_of_effect((code_effect_kind)kind, EFFECT_FADER), 1.0);
    play(80);
  }
  act(ACTION_PANIC);
  play(100);
  close_run(1000);
}

static void *send_for_ever(void *unused)
{
  (void)unused;
  for (uint64_t n = 0; !atomic_load(&host.stop); n += 3) {
    control batch[3];
    for (uint64_t i = 0; i < 3; ++i) {
      batch[i] = trial_stage_control(9, n + i);
    }
    session_send(host.s, batch, 3);
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
  return NULL;
}

// Nobody waits for the conductor here, which stands still now and then; the host floods too.
static void all_at_random_from_two_sides(void **state)
{
  control flood[100];
  open_run(*state, FALLBACK_DRY);
  assert_int_equal(pthread_create(&host.sender, NULL, send_for_ever, NULL), 0);
  for (uint64_t n = 0; n < 3000; ++n) {
    const int n_controls = n % 50 == 0 ? 100 : 1;
    for (int i = 0; i < n_controls; ++i) {
      flood[i] = trial_stage_control(10, n + (uint64_t)i);
    }
    callback(flood, n_controls);
    host.waits = n < 1000 || n >= 1500;
    if (n == 1000) {
      session_inject_stall(host.s, 400);
    }
  }
  atomic_store(&host.stop, true);
  pthread_join(host.sender, NULL);
  close_run(3000);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_mode_and_action),
      cmocka_unit_test(every_parameter_at_its_ends),
      cmocka_unit_test(every_effect_by_the_beat),
      cmocka_unit_test(all_at_random_from_two_sides),
  };
  host.means = rt_guard_install();
  return cmocka_run_group_tests(tests, trial_stage_open, trial_stage_close);
}
