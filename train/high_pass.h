// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A second-order Butterworth high-pass for one channel: takes offset and rumble away, which the
/// losses would see and nobody hears. Source: R. Bristow-Johnson, "Cookbook formulae for audio EQ
/// biquad filter coefficients", HPF, Q = 1 / sqrt(2). Not thread-safe.
#ifndef CONTINUO_TRAIN_HIGH_PASS_H
#define CONTINUO_TRAIN_HIGH_PASS_H

#include <stddef.h>
#include <stdint.h>

typedef struct high_pass {
  double b0, b1, b2, a1, a2; ///< of H(z), a0 = 1
  double z1, z2;             ///< memory, transposed direct form II
} high_pass;

/// cutoff_hz below rate_hz / 2; 0: passes everything as it is. Starts from silence.
void high_pass_init(high_pass *h, double cutoff_hz, uint32_t rate_hz);

/// x [n], in place.
void high_pass_apply(high_pass *h, float *x, size_t n);

#endif
