// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Losses over what one discriminator says, with the gradient toward it. Each gives the plain mean
/// and writes weight * d loss / d logits (or features) to `seed` where that is not null. Where a
/// derivative jumps it is taken as 0. `count` > 0. Deterministic; any thread.
///
/// Sources: Lim and Ye 2017 (hinge), Zeghidour et al. 2021 (SoundStream, eq. 1 to 3), Defossez et
/// al. 2022 (EnCodec, 3.4).
#ifndef CONTINUO_TRAIN_ADVERSARIAL_LOSS_H
#define CONTINUO_TRAIN_ADVERSARIAL_LOSS_H

#include <stdbool.h>
#include <stdint.h>

/// The discriminator's halves: mean of max(0, 1 - D(real)), mean of max(0, 1 + D(fake)).
double adversarial_loss_real(const float *logits, int64_t count, double weight, float *seed);
double adversarial_loss_fake(const float *logits, int64_t count, double weight, float *seed);

/// The generator's: mean of max(0, 1 - D(fake)), or of -D(fake).
double adversarial_loss_generator(const float *logits, int64_t count, bool hinge, double weight,
                                  float *seed);

/// Mean of |fake - real|, over the mean of |real| (at least FEATURE_FLOOR) where `relative`.
#define FEATURE_FLOOR 1e-3
double feature_loss(const float *fake, const float *real, int64_t count, bool relative,
                    double weight, float *seed);

/// Sum of the values in the order that all losses here use.
double ordered_sum(const float *values, int64_t count);

#endif
