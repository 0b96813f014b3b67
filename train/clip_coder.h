// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A clip through a codec and back, one hop at a time as it plays live, decoded with each of some
/// numbers of codebooks. Any codec that models/codec.h opens: rates are converted (aligned at the
/// first sample), a second channel is a copy and is averaged away again, the model's delay is cut.
/// A clip of any length needs the same memory. One thread.
#ifndef CONTINUO_TRAIN_CLIP_CODER_H
#define CONTINUO_TRAIN_CLIP_CODER_H

#include "models/codec.h"

#include <stddef.h>

#define CLIP_CODER_MAX_BRANCHES 64

typedef struct clip_coder clip_coder;

typedef struct clip_coder_options {
  uint32_t rate_hz;                    ///< of the audio that goes in and comes out, mono
  int counts[CLIP_CODER_MAX_BRANCHES]; ///< of codebooks: one branch each
  int n_branches;
  bool wall_clock; ///< times are the clock's, for devices that compute elsewhere; else the
                   ///< processor's

  /// codes [n_steps, most of the counts], free to be changed before they are decoded;
  /// power [n_steps]: mean square of the hop that each step codes. May be null.
  status (*codes)(void *user, int32_t *codes, const double *power, size_t n_steps, error *err);
  /// What branch `branch` decoded, in order.
  status (*audio)(void *user, int branch, const float *audio, size_t n_samples, error *err);
  void *user;
} clip_coder_options;

/// STATUS_USAGE (counts), STATUS_UNSUPPORTED (rates too far apart), STATUS_NO_MEMORY. `c` is
/// referenced.
status clip_coder_new(clip_coder **e, codec *c, const clip_coder_options *options, error *err);
void clip_coder_free(clip_coder *e); ///< null is fine

/// The next samples of the clip. Errors: STATUS_NO_MEMORY, what the codec and the callbacks return;
/// after one only free is left.
status clip_coder_push(clip_coder *e, const float *audio, size_t n_samples, error *err);

/// The clip has ended: the rest comes out, as long as the clip but for a sample of rounding. The
/// next push begins another clip.
status clip_coder_finish(clip_coder *e, error *err);

/// Time spent so far, over all clips: encoding, and decoding in branch `branch`.
double clip_coder_encode_s(const clip_coder *e);
double clip_coder_decode_s(const clip_coder *e, int branch);

#endif
