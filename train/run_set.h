// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Which set a run is trained on: `set.json` in the run's folder, an object {folder, sha256,
/// rate_hz, clips, rule}. What was learnt is only known with it, and going on with other audio
/// would not be the same run. Main thread only.
#ifndef CONTINUO_TRAIN_RUN_SET_H
#define CONTINUO_TRAIN_RUN_SET_H

#include "base/sha256.h"
#include "train/dataset.h"
#include "train/run_folder.h"

/// Write it; `folder` is where the set was found. Errors: those of run_folder_write.
status run_set_store(const run_folder *f, const dataset *set, const char *folder, error *err);

/// The set's sha256. STATUS_NOT_FOUND (runs of older versions have no such file), STATUS_IO,
/// STATUS_FORMAT.
status run_set_read(const run_folder *f, char sha256_hex[SHA256_HEX_BYTES], error *err);

/// That `set` is the run's; a run that does not say is trusted. STATUS_USAGE when it is another;
/// errors of run_set_read.
status run_set_check(const run_folder *f, const dataset *set, error *err);

#endif
