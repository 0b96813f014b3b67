// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/control/midi_map.h"

#include "base/random.h"
#include "engine/control/parameters.h"
#include "engine/play/effect_parameters.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RATE_HZ 48000

static midi_map map;
static control got;

static int set_up(void **state)
{
  (void)state;
  midi_map_init(&map, RATE_HZ);
  return 0;
}

static bool take(size_t n, int a, int b, int c)
{
  const uint8_t bytes[3] = {(uint8_t)a, (uint8_t)b, (uint8_t)c};
  got = (control){.kind = 999};
  return midi_map_take(&map, bytes, n, 77, &got);
}

static void assert_set(int id, double value)
{
  assert_int_equal(got.kind, CONTROL_SET);
  assert_int_equal(got.id, id);
  assert_true(fabs(got.value - value) < 1e-9);
  assert_int_equal(got.position_samples, 77);
}

static void assert_action(int action)
{
  assert_int_equal(got.kind, CONTROL_ACTION);
  assert_int_equal(got.id, action);
}

static void test_notes(void **state)
{
  (void)state;
  for (int channel = 0; channel < MIDI_N_CHANNELS; ++channel) {
    for (int mode = 0; mode < N_MODES; ++mode) {
      assert_true(take(3, 0x90 | channel, MIDI_MODE_NOTES + mode, 1));
      assert_set(PARAMETER_MODE, mode);
      assert_false(take(3, 0x80 | channel, MIDI_MODE_NOTES + mode, 64));
      assert_false(take(3, 0x90 | channel, MIDI_MODE_NOTES + mode, 0));
    }
  }
  bool seen[N_CONTROL_ACTIONS] = {false};
  for (int i = 0; i < N_CONTROL_ACTIONS; ++i) {
    assert_true(take(3, 0x99, MIDI_ACTION_NOTES + i, 127));
    assert_int_equal(got.kind, CONTROL_ACTION);
    assert_false(seen[got.id]);
    seen[got.id] = true;
  }
  assert_true(take(3, 0x90, MIDI_ACTION_NOTES + 6, 127));
  assert_action(ACTION_PANIC);
  assert_false(take(3, 0x90, MIDI_MODE_NOTES - 1, 127));
  assert_false(take(3, 0x90, MIDI_ACTION_NOTES + N_CONTROL_ACTIONS, 127));
  assert_false(take(3, 0x90, 0, 127) || take(3, 0x90, 127, 127));
  assert_int_equal(MIDI_MODE_NOTES + N_MODES, MIDI_ACTION_NOTES);
  assert_int_equal(midi_map_malformed(&map), 0);
}

static void test_controllers(void **state)
{
  (void)state;
  assert_true(take(3, 0xb0, 7, 0));
  assert_set(PARAMETER_LEVEL, -60.0);
  assert_true(take(3, 0xb5, 7, 127));
  assert_set(PARAMETER_LEVEL, 12.0);
  assert_true(take(3, 0xb0, 8, 127));
  assert_set(PARAMETER_MIX, 1.0);
  assert_true(take(3, 0xb0, 72, 64)); // whole
  assert_set(PARAMETER_MIN_RUN, nearbyint(1 + 499 * 64 / 127.0));
  assert_false(take(3, 0xb0, 90, 100)); // not bound
  for (int kind = 0; kind < CODE_N_EFFECTS; ++kind) {
    assert_true(take(3, 0xb0, MIDI_EFFECT_CONTROLLERS + kind, 127));
    assert_set(parameter_of_effect((code_effect_kind)kind, EFFECT_FADER), 1.0);
  }
  assert_true(take(3, 0xb0, 120, 0));
  assert_action(ACTION_PANIC);
  assert_true(take(3, 0xb0, 123, 0));
  assert_action(ACTION_PANIC);
  assert_false(take(3, 0xb0, 121, 0));
}

static void test_pedals_act_when_pressed(void **state)
{
  (void)state;
  assert_false(take(3, 0xb0, 64, 63));
  assert_true(take(3, 0xb0, 64, 64));
  assert_action(ACTION_CONTINUE);
  assert_false(take(3, 0xb0, 64, 127)); // still pressed
  assert_false(take(3, 0xb0, 64, 0));
  assert_true(take(3, 0xb0, 64, 127));
  assert_true(take(3, 0xb0, 66, 127));
  assert_action(ACTION_MARK);
  assert_true(take(3, 0xb0, 67, 127));
  assert_action(ACTION_RETURN);
}

static void test_learning(void **state)
{
  (void)state;
  assert_int_equal(midi_map_learning(&map), -1);
  midi_map_learn(&map, PARAMETER_MODE);
  assert_int_equal(midi_map_learning(&map), PARAMETER_MODE);
  assert_false(take(3, 0xb0, 0, 1)); // banks, data entry and channel mode are left alone
  assert_false(take(3, 0xb0, 101, 1));
  assert_true(take(3, 0xb0, 120, 0));
  assert_int_equal(midi_map_learning(&map), PARAMETER_MODE);
  assert_true(take(3, 0xb3, 90, 127)); // and so binds at once
  assert_set(PARAMETER_MODE, N_MODES - 1);
  assert_int_equal(midi_map_learning(&map), -1);
  assert_int_equal(midi_map_learned(&map), 1);
  assert_int_equal(midi_map_bound(&map, 90), PARAMETER_MODE);
  int counts[N_MODES] = {0};
  for (int value = 0; value < 128; ++value) { // words in equal parts
    assert_true(take(3, 0xb0, 90, value));
    ++counts[(int)got.value];
  }
  for (int mode = 0; mode < N_MODES; ++mode) {
    assert_true(counts[mode] == 18 || counts[mode] == 19);
  }
  midi_map_learn(&map, PARAMETER_LEVEL);
  assert_true(take(3, 0xb0, 64, 127)); // a pedal that is learned no longer acts
  assert_set(PARAMETER_LEVEL, 12.0);
  assert_int_equal(midi_map_bound(&map, 7), -1); // one controller to a parameter
  assert_false(take(3, 0xb0, 7, 127));
  midi_map_learn(&map, PARAMETER_MIX);
  midi_map_learn(&map, -1);
  assert_false(take(3, 0xb0, 91, 1));
  midi_map_learn(&map, 9999);
  assert_int_equal(midi_map_learning(&map), -1);
}

static void test_binding(void **state)
{
  (void)state;
  assert_true(midi_map_bind(&map, 90, PARAMETER_PHRASE_END));
  assert_true(take(3, 0xb0, 90, 63));
  assert_set(PARAMETER_PHRASE_END, 0.0);
  assert_true(take(3, 0xb0, 90, 64));
  assert_set(PARAMETER_PHRASE_END, 1.0);
  assert_true(midi_map_bind(&map, 90, -1));
  assert_false(take(3, 0xb0, 90, 64));
  assert_false(midi_map_bind(&map, 120, PARAMETER_MIX));
  assert_false(midi_map_bind(&map, -1, PARAMETER_MIX));
  assert_false(midi_map_bind(&map, 128, PARAMETER_MIX));
  assert_false(midi_map_bind(&map, 90, parameter_count()));
  assert_int_equal(midi_map_bound(&map, 128), -1);
  for (int cc = 0; cc < MIDI_N_CONTROLLERS; ++cc) {
    const int id = midi_map_standard(cc);
    assert_int_equal(id, midi_map_bound(&map, cc));
    assert_true(id < 0 || midi_map_bind(&map, cc, id)); // so that a file can hold it
  }
}

static void test_programs(void **state)
{
  (void)state;
  int bank = -1, program = -1;
  assert_false(midi_map_take_program(&map, &bank, &program));
  assert_false(take(2, 0xc4, 9, 0));
  assert_true(midi_map_take_program(&map, &bank, &program));
  assert_true(bank == 0 && program == 9);
  assert_false(midi_map_take_program(&map, &bank, &program));
  assert_false(take(3, 0xb4, 0, 3));
  assert_false(take(3, 0xb4, 32, 5));
  assert_false(take(2, 0xc5, 127, 0)); // another channel's bank
  assert_false(take(2, 0xc4, 0, 0));
  assert_true(midi_map_take_program(&map, &bank, &program)); // the last one only
  assert_true(bank == (3 << 7 | 5) && program == 0);
}

static void test_clock(void **state)
{
  (void)state;
  const uint8_t tick = 0xf8, start = 0xfa, stop = 0xfc, on = 0xfb, place[3] = {0xf2, 0x20, 0x01};
  assert_false(midi_map_take(&map, &start, 1, 0, &got));
  for (uint64_t i = 0; i < 48; ++i) {
    (void)midi_map_take(&map, &tick, 1, 1000 * i, &got);
  }
  assert_int_equal(got.kind, CONTROL_CLOCK);
  assert_true(fabs(got.more - 2.0) < 1e-9);
  assert_true(midi_map_take(&map, &stop, 1, 48000, &got));
  assert_true(got.more == 0.0);
  assert_false(midi_map_take(&map, place, 3, 48000, &got));
  assert_false(midi_map_take(&map, &on, 1, 48000, &got));
  assert_true(midi_map_take(&map, &tick, 1, 49000, &got));
  assert_true(fabs(got.value - (0x20 | 1 << 7) / 4.0) < 0.01);
  assert_false(midi_map_begin(&map, RATE_HZ, 49000, &got));
  assert_true(midi_map_begin(&map, RATE_HZ, 49000 + RATE_HZ, &got)); // gone
  assert_true(got.kind == CONTROL_CLOCK && got.more == 0.0);
  assert_false(midi_map_take(&map, &on, 1, 100000, &got));
  assert_true(midi_map_take(&map, &tick, 1, 101000, &got));
  assert_false(midi_map_begin(&map, 96000, 5000000, &got)); // another rate: its ticks begin anew,
  assert_false(midi_map_take(&map, &tick, 1, 5000000, &got));
  assert_true(midi_map_take(&map, &tick, 1, 5002000, &got)); // the song goes on
  assert_true(fabs(got.more - 2.0) < 1e-9 && got.value > (0x20 | 1 << 7) / 4.0);
}

static void test_what_is_no_message(void **state)
{
  (void)state;
  static const struct {
    size_t n;
    uint8_t bytes[4];
  } rows[] = {
      {0, {0}},
      {1, {0x40}},               // data alone
      {2, {0x40, 0x40}},         // running status
      {3, {0x90, 36, 0x80}},     // a status byte where data is due
      {3, {0xb0, 0xff, 1}},      //
      {2, {0x90, 36, 0}},        // cut off
      {4, {0x90, 36, 100, 100}}, // too long
      {3, {0xc0, 1, 1}},         //
      {1, {0xc0, 0, 0}},         //
      {1, {0xf4, 0, 0}},         // undefined
      {1, {0xf5, 0, 0}},         //
      {1, {0xf9, 0, 0}},         //
      {1, {0xfd, 0, 0}},         //
      {1, {0xf7, 0, 0}},         // an end without a beginning
      {2, {0xf8, 0, 0}},         //
      {2, {0xf2, 0, 0}},         //
      {3, {0xf0, 1, 2}},         // no end
      {1, {0xf0, 0, 0}},         //
  };
  const size_t n_rows = sizeof rows / sizeof *rows;
  for (size_t i = 0; i < n_rows; ++i) {
    assert_false(midi_map_take(&map, rows[i].bytes, rows[i].n, 0, &got));
    assert_int_equal(midi_map_malformed(&map), i + 1);
  }
  const uint8_t sysex[] = {0xf0, 0x7e, 0x7f, 6, 1, 0xf7};
  assert_false(midi_map_take(&map, sysex, sizeof sysex, 0, &got));
  assert_false(take(1, 0xfe, 0, 0) || take(1, 0xff, 0, 0) || take(1, 0xf6, 0, 0));
  assert_false(take(2, 0xf1, 5, 0) || take(2, 0xd0, 5, 0) || take(3, 0xe0, 5, 5));
  assert_int_equal(midi_map_malformed(&map), n_rows);
  assert_int_equal(midi_map_messages(&map), n_rows + 7);
}

// Whatever comes, what is sent is in range; and nothing is counted wrongly.
static void test_floods(void **state)
{
  (void)state;
  uint64_t position = 0;
  for (uint64_t i = 0; i < 1000000; ++i) {
    const uint64_t bits = random_bits(11, 0, i);
    const uint8_t bytes[3] = {(uint8_t)(0x80 | bits), (uint8_t)(bits >> 8 & 0x7f),
                              (uint8_t)(bits >> 16 & 0x7f)};
    const size_t n = bytes[0] < 0xf0 ? (bytes[0] >> 5 == 6 ? 2 : 3) : 1 + (bits >> 24) % 3;
    control c = {0};
    position += bits >> 32 & 0x3ff;
    if (i % 1000 == 0) {
      midi_map_learn(&map, (int)(bits >> 44) % parameter_count());
    }
    if (!midi_map_take(&map, bytes, n, position, &c)) {
      continue;
    }
    assert_int_equal(c.position_samples, position);
    if (c.kind == CONTROL_SET) {
      assert_true(c.value == parameter_clamp(c.id, c.value));
    } else if (c.kind == CONTROL_ACTION) {
      assert_true(c.id < N_CONTROL_ACTIONS);
    } else {
      assert_int_equal(c.kind, CONTROL_CLOCK);
      assert_true(isfinite(c.value) && c.more >= 0.0 && c.more < 10.0);
    }
  }
  assert_int_equal(midi_map_messages(&map), 1000000);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_notes, set_up),
      cmocka_unit_test_setup(test_controllers, set_up),
      cmocka_unit_test_setup(test_pedals_act_when_pressed, set_up),
      cmocka_unit_test_setup(test_learning, set_up),
      cmocka_unit_test_setup(test_binding, set_up),
      cmocka_unit_test_setup(test_programs, set_up),
      cmocka_unit_test_setup(test_clock, set_up),
      cmocka_unit_test_setup(test_what_is_no_message, set_up),
      cmocka_unit_test_setup(test_floods, set_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
