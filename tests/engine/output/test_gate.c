// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/output/gate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const gate_settings usual = {.open_db = -40.0f, .close_db = -46.0f, .hold_steps = 5};

static hop_level at_db(double db)
{
  const double power = level_power(db);
  return (hop_level){.mean_square = power, .peak = (float)sqrt(2.0 * power)};
}

static void levels_are_of_all_samples_and_channels(void **unused)
{
  (void)unused;
  const float in[] = {0.5f, -0.5f, 0.0f, -1.0f, NAN, INFINITY};
  const hop_level level = hop_level_of(in, 3, 2);
  assert_true(level.mean_square == 1.5 / 6.0 && level.peak == 1.0f);
  assert_true(hop_level_of(in, 0, 2).mean_square == 0.0);
  assert_true(fabs(level_db(level_power(-33.0)) + 33.0) < 1e-9);
  assert_true(level_db(0.0) == -200.0);
  assert_true(fabs(level_amplitude(-20.0) - 0.1) < 1e-12);
  assert_true(fabs(level_power(-GATE_CREST_DB) - 0.03162277660168379) < 1e-15);
}

static void opens_above_and_closes_below_with_a_band_between(void **unused)
{
  (void)unused;
  gate g;
  gate_init(&g, &usual);
  assert_false(gate_step(&g, at_db(-41.0))); // not enough to open
  assert_true(gate_step(&g, at_db(-39.9)));
  for (int i = 0; i < 100; ++i) {
    assert_true(gate_step(&g, at_db(-45.0))); // enough to stay
  }
  for (int i = 1; i <= 4; ++i) {
    assert_true(gate_step(&g, at_db(-47.0)));
    assert_int_equal(g.silent_steps, i);
    assert_int_equal(g.closed_steps, 0);
  }
  assert_false(gate_step(&g, at_db(-47.0)));
  assert_false(gate_step(&g, at_db(-45.0)));
  assert_true(gate_step(&g, at_db(-39.0)));
}

static void a_note_within_the_hold_begins_it_again(void **unused)
{
  (void)unused;
  gate g;
  gate_init(&g, &usual);
  gate_step(&g, at_db(-20.0));
  for (int i = 0; i < 4; ++i) {
    gate_step(&g, at_db(-80.0));
  }
  assert_true(gate_step(&g, at_db(-45.5))); // neither silent nor loud
  for (int i = 0; i < 4; ++i) {
    assert_true(gate_step(&g, at_db(-80.0)));
  }
  assert_false(gate_step(&g, at_db(-80.0)));
}

static void the_counts_say_how_far_back_the_phrase_ended(void **unused)
{
  (void)unused;
  gate g;
  gate_init(&g, &usual);
  assert_true(g.silent_steps == UINT64_MAX && g.closed_steps == UINT64_MAX);
  gate_step(&g, at_db(-90.0));
  assert_true(g.silent_steps == UINT64_MAX && g.closed_steps == UINT64_MAX);
  gate_step(&g, at_db(-20.0));
  assert_true(g.silent_steps == 0 && g.closed_steps == 0);
  for (uint64_t i = 1; i <= 50; ++i) {
    gate_step(&g, at_db(-90.0));
    assert_int_equal(g.silent_steps, i);
    assert_int_equal(g.closed_steps, i < 5 ? 0 : i - 4);
  }
  gate_step(&g, at_db(-44.0)); // heard, but it does not open
  assert_int_equal(g.silent_steps, 0);
  assert_int_equal(g.closed_steps, 47);
}

static void a_late_hit_opens_by_its_peak(void **unused)
{
  (void)unused;
  float hop[320] = {0};
  hop[319] = 0.1f; // -20 dB, of the hop's mean -45 dB
  gate g;
  gate_init(&g, &usual);
  assert_true(gate_step(&g, hop_level_of(hop, 320, 1)));
  gate_init(&g, &usual);
  hop[319] = 0.05f; // -26 dB less 15 is below -40
  assert_false(gate_step(&g, hop_level_of(hop, 320, 1)));
}

static void strange_levels_and_settings_do_no_harm(void **unused)
{
  (void)unused;
  gate g;
  gate_init(&g, &(gate_settings){.open_db = -40.0f, .close_db = -20.0f, .hold_steps = 0});
  assert_true(gate_step(&g, at_db(-39.0)));
  assert_false(gate_step(&g, at_db(-41.0))); // closes where it opens, at once
  gate_set(&g, &(gate_settings){.open_db = -40.0f, .close_db = NAN, .hold_steps = 2});
  assert_true(gate_step(&g, at_db(-39.0)));
  assert_true(gate_step(&g, (hop_level){.mean_square = (double)NAN, .peak = NAN}));
  assert_false(gate_step(&g, (hop_level){.mean_square = (double)NAN, .peak = NAN}));
}

static void hold_is_rounded_up_to_steps(void **unused)
{
  (void)unused;
  assert_int_equal(gate_hold_steps(0.0, 320, 24000), 1);
  assert_int_equal(gate_hold_steps(10.0, 320, 24000), 1);
  assert_int_equal(gate_hold_steps(40.0, 320, 24000), 3);
  assert_int_equal(gate_hold_steps(41.0, 320, 24000), 4);
  assert_int_equal(gate_hold_steps(-5.0, 320, 24000), 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(levels_are_of_all_samples_and_channels),
      cmocka_unit_test(opens_above_and_closes_below_with_a_band_between),
      cmocka_unit_test(a_note_within_the_hold_begins_it_again),
      cmocka_unit_test(the_counts_say_how_far_back_the_phrase_ended),
      cmocka_unit_test(a_late_hit_opens_by_its_peak),
      cmocka_unit_test(strange_levels_and_settings_do_no_harm),
      cmocka_unit_test(hold_is_rounded_up_to_steps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
