// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/wave_loss.h"

#include <math.h>
#include <stddef.h>

double wave_loss_l1(const float *x, const float *target, int64_t n_samples, float factor,
                    float *gradient)
{
  double sum = 0.0;
  for (int64_t i = 0; i < n_samples; ++i) {
    sum += (double)fabsf(x[i] - target[i]);
  }
  const float step = factor / (float)n_samples;
  for (int64_t i = 0; gradient && i < n_samples; ++i) {
    const float d = x[i] - target[i];
    gradient[i] += (d > 0.0f ? step : 0.0f) - (d < 0.0f ? step : 0.0f);
  }
  return sum / (double)n_samples;
}

double wave_loss_l2(const float *x, const float *target, int64_t n_samples, float factor,
                    float *gradient)
{
  double sum = 0.0;
  for (int64_t i = 0; i < n_samples; ++i) {
    const double d = (double)x[i] - (double)target[i];
    sum += d * d;
  }
  const float step = 2.0f * factor / (float)n_samples;
  for (int64_t i = 0; gradient && i < n_samples; ++i) {
    gradient[i] += step * (x[i] - target[i]);
  }
  return sum / (double)n_samples;
}
