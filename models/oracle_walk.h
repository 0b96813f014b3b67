// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The way an oracle takes through its memory: forward, or to another place whose past is like the
/// present. Everything it keeps is in the struct, so a snapshot is a copy. Nothing is allocated;
/// threads: the owner's.
#ifndef CONTINUO_MODELS_ORACLE_WALK_H
#define CONTINUO_MODELS_ORACLE_WALK_H

#include "models/oracle_loops.h"
#include "models/oracle_places.h"

#define ORACLE_HISTORY_STEPS 1024 ///< a power of two

typedef struct oracle_walk {
  uint64_t at;        ///< last step played; TOKEN_NO_STEP: the walk stands at the memory's end
  uint64_t would_be;  ///< step that the last one would have been without a jump, or none
  uint64_t n_heard;   ///< steps in the history so far
  uint32_t run_steps; ///< played since the last jump, the step after it included
  uint32_t context;   ///< steps that the last jump's places have in common
  uint32_t n_lags;    ///< back to where repeats are watched for, below ORACLE_HISTORY_STEPS
  uint32_t n_rhythm;  ///< onsets compared, a multiple of 8 up to ORACLE_RHYTHM_STEPS
  uint16_t class_at;  ///< of step `at`, which may be forgotten meanwhile
  bool holds;         ///< the last step was drawn to be mixed: the next observed does not end it
  bool mixed;         ///< and it was observed: what sounded last is the memory\'s newest step
  uint32_t history[ORACLE_HISTORY_STEPS]; ///< low bits of the numbers of what sounded, as a ring
  float onsets[ORACLE_HISTORY_STEPS];     ///< of the same
  uint16_t equal[ORACLE_HISTORY_STEPS];   ///< [lag] so many sounded just as they did `lag` before
  oracle_loops loops;                     ///< what sounds as other places did
} oracle_walk;

/// Nothing has sounded; repeats are watched for up to `n_lags` steps back, rhythms compared over
/// `n_rhythm`.
void oracle_walk_reset(oracle_walk *w, uint32_t n_lags, uint32_t n_rhythm);

/// A step was observed and remembered (after oracle_memory_add and oracle_pulse_add).
void oracle_walk_observe(oracle_walk *w, const oracle_heard *heard);

/// The last `n_steps` observed were taken back (after oracle_memory_rewind).
void oracle_walk_rewind(oracle_walk *w, uint32_t n_steps);

/// Play the next step; fills all of `out`.
void oracle_walk_sample(oracle_walk *w, const oracle_heard *heard, const token_sampling *how,
                        token_step *out);

#endif
