// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// What each mode makes of the codes that come in, step by step. What is around the modes:
// test_player_places.c; when controls act: test_player_control.c.

#include "engine/play/effect_parameters.h"
#include "tests/engine/trial_player.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define IN 10 // first codes of the input stay below TRIAL_TOKEN_OWN

static trial_player t;

static const trial_call *last_call(void)
{
  return trial_token_call(t.model, trial_token_n_calls(t.model) - 1);
}

static bool is_own(int32_t code)
{
  return code >= TRIAL_TOKEN_OWN;
}

// --- monitor, listen ---

static void monitor_gives_back_and_observes(void **unused)
{
  (void)unused;
  for (int i = 0; i < 30; ++i) {
    assert_int_equal(trial_player_step(&t, IN + i, LOUD_DB), IN + i);
    for (int k = 0; k < TRIAL_CODEBOOKS; ++k) {
      assert_int_equal(t.sound.codes[k], IN + i + k);
    }
    assert_int_equal(last_call()->kind, TRIAL_OBSERVED);
    assert_int_equal(last_call()->first_code, IN + i);
    assert_true(t.sound.wet_from == 1.0f && t.sound.wet_to == 1.0f && t.sound.dry_to == 0.0f);
  }
  assert_int_equal(trial_token_n_calls(t.model), 30);
  assert_int_equal(t.n_events, 0);
}

static void listen_observes_and_is_quiet(void **unused)
{
  (void)unused;
  trial_player_set(&t, PARAMETER_MODE, MODE_LISTEN);
  trial_player_step(&t, IN, LOUD_DB);
  assert_true(t.sound.wet_from == 1.0f && t.sound.wet_to == 0.0f); // from where monitor left it
  trial_player_step(&t, IN + 1, LOUD_DB);
  assert_true(t.sound.wet_from == 0.0f && t.sound.wet_to == 0.0f && t.sound.dry_to == 0.0f);
  assert_int_equal(trial_token_count(t.model, TRIAL_OBSERVED), 2);
}

static void thru_says_what_is_heard_while_listening(void **unused)
{
  (void)unused;
  trial_player_set(&t, PARAMETER_MODE, MODE_LISTEN);
  trial_player_set(&t, PARAMETER_THRU, THRU_DRY);
  trial_player_step(&t, IN, LOUD_DB);
  assert_true(t.sound.wet_to == 0.0f && t.sound.dry_from == 0.0f && t.sound.dry_to == 1.0f);
  trial_player_set(&t, PARAMETER_THRU, THRU_CODEC);
  assert_int_equal(trial_player_step(&t, IN, LOUD_DB), IN);
  assert_true(t.sound.wet_from == 0.0f && t.sound.wet_to == 1.0f);
  assert_true(t.sound.dry_from == 1.0f && t.sound.dry_to == 0.0f);
  trial_player_set(&t, PARAMETER_THRU, THRU_DRY);
  trial_player_step(&t, IN, LOUD_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE); // thru is for listening
  trial_player_step(&t, IN, LOUD_DB);
  assert_true(t.sound.dry_from == 1.0f && t.sound.dry_to == 0.0f);
  assert_true(t.sound.wet_from == 0.0f && t.sound.wet_to == 1.0f);
}

// --- continue ---

static void continue_draws_and_does_not_observe(void **unused)
{
  (void)unused;
  trial_player_steps(&t, 20, IN, LOUD_DB);
  trial_player_set(&t, PARAMETER_SEED, 77);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  for (int i = 0; i < 20; ++i) {
    const int32_t code = trial_player_step(&t, IN, LOUD_DB);
    assert_true(is_own(code));
    assert_int_equal(last_call()->kind, TRIAL_DREW);
    assert_int_equal(last_call()->first_code, code);
    assert_true(last_call()->how.goes_on);
    assert_int_equal(last_call()->how.seed, 77);
    assert_int_equal(last_call()->how.step, i);
  }
  assert_int_equal(trial_token_count(t.model, TRIAL_OBSERVED), 20);
  trial_player_set(&t, PARAMETER_MODE, MODE_LISTEN);
  trial_player_steps(&t, 3, IN, LOUD_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  trial_player_step(&t, IN, LOUD_DB);
  assert_int_equal(last_call()->how.step, 20); // no two draws share a number
}

static void the_model_is_told_the_parameters(void **unused)
{
  (void)unused;
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  trial_player_set(&t, PARAMETER_TEMPERATURE, 0.5);
  trial_player_set(&t, PARAMETER_MIN_RUN, 31);
  trial_player_set(&t, PARAMETER_JUMP, 0.25);
  trial_player_set(&t, PARAMETER_SIMILARITY, 0.75);
  trial_player_set(&t, PARAMETER_PULSE, 0.125);
  trial_player_set(&t, PARAMETER_FOLLOW, 0.625);
  trial_player_set(&t, PARAMETER_BLEND, 2);
  trial_player_set(&t, PARAMETER_REPEAT_LIMIT, 1000);
  trial_player_step(&t, IN, LOUD_DB);
  const token_sampling *how = &last_call()->how;
  assert_true(how->temperature == 0.5f && how->jump_probability == 0.25f);
  assert_true(how->similarity == 0.75f && how->pulse == 0.125f && how->follow == 0.625f);
  assert_int_equal(how->min_run_steps, 31);
  assert_int_equal(how->blend_steps, 2);
  assert_int_equal(how->repeat_limit_steps, 50);
}

static void events_tell_of_modes_and_of_playing(void **unused)
{
  (void)unused;
  trial_player_steps(&t, 5, IN, LOUD_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  trial_player_steps(&t, 5, IN, LOUD_DB);
  assert_int_equal(t.n_events, 2);
  const trial_event *mode = trial_player_last_event(&t, PLAYER_EVENT_MODE);
  const trial_event *plays = trial_player_last_event(&t, PLAYER_EVENT_PLAYS);
  assert_int_equal(mode->value, MODE_CONTINUE);
  assert_int_equal(mode->position_samples, 5 * TRIAL_STEP_SAMPLES); // of the step that it acts on
  assert_int_equal(plays->value, 1);
  assert_int_equal(plays->position_samples, 5 * TRIAL_STEP_SAMPLES);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE); // as it is: nothing happens
  trial_player_step(&t, IN, LOUD_DB);
  assert_int_equal(t.n_events, 2);
  trial_player_set(&t, PARAMETER_MODE, MODE_MONITOR);
  trial_player_step(&t, IN, LOUD_DB);
  assert_int_equal(trial_player_last_event(&t, PLAYER_EVENT_PLAYS)->value, 0);
  assert_int_equal(t.n_events, 4);
}

// --- the end of the phrase ---

static void continue_goes_back_to_the_phrases_end(void **unused)
{
  (void)unused;
  trial_player_steps(&t, 20, IN, LOUD_DB);
  trial_player_steps(&t, 17, IN, SILENT_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  trial_player_step(&t, IN, SILENT_DB);
  assert_int_equal(trial_token_count(t.model, TRIAL_REWOUND), 1);
  assert_int_equal(trial_player_n_rewound(&t), 17);
}

// Quieter than what opens the gate, louder than what closes it: still the phrase.
static void what_lies_between_the_thresholds_is_no_silence(void **unused)
{
  (void)unused;
  trial_player_steps(&t, 20, IN, LOUD_DB);
  trial_player_steps(&t, 9, IN, SILENT_DB);
  trial_player_step(&t, IN, -53.0);
  trial_player_steps(&t, 4, IN, SILENT_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  trial_player_step(&t, IN, SILENT_DB);
  assert_int_equal(trial_player_n_rewound(&t), 4);
}

static void silence_is_heard_for_four_seconds_and_taken_back(void **unused)
{
  (void)unused;
  trial_player_steps(&t, 20, IN, LOUD_DB);
  trial_player_steps(&t, 3 * TRIAL_R_STEPS, IN, SILENT_DB);
  assert_int_equal(trial_token_count(t.model, TRIAL_OBSERVED), 20 + TRIAL_R_STEPS);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  trial_player_step(&t, IN, SILENT_DB);
  assert_int_equal(trial_player_n_rewound(&t), TRIAL_R_STEPS);
  assert_int_equal(trial_token_count(t.model, TRIAL_REWOUND), 1);
}

static void a_model_that_takes_back_less_hears_less_silence(void **unused)
{
  (void)unused;
  trial_player_close(&t);
  trial_player_open(&t, &(trial_token_options){.n_codebooks = 2, .rewind_steps = 30});
  trial_player_steps(&t, 20, IN, LOUD_DB);
  trial_player_steps(&t, 100, IN, SILENT_DB);
  assert_int_equal(trial_token_count(t.model, TRIAL_OBSERVED), 20 + 30);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  trial_player_step(&t, IN, SILENT_DB);
  assert_int_equal(trial_player_n_rewound(&t), 30);
}

static void phrase_end_off_goes_on_from_the_silence(void **unused)
{
  (void)unused;
  trial_player_set(&t, PARAMETER_PHRASE_END, 0);
  trial_player_steps(&t, 20, IN, LOUD_DB);
  trial_player_steps(&t, 17, IN, SILENT_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  trial_player_step(&t, IN, SILENT_DB);
  assert_int_equal(trial_token_count(t.model, TRIAL_REWOUND), 0);
}

static void nothing_is_taken_back_twice(void **unused)
{
  (void)unused;
  trial_player_steps(&t, 20, IN, LOUD_DB);
  trial_player_steps(&t, 17, IN, SILENT_DB);
  for (int i = 0; i < 3; ++i) {
    trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
    trial_player_steps(&t, 30, IN, SILENT_DB);
    trial_player_set(&t, PARAMETER_MODE, MODE_LISTEN);
    trial_player_steps(&t, 5, IN, SILENT_DB);
  }
  assert_int_equal(trial_player_n_rewound(&t), 17 + 5 + 5);
}

// --- accompany ---

static void accompany_observes_the_mix_and_does_not_go_on(void **unused)
{
  (void)unused;
  trial_player_steps(&t, 20, IN, LOUD_DB);
  trial_player_steps(&t, 5, IN, SILENT_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_ACCOMPANY);
  for (int i = 0; i < 10; ++i) {
    assert_true(is_own(trial_player_step(&t, IN + i, LOUD_DB)));
    assert_false(last_call()->how.goes_on);
    const trial_call *before = trial_token_call(t.model, trial_token_n_calls(t.model) - 2);
    assert_int_equal(before->kind, TRIAL_OBSERVED); // first what sounds, then what comes
    assert_int_equal(before->first_code, IN + i);
    // The first hop is not mixed: what was played before was the input's echo.
    assert_int_equal(t.wanted_mix, i > 0);
  }
  assert_int_equal(trial_player_n_rewound(&t), 0); // it joins in, whenever
  assert_int_equal(trial_player_last_event(&t, PLAYER_EVENT_PLAYS)->value, 1);
}

// What the model plays is heard in the mix: it is no silence that it falls into with the player.
static void its_own_sound_is_no_silence(void **unused)
{
  (void)unused;
  trial_player_steps(&t, 20, IN, LOUD_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_ACCOMPANY);
  t.sounded = (hop_level){.mean_square = level_power(LOUD_DB)};
  trial_player_steps(&t, 2 * TRIAL_R_STEPS, IN, SILENT_DB);
  const size_t n_observed = trial_token_count(t.model, TRIAL_OBSERVED);
  assert_int_equal(n_observed, 20 + 2 * TRIAL_R_STEPS);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  trial_player_step(&t, IN, SILENT_DB);
  assert_int_equal(trial_player_n_rewound(&t), 0);
}

static void two_who_are_silent_are_silent(void **unused)
{
  (void)unused;
  trial_player_steps(&t, 20, IN, LOUD_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_ACCOMPANY);
  t.sounded = (hop_level){.mean_square = level_power(SILENT_DB)};
  trial_player_steps(&t, 2 * TRIAL_R_STEPS, IN, SILENT_DB);
  assert_int_equal(trial_token_count(t.model, TRIAL_OBSERVED), 20 + TRIAL_R_STEPS);
}

// --- answer ---

// The gate closes with the sixth silent step (120 ms), which is the first of the 20 (400 ms).
static void answer_waits_answers_and_stops(void **unused)
{
  (void)unused;
  trial_player_set(&t, PARAMETER_MODE, MODE_ANSWER);
  trial_player_steps(&t, 20, IN, LOUD_DB);
  assert_true(t.sound.wet_to == 0.0f); // it listens
  const int silent = 5 + 20;
  for (int i = 1; i <= 60; ++i) {
    const int32_t code = trial_player_step(&t, IN + i, SILENT_DB);
    assert_int_equal(is_own(code), i >= silent);
    assert_true(t.sound.wet_to == (i >= silent ? 1.0f : 0.0f));
  }
  assert_int_equal(trial_player_n_rewound(&t), silent - 1); // all silence that it had heard
  assert_int_equal(trial_player_last_event(&t, PLAYER_EVENT_PLAYS)->position_samples,
                   (20 + silent - 1) * TRIAL_STEP_SAMPLES);
  assert_int_equal(trial_player_step(&t, IN, LOUD_DB), IN); // at once
  assert_int_equal(last_call()->kind, TRIAL_OBSERVED);
  assert_true(t.sound.wet_from == 1.0f && t.sound.wet_to == 0.0f);
  assert_int_equal(trial_player_last_event(&t, PLAYER_EVENT_PLAYS)->value, 0);
  trial_player_steps(&t, silent, IN, SILENT_DB);
  assert_int_equal(trial_player_last_event(&t, PLAYER_EVENT_PLAYS)->value, 1); // and again
}

static void answer_after_is_followed(void **unused)
{
  (void)unused;
  static const double ms[] = {0, 20, 1000, 6000};
  static const int steps[] = {6, 6, 5 + 50, 5 + 300};
  for (int i = 0; i < 4; ++i) {
    trial_player_close(&t);
    trial_player_open(&t, &trial_usual);
    trial_player_set(&t, PARAMETER_MODE, MODE_ANSWER);
    trial_player_set(&t, PARAMETER_ANSWER_AFTER, ms[i]);
    trial_player_steps(&t, 10, IN, LOUD_DB);
    int n = 1;
    while (!is_own(trial_player_step(&t, IN, SILENT_DB))) {
      ++n;
    }
    assert_int_equal(n, steps[i]);
    assert_int_equal(trial_player_n_rewound(&t), n - 1 < TRIAL_R_STEPS ? n - 1 : TRIAL_R_STEPS);
  }
}

static void who_has_heard_nothing_answers_nothing(void **unused)
{
  (void)unused;
  trial_player_set(&t, PARAMETER_MODE, MODE_ANSWER);
  trial_player_steps(&t, 400, IN, SILENT_DB);
  assert_int_equal(trial_token_count(t.model, TRIAL_DREW), 0);
}

// --- freeze ---

static void freeze_repeats_the_last_steps(void **unused)
{
  (void)unused;
  trial_player_steps(&t, 100, IN, LOUD_DB);
  trial_player_steps(&t, 7, 300, SILENT_DB);
  trial_player_set(&t, PARAMETER_FREEZE_LENGTH, 8);
  trial_player_set(&t, PARAMETER_MODE, MODE_FREEZE);
  for (int i = 0; i < 40; ++i) {
    const int32_t expected = IN + 100 - 8 + i % 8;
    assert_int_equal(trial_player_step(&t, 400, LOUD_DB), expected);
    assert_int_equal(t.sound.codes[3], expected + 3);
  }
  assert_int_equal(trial_token_count(t.model, TRIAL_DREW), 0);
  assert_int_equal(trial_token_count(t.model, TRIAL_OBSERVED), 107);
  assert_true(t.sound.wet_to == 1.0f);
  trial_player_step(&t, 400, LOUD_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_LISTEN);
  trial_player_step(&t, 350, LOUD_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_FREEZE);
  assert_int_equal(trial_player_step(&t, 400, LOUD_DB), IN + 100 - 7); // from its beginning
}

static void freeze_follows_its_length(void **unused)
{
  (void)unused;
  trial_player_steps(&t, 100, IN, LOUD_DB);
  trial_player_set(&t, PARAMETER_FREEZE_LENGTH, 10);
  trial_player_set(&t, PARAMETER_MODE, MODE_FREEZE);
  trial_player_steps(&t, 10, 400, LOUD_DB);
  trial_player_set(&t, PARAMETER_FREEZE_LENGTH, 1);
  for (int i = 0; i < 5; ++i) {
    assert_int_equal(trial_player_step(&t, 400, LOUD_DB), IN + 99);
  }
  trial_player_set(&t, PARAMETER_FREEZE_LENGTH, 250); // more than there were
  bool seen[100] = {false};
  for (int i = 0; i < 100; ++i) {
    seen[trial_player_step(&t, 400, LOUD_DB) - IN] = true;
  }
  for (int i = 0; i < 100; ++i) {
    assert_true(seen[i]);
  }
}

static void the_longest_freeze_after_the_longest_silence(void **unused)
{
  (void)unused;
  trial_player_steps(&t, 300, IN, LOUD_DB);
  trial_player_steps(&t, 2 * TRIAL_R_STEPS, 400, SILENT_DB);
  trial_player_set(&t, PARAMETER_FREEZE_LENGTH, 250);
  trial_player_set(&t, PARAMETER_MODE, MODE_FREEZE);
  for (int i = 0; i < 500; ++i) {
    assert_int_equal(trial_player_step(&t, 450, LOUD_DB), IN + 50 + i % 250);
  }
}

static void freeze_without_anything_heard_says_nothing(void **unused)
{
  (void)unused;
  trial_player_set(&t, PARAMETER_MODE, MODE_FREEZE);
  assert_int_equal(trial_player_step(&t, IN, LOUD_DB), -1);
  assert_true(t.sound.wet_to == 0.0f);
}

// --- what a model cannot ---

static void generate_needs_a_model_that_can(void **unused)
{
  (void)unused;
  trial_player_close(&t);
  trial_player_open(&t, &(trial_token_options){.n_codebooks = 4, .rewind_steps = 1000});
  trial_player_set(&t, PARAMETER_MODE, MODE_LISTEN);
  trial_player_step(&t, IN, LOUD_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_GENERATE);
  trial_player_step(&t, IN, LOUD_DB);
  assert_int_equal(player_value(t.p, PARAMETER_MODE), MODE_LISTEN);
  const trial_event *refused = trial_player_last_event(&t, PLAYER_EVENT_REFUSED);
  assert_int_equal(refused->value, MODE_GENERATE);
  assert_int_equal(refused->position_samples, TRIAL_STEP_SAMPLES);
  trial_player_close(&t);
  trial_player_open(&t, &(trial_token_options){.n_codebooks = 4, .generates = true});
  trial_player_set(&t, PARAMETER_MODE, MODE_GENERATE);
  assert_true(is_own(trial_player_step(&t, IN, LOUD_DB)));
  assert_true(last_call()->how.goes_on);
  assert_int_equal(trial_token_count(t.model, TRIAL_OBSERVED), 0);
}

static void without_a_model_all_its_modes_are_refused(void **unused)
{
  (void)unused;
  static const play_mode modes[] = {MODE_CONTINUE, MODE_ACCOMPANY, MODE_ANSWER, MODE_GENERATE};
  trial_player_close(&t);
  trial_player_open(&t, NULL);
  for (int i = 0; i < 4; ++i) {
    trial_player_set(&t, PARAMETER_MODE, modes[i]);
    assert_int_equal(trial_player_step(&t, IN, LOUD_DB), IN);
    assert_int_equal(player_value(t.p, PARAMETER_MODE), MODE_MONITOR);
    assert_int_equal(trial_player_last_event(&t, PLAYER_EVENT_REFUSED)->value, modes[i]);
  }
  static const control_action actions[] = {ACTION_CONTINUE, ACTION_AGAIN,  ACTION_AGAIN_NEXT,
                                           ACTION_MARK,     ACTION_RETURN, ACTION_FORGET};
  for (int i = 0; i < 6; ++i) {
    trial_player_act(&t, actions[i]);
    assert_int_equal(trial_player_step(&t, IN, LOUD_DB), IN);
  }
  assert_int_equal(trial_player_n_events(&t, PLAYER_EVENT_REFUSED), 5);
  assert_int_equal(trial_player_n_events(&t, PLAYER_EVENT_MODE), 0);
  trial_player_steps(&t, 10, IN, LOUD_DB);
  trial_player_set(&t, PARAMETER_FREEZE_LENGTH, 2); // which needs none
  trial_player_set(&t, PARAMETER_MODE, MODE_FREEZE);
  assert_int_equal(trial_player_step(&t, IN, LOUD_DB), IN + 8);
}

static void a_model_with_too_many_codebooks_is_refused(void **unused)
{
  (void)unused;
  player *p = NULL;
  error err = {STATUS_OK, ""};
  token_model *m = trial_token_new(&(trial_token_options){.n_codebooks = TRIAL_CODEBOOKS + 1});
  const player_config config = {
      .info = &t.info, .n_used = TRIAL_CODEBOOKS, .model = m, .host_rate_hz = TRIAL_RATE_HZ};
  assert_int_equal(player_new(&p, &config, &err), STATUS_USAGE);
  assert_null(p);
  token_model_unref(m);
}

static void a_model_with_fewer_codebooks_leaves_the_rest_out(void **unused)
{
  (void)unused;
  trial_player_close(&t);
  trial_player_open(&t, &(trial_token_options){.n_codebooks = 2, .rewind_steps = 200});
  trial_player_steps(&t, 5, IN, LOUD_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  const int32_t first = trial_player_step(&t, IN, LOUD_DB);
  assert_true(is_own(first));
  assert_int_equal(t.sound.codes[1], first + 1);
  assert_int_equal(t.sound.codes[2], -1);
  assert_int_equal(t.sound.codes[3], -1);
  assert_true(t.sound.wet_to == 1.0f);
}

static void a_model_that_fails_is_told(void **unused)
{
  (void)unused;
  int32_t codes[TRIAL_CODEBOOKS] = {1, 2, 3, 4};
  player_sound sound;
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  trial_player_step(&t, IN, LOUD_DB);
  trial_token_fail(t.model);
  player_begin(t.p, trial_player_start(&t));
  player_take_waiting(t.p);
  assert_int_equal(player_step(t.p, &(player_hop){.codes = codes}, &sound), STATUS_DEVICE);
}

// --- nothing to say ---

// A decoder may hum at codes that say nothing: the hop fades, and back again.
static void who_says_nothing_is_not_heard(void **unused)
{
  (void)unused;
  trial_player_steps(&t, 5, IN, LOUD_DB);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  trial_player_step(&t, IN, LOUD_DB);
  trial_token_hush(t.model, true);
  assert_int_equal(trial_player_step(&t, IN, LOUD_DB), -1);
  assert_true(t.sound.wet_from == 1.0f && t.sound.wet_to == 0.0f);
  trial_player_step(&t, IN, LOUD_DB);
  assert_true(t.sound.wet_from == 0.0f && t.sound.wet_to == 0.0f);
  trial_token_hush(t.model, false);
  trial_player_step(&t, IN, LOUD_DB);
  assert_true(t.sound.wet_from == 0.0f && t.sound.wet_to == 1.0f);
}

// A hum would be matched to the player's level, and what is said next would come out far too loud.
static void nothing_is_not_matched(void **unused)
{
  (void)unused;
  trial_player_set(&t, PARAMETER_MATCH, 1);
  trial_player_set(&t, PARAMETER_MODE, MODE_ACCOMPANY);
  trial_token_hush(t.model, true);
  t.sounded = (hop_level){.mean_square = level_power(-44.0)};
  trial_player_steps(&t, 200, IN, LOUD_DB);
  trial_token_hush(t.model, false);
  trial_player_step(&t, IN, LOUD_DB);
  assert_true(t.sound.wet_to == 1.0f);
  assert_false(t.wanted_mix); // nor is there anything to mix in
}

// --- blend and gains ---

static void blend_is_passed_on_and_dropped_with_the_codes(void **unused)
{
  (void)unused;
  trial_token_be_blended(t.model);
  trial_player_steps(&t, 5, IN, LOUD_DB);
  assert_true(t.sound.blend == 0.0f);
  trial_player_set(&t, PARAMETER_MODE, MODE_CONTINUE);
  trial_player_step(&t, IN, LOUD_DB);
  assert_true(t.sound.blend == TRIAL_TOKEN_BLEND);
  for (int k = 0; k < TRIAL_CODEBOOKS; ++k) {
    assert_int_equal(t.sound.blend_codes[k], t.sound.codes[k] + 1);
  }
  trial_player_set(&t, parameter_of_effect(CODE_EFFECT_CODEBOOK_MUTE, EFFECT_FADER), 1);
  trial_player_step(&t, IN, LOUD_DB);
  assert_true(t.sound.blend == 0.0f);
  trial_player_set(&t, parameter_of_effect(CODE_EFFECT_CODEBOOK_MUTE, EFFECT_FADER), 0);
  trial_player_step(&t, IN, LOUD_DB);
  assert_true(t.sound.blend == TRIAL_TOKEN_BLEND);
}

// Through every mode and back, at random: no gain ever jumps between two hops.
static void gains_begin_where_the_last_hop_ended(void **unused)
{
  (void)unused;
  float wet = 1.0f, dry = 0.0f;
  for (int i = 0; i < 3000; ++i) {
    const uint64_t dice = (uint64_t)i * 2654435761u >> 8;
    if (dice % 5 == 0) {
      trial_player_set(&t, PARAMETER_MODE, (double)(dice / 5 % N_MODES));
    }
    if (dice % 7 == 0) {
      trial_player_set(&t, PARAMETER_THRU, (double)(dice / 7 % 3));
    }
    trial_token_hush(t.model, dice % 11 == 0);
    t.sounded.mean_square = level_power(-10.0 - (double)(dice % 40));
    trial_player_step(&t, IN + i % 300, dice % 3 ? LOUD_DB : SILENT_DB);
    assert_true(t.sound.wet_from == wet && t.sound.dry_from == dry);
    wet = t.sound.wet_to;
    dry = t.sound.dry_to;
    t.n_events = 0;
  }
}

// A stretch that was reading silence while nobody heard it does not go on with it.
static void effects_begin_with_the_answer(void **unused)
{
  (void)unused;
  trial_player_set(&t, parameter_of_effect(CODE_EFFECT_STRETCH, EFFECT_FADER), 1.0);
  trial_player_set(&t, PARAMETER_MODE, MODE_ANSWER);
  trial_player_steps(&t, 50, IN, LOUD_DB);
  while (trial_player_n_events(&t, PLAYER_EVENT_PLAYS) == 0) {
    assert_true(t.n_steps < 1000);
    trial_player_step(&t, 300, SILENT_DB);
  }
  assert_true(is_own(t.sound.codes[0]));
}

int main(void)
{
#define CASE(name)                                                                                 \
  cmocka_unit_test_prestate_setup_teardown(name, trial_player_setup, trial_player_teardown, &t)
  const struct CMUnitTest tests[] = {
      CASE(monitor_gives_back_and_observes),
      CASE(listen_observes_and_is_quiet),
      CASE(thru_says_what_is_heard_while_listening),
      CASE(continue_draws_and_does_not_observe),
      CASE(the_model_is_told_the_parameters),
      CASE(events_tell_of_modes_and_of_playing),
      CASE(continue_goes_back_to_the_phrases_end),
      CASE(what_lies_between_the_thresholds_is_no_silence),
      CASE(silence_is_heard_for_four_seconds_and_taken_back),
      CASE(a_model_that_takes_back_less_hears_less_silence),
      CASE(phrase_end_off_goes_on_from_the_silence),
      CASE(nothing_is_taken_back_twice),
      CASE(accompany_observes_the_mix_and_does_not_go_on),
      CASE(its_own_sound_is_no_silence),
      CASE(two_who_are_silent_are_silent),
      CASE(answer_waits_answers_and_stops),
      CASE(answer_after_is_followed),
      CASE(who_has_heard_nothing_answers_nothing),
      CASE(effects_begin_with_the_answer),
      CASE(freeze_repeats_the_last_steps),
      CASE(freeze_follows_its_length),
      CASE(the_longest_freeze_after_the_longest_silence),
      CASE(freeze_without_anything_heard_says_nothing),
      CASE(generate_needs_a_model_that_can),
      CASE(without_a_model_all_its_modes_are_refused),
      CASE(a_model_with_too_many_codebooks_is_refused),
      CASE(a_model_with_fewer_codebooks_leaves_the_rest_out),
      CASE(a_model_that_fails_is_told),
      CASE(who_says_nothing_is_not_heard),
      CASE(nothing_is_not_matched),
      CASE(blend_is_passed_on_and_dropped_with_the_codes),
      CASE(gains_begin_where_the_last_hop_ended),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
