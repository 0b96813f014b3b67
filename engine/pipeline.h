// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The way of one stream through the codec, hop by hop:
///
///   host samples -> resampler -> a hop -> encode -> codes -> whoever decides what sounds -> codes
///   -> decode -> a hop -> less the model's delay at the very start -> resampler -> host samples
///
/// Output sample t belongs to input sample t: all delays are trimmed. How the input is cut into
/// calls changes nothing. One thread at a time; nothing after `pipeline_init` allocates.
#ifndef CONTINUO_ENGINE_PIPELINE_H
#define CONTINUO_ENGINE_PIPELINE_H

#include "base/status.h"
#include "models/codec.h"
#include "models/io/resampler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What depends on the host's rate.
typedef struct rate_pair {
  resampler *in;  ///< host rate to codec rate
  resampler *out; ///< codec rate to host rate
  uint32_t host_rate_hz;
  float *given; ///< [given_capacity, n_channels] what one hop becomes at the host's rate
  size_t given_capacity;
} rate_pair;

/// STATUS_USAGE, STATUS_UNSUPPORTED, STATUS_NO_MEMORY; nothing is kept then.
status rate_pair_init(rate_pair *pair, const codec_info *info, uint32_t host_rate_hz, error *err);
void rate_pair_destroy(rate_pair *pair); ///< a zeroed pair is fine

typedef struct pipeline {
  codec_state *state;
  const codec_info *info;
  int n_used;          ///< codebooks
  rate_pair *rates;    ///< not owned
  float *hop;          ///< [hop_samples, n_channels] input at the codec's rate
  float *decoded;      ///< [hop_samples, n_channels]
  int32_t *codes;      ///< [n_used] of the input
  size_t n_filled;     ///< samples of `hop`
  uint32_t delay_left; ///< decoded samples still to be trimmed
} pipeline;

/// At rest at its start, not to be used before `pipeline_restart`. n_used 0: all codebooks.
status pipeline_init(pipeline *p, codec *model, int n_used, error *err);
void pipeline_destroy(pipeline *p); ///< a zeroed pipeline is fine

/// Forget everything and begin from zeros, at the rate of `rates`, which must live as long.
void pipeline_restart(pipeline *p, rate_pair *rates);

/// Take samples of in [n_in, n_channels] until the hop is full; true when it is.
status pipeline_take(pipeline *p, const float *in, size_t n_in, size_t *n_taken, bool *full);

/// The full hop to `codes`; then codes [n_used], these or others, to the decoded hop. In this
/// order, once each per full hop. blend: share of `other` in the latent, 0: none, it may be null.
status pipeline_encode(pipeline *p);
status pipeline_decode(pipeline *p, const int32_t *codes, const int32_t *other, float blend);

/// The decoded hop at the host's rate: `p->rates->given` [n_given, n_channels].
status pipeline_give(pipeline *p, size_t *n_given);

#endif
