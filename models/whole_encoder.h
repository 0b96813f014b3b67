// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A whole recording to codes in constant memory, whatever the codec: hop by hop where it streams,
/// in overlapping chunks ("segments" in code files) where it does not. Samples are pushed in, in
/// any portions, and codes come out through a sink; the portions do not change a bit. No files
/// here: sinks take what code writers take. Any thread but the audio thread, one at a time per
/// object.
///
/// Chunks are cut as EnCodec's 48 kHz model does it (docs/codecs.md): each is divided by its
/// loudness and coded for itself.
#ifndef CONTINUO_MODELS_WHOLE_ENCODER_H
#define CONTINUO_MODELS_WHOLE_ENCODER_H

#include "models/whole_options.h"

typedef struct code_sink {
  /// What follows belongs to the next segment; chunked codecs only, may be null otherwise.
  status (*begin_segment)(void *user, float scale, error *err);
  /// codes [n_steps, n_used]
  status (*write)(void *user, const int32_t *codes, size_t n_steps, error *err);
  void *user;
} code_sink;

typedef struct whole_encoder whole_encoder;

/// Errors of all functions: STATUS_USAGE (options, an order of calls that makes no sense),
/// STATUS_NO_MEMORY, what the codec and the sink return. After an error only free is left.
status whole_encoder_new(whole_encoder **e, codec *c, const whole_options *options, code_sink sink,
                         error *err);
void whole_encoder_free(whole_encoder *e); ///< null is fine

/// audio [n_samples, n_channels]
status whole_encoder_push(whole_encoder *e, const float *audio, size_t n_samples, error *err);

/// The recording has ended: what is left goes to the sink, ceil(samples / hop) steps in all (of
/// each segment). `*n_samples` (may be null) is how many were pushed.
status whole_encoder_finish(whole_encoder *e, uint64_t *n_samples, error *err);

#endif
