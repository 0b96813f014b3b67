// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Data-dependent initialisation: layer by layer, each convolution is scaled so that what it gives
/// on real audio has a wanted spread. On a small budget this decides: without it the first
/// thousands of steps only undo the decoder's wrong gain. After Mishkin and Matas 2016 (LSUV), with
/// residual branches kept below their skips.
#ifndef CONTINUO_TRAIN_UNIT_VARIANCE_H
#define CONTINUO_TRAIN_UNIT_VARIANCE_H

#include "train/lane.h"

/// Scale the random weights of the lane's network on the crops of examples 0 ... : every
/// convolution gives standard deviation 1, one on a residual branch 0.5, the last one the audio's
/// own. Biases become 0. The lane's thread; errors are those of a forward.
status unit_variance(lane *l, error *err);

#endif
