// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A true-peak meter for tests: slow, in double, 32 points a sample, 128 taps, independent of the
/// engine's.
#ifndef CONTINUO_TESTS_ENGINE_OUTPUT_FINE_PEAK_H
#define CONTINUO_TESTS_ENGINE_OUTPUT_FINE_PEAK_H

#include <stddef.h>

/// The greatest magnitude of the wave through x [n], but for the first and last 64 samples.
double fine_peak(const float *x, size_t n);

/// Kaiser's window of shape `beta` at distance d from its middle, half a width of `half`; 0 beyond.
double kaiser(double d, double half, double beta);

#endif
