// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// How loud a hop is. Any thread.
#ifndef CONTINUO_ENGINE_OUTPUT_LEVEL_H
#define CONTINUO_ENGINE_OUTPUT_LEVEL_H

#include <stddef.h>

typedef struct hop_level {
  double mean_square; ///< over samples and channels, full scale at 1
  float peak;         ///< greatest magnitude of any sample
} hop_level;

/// in [n_samples, n_channels]; samples that are not finite count as 0. Of nothing: zeros.
hop_level hop_level_of(const float *in, size_t n_samples, size_t n_channels);

/// 10^(db / 10) and 10^(db / 20).
double level_power(double db);
double level_amplitude(double db);

/// 10 log10 of a mean square, never below -200.
double level_db(double mean_square);

#endif
