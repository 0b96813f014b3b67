// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What a run must find again to go on as if it had never stopped: a list of named arrays and one
/// text, saved to and loaded from one .safetensors file. The same list serves both ways, so the two
/// cannot drift apart. A file appears whole or not at all. Trainer's thread only.
#ifndef CONTINUO_TRAIN_CHECKPOINT_H
#define CONTINUO_TRAIN_CHECKPOINT_H

#include "base/safetensors.h"

typedef struct checkpoint {
  safetensors_tensor *entries; ///< data points at the live arrays
  size_t n_entries, capacity;
  bool failed; ///< out of memory while listing
} checkpoint;

/// List one array of `count` elements at `data`. `name` is copied.
void checkpoint_add(checkpoint *c, const char *name, element_type type, void *data, int64_t count);
void checkpoint_free(checkpoint *c); ///< the list, not the arrays; harmless when zeroed

/// Write the arrays as they are, `config` (a JSON object) in the file's metadata. Errors: those of
/// safetensors_save; what stood under `path` stays then.
status checkpoint_save(const checkpoint *c, const char *path, const char *config, error *err);

/// Fill the arrays from an open file. Nothing is written unless every array is there with its type
/// and size: STATUS_FORMAT, STATUS_NOT_FOUND naming file and array.
status checkpoint_load(const checkpoint *c, const safetensors *file, error *err);

#endif
