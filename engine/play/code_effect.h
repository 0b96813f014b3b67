// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What an effect is to the chain (engine/play/code_effects.c), and what it sees of a step.
#ifndef CONTINUO_ENGINE_PLAY_CODE_EFFECT_H
#define CONTINUO_ENGINE_PLAY_CODE_EFFECT_H

#include "engine/play/code_effects.h"
#include "engine/play/code_grid.h"
#include "engine/play/mosaic.h"

#include <stdbool.h>
#include <stdint.h>

/// What an effect remembers besides its input; plain, zeros at step 0. Each uses what it needs.
typedef struct code_effect_memory {
  code_grid grid;   ///< the segments that chance decides about
  code_grid slices; ///< stutter: the repeats within a segment
  double lag_steps; ///< stretch: how far it reads behind, never above the limit
  int32_t count;    ///< stretch: steps of the present grain; stutter: repeats so far
  uint16_t order[CODE_GRID_MAX_STEPS]; ///< step shuffle: sources within the previous segment
  uint32_t n_order;
  int64_t next; ///< mosaic: 1 more than the step that comes next in the recording; 0: none
} code_effect_memory;

/// One step as one effect sees it. The settings have been brought into their ranges.
typedef struct code_effect_step {
  uint64_t now; ///< number of this step since reset
  int n_codebooks;
  float fader;         ///< 0 to 1. At 0 the chain passes the input on, whatever the effect says
  const float *values; ///< as the effect's info lists them
  code_clock clock;
  uint64_t seed, stream;      ///< keys of its chance; the counter is the effect's
  const int32_t *history;     ///< its input: [CODE_EFFECTS_HISTORY_STEPS, n_codebooks], a ring
  code_effect_memory *memory; ///< its own
  const mosaic *corpus;       ///< may be null
} code_effect_step;

/// The input of step `source`: not after this one, not before the first, not forgotten; else this
/// step's.
const int32_t *code_effect_source(const code_effect_step *s, int64_t source);

/// Whether chance `counter` falls within `most` times the fader: never at 0, and with `most` 1
/// always at 1. A fader that moves takes effect at once, but the same chance is taken as long as
/// `counter` stays.
bool code_effect_chance(const code_effect_step *s, uint64_t counter, float most);

/// Uniform in [0, 1), from another stream than `code_effect_chance`.
float code_effect_uniform(const code_effect_step *s, uint64_t counter);

typedef struct code_effect {
  code_effect_info info;
  /// codes [n_codebooks]: the input, to be changed in place. Called at every step, whatever the
  /// fader, so that segments go on.
  void (*step)(const code_effect_step *s, int32_t *codes);
} code_effect;

extern const code_effect code_effect_mosaic;
extern const code_effect code_effect_stretch;
extern const code_effect code_effect_stutter;
extern const code_effect code_effect_reverse;
extern const code_effect code_effect_step_shuffle;
extern const code_effect code_effect_codebook_swap;
extern const code_effect code_effect_codebook_shuffle;
extern const code_effect code_effect_codebook_mute;
extern const code_effect code_effect_depth;

#endif
