// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/engine/output/fine_peak.h"

#include <math.h>

#define HALF 64
#define POINTS 32

// The modified Bessel function of order 0, by its series.
static double bessel(double x)
{
  double sum = 1.0;
  double term = 1.0;
  for (int k = 1; k < 60; ++k) {
    term *= (x / (2.0 * k)) * (x / (2.0 * k));
    sum += term;
  }
  return sum;
}

double kaiser(double d, double half, double beta)
{
  const double part = d / half;
  return fabs(part) < 1.0 ? bessel(beta * sqrt(1.0 - part * part)) / bessel(beta) : 0.0;
}

double fine_peak(const float *x, size_t n)
{
  double taps[2 * HALF];
  double peak = 0.0;
  for (int point = 0; point < POINTS; ++point) {
    for (int t = 0; t < 2 * HALF; ++t) {
      const double d = (double)point / POINTS - (t - HALF + 1);
      taps[t] = (d == 0.0 ? 1.0 : sin(M_PI * d) / (M_PI * d)) * kaiser(d, HALF, 8.0);
    }
    for (size_t i = 0; i + 2 * HALF <= n; ++i) {
      double sum = 0.0;
      for (int t = 0; t < 2 * HALF; ++t) {
        sum += taps[t] * (double)x[i + (size_t)t];
      }
      peak = fabs(sum) > peak ? fabs(sum) : peak;
    }
  }
  return peak;
}
