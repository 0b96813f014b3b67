// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A set of training audio (train/set_format.h), opened: clips by split and kind, any stretch of
/// any of them. Shards are mapped, so a set may be larger than memory. Const once open: any number
/// of threads may read.
#ifndef CONTINUO_TRAIN_DATASET_H
#define CONTINUO_TRAIN_DATASET_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct dataset dataset;

typedef struct dataset_clip {
  const char *path; ///< names the clip; begins with its kind
  int kind;         ///< index of its kind of sound
  bool validation;  ///< kept aside from training
  int shard;
  uint64_t offset_samples;              ///< from the shard's first sample
  uint64_t n_samples;                   ///< 1 or more
  double peak, rms;                     ///< full scale at 1
  double gain_db;                       ///< what `prepare` applied
  uint32_t file_rate_hz, file_channels; ///< of the file it was made from
} dataset_clip;

/// Open the set in `folder`. Index and shards must fit each other; the samples themselves are
/// checked by `dataset_verify`. STATUS_NOT_FOUND, STATUS_IO, STATUS_FORMAT (damaged, not a set),
/// STATUS_UNSUPPORTED (a later version), STATUS_NO_MEMORY.
status dataset_open(dataset **d, const char *folder, error *err);
void dataset_close(dataset *d); ///< null is fine

uint32_t dataset_rate_hz(const dataset *d);
const char *dataset_rule(const dataset *d);   ///< of the split, in words
const char *dataset_sha256(const dataset *d); ///< of the index, in hex: names the set's content

int dataset_n_kinds(const dataset *d);
const char *dataset_kind_name(const dataset *d, int kind);

size_t dataset_n_clips(const dataset *d); ///< in the order of their paths
const dataset_clip *dataset_get_clip(const dataset *d, size_t clip);

/// out [n]: samples `start` to `start + n` of a clip, full scale at 1; 0 before its start and after
/// its end.
void dataset_read(const dataset *d, size_t clip, int64_t start, size_t n, float *out);

/// out [n] += gain times the same.
void dataset_add(const dataset *d, size_t clip, int64_t start, size_t n, float gain, float *out);

/// Sum of the squares of the same.
double dataset_energy(const dataset *d, size_t clip, int64_t start, size_t n);

/// Read every sample and compare with the digests in the index. STATUS_FORMAT names the first clip
/// that differs.
status dataset_verify(const dataset *d, error *err);

#endif
