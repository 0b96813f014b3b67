// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What a run must find again to go on as if it had never stopped: a list of named arrays and one
/// text, saved to and loaded from one .safetensors file. The same list serves both ways, so the two
/// cannot drift apart. A file appears whole or not at all, and a SHA-256 over text and arrays tells
/// whether it still is what was written. Trainer's thread only.
#ifndef CONTINUO_TRAIN_CHECKPOINT_H
#define CONTINUO_TRAIN_CHECKPOINT_H

#include "base/safetensors.h"

#define CHECKPOINT_VERSION 2 ///< the text's "version"; files of version 1 have no digest

typedef struct checkpoint {
  safetensors_tensor *entries; ///< data points at the live arrays
  size_t n_entries, capacity;
  bool failed; ///< out of memory while listing
} checkpoint;

/// List one array of `count` elements at `data`. `name` is copied.
void checkpoint_add(checkpoint *c, const char *name, element_type type, void *data, int64_t count);
void checkpoint_free(checkpoint *c); ///< the list, not the arrays; harmless when zeroed

/// Write the arrays as they are, `config` (a JSON object with "version") in the file's metadata.
/// Errors: those of safetensors_save; what stood under `path` stays then.
status checkpoint_save(const checkpoint *c, const char *path, const char *config, error *err);

/// Whether a file is as it was written; reads all of it. STATUS_FORMAT (it is not),
/// STATUS_UNSUPPORTED (a later version), STATUS_NO_MEMORY.
status checkpoint_check(const safetensors *file, error *err);

/// Fill the arrays from a file that checkpoint_check has accepted. Nothing is written unless every
/// array is there with its type and size: STATUS_FORMAT, STATUS_NOT_FOUND naming file and array.
status checkpoint_load(const checkpoint *c, const safetensors *file, error *err);

#endif
