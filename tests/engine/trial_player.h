// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A player (engine/play/player.h) in a test's hands, stepped as the conductor steps it: 50 steps a
/// second, 960 host samples each, four codebooks. Failures are cmocka's.
#ifndef CONTINUO_TESTS_ENGINE_TRIAL_PLAYER_H
#define CONTINUO_TESTS_ENGINE_TRIAL_PLAYER_H

#include "engine/play/player.h"
#include "tests/engine/trial_token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  TRIAL_STEP_SAMPLES = 960,
  TRIAL_RATE_HZ = 48000,
  TRIAL_CODEBOOKS = 4,
  TRIAL_R_STEPS = 200, ///< four seconds
  TRIAL_CONTROLS = 128,
  TRIAL_EVENTS = 256,
};

#define LOUD_DB (-20.0)
#define SILENT_DB (-90.0)

typedef struct trial_event {
  player_event_kind kind;
  uint64_t value, position_samples;
} trial_event;

typedef struct trial_player {
  codec_info info;
  token_model *model; ///< may be null
  player *p;
  uint64_t n_steps; ///< done
  control controls[TRIAL_CONTROLS];
  int n_controls; ///< not yet handed on
  trial_event events[TRIAL_EVENTS];
  int n_events;
  player_sound sound; ///< of the last step
  hop_level sounded;  ///< what the next step is told of the last one
  bool wanted_mix;    ///< in the last step
} trial_player;

/// A model that can do everything, and go back for 1000 steps.
extern const trial_token_options trial_usual;

/// options null: without a model.
void trial_player_open(trial_player *t, const trial_token_options *options);
void trial_player_close(trial_player *t);

/// Around a test of cmocka's whose first state is a trial_player *: opened with trial_usual,
/// closed.
int trial_player_setup(void **state);
int trial_player_teardown(void **state);

/// Where the coming step starts.
uint64_t trial_player_start(const trial_player *t);

/// A control with its stamp, in the order of the stamps; handed on with its step.
void trial_player_control(trial_player *t, const control *c);
/// The same, stamped at the coming step's start.
void trial_player_set(trial_player *t, int parameter, double value);
void trial_player_act(trial_player *t, control_action action);

/// A step of codes code, code + 1, ... at `db`; returns the first code that sounds.
int32_t trial_player_step(trial_player *t, int32_t code, double db);
/// So many steps in a row, of codes counting up from `code`.
void trial_player_steps(trial_player *t, int n, int32_t code, double db);

/// The mode it is in.
play_mode trial_player_mode(const trial_player *t);

/// Steps that its model was rewound in all.
int trial_player_n_rewound(const trial_player *t);

/// How many events of that kind; and the last of them, which must be there.
int trial_player_n_events(const trial_player *t, player_event_kind kind);
const trial_event *trial_player_last_event(const trial_player *t, player_event_kind kind);

#endif
