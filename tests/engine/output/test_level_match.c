// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/output/level_match.h"

#include "engine/output/level.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define HOP 320
#define RATE 24000
#define STEPS_BY_S 75

static const level_match_settings frozen_at_once = {4.0f, -50.0f, 6.0f, 0.0f};

// Steps with both at these levels; gives the last gain in dB.
static double play(level_match *m, double seconds, double in_db, double out_db, bool playing)
{
  hop_gain g = {m->applied, m->applied};
  for (int i = 0; i < (int)(seconds * STEPS_BY_S + 0.5); ++i) {
    g = level_match_step(m, level_power(in_db), level_power(out_db), playing, 1.0f);
  }
  return 20.0 * log10((double)g.end);
}

static bool near(double a, double b, double tolerance)
{
  return fabs(a - b) <= tolerance;
}

static void the_ratio_is_met_and_held(void **unused)
{
  (void)unused;
  level_match m;
  level_match_init(&m, &LEVEL_MATCH_DEFAULTS, HOP, RATE);
  assert_true(near(play(&m, 5.0, -20.0, -27.0, true), 7.0, 1e-5));
  assert_true(near(play(&m, 60.0, -20.0, -27.0, true), 7.0, 1e-5));
  level_match_init(&m, &LEVEL_MATCH_DEFAULTS, HOP, RATE);
  assert_true(near(play(&m, 5.0, -27.0, -20.0, true), -7.0, 1e-5));
}

static void it_is_bounded_both_ways(void **unused)
{
  (void)unused;
  level_match m;
  level_match_init(&m, &LEVEL_MATCH_DEFAULTS, HOP, RATE);
  assert_true(near(play(&m, 10.0, -3.0, -40.0, true), 12.0, 1e-5));
  level_match_init(&m, &LEVEL_MATCH_DEFAULTS, HOP, RATE);
  assert_true(near(play(&m, 10.0, -40.0, -3.0, true), -12.0, 1e-5));
}

static void it_moves_slowly_and_joins_up(void **unused)
{
  (void)unused;
  level_match m;
  level_match_init(&m, &LEVEL_MATCH_DEFAULTS, HOP, RATE);
  float last = 1.0f;
  double most = 0.0;
  for (int i = 0; i < 2000; ++i) {
    const double in_db = i % 400 < 200 ? -10.0 : -30.0;
    const hop_gain g = level_match_step(&m, level_power(in_db), level_power(-20.0), true, 1.0f);
    assert_true(g.start == last);
    most = fmax(most, fabs(20.0 * log10((double)g.end / (double)g.start)));
    last = g.end;
  }
  assert_true(most < 6.0 / STEPS_BY_S + 1e-4 && most > 0.01);
}

// Of the averages: after one time constant at the new level 63 % of the power's change are in.
static void the_averages_take_their_time(void **unused)
{
  (void)unused;
  level_match m;
  level_match_init(&m, &(level_match_settings){4.0f, -50.0f, 1000.0f, 0.0f}, HOP, RATE);
  play(&m, 60.0, -20.0, -20.0, true);
  const double expected = 0.01 * (1.0 + 3.0 * (1.0 - exp(-1.0)));
  const double gain_db = play(&m, 4.0, -20.0 + 10.0 * log10(4.0), -20.0, true);
  assert_true(near(gain_db, 10.0 * log10(expected / 0.01), 0.05));
}

static void silence_of_the_player_freezes_it(void **unused)
{
  (void)unused;
  level_match m;
  level_match_init(&m, &frozen_at_once, HOP, RATE);
  const double before = play(&m, 0.5, -20.0, -34.0, true); // on the way to 12 dB
  const level_match was = m;
  assert_true(before > 1.0 && before < 3.0);
  assert_true(near(play(&m, 30.0, -35.0, -10.0, false), before, 0.0));
  assert_true(m.in_power == was.in_power && m.out_power == was.out_power && m.gain == was.gain);
}

static void quiet_hops_while_playing_do_not_count(void **unused)
{
  (void)unused;
  level_match m;
  level_match_init(&m, &LEVEL_MATCH_DEFAULTS, HOP, RATE);
  for (int i = 0; i < 1000; ++i) { // notes and rests of either, never at one time
    play(&m, 1.0 / STEPS_BY_S, i % 2 ? -20.0 : -80.0, i % 2 ? -80.0 : -23.0, true);
  }
  assert_true(near(20.0 * log10(m.gain), 3.0, 1e-5));
}

static void a_solo_is_matched_for_a_while_and_then_keeps_its_dynamics(void **unused)
{
  (void)unused;
  level_match m;
  level_match_init(&m, &LEVEL_MATCH_DEFAULTS, HOP, RATE);
  assert_true(play(&m, 5.0, -20.0, -200.0, true) == 0.0); // nothing of ours heard yet
  assert_true(near(play(&m, 4.0, -90.0, -26.0, false), 6.0, 1e-5));
  play(&m, 20.0, -90.0, -200.0, false); // its rests do not count
  assert_true(m.solo_left == 4 * STEPS_BY_S);
  play(&m, 4.0, -90.0, -26.0, false);
  assert_true(m.solo_left == 0);
  assert_true(near(play(&m, 60.0, -90.0, -40.0, false), 6.0, 1e-5));
  assert_true(play(&m, 2.0, -20.0, -40.0, true) > 6.5); // he plays again
}

static void no_amount_is_exactly_one(void **unused)
{
  (void)unused;
  level_match m;
  level_match_init(&m, &LEVEL_MATCH_DEFAULTS, HOP, RATE);
  play(&m, 5.0, -20.0, -28.0, true);
  hop_gain g = level_match_step(&m, 0.0, 0.0, false, 0.5f);
  assert_true(near(20.0 * log10((double)g.end), 4.0, 0.01));
  g = level_match_step(&m, 0.0, 0.0, false, 0.0f);
  assert_true(g.start != 1.0f && g.end == 1.0f);
  g = level_match_step(&m, 0.0, 0.0, false, 0.0f);
  assert_true(g.start == 1.0f && g.end == 1.0f);
  g = level_match_step(&m, 0.0, 0.0, false, NAN);
  assert_true(g.end == 1.0f);
  g = level_match_step(&m, 0.0, 0.0, false, 2.0f);
  assert_true(near(20.0 * log10((double)g.end), 8.0, 0.01));
}

static void strange_levels_and_settings_do_no_harm(void **unused)
{
  (void)unused;
  level_match m;
  const level_match_settings bad = {NAN, INFINITY, -1.0f, -5.0f};
  level_match_init(&m, &bad, HOP, RATE);
  for (int i = 0; i < 100; ++i) {
    level_match_step(&m, (double)NAN, (double)INFINITY, true, 1.0f);
    level_match_step(&m, (double)INFINITY, (double)NAN, true, 1.0f);
  }
  assert_true(m.gain == 1.0);
  assert_true(near(play(&m, 5.0, -20.0, -27.0, true), 7.0, 1e-5));
}

static void a_copy_is_a_snapshot(void **unused)
{
  (void)unused;
  level_match m, other;
  level_match_init(&m, &LEVEL_MATCH_DEFAULTS, HOP, RATE);
  play(&m, 1.3, -20.0, -27.0, true);
  other = m;
  play(&m, 3.0, -15.0, -20.0, true);
  const level_match first = m;
  m = other;
  play(&m, 3.0, -15.0, -20.0, true);
  assert_true(m.gain == first.gain && m.in_power == first.in_power && m.applied == first.applied);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_ratio_is_met_and_held),
      cmocka_unit_test(it_is_bounded_both_ways),
      cmocka_unit_test(it_moves_slowly_and_joins_up),
      cmocka_unit_test(the_averages_take_their_time),
      cmocka_unit_test(silence_of_the_player_freezes_it),
      cmocka_unit_test(quiet_hops_while_playing_do_not_count),
      cmocka_unit_test(a_solo_is_matched_for_a_while_and_then_keeps_its_dynamics),
      cmocka_unit_test(no_amount_is_exactly_one),
      cmocka_unit_test(strange_levels_and_settings_do_no_harm),
      cmocka_unit_test(a_copy_is_a_snapshot),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
