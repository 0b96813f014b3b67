// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Codes back to a whole recording in constant memory: the counterpart of whole_encoder. Chunks are
/// joined as EnCodec's 48 kHz model does it (docs/codecs.md): triangular weights blend what
/// overlaps.
#ifndef CONTINUO_MODELS_WHOLE_DECODER_H
#define CONTINUO_MODELS_WHOLE_DECODER_H

#include "models/whole_options.h"

typedef struct audio_sink {
  /// audio [n_samples, n_channels]
  status (*write)(void *user, const float *audio, size_t n_samples, error *err);
  void *user;
} audio_sink;

typedef struct whole_decoder whole_decoder;

/// Errors of all functions: STATUS_USAGE (options, an order of calls that makes no sense),
/// STATUS_NO_MEMORY, what the codec and the sink return. After an error only free is left.
status whole_decoder_new(whole_decoder **d, codec *c, const whole_options *options, audio_sink sink,
                         error *err);
void whole_decoder_free(whole_decoder *d); ///< null is fine

/// Chunked codecs: what is pushed from here on is the next segment, with its scale.
status whole_decoder_begin_segment(whole_decoder *d, float scale, error *err);

/// codes [n_steps, n_used]; a lost step has codes below 0 and adds nothing.
status whole_decoder_push(whole_decoder *d, const int32_t *codes, size_t n_steps, error *err);

/// The codes have ended; the audio is cut to `n_samples` per channel (UINT64_MAX: not cut).
status whole_decoder_finish(whole_decoder *d, uint64_t n_samples, error *err);

#endif
