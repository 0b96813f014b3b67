// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// When controls act: on the first step that starts at or after their stamp, or after the next beat
// or bar; and in their order.

#include "engine/play/effect_parameters.h"
#include "tests/engine/trial_player.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define IN 10
#define BEAT_SAMPLES 24000 // 120 BPM: 25 steps

static trial_player t;

static void set_at(uint64_t position, int parameter, double value)
{
  trial_player_control(&t, &(control){.position_samples = position,
                                      .kind = CONTROL_SET,
                                      .id = (uint16_t)parameter,
                                      .value = value});
}

static void act_at(uint64_t position, control_action action)
{
  trial_player_control(
      &t, &(control){.position_samples = position, .kind = CONTROL_ACTION, .id = (uint16_t)action});
}

static void step(int n)
{
  trial_player_steps(&t, n, IN, LOUD_DB);
}

// --- stamps ---

static void a_stamp_at_the_start_acts_in_that_step(void **unused)
{
  (void)unused;
  step(10);
  set_at(10 * TRIAL_STEP_SAMPLES, PARAMETER_MODE, MODE_CONTINUE);
  assert_true(trial_player_step(&t, IN, LOUD_DB) >= TRIAL_TOKEN_OWN);
}

static void one_sample_later_acts_in_the_next(void **unused)
{
  (void)unused;
  step(10);
  set_at(10 * TRIAL_STEP_SAMPLES + 1, PARAMETER_MODE, MODE_CONTINUE);
  assert_int_equal(trial_player_step(&t, IN, LOUD_DB), IN);
  assert_true(trial_player_step(&t, IN, LOUD_DB) >= TRIAL_TOKEN_OWN);
  assert_int_equal(trial_player_last_event(&t, PLAYER_EVENT_MODE)->position_samples,
                   11 * TRIAL_STEP_SAMPLES);
}

static void controls_of_one_step_act_in_their_order(void **unused)
{
  (void)unused;
  step(10);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  trial_player_set(&t, PARAMETER_MODE, MODE_FREEZE);
  trial_player_set(&t, PARAMETER_MODE, MODE_LISTEN);
  step(1);
  assert_int_equal(trial_player_mode(&t), MODE_LISTEN);
  assert_int_equal(t.n_events, 5); // three modes; it played, and played no longer
  assert_int_equal(t.events[0].value, MODE_CONTINUE);
  assert_int_equal(t.events[2].value, MODE_FREEZE);
  assert_int_equal(t.events[3].value, MODE_LISTEN);
}

static void values_are_kept_in_range(void **unused)
{
  (void)unused;
  trial_player_set(&t, PARAMETER_LEVEL, 1e9);
  trial_player_set(&t, PARAMETER_FREEZE_LENGTH, 7.6);
  trial_player_control(&t, &(control){.kind = CONTROL_SET, .id = UINT16_MAX, .value = 1});
  trial_player_control(&t, &(control){.kind = CONTROL_ACTION, .id = UINT16_MAX});
  trial_player_control(&t, &(control){.kind = UINT16_MAX, .id = 0});
  step(1);
  assert_true(player_value(t.p, PARAMETER_LEVEL) == parameter_get(PARAMETER_LEVEL)->most);
  assert_true(player_value(t.p, PARAMETER_FREEZE_LENGTH) == 8.0);
  assert_int_equal(t.n_events, 0);
}

// --- beats ---

static void start_clock(int quantise)
{
  trial_player_set(&t, PARAMETER_TEMPO, 120); // beat 0 at sample 0
  trial_player_set(&t, PARAMETER_QUANTISE, quantise);
}

// Steps until the mode changes.
static uint64_t steps_until(play_mode mode)
{
  uint64_t n = 0;
  while (trial_player_mode(&t) != mode) {
    step(1);
    assert_true(++n < 1000);
  }
  return n;
}

static void modes_wait_for_the_beat(void **unused)
{
  (void)unused;
  start_clock(QUANTISE_BEAT);
  step(30);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  assert_int_equal(steps_until(MODE_CONTINUE), 21); // beat 2 is where step 50 starts
  assert_int_equal(trial_player_last_event(&t, PLAYER_EVENT_MODE)->position_samples,
                   2 * BEAT_SAMPLES);
}

static void modes_wait_for_the_bar(void **unused)
{
  (void)unused;
  start_clock(QUANTISE_BAR);
  trial_player_set(&t, PARAMETER_BEATS_PER_BAR, 3);
  step(30);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  assert_int_equal(steps_until(MODE_CONTINUE), 75 - 30 + 1);
}

static void a_stamp_on_the_beat_does_not_wait(void **unused)
{
  (void)unused;
  start_clock(QUANTISE_BEAT);
  step(50);
  set_at(2 * BEAT_SAMPLES, PARAMETER_MODE, MODE_CONTINUE);
  assert_int_equal(steps_until(MODE_CONTINUE), 1);
  set_at(2 * BEAT_SAMPLES + 1, PARAMETER_MODE, MODE_LISTEN);
  assert_int_equal(steps_until(MODE_LISTEN), 25);
}

static void nothing_waits_where_no_clock_runs(void **unused)
{
  (void)unused;
  trial_player_set(&t, PARAMETER_QUANTISE, QUANTISE_BAR);
  step(7);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  assert_int_equal(steps_until(MODE_CONTINUE), 1);
}

static void parameters_and_the_rest_do_not_wait(void **unused)
{
  (void)unused;
  const int stutter = parameter_of_effect(CODE_EFFECT_STUTTER, EFFECT_FADER);
  start_clock(QUANTISE_BEAT);
  step(30);
  trial_player_set(&t, PARAMETER_SEED, 5);
  trial_player_set(&t, stutter, 0.5);
  trial_player_set(&t, PARAMETER_MEMORY, 1);
  trial_player_act(&t, ACTION_FORGET);
  step(1);
  assert_true(player_value(t.p, PARAMETER_SEED) == 5.0);
  assert_true(player_value(t.p, stutter) == 0.5);
  assert_int_equal(trial_token_count(t.model, TRIAL_RESET), 1);
  assert_int_equal(trial_token_call(t.model, trial_token_n_calls(t.model) - 1)->state, 1);
}

static uint64_t draw_now(void)
{
  const trial_call *c = trial_token_call(t.model, trial_token_n_calls(t.model) - 1);
  assert_int_equal(c->kind, TRIAL_DREW);
  return c->how.step;
}

// Draws are counted on until the beat, then from the place that the action goes back to.
static void actions_that_play_wait(void **unused)
{
  (void)unused;
  static const control_action actions[] = {ACTION_AGAIN, ACTION_AGAIN_NEXT, ACTION_RETURN};
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  start_clock(QUANTISE_BEAT);
  trial_player_act(&t, ACTION_MARK); // does not wait
  step(30);
  for (int i = 0; i < 3; ++i) {
    trial_player_act(&t, actions[i]);
    for (uint64_t n = draw_now() + 1; t.n_steps % 25 != 0; ++n) {
      step(1);
      assert_int_equal(draw_now(), n);
    }
    step(1);
    assert_int_equal(draw_now(), 0);
    step(3);
  }
  trial_player_act(&t, ACTION_CONTINUE);
  steps_until(MODE_MONITOR);
  assert_int_equal(t.n_steps % 25, 1);
}

static void those_that_wait_act_in_their_order(void **unused)
{
  (void)unused;
  start_clock(QUANTISE_BEAT);
  step(30);
  set_at(30 * TRIAL_STEP_SAMPLES, PARAMETER_MODE, MODE_CONTINUE);
  set_at(31 * TRIAL_STEP_SAMPLES, PARAMETER_MODE, MODE_FREEZE);
  act_at(33 * TRIAL_STEP_SAMPLES, ACTION_CONTINUE); // from freeze: continue
  step(20);
  assert_int_equal(t.n_events, 0);
  step(1);
  assert_int_equal(trial_player_n_events(&t, PLAYER_EVENT_MODE), 3);
  assert_int_equal(t.events[0].value, MODE_CONTINUE);
  assert_int_equal(t.events[2].value, MODE_FREEZE);
  assert_int_equal(trial_player_mode(&t), MODE_CONTINUE);
}

// What was due on a beat comes before what was asked for after it, though one step takes both.
static void what_was_due_comes_before_what_came_later(void **unused)
{
  (void)unused;
  trial_player_set(&t, PARAMETER_TEMPO, 125); // 23040 samples to the beat: 24 steps
  trial_player_set(&t, PARAMETER_QUANTISE, QUANTISE_BEAT);
  step(5);
  set_at(5 * TRIAL_STEP_SAMPLES, PARAMETER_TEMPO, 123); // beats from here on, between steps
  set_at(5 * TRIAL_STEP_SAMPLES, PARAMETER_MODE, MODE_CONTINUE);
  step(1);
  const double beat_samples = 60.0 * TRIAL_RATE_HZ / 123.0;
  const uint64_t due = 5 * TRIAL_STEP_SAMPLES +
                       (uint64_t)((1.0 - 5.0 * TRIAL_STEP_SAMPLES / 23040.0) * beat_samples) + 1;
  assert_true(due % TRIAL_STEP_SAMPLES > 10 && due % TRIAL_STEP_SAMPLES < 950);
  set_at(due + 5, PARAMETER_QUANTISE, QUANTISE_OFF);
  set_at(due + 5, PARAMETER_MODE, MODE_LISTEN);
  step(40);
  assert_int_equal(t.events[0].kind, PLAYER_EVENT_MODE);
  assert_int_equal(t.events[0].value, MODE_CONTINUE);
  assert_int_equal(trial_player_mode(&t), MODE_LISTEN);
  assert_int_equal(t.events[0].position_samples,
                   (due / TRIAL_STEP_SAMPLES + 1) * TRIAL_STEP_SAMPLES);
}

// Of two that a step takes the one comes first that was due first, not the one that asked first.
static void those_that_wait_act_when_they_are_due(void **unused)
{
  (void)unused;
  start_clock(QUANTISE_BEAT);
  step(30);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE); // at 48000, beat 2, the start of step 50
  // A host takes over, whose beat 9 is at 47500.
  trial_player_control(&t, &(control){.position_samples = trial_player_start(&t),
                                      .kind = CONTROL_CLOCK,
                                      .value = 9.0 - (47500.0 - 30.0 * 960.0) / 48000.0,
                                      .more = 1.0});
  trial_player_set(&t, PARAMETER_MODE, MODE_FREEZE);
  step(20);
  assert_int_equal(t.n_events, 0);
  step(1);
  assert_int_equal(t.events[0].value, MODE_FREEZE);
  assert_int_equal(trial_player_mode(&t), MODE_CONTINUE);
}

static void an_outer_clock_counts(void **unused)
{
  (void)unused;
  trial_player_set(&t, PARAMETER_QUANTISE, QUANTISE_BEAT);
  // At sample 960 the host stood half a beat before beat 8, two beats a second.
  trial_player_control(
      &t, &(control){.position_samples = 960, .kind = CONTROL_CLOCK, .value = 7.5, .more = 2.0});
  step(2);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  steps_until(MODE_CONTINUE);
  assert_int_equal(trial_player_last_event(&t, PLAYER_EVENT_MODE)->position_samples, 960 + 12480);
}

static void taps_make_a_clock(void **unused)
{
  (void)unused;
  trial_player_set(&t, PARAMETER_QUANTISE, QUANTISE_BEAT);
  act_at(100, ACTION_TAP);
  act_at(100 + BEAT_SAMPLES, ACTION_TAP);
  step(30);
  assert_true(player_value(t.p, PARAMETER_TEMPO) == 120.0);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  steps_until(MODE_CONTINUE);
  assert_int_equal(trial_player_last_event(&t, PLAYER_EVENT_MODE)->position_samples,
                   51 * TRIAL_STEP_SAMPLES); // the beat at 48100 lies within step 50
}

// More wait than there is room for: the newest wish is the one that counts, and none is hasty.
static void too_many_wait(void **unused)
{
  (void)unused;
  start_clock(QUANTISE_BEAT);
  step(30);
  for (int i = 0; i < 100; ++i) {
    trial_player_set(&t, PARAMETER_MODE, i % 2 ? MODE_FREEZE : MODE_CONTINUE);
  }
  trial_player_set(&t, PARAMETER_MODE, MODE_LISTEN);
  step(20);
  assert_int_equal(t.n_events, 0);
  step(1);
  assert_int_equal(trial_player_mode(&t), MODE_LISTEN);
}

// --- panic ---

static void panic_stops_everything_at_once(void **unused)
{
  (void)unused;
  start_clock(QUANTISE_BAR);
  trial_player_set(&t, PARAMETER_THRU, THRU_CODEC);
  for (int kind = 0; kind < CODE_N_EFFECTS; ++kind) {
    trial_player_set(&t, parameter_of_effect((code_effect_kind)kind, EFFECT_FADER), 0.7);
  }
  step(30);
  trial_player_set(&t, PARAMETER_QUANTISE, QUANTISE_OFF);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  trial_player_set(&t, PARAMETER_QUANTISE, QUANTISE_BAR);
  step(3);
  trial_player_set(&t, PARAMETER_MODE, MODE_FREEZE); // waits, in vain
  trial_player_act(&t, ACTION_AGAIN);
  step(1);
  trial_player_act(&t, ACTION_PANIC);
  step(1);
  assert_int_equal(trial_player_mode(&t), MODE_LISTEN);
  assert_true(player_value(t.p, PARAMETER_THRU) == THRU_OFF);
  assert_true(t.sound.wet_to == 0.0f && t.sound.dry_to == 0.0f);
  assert_int_equal(trial_player_last_event(&t, PLAYER_EVENT_PLAYS)->value, 0);
  for (int kind = 0; kind < CODE_N_EFFECTS; ++kind) {
    const int fader = parameter_of_effect((code_effect_kind)kind, EFFECT_FADER);
    assert_true(player_value(t.p, fader) == 0.0);
  }
  step(300);
  assert_int_equal(trial_player_mode(&t), MODE_LISTEN);
}

int main(void)
{
#define CASE(name)                                                                                 \
  cmocka_unit_test_prestate_setup_teardown(name, trial_player_setup, trial_player_teardown, &t)
  const struct CMUnitTest tests[] = {
      CASE(a_stamp_at_the_start_acts_in_that_step),
      CASE(one_sample_later_acts_in_the_next),
      CASE(controls_of_one_step_act_in_their_order),
      CASE(values_are_kept_in_range),
      CASE(modes_wait_for_the_beat),
      CASE(modes_wait_for_the_bar),
      CASE(a_stamp_on_the_beat_does_not_wait),
      CASE(nothing_waits_where_no_clock_runs),
      CASE(parameters_and_the_rest_do_not_wait),
      CASE(actions_that_play_wait),
      CASE(those_that_wait_act_in_their_order),
      CASE(what_was_due_comes_before_what_came_later),
      CASE(those_that_wait_act_when_they_are_due),
      CASE(an_outer_clock_counts),
      CASE(taps_make_a_clock),
      CASE(too_many_wait),
      CASE(panic_stops_everything_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
