// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// EnCodec's loss balancer: weights say which share of the generator's gradient each loss shall
/// have, whatever its scale. With g_i the gradient of loss i toward the decoder's output,
///
///   g = sum over i of  w_i / (sum over j of w_j) * g_i / <|g_i|>
///
/// where |g_i| is the Euclidean norm over one example, its mean is taken over the examples of the
/// whole batch, and <> is a running mean over steps that starts unbiased. Norms are summed where
/// the gradients are, added up over lanes and processes by the caller, and the same factors come
/// out everywhere. Source: Defossez et al. 2022 (EnCodec), eq. 4, with R = 1.
#ifndef CONTINUO_TRAIN_BALANCER_H
#define CONTINUO_TRAIN_BALANCER_H

#include <stdint.h>

#define BALANCER_MAX_LOSSES 8

/// All of it is the state that a checkpoint keeps.
typedef struct balancer {
  double decay;                       ///< of the running means, in [0, 1)
  double norms[BALANCER_MAX_LOSSES];  ///< sum over steps of decay^age * norm
  double counts[BALANCER_MAX_LOSSES]; ///< sum over steps of decay^age
} balancer;

void balancer_init(balancer *b, double decay);

/// Sum over examples of the norm of gradient[n_examples, n_samples]. Any thread.
double balancer_norms(const float *gradient, int64_t n_examples, int64_t n_samples);

/// Take in one step's mean norms and give the factor of each loss's gradient. A loss of weight 0 is
/// not there: its norm is not looked at, its factor is 0. `weights`, `norms`, `factors`
/// [n_losses], n_losses at most BALANCER_MAX_LOSSES. Trainer's thread.
void balancer_step(balancer *b, int n_losses, const double *weights, const double *norms,
                   double *factors);

#endif
