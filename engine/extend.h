// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Go on from a recording, offline: the session of a live performance, which hears the prompt and
/// is told to continue when it ends.
#ifndef CONTINUO_ENGINE_EXTEND_H
#define CONTINUO_ENGINE_EXTEND_H

#include "base/status.h"
#include "engine/control/control.h"
#include "models/codec.h"
#include "models/token_model.h"

#include <stddef.h>
#include <stdint.h>

typedef struct extend_config {
  codec *model;
  token_model *player;
  int n_codebooks; ///< 0: all
  uint32_t host_rate_hz;
  const control *controls; ///< at the start, each CONTROL_SET; may be null
  size_t n_controls;
} extend_config;

/// in [n_in, n_channels of the codec], out [n_in + n_more, n_channels]: the prompt as the codec
/// gives it back, then n_more samples of continuation. Errors of session_open; STATUS_DEVICE when
/// codec or model fail. Any thread but the audio thread.
status extend(const extend_config *config, const float *in, size_t n_in, size_t n_more, float *out,
              error *err);

#endif
