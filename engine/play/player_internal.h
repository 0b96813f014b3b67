// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What the player is made of, for its files: player.c (steps and modes), player_control.c
/// (controls), player_snapshot.c.
#ifndef CONTINUO_ENGINE_PLAY_PLAYER_INTERNAL_H
#define CONTINUO_ENGINE_PLAY_PLAYER_INTERNAL_H

#include "engine/output/gate.h"
#include "engine/output/level_match.h"
#include "engine/play/code_effects.h"
#include "engine/play/player.h"

#define PLAYER_HEARD_STEPS 512 ///< remembered for freeze; more than it repeats and rewinds
#define PLAYER_WAITING 64      ///< controls that wait for a beat
#define PLAYER_REWIND_S 4      ///< R
#define PLAYER_MOVES 4         ///< places gone to in one step; more are ignored

/// What a memory has heard, in steps.
typedef struct player_counts {
  uint64_t n_heard;  ///< in its ring since it was emptied
  uint64_t n_silent; ///< of the newest of them, those below the gate
} player_counts;

/// One of the memories and what goes with it, as they were: for again and for mark.
typedef struct player_place {
  bool taken;
  bool due;   ///< its copy is still to be made: nothing has changed since it was taken
  int memory; ///< which
  uint64_t seed, draw;
  player_counts counts;
} player_place;

/// Where a place's memory is copied to.
typedef struct player_copy {
  void *model;    ///< token_state_bytes
  int32_t *heard; ///< as in player
} player_copy;

enum { PLACE_AGAIN, PLACE_MARK, PLAYER_PLACES };

/// What a step depends on besides the models, effects and heard codes: plain, so that copying it
/// is a snapshot.
typedef struct player_face {
  double values[PARAMETER_MAX];
  beat_clock beat;
  gate gate;
  level_match match;
  bool fed_back;          ///< faded out because of it
  play_mode before;       ///< ACTION_CONTINUE goes back to it
  bool plays;             ///< by itself
  bool sounds_own;        ///< the last hop was the model's, and there was something to hear
  uint64_t start_samples; ///< of the step begun
  uint64_t draw;          ///< counts the model's draws: the key of its chance
  uint64_t n_looped;      ///< freeze: steps played
  player_counts counts[PLAYER_MEMORIES];
  player_place places[PLAYER_PLACES];
  int n_moves; ///< places gone to since the last step
  uint64_t n_ignored;
  float wet, dry; ///< gains at the end of the last step
  control waiting[PLAYER_WAITING];
  uint64_t due[PLAYER_WAITING]; ///< when each takes effect
  int n_waiting;
} player_face;

struct player {
  player_config config;
  player_face face;
  uint64_t rewind_steps;                ///< R
  token_state *models[PLAYER_MEMORIES]; ///< null without a model
  int32_t *heard[PLAYER_MEMORIES];      ///< [PLAYER_HEARD_STEPS, n_used] a ring each
  player_copy copies[PLAYER_PLACES];
  code_effects effects;
  bool has_effects;
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

static inline int player_memory(const player *p)
{
  return (int)player_get(p, PARAMETER_MEMORY);
}

static inline token_state *player_model(const player *p)
{
  return p->models[player_memory(p)];
}

static inline size_t player_heard_bytes(const player *p)
{
  return PLAYER_HEARD_STEPS * (size_t)p->config.n_used * sizeof(int32_t);
}

static inline size_t player_model_bytes(const player *p)
{
  return p->models[0] ? token_state_bytes(p->models[0]) : 0;
}

/// Change the mode; refused where the model cannot.
void player_set_mode(player *p, play_mode mode);
/// The same without what follows from it: ACTION_CONTINUE will know where to go back to.
void player_note_mode(player *p, play_mode mode);
void player_set_plays(player *p, bool plays);
void player_tell_event(player *p, player_event_kind kind, uint64_t value);
/// Remember how it is now. The copy, which is megabytes, is made before anything changes: however
/// often places are taken in a step, little is copied. 0.25 ms for an oracle that remembers ten
/// minutes (5.6 MB, none of it in the cache; AMD EPYC, Zen 5).
void player_take_place(player *p, int place);
/// Make the copies that are due: before a model changes.
void player_settle_places(player *p);
/// False where nothing was taken.
bool player_go_to(player *p, int place);

#endif
