// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A performance as a folder:
///
///   performance.json    what played, and where in the record the sound below lies
///   controls.jsonl      one line each: every control and decision since the beginning, stamped
///   steps.safetensors   what every step heard since the beginning: codes, level, timeline
///   heard.rvq           the same codes, for exchange
///   input.flac          the last minutes of input, 12 dB down so that none of it clips
///   output.flac         of output, as it was heard
///
/// Any thread but the audio thread.
#ifndef CONTINUO_ENGINE_KEEP_PERFORMANCE_H
#define CONTINUO_ENGINE_KEEP_PERFORMANCE_H

#include "base/status.h"
#include "engine/keep/keep.h"
#include "models/codec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PERFORMANCE_FORMAT 1
#define PERFORMANCE_NAME_BYTES 256
#define PERFORMANCE_PATH_BYTES 4096

/// What must be the same for the same sound.
typedef struct performance_head {
  char codec_path[PERFORMANCE_PATH_BYTES];
  char codec_sha256[65]; ///< of that file
  char codec[PERFORMANCE_NAME_BYTES];
  char corpus[PERFORMANCE_PATH_BYTES];  ///< of the mosaic effect; "": none
  char model[PERFORMANCE_NAME_BYTES];   ///< "oracle", "none"
  char kernels[PERFORMANCE_NAME_BYTES]; ///< device and variant, as the device names itself
  char storage[PERFORMANCE_NAME_BYTES]; ///< of the weights
  uint32_t n_codebooks, codebook_size, n_channels;
  uint32_t codec_rate_hz, hop_samples;
  uint32_t host_rate_hz, block_samples, slack_samples; ///< as the session was opened
  uint32_t end_rate_hz;                                ///< of the sound kept
  double fade_ms;
  int fallback;
  bool output_stage;
  uint64_t begin_samples, end_samples; ///< stream positions of output.flac
  uint64_t input_begin_samples; ///< of input.flac, which ends where the output does: what is heard
                                ///< of the input undecoded is heard late
} performance_head;

/// Write what `k` holds into `folder`, which must not be there: whole or not at all. head's
/// stretches and end_rate_hz are filled in. STATUS_USAGE (the folder is there;
/// nothing is kept), STATUS_IO, STATUS_NO_MEMORY, STATUS_UNSUPPORTED (no libsndfile, no libogg).
status performance_write(const keep *k, performance_head *head, const char *folder, error *err);

typedef struct performance {
  performance_head head;
  keep_entry *entries; ///< in the order of their positions
  size_t n_entries;
  int32_t *codes; ///< [n_steps, n_codebooks]
  keep_step *steps;
  size_t n_steps;
} performance;

/// The files that a performance is read from, in memory; `source` names the folder in messages.
typedef struct performance_files {
  const char *source;
  const void *head, *controls, *steps;
  size_t head_bytes, controls_bytes, steps_bytes;
} performance_files;

/// STATUS_FORMAT, STATUS_UNSUPPORTED (a later format, a control that this version does not know),
/// STATUS_NO_MEMORY. After an error there is nothing to free.
status performance_parse(performance *p, const performance_files *files, error *err);

/// The same of a folder; STATUS_NOT_FOUND, STATUS_IO too.
status performance_read(performance *p, const char *folder, error *err);
void performance_free(performance *p); ///< a zeroed one is fine

/// SHA-256 of a whole file, in hex.
status performance_file_sha256(const char *path, char hex[65], error *err);

#endif
