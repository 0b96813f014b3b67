// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Foreign checkpoints to one model file of ours: `continuo import`. What a source is follows from
/// its content. Any thread but the audio thread.
#ifndef CONTINUO_MODELS_IMPORT_H
#define CONTINUO_MODELS_IMPORT_H

#include "base/log.h"
#include "base/status.h"

/// Import `sources` (files, or folders whose files stand for them) to `destination`, which is
/// written whole or not at all. `log` (may be null) hears which files were taken. Errors:
/// STATUS_USAGE (no source), STATUS_NOT_FOUND, STATUS_IO, STATUS_UNSUPPORTED (nothing that any
/// importer takes), and those of the importer that takes it, naming the file.
status model_import(const char *const *sources, int n_sources, const char *destination,
                    const log_sink *log, error *err);

/// One line per importer, for help texts: what it takes. Null past the last.
const char *model_import_describe(int index);

#endif
