// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The index of a mosaic: for a number of codebooks compared, its steps by *key* (the codes of
/// these codebooks; steps of one key are equally near to anything) and its keys by *class* (the
/// first code). Each class lies within a ball, so that classes that are too far away need not be
/// looked into; and the squared distance to a key is a sum of numbers that belong to its codes.
#ifndef CONTINUO_ENGINE_PLAY_MOSAIC_INDEX_H
#define CONTINUO_ENGINE_PLAY_MOSAIC_INDEX_H

#include "engine/play/mosaic.h"

#include <stdint.h>

#define MOSAIC_LANES 16

/// Our copy of the codebooks, also the other way round: lanes run over codewords.
typedef struct mosaic_space {
  int n;
  int64_t size, dim;
  int64_t size_padded;                 ///< to a multiple of MOSAIC_LANES
  float *vectors[MOSAIC_MAX_COMPARED]; ///< [size, dim]
  float *across[MOSAIC_MAX_COMPARED];  ///< [dim, size_padded]; the first's is null
} mosaic_space;

status mosaic_space_init(mosaic_space *s, const mosaic_codebooks *books, error *err);
void mosaic_space_destroy(mosaic_space *s); ///< a zeroed one is fine

/// out [dim]: the sum of the codewords of codes [n]; a code outside its codebook adds nothing.
void mosaic_space_latent(const mosaic_space *s, const int32_t *codes, int n, float *out);

/// What a search reads of a key, side by side.
typedef struct mosaic_key {
  float norm;                             ///< squared, of its latent
  uint16_t fine[MOSAIC_MAX_COMPARED - 1]; ///< its codes but the first; 0 where none is compared
} mosaic_key;

typedef struct mosaic_index {
  int n_compared;
  uint32_t n_classes, n_keys;
  int32_t *class_codes; ///< [n_classes] the first code
  uint32_t *class_keys; ///< [n_classes + 1] first key of each class
  float *centres;       ///< [dim, classes padded] mean latent of a class's keys
  float *centre_norms;  ///< [n_classes] squared
  float *radii;         ///< [n_classes] from the centre to the farthest key
  mosaic_key *keys;     ///< [n_keys]
  uint32_t *key_steps;  ///< [n_keys + 1] first entry of each key in `steps`
  uint32_t *steps;      ///< by key
  int32_t *key_of_step; ///< [n_steps]; -1: cannot be found
  float spread;         ///< mean squared distance of steps from their mean
} mosaic_index;

/// codes [n_steps, n_codebooks]. STATUS_USAGE when no step can be found, STATUS_NO_MEMORY.
status mosaic_index_init(mosaic_index *x, const mosaic_space *space, int n_compared,
                         const int32_t *codes, size_t n_steps, int n_codebooks, error *err);
void mosaic_index_destroy(mosaic_index *x); ///< a zeroed one is fine

/// A search: the nearest key, and how far any key is.
typedef struct mosaic_search {
  uint32_t key;
  float distance;      ///< squared
  float next_distance; ///< squared, to `next_key`
} mosaic_search;

/// The key nearest to latent [dim], and the distance to `next_key` (-1: none, infinite).
mosaic_search mosaic_index_search(const mosaic_index *x, const mosaic_space *space,
                                  const float *latent, int32_t next_key);

#endif
