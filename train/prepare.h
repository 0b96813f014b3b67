// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Folders of recordings to a set of training audio (train/set_format.h): scan, read, average to
/// one channel, resample, high-pass, split, write. The same files and options give the same bytes.
/// Nothing outside the set's folder is written. Any thread, for minutes.
#ifndef CONTINUO_TRAIN_PREPARE_H
#define CONTINUO_TRAIN_PREPARE_H

#include "base/log.h"
#include "base/status.h"
#include "train/prepare_scan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct prepare_progress {
  size_t n_done, n_files;
  double done_s;    ///< of audio written so far
  const char *path; ///< being read
} prepare_progress;

typedef struct prepare_options {
  const char *const *folders;
  int n_folders;
  scan_kind kind;
  const char *out;     ///< the set's folder: not there yet, or empty
  uint32_t rate_hz;    ///< of the set
  double high_pass_hz; ///< 0: none
  double validation;   ///< share kept aside, 0 to 1
  const char *group;   ///< see scan_split; null or "": each clip by itself
  const log_sink *log; ///< null: silence
  bool (*progress)(void *user, const prepare_progress *p); ///< false: stop; may be null
  void *user;
} prepare_options;

typedef struct prepare_total {
  char *kind;
  uint64_t n_clips[2], n_samples[2]; ///< to train on, kept aside
} prepare_total;

typedef struct prepare_report {
  prepare_total *kinds;
  size_t n_kinds;
  char **skipped; ///< a sentence for each file that could not be read
  size_t n_skipped;
  size_t n_ignored; ///< files that are not audio by their name
  size_t n_scaled;  ///< clips turned down because they passed full scale
  uint64_t n_bytes; ///< of the shards
  int n_shards;
} prepare_report;

/// Files that cannot be read, are damaged or hold less than one sample of the set's rate are named
/// through `log`, listed in the report and passed over. A clip whose peak passes full scale after
/// resampling and filtering is turned down to it.
///
/// STATUS_USAGE (an option; `out` holds something), STATUS_NOT_FOUND (a folder, or audio in it),
/// STATUS_FORMAT (no file could be read), STATUS_IO (full disk), STATUS_INTERRUPTED,
/// STATUS_NO_MEMORY: then nothing is left in `out`. `prepare_report_free` in any case.
status prepare_audio(const prepare_options *options, prepare_report *report, error *err);
void prepare_report_free(prepare_report *report);

#endif
