// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The audio thread's half under the real-time guard, on good days and bad ones: no allocation, no
// lock, no system call but one futex wake a callback.

#include "engine/session.h"
#include "tests/engine/trial_codec.h"
#include "tests/engine/trial_host.h"
#include "tests/live/rt_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define RATE_HZ 48000
#define BLOCK 128

static trial_host h;
static int means;

static void play(session_fallback fallback, double seconds, void (*trouble)(codec *model))
{
  codec *model = trial_host_codec(24000, 320, 2, 10);
  const session_config config = {
      .host_rate_hz = RATE_HZ, .block_samples = BLOCK, .fallback = fallback, .lock_memory = true};
  rt_guard_report r;
  trial_host_open(&h, model, &config, seconds, 4.0);
  h.before_process = rt_guard_enter;
  h.after_process = rt_guard_leave;
  rt_guard_reset();
  trial_host_run(&h, 1.0, BLOCK);
  if (trouble) {
    trouble(model);
  }
  trial_host_run(&h, seconds, BLOCK);
  rt_guard_read(&r);
  assert_true(r.calls >= 500);
  assert_int_equal(r.allocations, 0);
  assert_int_equal(r.system_calls, 0);
  assert_true(r.most_wakes <= 1);
  if (means & RT_GUARD_SYSTEM_CALLS) {
    assert_true(r.wakes > 0); // or it has not been looking
  }
  assert_int_equal(trial_host_close(&h).n_different, 0);
  trial_host_free(&h);
  codec_unref(model);
}

static void a_good_day(void **unused)
{
  (void)unused;
  play(FALLBACK_SILENCE, 3.0, NULL);
}

static void stall(codec *model)
{
  (void)model;
  trial_host_stall(&h, 0.24);
}

static void late_with_each_fallback(void **unused)
{
  (void)unused;
  play(FALLBACK_SILENCE, 3.0, stall);
  play(FALLBACK_DRY, 3.0, stall);
  play(FALLBACK_HOLD, 3.0, stall);
}

static void change_block(codec *model)
{
  (void)model;
  assert_int_equal(session_set_block(h.s, 1024, NULL), STATUS_OK);
  trial_host_run(&h, 2.0, 1024);
}

static void change_rate(codec *model)
{
  (void)model;
  assert_int_equal(session_set_rate(h.s, 44100, NULL), STATUS_OK);
  h.timeline_rates_hz[1] = 44100;
}

static void the_host_changes(void **unused)
{
  (void)unused;
  play(FALLBACK_DRY, 3.0, change_block);
  play(FALLBACK_DRY, 3.0, change_rate);
}

static void overflow(codec *model)
{
  (void)model;
  trial_host_set_pace(&h, 16.0);
  trial_host_stall(&h, 4.0); // more than the ring holds
}

static void input_overflows(void **unused)
{
  (void)unused;
  play(FALLBACK_SILENCE, 12.0, overflow);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_good_day),
      cmocka_unit_test(late_with_each_fallback),
      cmocka_unit_test(the_host_changes),
      cmocka_unit_test(input_overflows),
  };
  means = rt_guard_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
