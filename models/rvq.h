// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Residual vector quantisation: each stage codes what the stages before it left over; any number
/// of stages, counted from the first, can be used. Source: Zeghidour et al. 2021 (SoundStream),
/// algorithm 1.
#ifndef CONTINUO_MODELS_RVQ_H
#define CONTINUO_MODELS_RVQ_H

#include "models/layers.h"

typedef struct rvq {
  int n_codebooks;                         ///< 1 to OPS_MAX_CODEBOOKS
  int64_t size;                            ///< codewords of each
  int64_t dim;                             ///< of a codeword: the latent's
  weight codebooks[OPS_MAX_CODEBOOKS];     ///< [size, dim] each
  const weight *stages[OPS_MAX_CODEBOOKS]; ///< the same, as the operators want them
} rvq;

/// Set up codebooks "rvq.0.codebook" ... and enter them into `set`; `q` must not move afterwards.
void rvq_init(rvq *q, layer_set *set, int n_codebooks, int64_t size, int64_t dim);

/// latents [n, T, D] -> codes [n, T, n_used] i32.
tensor rvq_encode(run *r, const rvq *q, tensor latents, int n_used);

/// codes [n, T, n_used] i32 -> latents [n, T, D]. A code outside its codebook adds nothing.
tensor rvq_decode(run *r, const rvq *q, tensor codes);

#endif
