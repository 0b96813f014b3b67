// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Places in an oracle's memory to go on from, and how well each would follow what sounds now: by
/// how much past they share, how alike they sound, whether the beat goes on. Nothing is allocated
/// or kept.
#ifndef CONTINUO_MODELS_ORACLE_PLACES_H
#define CONTINUO_MODELS_ORACLE_PLACES_H

#include "models/oracle_ear.h"
#include "models/oracle_memory.h"
#include "models/oracle_pulse.h"
#include "models/token_model.h"

#define ORACLE_MAX_PLACES 96
#define ORACLE_FULL_CONTEXT 24  ///< steps in common beyond which more do not count
#define ORACLE_RHYTHM_STEPS 192 ///< of the past that are compared, at most; a multiple of 8

/// All that an oracle has heard.
typedef struct oracle_heard {
  const oracle_ear *ear;
  const oracle_memory *memory;
  const oracle_pulse *pulse;
} oracle_heard;

/// What sounds now.
typedef struct oracle_present {
  uint16_t classes[ORACLE_FULL_CONTEXT]; ///< of the last steps, the newest first
  uint32_t n_classes;
  oracle_latent now;                            ///< the last step
  float onsets[ORACLE_RHYTHM_STEPS];            ///< of the last steps, in order
  uint32_t n_onsets;                            ///< a multiple of 8
  float onset_squares[ORACLE_RHYTHM_STEPS / 8]; ///< sums over the last 8, 16, ... of them
} oracle_present;

typedef struct oracle_place {
  uint64_t step;    ///< the next one, if it is chosen
  uint32_t context; ///< steps before it that have the class of those that sounded
  float staleness;  ///< 0 to 1 (just sounded), the caller's to fill
  float rhythm;     ///< how well the rhythm goes on there, -1 to 1; NAN: not known yet
  bool barred;      ///< not to be chosen, likewise
  float weight;
} oracle_place;

typedef struct oracle_places {
  oracle_place list[ORACLE_MAX_PLACES];
  int count;
} oracle_places;

/// The last `n_onsets` onsets are in place: fill in what is derived from them.
void oracle_present_complete(oracle_present *present);

/// Where what was heard up to the remembered step `from` had been heard before.
void oracle_places_add_linked(oracle_places *p, const oracle_heard *heard, uint64_t from);

/// What follows steps of a class, the newest.
void oracle_places_add_class(oracle_places *p, const oracle_heard *heard, uint16_t class_of_step);

/// Steps that lie where onsets are most like those at `origin`, by the pulse.
void oracle_places_add_pulse(oracle_places *p, const oracle_heard *heard,
                             const oracle_present *present, uint64_t origin);

/// Fill the weights. Returns their sum, 0 when there is nowhere to go.
float oracle_places_weigh(oracle_places *p, const oracle_heard *heard,
                          const oracle_present *present, const token_sampling *how);

/// The place at `share` (0 to 1, excluded) of the weights' sum; null when that is zero.
const oracle_place *oracle_places_at(const oracle_places *p, float sum, float share);

#endif
