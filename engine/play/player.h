// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The player: decides, step by step, which codes sound. It holds the modes, the memories (token
/// models with what they have heard), the gate and the beat, and takes the controls that touch
/// codes. What is heard wet is always the decoder's: to go on playing is only to change where the
/// codes come from.
///
/// What it does is a function of the codes and levels it is given and of the controls' stamps:
/// nothing depends on a clock. The conductor's alone, but for what is marked [any]. Nothing after
/// `player_new` allocates.
#ifndef CONTINUO_ENGINE_PLAY_PLAYER_H
#define CONTINUO_ENGINE_PLAY_PLAYER_H

#include "base/status.h"
#include "engine/control/beat.h"
#include "engine/control/control.h"
#include "engine/control/parameters.h"
#include "engine/output/level.h"
#include "engine/play/mosaic.h"
#include "models/codec.h"
#include "models/token_model.h"

#include <stdbool.h>
#include <stdint.h>

#define PLAYER_MEMORIES 2 ///< A and B

typedef struct player player;

/// What one step brings.
typedef struct player_hop {
  const int32_t *codes; ///< [n_codebooks] of the input, or of the mix if player_wants_mix
  bool fed_back;        ///< our output comes back into the input (engine/output/feedback.h)
  hop_level level;      ///< of the input alone
  hop_level sounded;    ///< of the hop that was played last, before the player's gains
} player_hop;

/// What is to be heard of it.
typedef struct player_sound {
  const int32_t *codes;       ///< [n_used], until the next step
  const int32_t *blend_codes; ///< [n_used], crossfaded with in latent space
  float blend;                ///< share of blend_codes, 0 to 1
  float wet_from, wet_to;     ///< gain of the decoded hop, moving linearly over it
  float dry_from, dry_to;     ///< gain of the input, aligned with it
} player_sound;

typedef enum player_event_kind {
  PLAYER_EVENT_MODE,     ///< value: play_mode, from this step on
  PLAYER_EVENT_PLAYS,    ///< value: 1 it plays by itself from this step on, 0 no longer
  PLAYER_EVENT_REFUSED,  ///< value: play_mode that the model cannot play
  PLAYER_EVENT_FEEDBACK, ///< value: 1 fades out, 0 comes back
} player_event_kind;

/// Told while a step is played, never otherwise.
typedef void (*player_tell)(void *user, player_event_kind kind, uint64_t value,
                            uint64_t position_samples);

typedef struct player_config {
  const codec_info *info;
  int n_used;           ///< codebooks that the session codes with
  token_model *model;   ///< null: it can only give back what it hears; a reference is taken
  const mosaic *corpus; ///< of the mosaic effect; null: none. Must live as long
  uint32_t host_rate_hz;
  player_tell tell; ///< may be null
  void *user;
} player_config;

status player_new(player **p, const player_config *config, error *err);
void player_free(player *p); ///< null is fine

/// The host's rate changed; positions go on.
void player_set_rate(player *p, uint32_t host_rate_hz);

/// A step, in this order. Begin the one that starts at `start_samples`.
void player_begin(player *p, uint64_t start_samples);

/// Its controls: each whose stamp is at or before its start, in the order of their stamps. What
/// waited for a beat and was due at or before a control's stamp takes effect before it.
void player_control(player *p, const control *c);

/// What waited for a beat up to the step's start takes effect.
void player_take_waiting(player *p);

/// Whether its hop is to be encoded mixed with what was played last (mode accompany, once the model
/// has played something).
bool player_wants_mix(const player *p);

/// Whether what sounds follows the input, so that it can build up through the room.
bool player_follows_input(const player *p);

/// The step itself. STATUS_DEVICE: the model failed.
status player_step(player *p, const player_hop *hop, player_sound *sound);

/// What the player is at, for telemetry.
typedef struct player_view {
  int mode;   ///< play_mode
  bool plays; ///< by itself: the codes are not the input's
  bool gate_open;
  bool fed_back;         ///< faded out because of it
  double beat, bpm;      ///< 0: no clock runs
  uint64_t memory_steps; ///< heard and remembered, of the memory in use
  uint64_t place;        ///< oracle: remembered step that sounds
  uint64_t n_ignored;    ///< actions that came faster than anybody plays, since open
} player_view;
void player_read(const player *p, player_view *view); ///< conductor
double player_value(const player *p, int parameter);  ///< as it stands; conductor

/// Snapshot of everything that a step depends on, the models' memories included. Restoring and
/// going on gives the same codes as never having stopped.
size_t player_bytes(const player *p);
status player_save(const player *p, void *snapshot);
status player_restore(player *p, const void *snapshot);

/// Every stretch of memory that a step touches, for locking it. [main]
void player_visit_memory(const player *p, codec_memory_visit visit, void *user);

#endif
