// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Mel bands over the bins of a transform: triangles of height 1 whose corners are evenly spaced on
/// O'Shaughnessy's scale, mel = 2595 log10(1 + f / 700), from 0 Hz to half the rate. That is the
/// scale of HTK and torchaudio's default, which EnCodec and SoundStream's public code use; Slaney's
/// and its area normalisation are not. Const after creation: any thread.
///
/// A short transform has too few bins for many bands: `mel_bank_new` takes the largest number up
/// to the one asked for at which the weights of every band sum to at least 1/4.
#ifndef CONTINUO_TRAIN_MEL_BANK_H
#define CONTINUO_TRAIN_MEL_BANK_H

#include "base/status.h"

#include <stdint.h>

typedef struct mel_bank {
  int64_t n_bands, n_bins;
  double *corners_hz; ///< [n_bands + 2]: band b rises from corner b, peaks at b + 1, ends at b + 2
  int64_t *first;     ///< [n_bands + 2]: bins first[s] to first[s + 1] lie between corners s, s + 1
  float *rising;      ///< [n_bins] weight of a bin between corners s, s + 1 in band s
  float *falling;     ///< [n_bins] and in band s - 1
} mel_bank;

/// STATUS_USAGE: a rate, transform or number of bands that cannot be; STATUS_NO_MEMORY.
status mel_bank_new(mel_bank **out, double rate_hz, int64_t n_fft, int64_t most_bands, error *err);
void mel_bank_free(mel_bank *m); ///< null is fine

/// bands[n_bands] = the bank applied to values[n_bins].
void mel_bank_apply(const mel_bank *m, float *bands, const float *values);

/// d_values[n_bins] = its transpose applied to d_bands[n_bands].
void mel_bank_spread(const mel_bank *m, float *d_values, const float *d_bands);

#endif
