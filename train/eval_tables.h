// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What the commands of `continuo-train eval` have in common: they count what they skip, and print
/// scores per kind of sound. Main thread only.
#ifndef CONTINUO_TRAIN_EVAL_TABLES_H
#define CONTINUO_TRAIN_EVAL_TABLES_H

#include "base/cli/terminal.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "train/scores.h"

/// Sentences about files that could not be read.
typedef struct skipped_files {
  char **sentences;
  size_t n;
} skipped_files;

/// Warn, and remember. STATUS_NO_MEMORY.
status skipped_add(skipped_files *s, const log_sink *log, progress *line, const error *why,
                   error *err);
void skipped_free(skipped_files *s); ///< harmless when zeroed
void skipped_write(json_writer *w, const skipped_files *s);

/// A row for each kind and one for all. STATUS_NO_MEMORY.
status eval_print_table(const scores *s, error *err);

/// Members "kinds" and "all", and "clips" for each clip by itself. STATUS_NO_MEMORY.
status eval_write_scores(json_writer *w, const scores *s, error *err);

#endif
