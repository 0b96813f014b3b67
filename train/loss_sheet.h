// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The losses of one lane's step over tensors of its device, with their gradients; and the sheet
/// where what they find is written. On the CPU a loss is computed when it is asked for, on CUDA it
/// is queued, so the sheet is read once, when all have been: nothing waits in between.
///
/// Tensors are f32 and contiguous, in the device's memory. One thread, the run's.
#ifndef CONTINUO_TRAIN_LOSS_SHEET_H
#define CONTINUO_TRAIN_LOSS_SHEET_H

#include "gpu/losses.h"
#include "train/mel_loss.h"

typedef struct loss_entry {
  int kind;
  int first;     ///< of its numbers
  int n;         ///< how many it leaves
  int64_t count; ///< values that a mean is over
  bool relative;
  const mel_loss *mel;
} loss_entry;

typedef struct loss_sheet {
  device *dev;     ///< not referenced
  double *numbers; ///< [capacity]
  double *remote;  ///< [capacity] in device memory; null where the host sees it all
  loss_entry *entries;
  int n_entries, n_numbers, capacity;
} loss_sheet;

/// A sheet for `capacity` numbers, at least one for each loss. STATUS_NO_MEMORY.
status loss_sheet_init(loss_sheet *s, device *dev, int capacity, error *err);
void loss_sheet_free(loss_sheet *s); ///< harmless when zeroed

void loss_sheet_clear(loss_sheet *s);

/// Fetch what was queued: from here on loss_sheet_get answers. A failed run leaves zeros.
void loss_sheet_read(loss_sheet *s, run *r);

/// Number `index` that a loss left, counted from what it returned.
double loss_sheet_get(const loss_sheet *s, int index);

// Each returns the index of its first number. A full sheet fails the run with STATUS_INTERNAL.

/// x, target [n, T, 1]: for each of the n the means of |x - t|, (x - t)^2 and t^2. `l1` and `l2`
/// (like x) are null or zero, and get factor * d mean / d x.
int loss_sheet_waves(loss_sheet *s, run *r, const tensor *x, const tensor *target, float factor,
                     tensor *l1, tensor *l2);

/// x, target likewise: the sum over the n of the mel loss; factor times its gradient is added to
/// `gradient`, like x.
int loss_sheet_mel(loss_sheet *s, run *r, mel_loss *mel, const tensor *x, const tensor *target,
                   float factor, tensor *gradient);

/// The mean of the hinge over logits of any shape, and of the logits; seed, like logits, is share
/// * d mean / d logits.
int loss_sheet_hinge(loss_sheet *s, run *r, const tensor *logits, hinge_kind kind, double share,
                     tensor *seed);

/// feature_loss (train/adversarial_loss.h) over tensors; seed likewise.
int loss_sheet_feature(loss_sheet *s, run *r, const tensor *fake, const tensor *real, bool relative,
                       double share, tensor *seed);

/// x [n, ...]: the sum over the n of each one's Euclidean norm.
int loss_sheet_norms(loss_sheet *s, run *r, const tensor *x);

#endif
