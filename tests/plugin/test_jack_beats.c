// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "plugin/jack_beats.h"

#include "engine/control/beat.h"
#include "engine/control/parameters.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define RATE_HZ 48000
#define BLOCK 256

// A timebase master: whole ticks, as most have it.
static jack_position_t place(double beat, double bpm, int beats_per_bar)
{
  const double bar = floor(beat / beats_per_bar), in_bar = beat - bar * beats_per_bar;
  return (jack_position_t){.valid = JackPositionBBT,
                           .bar = (int)bar + 1,
                           .beat = (int)floor(in_bar) + 1,
                           .tick = (int)((in_bar - floor(in_bar)) * 1920.0),
                           .beats_per_bar = (float)beats_per_bar,
                           .beat_type = 4.0F,
                           .ticks_per_beat = 1920.0,
                           .beats_per_minute = bpm};
}

static void test_a_roll_is_told_once(void **state)
{
  (void)state;
  jack_beats b = {0};
  control out[JACK_BEATS_MOST];
  beat_clock follower;
  beat_clock_init(&follower, RATE_HZ);
  int n_told = 0;
  double worst = 0.0;
  for (uint64_t t = 0; t < (uint64_t)RATE_HZ * 120; t += BLOCK) {
    const double beat = 8.0 + (double)t / RATE_HZ * 93.7 / 60.0;
    const jack_position_t at = place(beat, 93.7, 4);
    const int n = jack_beats_follow(&b, JackTransportRolling, &at, t, RATE_HZ, out);
    for (int i = 0; i < n; ++i, ++n_told) {
      if (out[i].kind == CONTROL_CLOCK) {
        beat_clock_follow(&follower, out[i].value, out[i].more, t);
      }
    }
    worst = fmax(worst, fabs(beat_clock_at(&follower, t) - beat));
  }
  assert_int_equal(n_told, 2); // the bar and the beat
  assert_true(worst < 2e-3);
}

static void test_news_are_told(void **state)
{
  (void)state;
  jack_beats b = {0};
  control out[JACK_BEATS_MOST];
  jack_position_t at = place(0.0, 120.0, 4);
  assert_int_equal(jack_beats_follow(&b, JackTransportStopped, &at, 0, RATE_HZ, out), 0);
  assert_int_equal(jack_beats_follow(&b, JackTransportStarting, &at, 0, RATE_HZ, out), 0);
  assert_int_equal(jack_beats_follow(&b, JackTransportRolling, &at, 0, RATE_HZ, out), 2);
  assert_true(out[0].kind == CONTROL_SET && out[0].id == PARAMETER_BEATS_PER_BAR);
  assert_true(out[0].value == 4.0 && out[1].value == 0.0 && out[1].more == 2.0);
  at = place(1.0, 120.0, 4);
  assert_int_equal(jack_beats_follow(&b, JackTransportRolling, &at, 24000, RATE_HZ, out), 0);
  at = place(17.5, 120.0, 4); // a jump
  assert_int_equal(jack_beats_follow(&b, JackTransportRolling, &at, 24256, RATE_HZ, out), 1);
  assert_true(out[0].kind == CONTROL_CLOCK && out[0].value == 17.5);
  at = place(17.5, 121.0, 4); // another tempo
  assert_int_equal(jack_beats_follow(&b, JackTransportRolling, &at, 24256, RATE_HZ, out), 1);
  assert_true(fabs(out[0].more - 121.0 / 60.0) < 1e-12);
  at = place(18.0, 121.0, 3); // another bar
  assert_true(jack_beats_follow(&b, JackTransportRolling, &at, 24256, RATE_HZ, out) >= 1);
  assert_true(out[0].kind == CONTROL_SET && out[0].value == 3.0);
  assert_int_equal(jack_beats_follow(&b, JackTransportStopped, &at, 30000, RATE_HZ, out), 1);
  assert_true(out[0].kind == CONTROL_CLOCK && out[0].more == 0.0);
  assert_int_equal(jack_beats_follow(&b, JackTransportStopped, &at, 31000, RATE_HZ, out), 0);
}

// The beats are those of a moment before the block where the master says so.
static void test_an_offset(void **state)
{
  (void)state;
  jack_beats b = {0};
  control out[JACK_BEATS_MOST];
  jack_position_t at = place(4.0, 120.0, 4);
  at.valid |= JackBBTFrameOffset;
  at.bbt_offset = 240; // 5 ms: a hundredth of a beat
  assert_int_equal(jack_beats_follow(&b, JackTransportRolling, &at, 0, RATE_HZ, out), 2);
  assert_true(fabs(out[1].value - 4.01) < 1e-12);
}

static void test_what_is_no_clock(void **state)
{
  (void)state;
  control out[JACK_BEATS_MOST];
  for (int i = 0; i < 10; ++i) {
    jack_beats b = {0};
    jack_position_t at = place(4.0, 120.0, 4);
    switch (i) {
    case 0:
      at.valid = JackPositionTimecode;
      break;
    case 1:
      at.beats_per_minute = 0.0;
      break;
    case 2:
      at.beats_per_minute = (double)NAN;
      break;
    case 3:
      at.beats_per_minute = -120.0;
      break;
    case 4:
      at.ticks_per_beat = 0.0;
      break;
    case 5:
      at.ticks_per_beat = (double)INFINITY;
      break;
    case 6:
      at.beats_per_bar = 0.0F;
      break;
    case 7:
      at.beats_per_bar = INFINITY;
      break;
    case 8:
      at.beats_per_bar = NAN;
      break;
    default:
      at.beats_per_minute = 1e9;
      break;
    }
    assert_int_equal(jack_beats_follow(&b, JackTransportRolling, &at, 0, RATE_HZ, out), 0);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_roll_is_told_once),
      cmocka_unit_test(test_news_are_told),
      cmocka_unit_test(test_an_offset),
      cmocka_unit_test(test_what_is_no_clock),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
