// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// EnCodec checkpoints (the original's .th, a Hugging Face folder) to one model file of ours.
/// Weight normalisation is kept as length and direction, under either of its spellings. What the
/// weights' licence is no file says, so ours says nothing. Any thread but the audio thread.
#ifndef CONTINUO_MODELS_IMPORT_ENCODEC_H
#define CONTINUO_MODELS_IMPORT_ENCODEC_H

#include "models/seanet.h"

/// Whether the file at `path` may be part of such a checkpoint; false when it cannot be read.
bool import_encodec_recognises(const char *path);

/// Read weights, and config.json where it is among `paths`, into a new network with masters.
/// Errors: those of encodec_checkpoint_open and _config; STATUS_FORMAT and STATUS_NOT_FOUND (naming
/// tensor, expected and found; also a value that is no finite number); STATUS_NO_MEMORY.
status import_encodec_read(seanet **net, const char *const *paths, int n_paths, error *err);

/// The same, then written to `destination` whole or not at all; also STATUS_IO.
status import_encodec(const char *const *paths, int n_paths, const char *destination, error *err);

#endif
