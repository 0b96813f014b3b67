// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The oracle: a token model that needs no training. It remembers the steps that it observed, in a
/// factor oracle over classes of their first codes, and plays them again in another order: on from
/// step to step, and now and then elsewhere, where the same was heard just before. After OMax
/// (Assayag and Dubnov 2004, "Using factor oracles for machine improvisation") and Somax.
///
/// Memory is bounded: two or more factor oracles start one after another over the same steps; the
/// oldest is played from, and when it is full the next takes over and it starts again. So at all
/// times the one played from is a plain factor oracle over exactly the steps remembered.
#ifndef CONTINUO_MODELS_ORACLE_H
#define CONTINUO_MODELS_ORACLE_H

#include "models/codec.h"
#include "models/token_model.h"

typedef struct oracle_options {
  uint32_t n_codebooks;    ///< of a step; 0: the codec's, at most TOKEN_MAX_CODEBOOKS
  uint32_t memory_steps;   ///< always remembered, 16 to 49000; 0: ten minutes, as far as they fit.
                           ///< Up to twice as many are
  uint32_t n_classes;      ///< of the first codebook's codes, 1 to 1024; 0: a good number
  uint32_t second_classes; ///< of the second's, 1 to 16; 0: a good number; 1: not listened to
} oracle_options;

/// An oracle over the codes of `c`, to which it takes a reference; `options` may be null.
/// STATUS_USAGE, STATUS_NO_MEMORY. Not from the audio thread.
status oracle_new(token_model **m, codec *c, const oracle_options *options, error *err);

#endif
