// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/balancer.h"

#include <math.h>

#define LEAST_NORM 1e-12 // a loss without any gradient

void balancer_init(balancer *b, double decay)
{
  *b = (balancer){.decay = decay};
}

double balancer_norms(const float *gradient, int64_t n_examples, int64_t n_samples)
{
  double sum = 0.0;
  for (int64_t n = 0; n < n_examples; ++n) {
    double square = 0.0;
    for (int64_t i = 0; i < n_samples; ++i) {
      const double g = (double)gradient[n * n_samples + i];
      square += g * g;
    }
    sum += sqrt(square);
  }
  return sum;
}

void balancer_step(balancer *b, int n_losses, const double *weights, const double *norms,
                   double *factors)
{
  double sum = 0.0;
  for (int i = 0; i < n_losses; ++i) {
    sum += weights[i];
  }
  for (int i = 0; i < n_losses; ++i) {
    factors[i] = 0.0;
    if (weights[i] > 0.0) {
      b->norms[i] = b->decay * b->norms[i] + norms[i];
      b->counts[i] = b->decay * b->counts[i] + 1.0;
      factors[i] = weights[i] / sum / (b->norms[i] / b->counts[i] + LEAST_NORM);
    }
  }
}
