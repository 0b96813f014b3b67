// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The reference that live sound is held against: a whole stream through the codec in one go.
#ifndef CONTINUO_ENGINE_OFFLINE_H
#define CONTINUO_ENGINE_OFFLINE_H

#include "base/status.h"
#include "models/codec.h"

#include <stddef.h>
#include <stdint.h>

/// Resample, encode, decode and resample in [n_samples, n_channels] at `host_rate_hz`, from a zero
/// start, silence following the end; out [n_samples, n_channels] is aligned with `in`, the model's
/// delay trimmed. n_codebooks 0: all. Non-finite samples of `in` count as 0. A session that
/// received `in` since its sample 0 gives out[t - L] as its sample t, bit for bit. Written apart
/// from engine/pipeline.h, with many steps to the call, so that comparing the two means something.
/// STATUS_USAGE, STATUS_UNSUPPORTED, STATUS_NO_MEMORY, STATUS_DEVICE. Not from the audio thread.
/// Sets flush-to-zero in the calling thread.
status offline_roundtrip(codec *model, int n_codebooks, uint32_t host_rate_hz, const float *in,
                         size_t n_samples, float *out, error *err);

#endif
