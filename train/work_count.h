// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// How much a forward computes. Trainer's thread.
#ifndef CONTINUO_TRAIN_WORK_COUNT_H
#define CONTINUO_TRAIN_WORK_COUNT_H

#include "gpu/tape.h"

/// Multiply-adds of the products that `t` recorded: convolutions, linear layers, LSTMs; padding
/// included; not transforms, activations or norms. A sweep toward inputs takes as many again, a
/// sweep toward weights too.
double tape_multiply_adds(const tape *t);

#endif
