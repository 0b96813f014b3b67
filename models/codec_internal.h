// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What a kind of codec is to models/codec.c: a table of functions. Each kind embeds `codec` and
/// `codec_state` as first members of its own structs. Arguments have been checked against
/// models/codec.h before a slot is called, so that kinds need not do so again.
#ifndef CONTINUO_MODELS_CODEC_INTERNAL_H
#define CONTINUO_MODELS_CODEC_INTERNAL_H

#include "models/codec.h"

#include <stdatomic.h>
#include <stddef.h>

/// Every slot up to `state_restore` is required. Contracts: the function of the same name in
/// models/codec.h.
typedef struct codec_vtable {
  void (*close)(codec *c); ///< last reference gone: free weights and the codec itself

  /// Allocate a state, its memory as after `state_reset(s, -1, CODEC_START_ZERO)`. codec.c fills
  /// the members of codec_state afterwards; the slot may not read them before.
  status (*state_new)(codec_state **s, codec *c, int n_streams, int max_steps, error *err);
  void (*state_free)(codec_state *s);
  void (*state_reset)(codec_state *s, int stream, codec_start start);
  status (*encode)(codec_state *s, const float *audio, int n_steps, int n_used, int32_t *codes);
  status (*decode)(codec_state *s, const int32_t *codes, int n_steps, int n_used, float *audio);
  status (*encode_final)(codec_state *s, const float *audio, int n_samples, int n_used,
                         int32_t *codes);
  size_t (*state_bytes)(const codec_state *s);
  status (*state_save)(codec_state *s, void *snapshot);
  status (*state_restore)(codec_state *s, const void *snapshot);
  /// Optional: without it there is no memory to speak of.
  void (*visit_memory)(const codec_state *s, codec_memory_visit visit, void *user);

  /// Optional: a codec without latents. `blend` lies between 0 and 1, both excluded.
  status (*decode_blend)(codec_state *s, const int32_t *codes, const int32_t *other, float blend,
                         int n_used, float *audio);
  const float *(*codebook)(const codec *c, int k, int64_t *size, int64_t *dim);

  /// Null where there is nothing to prepare.
  status (*prepare)(codec_state *s, int n_used, error *err);

  /// Null where it is the same as `decode`.
  status (*decode_final)(codec_state *s, const int32_t *codes, int n_steps, int n_used,
                         float *audio);

  /// Null unless the kind has codecs that are not streamable; called for such only.
  status (*encode_chunk)(codec_state *s, const float *audio, int n_samples, int n_used,
                         int32_t *codes, float *scale);
  status (*decode_chunk)(codec_state *s, const int32_t *codes, int n_steps, int n_used, float scale,
                         float *audio);
} codec_vtable;

struct codec {
  const codec_vtable *table;
  codec_info info;
  atomic_int references;
};

struct codec_state {
  codec *owner; ///< referenced
  int n_streams;
  int max_steps; ///< of one call
};

/// Give a newly allocated codec its table and one reference; `info` is the caller's to fill.
void codec_init(codec *c, const codec_vtable *table);

/// A kind that model files can name in their config.
typedef struct codec_kind {
  const char *kind; ///< config key "kind" of the file
  status (*open)(codec **c, const char *path, const codec_options *options, error *err);
} codec_kind;

/// The kind called `name`; null when this build knows none.
const codec_kind *codec_find_kind(const char *name);

#endif
