// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "ui-tui/cli/live_midi.h"

#include "engine/control/parameters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static midi_map map;
static live_midi midi;
static char said[512];

static void keep_line(void *user, log_level level, const char *message)
{
  (void)user, (void)level;
  snprintf(said + strlen(said), sizeof said - strlen(said), "%s\n", message);
}

static const log_sink sink = {.write = keep_line, .least = LOG_DEBUG};

static int set_up(void **state)
{
  (void)state;
  midi_map_init(&map, 48000);
  live_midi_init(&midi, &map);
  said[0] = '\0';
  return 0;
}

static void move(uint8_t cc)
{
  const uint8_t bytes[3] = {0xb0, cc, 64};
  control c;
  (void)midi_map_take(&map, bytes, 3, 0, &c);
}

static void test_what_is_learned_is_said_once(void **state)
{
  (void)state;
  assert_false(live_midi_look(&midi, &sink));
  midi_map_learn(&map, PARAMETER_JUMP);
  move(90);
  assert_true(live_midi_look(&midi, &sink));
  assert_string_equal(said, "MIDI controller 90 moves jump\n");
  assert_false(live_midi_look(&midi, &sink));
}

static void test_bindings_go_round(void **state)
{
  (void)state;
  preset p;
  preset_init(&p);
  live_midi_collect(&midi, &p);
  for (int cc = 0; cc < MIDI_N_CONTROLLERS; ++cc) {
    assert_int_equal(p.bound[cc], PRESET_BOUND_STANDARD);
  }
  midi_map_learn(&map, PARAMETER_JUMP); // was on 71
  move(90);
  live_midi_collect(&midi, &p);
  assert_int_equal(p.bound[90], PARAMETER_JUMP);
  assert_int_equal(p.bound[71], PRESET_BOUND_NONE);
  assert_int_equal(p.bound[7], PRESET_BOUND_STANDARD);
  midi_map other;
  live_midi later;
  midi_map_init(&other, 48000);
  live_midi_init(&later, &other);
  live_midi_apply(&later, &p);
  for (int cc = 0; cc < MIDI_N_CONTROLLERS; ++cc) {
    assert_int_equal(midi_map_bound(&other, cc), midi_map_bound(&map, cc));
  }
  preset_free(&p);
}

// A preset that says nothing about controllers leaves what was learned.
static void test_a_preset_changes_only_what_it_names(void **state)
{
  (void)state;
  preset p;
  preset_init(&p);
  midi_map_learn(&map, PARAMETER_JUMP);
  move(90);
  (void)live_midi_look(&midi, &sink);
  live_midi_apply(&midi, &p);
  assert_int_equal(midi_map_bound(&map, 90), PARAMETER_JUMP);
  p.bound[7] = PRESET_BOUND_NONE;
  p.bound[91] = PARAMETER_LEVEL;
  live_midi_apply(&midi, &p);
  assert_int_equal(midi_map_bound(&map, 90), PARAMETER_JUMP);
  assert_int_equal(midi_map_bound(&map, 91), PARAMETER_LEVEL);
  assert_int_equal(midi_map_bound(&map, 7), -1);
  said[0] = '\0';
  midi_map_learn(&map, PARAMETER_MIX);
  move(92);
  assert_true(live_midi_look(&midi, &sink));
  assert_string_equal(said, "MIDI controller 92 moves mix\n"); // and not 91, which nobody learned
  preset_free(&p);
}

static void test_banks(void **state)
{
  (void)state;
  assert_int_equal(live_midi_bank(0), 0);
  assert_int_equal(live_midi_bank(1), 1);            // the low half alone,
  assert_int_equal(live_midi_bank(1 << 7), 1);       // the high half alone,
  assert_int_equal(live_midi_bank(1 << 7 | 1), 129); // both
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_what_is_learned_is_said_once, set_up),
      cmocka_unit_test_setup(test_bindings_go_round, set_up),
      cmocka_unit_test_setup(test_a_preset_changes_only_what_it_names, set_up),
      cmocka_unit_test_setup(test_banks, set_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
