// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Renders a performance again: a session that waits, fed with the record of its steps, controls
/// and decisions (engine/keep/performance.h), from the first sample on.
#ifndef CONTINUO_PLUGIN_REPLAY_HOST_H
#define CONTINUO_PLUGIN_REPLAY_HOST_H

#include "base/status.h"
#include "engine/keep/performance.h"
#include "engine/session.h"
#include "models/io/audio_file.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct replay_config {
  codec *model;
  token_model *player;  ///< what the performance played with; null for "none"
  const mosaic *corpus; ///< the mosaic effect's; null for none
  const performance *performance;
  const char *folder; ///< of the performance, for its sound
  const char *out;    ///< audio file to write
  bool (*on_progress)(void *user, double done,
                      double whole); ///< in seconds; false stops. May be null
  void *user;
} replay_config;

typedef struct replay_result {
  uint64_t n_samples;       ///< written
  uint64_t n_different;     ///< of them, from the output recorded, in 24 bits
  uint64_t first_different; ///< sample of the written file
} replay_result;

/// Errors: those of session_open and of the files; STATUS_FORMAT when the record does not fit
/// together; STATUS_INTERRUPTED. Any thread but the audio thread.
status replay_run(const replay_config *config, replay_result *result, error *err);

#endif
