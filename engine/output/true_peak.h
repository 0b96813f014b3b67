// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The true peak of one channel: the greatest magnitude of the wave between the samples, not only
/// at them, by interpolation at eight points a sample.
///
/// ITU-R BS.1770-4, annex 2, asks for at least four points and gives a filter of 12 taps each as an
/// example. Four points may miss 0.69 dB of a tone near half the rate, eight 0.17 dB (its equation:
/// 20 log10 cos(pi f / n), f in cycles a sample, n points a sample); the example is 0.5 dB off at
/// 20 kHz of 48. Ours is a windowed sinc of 24 taps, within 0.06 dB up to 0.417 of the rate (20 kHz
/// of 48), and reads too little above: 0.3 dB at 0.45.
///
/// Plain struct, no allocation, no system call, constant time: any thread, one at a time.
#ifndef CONTINUO_ENGINE_OUTPUT_TRUE_PEAK_H
#define CONTINUO_ENGINE_OUTPUT_TRUE_PEAK_H

#include <stdint.h>

#define TRUE_PEAK_TAPS 24
#define TRUE_PEAK_POINTS 8
#define TRUE_PEAK_DELAY_SAMPLES (TRUE_PEAK_TAPS / 2 - 1)

typedef struct true_peak {
  float history[2 * TRUE_PEAK_TAPS]; ///< the last samples, twice, so that they lie in one piece
  uint32_t at;
} true_peak;

void true_peak_reset(true_peak *m); ///< silence before; all zeros is the same

/// Takes sample number k, full scale at 1, finite. Gives the peak after sample k -
/// TRUE_PEAK_DELAY_SAMPLES - 1 up to and with sample k - TRUE_PEAK_DELAY_SAMPLES, 0 or more, which
/// is never less than the magnitude of the latter (but for magnitudes below 1e-15, which are 0).
float true_peak_step(true_peak *m, float x);

#endif
