// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What the player is made of, for its two files: player.c (steps and modes), player_control.c
/// (controls).
#ifndef CONTINUO_ENGINE_PLAY_PLAYER_INTERNAL_H
#define CONTINUO_ENGINE_PLAY_PLAYER_INTERNAL_H

#include "engine/output/gate.h"
#include "engine/output/level_match.h"
#include "engine/play/code_effects.h"
#include "engine/play/player.h"

#define PLAYER_HEARD_STEPS 512 ///< remembered for freeze; more than it repeats and rewinds
#define PLAYER_WAITING 64      ///< controls that wait for a beat
#define PLAYER_REWIND_S 4      ///< R

/// A snapshot of the model in use and of what goes with it, for again and for mark.
typedef struct player_place {
  bool taken;
  int memory;          ///< which model
  uint64_t seed, draw; ///< as they were
  uint64_t n_heard;
  void *model; ///< token_state_bytes
} player_place;

/// What a step depends on besides the models, effects and heard codes: plain, so that copying it
/// is a snapshot.
typedef struct player_face {
  double values[PARAMETER_MAX];
  beat_clock beat;
  gate gate;
  level_match match;
  play_mode before;  ///< ACTION_CONTINUE goes back to it
  bool plays;        ///< by itself
  uint64_t draw;     ///< counts the model's draws: the key of its chance
  uint64_t n_heard;  ///< steps in `heard` since open
  uint64_t n_silent; ///< of the newest of them, those below the gate
  uint64_t n_looped; ///< freeze: steps played
  uint64_t n_steps;
  float wet, dry;   ///< gains at the end of the last step
  bool own_sounded; ///< the last hop was not the input's
  control waiting[PLAYER_WAITING];
  uint64_t due[PLAYER_WAITING]; ///< when each takes effect
  int n_waiting;
} player_face;

struct player {
  player_config config;
  player_face face;
  uint64_t start_samples;               ///< of the step begun
  uint64_t rewind_steps;                ///< R
  token_state *models[PLAYER_MEMORIES]; ///< null without a model
  player_place again, mark;
  code_effects effects;
  bool has_effects;
  int32_t *heard; ///< [PLAYER_HEARD_STEPS, n_used] a ring
  int32_t *codes; ///< [n_used] what sounds
  int32_t *blend; ///< [n_used]
};

static inline double player_get(const player *p, int id)
{
  return p->face.values[id];
}

static inline play_mode player_mode(const player *p)
{
  return (play_mode)player_get(p, PARAMETER_MODE);
}

static inline token_state *player_model(const player *p)
{
  return p->models[(int)player_get(p, PARAMETER_MEMORY)];
}

/// Change the mode; refused where the model cannot.
void player_set_mode(player *p, play_mode mode);
void player_tell_event(player *p, player_event_kind kind, uint64_t value);
void player_take_place(player *p, player_place *place);
/// False where nothing was taken.
bool player_go_to(player *p, const player_place *place);

#endif
