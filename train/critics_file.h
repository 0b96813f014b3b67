// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Trained discriminators in a file of their own, so that a codec's training can go on from a model
/// without starting them cold. A .safetensors with the tensors "discriminator.values.NAME" of a
/// checkpoint. Main thread only.
#ifndef CONTINUO_TRAIN_CRITICS_FILE_H
#define CONTINUO_TRAIN_CRITICS_FILE_H

#include "train/optimiser.h"

/// Take the discriminators out of a checkpoint. STATUS_NOT_FOUND (it has none), errors of reading
/// and of safetensors_save.
status critics_file_extract(const char *checkpoint, const char *path, error *err);

/// Fill the discriminators' values. All or nothing: STATUS_NOT_FOUND, STATUS_FORMAT naming file and
/// tensor when they are others than the recipe's.
status critics_file_load(optimiser *critics, const char *path, error *err);

#endif
