// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What a discriminator says about audio: how real each place sounds, and what its hidden layers
/// saw on the way there. The tensors lie in the run's arena, on its tape where it has one.
#ifndef CONTINUO_MODELS_VERDICT_H
#define CONTINUO_MODELS_VERDICT_H

#include "gpu/tensor.h"

#define VERDICT_MAX_FEATURES 8

typedef struct verdict {
  tensor logits;                         ///< [n, ...] one number for each place; > 0: real
  tensor features[VERDICT_MAX_FEATURES]; ///< [n, ..., C] after each hidden layer's activation
  int n_features;
} verdict;

#endif
