// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// How often each kind of sound of a set is drawn, from a recipe's words: "music 4, drums 0.5".
#ifndef CONTINUO_TRAIN_KIND_WEIGHTS_H
#define CONTINUO_TRAIN_KIND_WEIGHTS_H

#include "base/status.h"
#include "train/dataset.h"

/// weights [dataset_n_kinds(set)], each 0 or more; a kind that is not named has 1. Entries are
/// parted by commas, a number behind the last blank of each; blanks around an entry do not count.
/// STATUS_USAGE: one sentence that starts with data.kind_weights (a kind that the set lacks or that
/// is named twice, no number or one that cannot be); STATUS_NO_MEMORY. Main thread only.
status kind_weights_read(double *weights, const dataset *set, const char *text, error *err);

#endif
