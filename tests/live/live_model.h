// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The codecs that live tests play through, by a short name.
#ifndef CONTINUO_TESTS_LIVE_LIVE_MODEL_H
#define CONTINUO_TESTS_LIVE_LIVE_MODEL_H

#include "models/codec.h"

/// `name` is one of:
///
///   bypass:RATE_HZ:HOP_SAMPLES:CHANNELS  samples pass unchanged (codec_open_bypass)
///   trial:RATE_HZ:HOP_SAMPLES:CHANNELS   tests/engine/trial_codec.h: can be slow on command
///   seanet:WIDTH   EnCodec 24 kHz's network at this width (the original's is 32), random weights
///   lyra           Lyra v1.2's real weights, imported to `folder`; STATUS_NOT_FOUND without
///                  CONTINUO_SHARED
///   anything else  a model file
///
/// Weights are stored as f16, as live's default is.
status live_model_open(codec **c, const char *name, const char *folder, const log_sink *log,
                       error *err);

#endif
