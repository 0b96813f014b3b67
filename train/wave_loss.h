// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Losses between two waves x and target, both [n_samples], n_samples > 0, with the gradient toward
/// x: factor * d loss / d x is added to gradient[n_samples] where that is not null. Deterministic;
/// any thread.
#ifndef CONTINUO_TRAIN_WAVE_LOSS_H
#define CONTINUO_TRAIN_WAVE_LOSS_H

#include <stdint.h>

/// Mean of |x - target|; the derivative where they are equal is taken as 0.
double wave_loss_l1(const float *x, const float *target, int64_t n_samples, float factor,
                    float *gradient);

/// Mean of (x - target)^2.
double wave_loss_l2(const float *x, const float *target, int64_t n_samples, float factor,
                    float *gradient);

#endif
