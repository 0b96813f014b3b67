// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/high_pass.h"

#include <math.h>

void high_pass_init(high_pass *h, double cutoff_hz, uint32_t rate_hz)
{
  *h = (high_pass){.b0 = 1.0};
  if (cutoff_hz <= 0.0) {
    return;
  }
  const double pi = 3.14159265358979323846;
  const double w = 2.0 * pi * cutoff_hz / (double)rate_hz;
  const double alpha = sin(w) / sqrt(2.0);
  const double a0 = 1.0 + alpha;
  h->b0 = (1.0 + cos(w)) / 2.0 / a0;
  h->b1 = -(1.0 + cos(w)) / a0;
  h->b2 = h->b0;
  h->a1 = -2.0 * cos(w) / a0;
  h->a2 = (1.0 - alpha) / a0;
}

void high_pass_apply(high_pass *h, float *x, size_t n)
{
  for (size_t i = 0; i < n; ++i) {
    const double in = (double)x[i];
    const double out = h->b0 * in + h->z1;
    h->z1 = h->b1 * in - h->a1 * out + h->z2;
    h->z2 = h->b2 * in - h->a2 * out;
    x[i] = (float)out;
  }
}
