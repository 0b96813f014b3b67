// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The offline host: a session driven block by block over an audio file, waiting for each result,
/// so that the outcome depends on the input alone: the same code as live, without a clock. What it
/// writes is shifted back by the session's latency and as long as the input.
#ifndef CONTINUO_PLUGIN_FILE_HOST_H
#define CONTINUO_PLUGIN_FILE_HOST_H

#include "base/status.h"
#include "engine/session.h"
#include "models/io/audio_file.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct file_host_progress {
  uint64_t n_samples;        ///< of input so far, at the host's rate
  uint64_t expected_samples; ///< of the whole; 0: not known
  uint32_t host_rate_hz;
} file_host_progress;

typedef struct file_host_config {
  /// As for session_open. host_rate_hz 0: the file's own rate; block_samples 0: 1024. `offline` is
  /// set by the host.
  session_config session;
  const char *in;  ///< "-": standard input
  const char *out; ///< "-": standard output
  audio_encoding encoding;
  bool random_blocks; ///< each block has another size, 1 to block_samples: for tests
  uint64_t seed;      ///< of those
  /// Called before the first block and after the last, what was played still in memory. Their
  /// failure is the run's. May be null.
  status (*on_begin)(void *user, session *s, error *err);
  status (*on_end)(void *user, session *s, error *err);
  /// Called after each block; false stops the run. May be null.
  bool (*on_progress)(void *user, const file_host_progress *progress, session *s);
  void *user;
} file_host_config;

typedef struct file_host_result {
  session_telemetry telemetry;
  uint64_t n_samples;         ///< in and out, at the host's rate
  uint64_t nonfinite_samples; ///< of the file, replaced by 0
  uint64_t clipped_samples;   ///< beyond full scale in what was written
  char conversion[256];       ///< what the reader did to the sound, in words; "" for nothing
} file_host_result;

/// Run to the end. On any failure nothing stands under the name `out` that did not before. Errors:
/// those of audio_reader_open, audio_writer_open, session_open; STATUS_DEVICE when the codec fails
/// or does not answer; STATUS_INTERRUPTED when on_progress says so. Any thread but the audio
/// thread.
status file_host_run(const file_host_config *config, file_host_result *result, error *err);

#endif
