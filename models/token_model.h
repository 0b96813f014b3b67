// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A live token model: it hears steps of codes one at a time and says what the next step may be. A
/// session sees only this, whether it plays an oracle that learns from what it hears or a trained
/// network. A loaded model is const and counted; all memory of a stream is in a token_state, which
/// belongs to one thread at a time (live: the conductor).
///
/// How the kinds map:
/// - oracle (models/oracle.h): observe adds the step to its memory, sample walks in it.
/// - flat GPT (codebooks one after another in time): observe appends n_codebooks tokens to the
///   cache, sample draws and appends as many.
/// - temporal + depth (MRT2, Moshi): observe runs the temporal stack for one step, sample the depth
///   stack; a step drawn with `goes_on` goes through the temporal stack as an observed one does.
/// - MEGABYTE with one step per patch: the same, global and local.
/// - delay pattern (MusicGen): codebook k lags k steps, so `delay_steps` further steps pass before
///   the first whole step is drawn from what was observed.
/// In all of these the cache is a ring of context_steps + rewind_steps: rewinding moves an index.
/// Models that refine whole sequences (bidirectional fills, VALL-E's second stage) are no live
/// models and stand behind another interface.
#ifndef CONTINUO_MODELS_TOKEN_MODEL_H
#define CONTINUO_MODELS_TOKEN_MODEL_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#define TOKEN_MAX_CODEBOOKS 64
#define TOKEN_NO_STEP UINT64_MAX

typedef struct token_model token_model;
typedef struct token_state token_state;

typedef struct token_model_info {
  char kind[16];           ///< "oracle", ...
  char name[64];           ///< for people
  char codec_sha256[65];   ///< hex, of the encoder and codebooks it was trained with; "": any
  uint32_t n_codebooks;    ///< of a step, observed and sampled alike; 1 to TOKEN_MAX_CODEBOOKS
  uint32_t codebook_size;  ///< entries of each; 0: any 32 bits
  uint32_t context_steps;  ///< most steps that bear on the next one; of an oracle: its memory
  uint32_t rewind_steps;   ///< most that can be taken back at once
  uint32_t delay_steps;    ///< from the last observed step to the first whole one drawn after it
  uint32_t n_classes;      ///< that token_state_set_classes takes; 0: none
  double steps_per_second; ///< of its codec
  bool learns;             ///< observing is learning: nothing observed, nothing to say
  bool generates;          ///< has something to say from nothing
} token_model_info;

/// How to draw one step. A pure value: the same state and the same token_sampling give the same
/// step, bit for bit, so a performance that notes these can be replayed. A model ignores what does
/// not concern it; values out of range count as the nearest in it. Start from the model's defaults.
typedef struct token_sampling {
  uint64_t seed; ///< of the piece
  uint64_t step; ///< counts steps: no two draws of a piece may share (seed, step)
  /// true: the model's own output becomes its context (continue, generate). False: what sounds in
  /// the end, the step mixed with the player's, will be observed next (accompany).
  bool goes_on;

  // Trained networks.
  float temperature; ///< 0 (the likeliest) to 4; 1: as trained
  float top_p;       ///< 0 to 1 (all)
  float guidance;    ///< 0 to 10; 1: none
  uint32_t top_k;    ///< 0: all

  // The oracle.
  float jump_probability; ///< 0 (only where it must) to 1, per step after min_run_steps
  float similarity;       ///< 0 (any place with the same past) to 1 (only the most alike)
  float pulse;            ///< 0 (anywhere) to 1: how strictly jumps keep the beat
  float follow;           ///< 0 to 1, accompany: how readily it goes where the present was
                          ///< heard before
  uint32_t min_run_steps; ///< played on before a jump of choice; 0 to 1000
  /// A stretch that sounds just as it did `lag` steps before (up to ten seconds) stays shorter than
  /// this, or than lag / 2 where that is more, and shorter than twice this in any case. 1 up. One
  /// from other places that sound alike is broken as soon as it is noticed, a few steps later.
  uint32_t repeat_limit_steps;
  uint32_t blend_steps; ///< crossfade after a jump: 0, 1 or 2
} token_sampling;

typedef struct token_step {
  int32_t codes[TOKEN_MAX_CODEBOOKS];       ///< [n_codebooks]; all -1: nothing to say
  int32_t blend_codes[TOKEN_MAX_CODEBOOKS]; ///< [n_codebooks] what would have come without a jump
  float blend;          ///< share of blend_codes in the latent (codec_decode_blend), 0 to 1
  bool jumped;          ///< this step does not follow the one before in the memory
  uint64_t source_step; ///< its number in the memory, from 0 at the last reset; or TOKEN_NO_STEP
} token_step;

/// For the display; a copy.
typedef struct token_position {
  uint64_t n_observed;      ///< steps since the last reset, rewound ones not counted
  uint64_t n_remembered;    ///< of them, the newest so many
  uint64_t source_step;     ///< last sampled, or TOKEN_NO_STEP
  uint32_t context_steps;   ///< how much of the past the last jump had in common
  float pulse_period_steps; ///< estimated; 0: none
} token_position;

// ---- models, any thread ----

token_model *token_model_ref(token_model *m);
void token_model_unref(token_model *m); ///< null is fine
const token_model_info *token_model_get_info(const token_model *m);

/// Values to start from: seed and step 0, goes_on true.
token_sampling token_model_defaults(const token_model *m);

// ---- streams ----

/// All memory of one stream, as after token_state_reset. STATUS_NO_MEMORY. Not from the conductor.
status token_state_new(token_state **s, token_model *m, error *err);
void token_state_free(token_state *s); ///< null is fine

// From here on: the state's thread. Never allocates, locks or logs. The time of a call does not
// grow with what was observed.

/// Forget everything.
void token_state_reset(token_state *s);

/// Hear a step: codes [n_codebooks]; a code below 0 is none. STATUS_DEVICE.
status token_state_observe(token_state *s, const int32_t *codes);

/// Draw the next step. STATUS_DEVICE; `out` then says nothing.
status token_state_sample(token_state *s, const token_sampling *how, token_step *out);

/// What it is to sound like: weights [n_classes], 0 up, taken as shares of their sum; null or all
/// zero: no class. Acts on all steps from the next on. STATUS_UNSUPPORTED without classes.
status token_state_set_classes(token_state *s, const float *weights);

/// Forget the last `n_steps` of the context, as if they had never been; returns how many could be:
/// at most rewind_steps in a row and no more than there are. An oracle's context is what it
/// observed; its walk starts anew from there. What was forgotten meanwhile stays forgotten.
int token_state_rewind(token_state *s, int n_steps);

/// Snapshots: everything the state is, of fixed size, for states of the same model. Going on from a
/// restored one gives the same bits as never having stopped. STATUS_DEVICE.
size_t token_state_bytes(const token_state *s);
status token_state_save(const token_state *s, void *snapshot);
status token_state_restore(token_state *s, const void *snapshot);

token_position token_state_position(const token_state *s);

/// Tell `visit` of each stretch of host memory that a call reads or writes, for locking it. [main]
typedef void (*token_memory_visit)(void *user, const void *data, size_t bytes);
void token_visit_memory(const token_state *s, token_memory_visit visit, void *user);

#endif
