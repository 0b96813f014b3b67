// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/output/level.h"

#include <math.h>

hop_level hop_level_of(const float *in, size_t n_samples, size_t n_channels)
{
  const size_t n = n_samples * n_channels;
  double sum = 0.0;
  float peak = 0.0f;
  for (size_t i = 0; i < n; ++i) {
    const float x = isfinite(in[i]) ? in[i] : 0.0f;
    sum += (double)x * (double)x;
    peak = fabsf(x) > peak ? fabsf(x) : peak;
  }
  return (hop_level){.mean_square = n ? sum / (double)n : 0.0, .peak = peak};
}

double level_power(double db)
{
  return pow(10.0, db / 10.0);
}

double level_amplitude(double db)
{
  return pow(10.0, db / 20.0);
}

double level_db(double mean_square)
{
  return mean_square > 1e-20 ? 10.0 * log10(mean_square) : -200.0;
}
