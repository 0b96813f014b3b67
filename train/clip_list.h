// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Clips to measure on, from a prepared set or from folders of recordings, each with its kind of
/// sound, read as one channel at one rate. One thread at a time.
#ifndef CONTINUO_TRAIN_CLIP_LIST_H
#define CONTINUO_TRAIN_CLIP_LIST_H

#include "base/log.h"
#include "train/dataset.h"
#include "train/prepare_scan.h"

/// One of the two is open.
typedef struct clip_list {
  uint32_t rate_hz; ///< at which clips are read
  size_t n_clips;
  dataset *set;
  size_t *places; ///< [n_clips] in the set
  scan files;
} clip_list;

/// The clips of a prepared set, those kept aside from training or (`all`) all of them, at the set's
/// rate. Errors: those of dataset_open; STATUS_FORMAT when there is no such clip.
/// `clip_list_close` in any case.
status clip_list_open_set(clip_list *list, const char *folder, bool all, error *err);

/// The audio files below some folders; their kinds are as `prepare` has it. Errors: those of
/// scan_folders. `clip_list_close` in any case.
status clip_list_open_folders(clip_list *list, const char *const *folders, int n_folders,
                              uint32_t rate_hz, const log_sink *log, error *err);
void clip_list_close(clip_list *list); ///< harmless when zeroed

/// What names a clip: its kind, then the path below it. Live as long as the list.
const char *clip_list_path(const clip_list *list, size_t clip);
const char *clip_list_kind(const clip_list *list, size_t clip);
const char *clip_list_file(const clip_list *list, size_t clip); ///< null for a set's clip

typedef struct clip_reader clip_reader;

/// Errors: those of audio_reader_open for a file, STATUS_NO_MEMORY.
status clip_reader_open(clip_reader **r, const clip_list *list, size_t clip, error *err);
void clip_reader_close(clip_reader *r); ///< null is fine

/// Samples of the clip, 0 when that is not known in advance.
uint64_t clip_reader_expected(const clip_reader *r);

/// out [capacity]; `*n_samples` below `capacity` only at the end. Errors: those of
/// audio_reader_read.
status clip_reader_read(clip_reader *r, float *out, size_t capacity, size_t *n_samples, error *err);

#endif
