// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Writes a set of training audio (train/set_format.h). Equal calls give equal files. Without a
/// commit the folder holds no index and so no set. One thread at a time per writer.
///
///   set_writer_open(&w, "speech", &head, err);
///   set_writer_begin(w, &clip, expected_samples, err);   // for each clip
///   set_writer_push(w, samples, n, err);                 //   any number of times
///   set_writer_end(w, err);                              //   or set_writer_cancel(w)
///   set_writer_commit(w, err);                           // or set_writer_abort(w)
#ifndef CONTINUO_TRAIN_SET_WRITER_H
#define CONTINUO_TRAIN_SET_WRITER_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// How the set was made; goes into the index.
typedef struct set_head {
  uint32_t rate_hz;
  double high_pass_hz;    ///< 0: none
  double validation;      ///< share kept aside, 0 to 1
  const char *group;      ///< extended regular expression, "" for none
  const char *rule;       ///< the rule of the split in words
  uint64_t shard_samples; ///< a new shard begins before the clip that would pass it; 0: 256 MiB
} set_head;

typedef struct set_clip {
  const char *kind;                     ///< of sound
  const char *path;                     ///< names the clip
  bool validation;                      ///< kept aside
  double gain;                          ///< applied to what is pushed
  uint32_t file_rate_hz, file_channels; ///< of the file it came from
} set_clip;

typedef struct set_writer set_writer;

/// Make `folder`, or take it when it is empty or holds no more than what a killed run left, which
/// is removed. STATUS_USAGE (something else is there, or another writer is at work),
/// STATUS_NOT_FOUND (the folder above), STATUS_IO, STATUS_NO_MEMORY.
status set_writer_open(set_writer **w, const char *folder, const set_head *head, error *err);

/// Begin a clip; `expected_samples` (0: unknown) decides whether a new shard begins. The strings
/// must live until the clip's end. STATUS_IO, STATUS_NO_MEMORY.
status set_writer_begin(set_writer *w, const set_clip *clip, uint64_t expected_samples, error *err);

/// x [n], full scale at 1; rounded to 16 bits, clipped. STATUS_IO.
status set_writer_push(set_writer *w, const float *x, size_t n, error *err);

/// The clip is whole (one sample or more). STATUS_NO_MEMORY, STATUS_INTERNAL.
status set_writer_end(set_writer *w, error *err);

/// Forget the clip that was begun.
void set_writer_cancel(set_writer *w);

uint64_t set_writer_n_samples(const set_writer *w); ///< pushed to the clip that is, or was, open
uint64_t set_writer_n_bytes(const set_writer *w);   ///< of all shards so far
int set_writer_n_shards(const set_writer *w);

/// Write the last shard and the index and free the writer; on failure nothing is left in the
/// folder. STATUS_IO, STATUS_NO_MEMORY.
status set_writer_commit(set_writer *w, error *err);

/// Remove everything written, the folder too if it was made here, and free the writer. Null is
/// fine.
void set_writer_abort(set_writer *w);

#endif
