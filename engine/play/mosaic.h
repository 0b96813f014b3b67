// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A mosaic: recordings as steps of codes, and the search for the step that sounds most like a
/// given one, by the latents that the first one to three codebooks make of both. What comes next in
/// the recording is preferred a little, so that more than splinters of it are heard. After the
/// concatenative synthesis of Schwarz, "Corpus-Based Concatenative Synthesis" (2007), in codes.
///
/// Const once made, counted, shared by any number of threads and sessions.
#ifndef CONTINUO_ENGINE_PLAY_MOSAIC_H
#define CONTINUO_ENGINE_PLAY_MOSAIC_H

#include "base/status.h"
#include "models/codec.h"

#include <stddef.h>
#include <stdint.h>

#define MOSAIC_MAX_COMPARED 3         ///< codebooks
#define MOSAIC_MAX_STEPS (1 << 20)    ///< of all recordings: 5.8 hours at 50 steps a second
#define MOSAIC_MAX_CODEBOOK_SIZE 4096 ///< codewords of a codebook
#define MOSAIC_MAX_DIM 1024           ///< of a codeword
#define MOSAIC_BUDGET_KEYS 8192       ///< different steps that one search compares at most

typedef struct mosaic mosaic;

/// The codebooks that steps are compared by: the codec's first.
typedef struct mosaic_codebooks {
  int n;                                     ///< 1 to MOSAIC_MAX_COMPARED
  int64_t size, dim;                         ///< of each
  const float *vectors[MOSAIC_MAX_COMPARED]; ///< [size, dim] each
} mosaic_codebooks;

typedef struct mosaic_recording {
  const int32_t *codes; ///< [n_steps, n_codebooks]
  size_t n_steps;
} mosaic_recording;

/// Copies codes and codebooks. A step with a code that is not in its codebook, among those
/// compared, is never found (so -1 for lost steps is fine). STATUS_USAGE (a number out of the
/// limits above, no step that could be found), STATUS_NO_MEMORY. [main]
status mosaic_new_from_codes(mosaic **m, const mosaic_recording *recordings, size_t n_recordings,
                             int n_codebooks, const mosaic_codebooks *books, error *err);

/// The same from files: recordings, encoded with the codec, and codes (.rvq, .ecdc, .npy) that were
/// made with it, as far as they tell. All codebooks of the codec; files of codes may have fewer,
/// the rest is -1. The codec must be streamable and its encoder loaded, if there are recordings.
/// Errors name the file: STATUS_NOT_FOUND, STATUS_IO, STATUS_FORMAT (codes of another codec, or
/// neither codes nor sound), STATUS_UNSUPPORTED (a codec without codebooks), STATUS_USAGE,
/// STATUS_NO_MEMORY. Takes as long as encoding them. [main]
status mosaic_load(mosaic **m, codec *c, const char *const *paths, size_t n_paths, error *err);

mosaic *mosaic_ref(mosaic *m);
void mosaic_unref(mosaic *m); ///< null is fine; frees: [main]

int64_t mosaic_n_steps(const mosaic *m);
int mosaic_n_codebooks(const mosaic *m);
const int32_t *mosaic_codes(const mosaic *m, int64_t step); ///< [n_codebooks]

/// The step after this one in its recording; -1 after the last.
int64_t mosaic_next(const mosaic *m, int64_t step);

typedef struct mosaic_query {
  const int32_t *codes; ///< [n_codes]; one that is not in its codebook adds nothing
  int n_codes;
  int n_compared;  ///< codebooks compared, 1 or more; at most those there are
  int64_t next;    ///< the step to be preferred, usually mosaic_next of the last; -1: none
  float stay;      ///< how much: it may be farther than the nearest by so many times the mean
                   ///< squared distance of the recordings' steps from their mean
  uint64_t chance; ///< chooses among steps that are equally near
} mosaic_query;

/// The nearest step. Exact as long as MOSAIC_BUDGET_KEYS suffice; then the nearest of those, which
/// come from the most promising classes. Bounded time: see docs/effects.md. Never allocates or
/// locks.
int64_t mosaic_find(const mosaic *m, const mosaic_query *q);

#endif
