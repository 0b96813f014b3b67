// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What the network hears: crops of a set's clips. A crop is a pure function of (seed, index of the
/// example in the whole run), so that processes, threads, micro-batches and restarts cannot change
/// it, and the loader has no state to save. Const after new: any thread.
#ifndef CONTINUO_TRAIN_CROPS_H
#define CONTINUO_TRAIN_CROPS_H

#include "base/status.h"
#include "train/dataset.h"
#include "train/recipe.h"

#include <stdint.h>

typedef struct crops crops;

/// The set must outlive the crops. STATUS_USAGE (no clip to train on, a crop of no samples, weights
/// of kinds that cannot be or are all 0), STATUS_NO_MEMORY.
status crops_new(crops **c, const dataset *set, const recipe_data *data, uint64_t seed, error *err);
void crops_free(crops *c); ///< null is fine

/// audio [crop_samples]: example number `example` (step * batch size + place in the batch).
///
/// A clip of the training split is drawn with a probability proportional to its length (with
/// balance_kinds: a kind first, as often as kind_weights says, else each equally often, then so
/// within it), then a place in it, each as likely; a clip shorter than the crop stands anywhere
/// within it, silence around it; with first_only always at the clip's start. A crop whose RMS is
/// below silence_level_db is drawn again, up to 4 times. Its gain is drawn from gain_low_db to
/// gain_high_db. With mix_probability a second crop, drawn likewise, is added. Where the peak would
/// pass 1 the whole is scaled down to 1.
void crops_fill(const crops *c, uint64_t example, float *audio);

/// Fixed crops of the validation split, the same for every seed: number k is of the (k mod n)-th of
/// the n kinds that have any, and goes through that kind's clips in a fixed shuffled order. No
/// gain, no mix. Returns the kind, or -1 (and silence) when the set has no validation clips.
int crops_validation(const crops *c, uint64_t k, float *audio);

#endif
