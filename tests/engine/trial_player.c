// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/engine/trial_player.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

const trial_token_options trial_usual = {
    .n_codebooks = TRIAL_CODEBOOKS, .rewind_steps = 1000, .generates = true};

static void tell(void *user, player_event_kind kind, uint64_t value, uint64_t position_samples)
{
  trial_player *t = user;
  assert_true(t->n_events < TRIAL_EVENTS);
  t->events[t->n_events++] = (trial_event){kind, value, position_samples};
}

void trial_player_open(trial_player *t, const trial_token_options *options)
{
  error err = {STATUS_OK, ""};
  memset(t, 0, sizeof *t);
  t->info = (codec_info){.rate_hz = 24000,
                         .hop_samples = 480,
                         .n_channels = 1,
                         .n_codebooks = TRIAL_CODEBOOKS,
                         .codebook_size = 1024,
                         .streamable = true};
  t->model = options ? trial_token_new(options) : NULL;
  const player_config config = {.info = &t->info,
                                .n_used = TRIAL_CODEBOOKS,
                                .model = t->model,
                                .host_rate_hz = TRIAL_RATE_HZ,
                                .tell = tell,
                                .user = t};
  if (player_new(&t->p, &config, &err) != STATUS_OK) {
    fail_msg("player_new: %s", err.message);
  }
}

void trial_player_close(trial_player *t)
{
  player_free(t->p);
  token_model_unref(t->model);
}

int trial_player_setup(void **state)
{
  trial_player_open(*state, &trial_usual);
  return 0;
}

int trial_player_teardown(void **state)
{
  trial_player_close(*state);
  return 0;
}

uint64_t trial_player_start(const trial_player *t)
{
  return t->n_steps * TRIAL_STEP_SAMPLES;
}

void trial_player_control(trial_player *t, const control *c)
{
  assert_true(t->n_controls < TRIAL_CONTROLS);
  t->controls[t->n_controls++] = *c;
}

void trial_player_set(trial_player *t, int parameter, double value)
{
  trial_player_control(t, &(control){.position_samples = trial_player_start(t),
                                     .kind = CONTROL_SET,
                                     .id = (uint16_t)parameter,
                                     .value = value});
}

void trial_player_act(trial_player *t, control_action action)
{
  trial_player_control(t, &(control){.position_samples = trial_player_start(t),
                                     .kind = CONTROL_ACTION,
                                     .id = (uint16_t)action});
}

static void take_controls(trial_player *t)
{
  int n = 0;
  player_begin(t->p, trial_player_start(t));
  while (n < t->n_controls && t->controls[n].position_samples <= trial_player_start(t)) {
    player_control(t->p, &t->controls[n++]);
  }
  t->n_controls -= n;
  memmove(t->controls, t->controls + n, (size_t)t->n_controls * sizeof *t->controls);
  player_take_waiting(t->p);
}

int32_t trial_player_step(trial_player *t, int32_t code, double db)
{
  int32_t codes[TRIAL_CODEBOOKS];
  const player_hop hop = {.codes = codes,
                          .level = {.mean_square = level_power(db), .peak = 0.0f},
                          .sounded = t->sounded};
  for (int k = 0; k < TRIAL_CODEBOOKS; ++k) {
    codes[k] = code + k;
  }
  take_controls(t);
  t->wanted_mix = player_wants_mix(t->p);
  assert_int_equal(player_step(t->p, &hop, &t->sound), STATUS_OK);
  ++t->n_steps;
  return t->sound.codes[0];
}

void trial_player_steps(trial_player *t, int n, int32_t code, double db)
{
  for (int i = 0; i < n; ++i) {
    trial_player_step(t, code + i, db);
  }
}

play_mode trial_player_mode(const trial_player *t)
{
  return (play_mode)player_value(t->p, PARAMETER_MODE);
}

int trial_player_n_rewound(const trial_player *t)
{
  int n = 0;
  for (size_t i = 0; i < trial_token_n_calls(t->model); ++i) {
    n += trial_token_call(t->model, i)->n_steps;
  }
  return n;
}

int trial_player_n_events(const trial_player *t, player_event_kind kind)
{
  int n = 0;
  for (int i = 0; i < t->n_events; ++i) {
    n += t->events[i].kind == kind;
  }
  return n;
}

const trial_event *trial_player_last_event(const trial_player *t, player_event_kind kind)
{
  for (int i = t->n_events - 1; i >= 0; --i) {
    if (t->events[i].kind == kind) {
      return &t->events[i];
    }
  }
  fail_msg("no event of kind %d", (int)kind);
  return NULL;
}
