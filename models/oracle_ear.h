// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What steps sound like to an oracle: the latents of their first codes. Const after init. Any
/// thread.
#ifndef CONTINUO_MODELS_ORACLE_EAR_H
#define CONTINUO_MODELS_ORACLE_EAR_H

#include "models/codec.h"

#define ORACLE_EAR_BOOKS 8 ///< codebooks listened to, at most: so many as hold 32 bits
#define ORACLE_EAR_DIM 256 ///< of a latent, at most; what lies beyond is not heard

typedef struct oracle_ear {
  const float *codebooks[ORACLE_EAR_BOOKS]; ///< [size, dim] each, the codec's own
  int n_codebooks;                          ///< 0: deaf, as to a codec without latents
  int64_t size, dim;                        ///< of a codebook
  int n_heard;                              ///< of dim, rounded down to a multiple of 8 or up
} oracle_ear;

/// Latent of a step, zeros behind what is heard.
typedef struct oracle_latent {
  float values[ORACLE_EAR_DIM];
  float energy; ///< sum of squares
} oracle_latent;

/// Listen to the first `n_codebooks` (or fewer) of `c`, which must outlive the ear.
void oracle_ear_init(oracle_ear *ear, const codec *c, uint32_t n_codebooks);

/// codes: at least as many as the ear listens to; those below 0 or out of range add nothing.
void oracle_ear_hear(const oracle_ear *ear, const int32_t *codes, oracle_latent *latent);

/// How unlike two latents are: 0 (the same) to 2; of two silences 0.
float oracle_ear_difference(const oracle_ear *ear, const oracle_latent *a, const oracle_latent *b);

#endif
