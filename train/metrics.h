// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// How near a wave x comes to a target, over clips of any length in constant memory, and how evenly
/// codes are used. One object per thread; nothing is allocated after creation.
#ifndef CONTINUO_TRAIN_METRICS_H
#define CONTINUO_TRAIN_METRICS_H

#include "base/status.h"

#include <stdint.h>

/// Sums that SI-SNR is made of; all zero at a clip's start.
typedef struct si_snr {
  double n_samples, x, target, x_x, target_target, x_target;
} si_snr;

/// The next n samples of both.
void si_snr_push(si_snr *s, const float *x, const float *target, int64_t n_samples);

/// Scale-invariant signal-to-noise ratio in dB (Luo and Mesgarani 2018; Le Roux et al. 2019): both
/// without their mean, 10 log10(|p|^2 / |x - p|^2) where p is x projected on the target. No delay
/// is sought. Infinite where x is the target but for gain and mean, minus infinite where it has
/// nothing of it, not a number where the target is constant.
double si_snr_db(const si_snr *s);

/// Bands that end above this are left out of the lower distance.
#define MEL_DISTANCE_LOW_HZ 7000.0

/// Mean distance of log-mel spectra: the mean over windows of 32, 64, ... 2048 samples of the mean
/// over rows and bands of |log10 max(S_x, 1e-5) - log10 max(S_target, 1e-5)|, where S are mel bands
/// (train/mel_bank.h, at most 64) of magnitudes, unit-energy Hann windows, hop window / 4. After
/// the mel loss of DAC (Kumar et al. 2023), which has the same windows, floor and logarithm but
/// Slaney's scale and plain windows. The clip stands between silences: every sample lies in four
/// rows of each window.
typedef struct mel_distance mel_distance;

typedef struct mel_distances {
  double whole; ///< over all bands
  double low;   ///< over bands that end at 7 kHz or below
} mel_distances;

/// STATUS_USAGE: a rate that cannot be; STATUS_UNSUPPORTED: built without KissFFT;
/// STATUS_NO_MEMORY.
status mel_distance_new(mel_distance **out, double rate_hz, error *err);
void mel_distance_free(mel_distance *m); ///< null is fine

/// The next n samples of both.
void mel_distance_push(mel_distance *m, const float *x, const float *target, int64_t n_samples);

/// End the clip: its distances, not a number where there was no sample. The next push starts
/// another clip.
mel_distances mel_distance_end(mel_distance *m);

/// Add to counts[size] the codes codes[0], codes[stride], ... of n steps; codes outside [0, size)
/// are passed over.
void code_tally(int64_t *counts, int64_t size, const int32_t *codes, int64_t n_steps,
                int64_t stride);

/// Entropy of counts[size] over that of even use, in [0, 1]; 0 where nothing was counted or size is
/// below 2.
double code_entropy(const int64_t *counts, int64_t size);

#endif
