// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// What is around the modes: again, mark and return, forget, two memories, back from continue. And
// the snapshot of it all.

#include "base/random.h"
#include "tests/engine/trial_player.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define IN 10
#define PLAYED 30

static trial_player t;

static void play(int32_t *codes)
{
  for (int i = 0; i < PLAYED; ++i) {
    codes[i] = trial_player_step(&t, IN, LOUD_DB);
    assert_true(codes[i] >= TRIAL_TOKEN_OWN);
  }
}

static bool same(const int32_t *a, const int32_t *b)
{
  return memcmp(a, b, PLAYED * sizeof *a) == 0;
}

// --- continue and back ---

static void continue_toggles_back_to_the_mode_before_it(void **unused)
{
  (void)unused;
  static const play_mode modes[] = {MODE_LISTEN,    MODE_ANSWER,   MODE_MONITOR,
                                    MODE_ACCOMPANY, MODE_GENERATE, MODE_FREEZE};
  trial_player_steps(&t, 20, IN, LOUD_DB);
  for (int i = 0; i < 6; ++i) {
    trial_player_set(&t, PARAMETER_MODE, modes[i]);
    trial_player_steps(&t, 3, IN, LOUD_DB);
    trial_player_act(&t, ACTION_CONTINUE);
    trial_player_steps(&t, 3, IN, LOUD_DB);
    assert_int_equal(trial_player_mode(&t), MODE_CONTINUE);
    trial_player_act(&t, ACTION_CONTINUE);
    trial_player_steps(&t, 3, IN, LOUD_DB);
    assert_int_equal(trial_player_mode(&t), modes[i]);
    assert_int_equal(trial_player_last_event(&t, PLAYER_EVENT_MODE)->value, modes[i]);
  }
}

// --- again ---

static void again_is_the_same_again_next_is_not(void **unused)
{
  (void)unused;
  int32_t first[PLAYED], again[PLAYED], next[PLAYED], next_again[PLAYED];
  trial_player_steps(&t, 20, IN, LOUD_DB);
  trial_player_steps(&t, 10, IN, SILENT_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  play(first);
  trial_player_act(&t, ACTION_AGAIN);
  play(again);
  assert_true(same(first, again));
  trial_player_act(&t, ACTION_AGAIN_NEXT);
  play(next);
  assert_false(same(first, next));
  assert_int_equal(player_value(t.p, PARAMETER_SEED), 2);
  trial_player_act(&t, ACTION_AGAIN);
  play(next_again);
  assert_true(same(next, next_again)); // again is what sounded last
  assert_int_equal(trial_player_mode(&t), MODE_CONTINUE);
  assert_int_equal(trial_player_n_events(&t, PLAYER_EVENT_PLAYS), 1); // never stopped
}

static void again_after_listening_plays_from_the_same_place(void **unused)
{
  (void)unused;
  int32_t first[PLAYED], again[PLAYED];
  trial_player_act(&t, ACTION_AGAIN); // nothing yet
  assert_int_equal(trial_player_step(&t, IN, LOUD_DB), IN);
  trial_player_steps(&t, 20, IN, LOUD_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  play(first);
  trial_player_set(&t, PARAMETER_MODE, MODE_LISTEN);
  trial_player_steps(&t, 20, IN, LOUD_DB);
  trial_player_act(&t, ACTION_AGAIN);
  play(again);
  assert_true(same(first, again));
  assert_int_equal(trial_player_last_event(&t, PLAYER_EVENT_MODE)->value, MODE_CONTINUE);
  assert_int_equal(trial_player_last_event(&t, PLAYER_EVENT_PLAYS)->value, 1);
  trial_player_act(&t, ACTION_CONTINUE);
  trial_player_step(&t, IN, LOUD_DB);
  assert_int_equal(trial_player_mode(&t),
                   MODE_LISTEN); // the mode before it, not the one before the first
}

static void again_stays_in_a_mode_that_draws(void **unused)
{
  (void)unused;
  static const play_mode modes[] = {MODE_ACCOMPANY, MODE_GENERATE, MODE_CONTINUE};
  trial_player_steps(&t, 20, IN, LOUD_DB);
  for (int i = 0; i < 3; ++i) {
    int32_t first[PLAYED], again[PLAYED];
    trial_player_set(&t, PARAMETER_MODE, modes[i]);
    play(first);
    trial_player_act(&t, ACTION_AGAIN);
    play(again);
    assert_true(same(first, again));
    assert_int_equal(trial_player_mode(&t), modes[i]);
  }
}

static void again_in_mode_answer_answers_again(void **unused)
{
  (void)unused;
  int32_t first[PLAYED], again[PLAYED];
  trial_player_set(&t, PARAMETER_MODE, MODE_ANSWER);
  trial_player_steps(&t, 20, IN, LOUD_DB);
  trial_player_steps(&t, 24, IN, SILENT_DB);
  for (int i = 0; i < PLAYED; ++i) {
    first[i] = trial_player_step(&t, IN, SILENT_DB);
  }
  trial_player_act(&t, ACTION_AGAIN);
  for (int i = 0; i < PLAYED; ++i) {
    again[i] = trial_player_step(&t, IN, SILENT_DB);
  }
  assert_true(first[0] >= TRIAL_TOKEN_OWN && same(first, again));
}

// While the player plays there is nothing to hear again, and what he plays stays in memory.
static void again_does_not_interrupt_the_player(void **unused)
{
  (void)unused;
  trial_player_set(&t, PARAMETER_MODE, MODE_ANSWER);
  trial_player_steps(&t, 20, IN, LOUD_DB);
  trial_player_steps(&t, 40, IN, SILENT_DB); // it answers
  trial_player_steps(&t, 30, 100, LOUD_DB);
  trial_player_act(&t, ACTION_AGAIN);
  trial_player_steps(&t, 2, 130, LOUD_DB);
  trial_player_set(&t, PARAMETER_FREEZE_LENGTH, 10);
  trial_player_set(&t, PARAMETER_MODE, MODE_FREEZE);
  assert_int_equal(trial_player_step(&t, 400, LOUD_DB), 122);
}

// Freeze draws nothing: what is played again is what the model played before.
static void again_from_freeze(void **unused)
{
  (void)unused;
  int32_t first[PLAYED], again[PLAYED];
  trial_player_steps(&t, 20, IN, LOUD_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  play(first);
  trial_player_set(&t, PARAMETER_MODE, MODE_FREEZE);
  trial_player_steps(&t, 20, IN, LOUD_DB);
  trial_player_act(&t, ACTION_AGAIN);
  play(again);
  assert_true(same(first, again));
  assert_int_equal(trial_player_mode(&t), MODE_CONTINUE);
}

// --- mark and return ---

static void return_goes_back_to_the_mark(void **unused)
{
  (void)unused;
  int32_t first[PLAYED], again[PLAYED];
  trial_player_act(&t, ACTION_RETURN); // no mark yet
  trial_player_steps(&t, 20, IN, LOUD_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  trial_player_steps(&t, 9, IN, LOUD_DB);
  trial_player_act(&t, ACTION_MARK);
  play(first);
  trial_player_set(&t, PARAMETER_MODE, MODE_LISTEN);
  trial_player_steps(&t, 50, IN + 100, LOUD_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  trial_player_steps(&t, 5, IN, LOUD_DB);
  trial_player_act(&t, ACTION_RETURN);
  play(again);
  assert_true(same(first, again));
}

// The silence that was heard before the mark is taken back after it, not what came since.
static void the_mark_knows_its_silence(void **unused)
{
  (void)unused;
  trial_player_steps(&t, 40, IN, LOUD_DB);
  trial_player_steps(&t, 7, 400, SILENT_DB);
  trial_player_act(&t, ACTION_MARK);
  for (int i = 0; i < 30; ++i) {
    trial_player_steps(&t, 20, 100, LOUD_DB);
  }
  trial_player_steps(&t, 20, 400, SILENT_DB);
  trial_player_act(&t, ACTION_RETURN);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  trial_player_step(&t, IN, SILENT_DB);
  assert_int_equal(trial_player_n_rewound(&t), 7);
  trial_player_set(&t, PARAMETER_FREEZE_LENGTH, 5);
  trial_player_set(&t, PARAMETER_MODE, MODE_FREEZE);
  assert_int_equal(trial_player_step(&t, 400, LOUD_DB), IN + 40 - 5); // what it had heard then
}

// What a place holds is what was there when it was taken, whatever follows in the same step.
static void a_place_is_taken_when_it_is_asked_for(void **unused)
{
  (void)unused;
  trial_player_steps(&t, 40, IN, LOUD_DB);
  trial_player_steps(&t, 7, 400, SILENT_DB);
  trial_player_act(&t, ACTION_MARK);
  trial_player_set(&t, PARAMETER_SEED, 5);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE); // goes back to the phrase's end
  trial_player_step(&t, IN, SILENT_DB);
  assert_int_equal(trial_player_n_rewound(&t), 7);
  trial_player_steps(&t, 20, IN, LOUD_DB);
  trial_player_act(&t, ACTION_RETURN);
  trial_player_set(&t, PARAMETER_MODE, MODE_LISTEN);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE); // and once more
  trial_player_step(&t, IN, SILENT_DB);
  assert_int_equal(trial_player_n_rewound(&t), 14);
  assert_int_equal(player_value(t.p, PARAMETER_SEED), 1);
}

static void again_and_mark_in_one_step_are_two_places(void **unused)
{
  (void)unused;
  int32_t first[PLAYED], again[PLAYED], back[PLAYED];
  trial_player_steps(&t, 20, IN, LOUD_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  play(first);
  trial_player_act(&t, ACTION_MARK);
  trial_player_act(&t, ACTION_AGAIN);
  play(again);
  trial_player_act(&t, ACTION_RETURN);
  play(back);
  assert_true(same(first, again));
  assert_false(same(first, back));
}

// Places are megabytes: a flood of actions, all in one step, costs no more than anybody can play.
static void a_flood_costs_few_copies(void **unused)
{
  (void)unused;
  static const control_action actions[] = {ACTION_MARK, ACTION_RETURN, ACTION_CONTINUE,
                                           ACTION_AGAIN_NEXT};
  trial_player_steps(&t, 20, IN, LOUD_DB);
  for (int n_kinds = 1; n_kinds <= 4; ++n_kinds) {
    const size_t before =
        trial_token_count(t.model, TRIAL_SAVED) + trial_token_count(t.model, TRIAL_RESTORED);
    for (int i = 0; i < TRIAL_CONTROLS; ++i) {
      trial_player_act(&t, actions[i % n_kinds]);
    }
    trial_player_step(&t, IN, LOUD_DB);
    t.n_events = 0;
    const size_t after =
        trial_token_count(t.model, TRIAL_SAVED) + trial_token_count(t.model, TRIAL_RESTORED);
    assert_true(after - before <= 16);
  }
  player_view view;
  player_read(t.p, &view);
  assert_true(view.n_ignored > 0); // and what was not done is counted
  // The next step is as good as any.
  int32_t first[PLAYED], back[PLAYED];
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  trial_player_act(&t, ACTION_MARK);
  play(first);
  trial_player_act(&t, ACTION_RETURN);
  play(back);
  assert_true(same(first, back));
}

// --- forget ---

static void forget_empties_the_memory_in_use(void **unused)
{
  (void)unused;
  trial_player_steps(&t, 20, IN, LOUD_DB);
  trial_player_act(&t, ACTION_MARK);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  trial_player_steps(&t, 5, IN, LOUD_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_LISTEN);
  trial_player_act(&t, ACTION_FORGET);
  trial_player_step(&t, IN, LOUD_DB);
  assert_int_equal(trial_token_count(t.model, TRIAL_RESET), 1);
  const size_t n_drawn = trial_token_count(t.model, TRIAL_DREW);
  trial_player_act(&t, ACTION_AGAIN); // neither is there any more
  trial_player_act(&t, ACTION_RETURN);
  trial_player_steps(&t, 3, IN, LOUD_DB);
  assert_int_equal(trial_token_count(t.model, TRIAL_DREW), n_drawn);
  trial_player_act(&t, ACTION_FORGET);
  trial_player_set(&t, PARAMETER_MODE, MODE_FREEZE);
  assert_int_equal(trial_player_step(&t, IN, LOUD_DB), -1);
}

// --- two memories ---

static void memories_do_not_touch(void **unused)
{
  (void)unused;
  trial_player_steps(&t, 20, 100, LOUD_DB);
  trial_player_set(&t, PARAMETER_MEMORY, 1);
  trial_player_steps(&t, 30, 200, LOUD_DB);
  for (size_t i = 0; i < 50; ++i) {
    assert_int_equal(trial_token_call(t.model, i)->state, i >= 20);
  }
  trial_player_set(&t, PARAMETER_FREEZE_LENGTH, 3);
  trial_player_set(&t, PARAMETER_MODE, MODE_FREEZE);
  assert_int_equal(trial_player_step(&t, IN, LOUD_DB), 227);
  trial_player_set(&t, PARAMETER_MEMORY, 0);
  assert_int_equal(trial_player_step(&t, IN, LOUD_DB), 100 + 18);
}

// What one memory heard of silence is not taken back from the other.
static void each_memory_has_its_own_silence(void **unused)
{
  (void)unused;
  trial_player_steps(&t, 20, 100, LOUD_DB);
  trial_player_steps(&t, 30, 400, SILENT_DB);
  trial_player_set(&t, PARAMETER_MEMORY, 1);
  trial_player_steps(&t, 4, 200, SILENT_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  trial_player_step(&t, IN, SILENT_DB);
  assert_int_equal(trial_player_n_rewound(&t), 4);
  trial_player_set(&t, PARAMETER_MODE, MODE_LISTEN);
  trial_player_set(&t, PARAMETER_MEMORY, 0);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  trial_player_step(&t, IN, SILENT_DB);
  assert_int_equal(trial_player_n_rewound(&t), 4 + 30);
}

static void an_empty_memory_does_not_answer(void **unused)
{
  (void)unused;
  trial_player_set(&t, PARAMETER_MODE, MODE_ANSWER);
  trial_player_steps(&t, 20, 100, LOUD_DB);
  trial_player_set(&t, PARAMETER_MEMORY, 1);
  trial_player_steps(&t, 100, 100, SILENT_DB);
  assert_int_equal(trial_token_count(t.model, TRIAL_DREW), 0);
}

static void forgetting_one_leaves_the_others_mark(void **unused)
{
  (void)unused;
  trial_player_steps(&t, 20, 100, LOUD_DB);
  trial_player_act(&t, ACTION_MARK);
  trial_player_set(&t, PARAMETER_MEMORY, 1);
  trial_player_steps(&t, 20, 200, LOUD_DB);
  trial_player_act(&t, ACTION_FORGET);
  trial_player_step(&t, 200, LOUD_DB);
  trial_player_act(&t, ACTION_RETURN);
  trial_player_set(&t, PARAMETER_FREEZE_LENGTH, 1);
  trial_player_set(&t, PARAMETER_MODE, MODE_FREEZE);
  assert_int_equal(trial_player_step(&t, IN, LOUD_DB), 119);
  assert_int_equal(player_value(t.p, PARAMETER_MEMORY), 0); // where the mark was
}

// --- snapshots ---

// Controls, levels and codes at random, the same for the same seed.
static void some_step(trial_player *at, uint64_t seed)
{
  const uint64_t step = at->n_steps;
  for (uint64_t i = 0; i < random_bits(seed, 1, step) % 3; ++i) {
    const uint64_t dice = random_bits(seed, 2 + i, step);
    const uint64_t place = (uint64_t)((int64_t)trial_player_start(at) - (int64_t)(dice % 900));
    control c = {.position_samples = step ? place : 0, .kind = CONTROL_SET, .id = PARAMETER_MODE};
    if (dice / 1000 % 4 == 0) {
      c.value = (double)(dice / 10000 % N_MODES);
    } else if (dice / 1000 % 4 == 1) {
      c.kind = CONTROL_ACTION;
      c.id = (uint16_t)(dice / 10000 % N_CONTROL_ACTIONS);
    } else {
      c.id = (uint16_t)(dice / 10000 % (uint64_t)parameter_count());
      const parameter_info *info = parameter_get(c.id);
      c.value = info->least + (info->most - info->least) * (double)(dice >> 40) * 0x1p-24;
    }
    trial_player_control(at, &c);
  }
  const uint64_t dice = random_bits(seed, 9, step / 20);
  at->sounded.mean_square = level_power(-5.0 - (double)(dice % 60));
  trial_player_step(at, IN + (int32_t)(random_bits(seed, 10, step) % 400),
                    dice % 3 ? LOUD_DB : SILENT_DB);
}

static void assert_same_sound(const trial_player *a, const trial_player *b)
{
  for (int k = 0; k < TRIAL_CODEBOOKS; ++k) {
    assert_int_equal(a->sound.codes[k], b->sound.codes[k]);
    if (a->sound.blend > 0.0f) {
      assert_int_equal(a->sound.blend_codes[k], b->sound.blend_codes[k]);
    }
  }
  assert_memory_equal(&a->sound.blend, &b->sound.blend, 5 * sizeof(float));
  for (int i = 0; i < parameter_count(); ++i) {
    assert_true(player_value(a->p, i) == player_value(b->p, i));
  }
}

static void check_snapshot(uint64_t seed)
{
  static trial_player other;
  const uint64_t before = 300 + random_bits(seed, 20, 0) % 700;
  trial_player_close(&t);
  trial_player_open(&t, &trial_usual);
  trial_player_open(&other, &trial_usual);
  trial_token_be_blended(t.model);
  trial_token_be_blended(other.model);
  void *snapshot = malloc(player_bytes(t.p));
  assert_non_null(snapshot);
  while (t.n_steps < before) {
    some_step(&t, seed);
    t.n_events = 0;
  }
  assert_int_equal(player_save(t.p, snapshot), STATUS_OK);
  for (int i = 0; i < 200; ++i) { // the other one was elsewhere altogether
    some_step(&other, seed + 1000);
    other.n_events = 0;
  }
  other.n_controls = 0;
  other.n_steps = t.n_steps;
  assert_int_equal(player_restore(other.p, snapshot), STATUS_OK);
  for (int i = 0; i < 600; ++i) {
    some_step(&t, seed);
    some_step(&other, seed);
    assert_same_sound(&t, &other);
    assert_int_equal(t.n_events, other.n_events);
    assert_memory_equal(t.events, other.events, (size_t)t.n_events * sizeof *t.events);
    t.n_events = other.n_events = 0;
  }
  free(snapshot);
  trial_player_close(&other);
}

static void a_snapshot_goes_on_as_if_nothing_had_been(void **unused)
{
  (void)unused;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    check_snapshot(seed);
  }
}

// A mark is part of it, with all that was heard up to then.
static void a_snapshot_has_the_mark(void **unused)
{
  (void)unused;
  trial_player_steps(&t, 40, IN, LOUD_DB);
  trial_player_act(&t, ACTION_MARK);
  for (int i = 0; i < 30; ++i) {
    trial_player_steps(&t, 20, 100, LOUD_DB);
  }
  void *snapshot = malloc(player_bytes(t.p));
  assert_non_null(snapshot);
  assert_int_equal(player_save(t.p, snapshot), STATUS_OK);
  trial_player_close(&t);
  trial_player_open(&t, &trial_usual);
  assert_int_equal(player_restore(t.p, snapshot), STATUS_OK);
  trial_player_act(&t, ACTION_RETURN);
  trial_player_set(&t, PARAMETER_FREEZE_LENGTH, 5);
  trial_player_set(&t, PARAMETER_MODE, MODE_FREEZE);
  assert_int_equal(trial_player_step(&t, 400, LOUD_DB), IN + 40 - 5);
  free(snapshot);
}

int main(void)
{
#define CASE(name)                                                                                 \
  cmocka_unit_test_prestate_setup_teardown(name, trial_player_setup, trial_player_teardown, &t)
  const struct CMUnitTest tests[] = {
      CASE(continue_toggles_back_to_the_mode_before_it),
      CASE(again_is_the_same_again_next_is_not),
      CASE(again_after_listening_plays_from_the_same_place),
      CASE(again_stays_in_a_mode_that_draws),
      CASE(again_in_mode_answer_answers_again),
      CASE(again_does_not_interrupt_the_player),
      CASE(again_from_freeze),
      CASE(return_goes_back_to_the_mark),
      CASE(the_mark_knows_its_silence),
      CASE(a_place_is_taken_when_it_is_asked_for),
      CASE(again_and_mark_in_one_step_are_two_places),
      CASE(a_flood_costs_few_copies),
      CASE(forget_empties_the_memory_in_use),
      CASE(memories_do_not_touch),
      CASE(each_memory_has_its_own_silence),
      CASE(an_empty_memory_does_not_answer),
      CASE(forgetting_one_leaves_the_others_mark),
      CASE(a_snapshot_goes_on_as_if_nothing_had_been),
      CASE(a_snapshot_has_the_mark),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
