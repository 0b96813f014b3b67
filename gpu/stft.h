// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Short-time Fourier transform of real sequences and its adjoint, on the CPU. A plan owns tables
/// and scratch: nothing is allocated after `stft_new`, and one plan serves one thread at a time.
///
/// Row r holds bins k = 0 .. n_fft / 2 of
///   X[r, k] = scale * sum over i of hann[i] x[start + i] e^(-2 pi j k (margin + i) / n_fft),
/// where hann[i] = 0.5 - 0.5 cos(2 pi i / window) is periodic and stands in the middle of the
/// transform, after margin = (n_fft - window) / 2 zeros. start = r * hop + margin; `centred` moves
/// it back by n_fft / 2, and the sequence goes on mirrored at both ends (the edge sample once).
/// This is torch.stft with onesided output.
#ifndef CONTINUO_GPU_STFT_H
#define CONTINUO_GPU_STFT_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct stft_config {
  int64_t window; ///< samples, 2 to n_fft
  int64_t n_fft;  ///< transform length: even, no prime factor but 2, 3 and 5, at most 2^20
  int64_t hop;    ///< samples from row to row, at least 1
  bool centred;   ///< row r looks at sample r * hop; else the first row starts at sample 0
  float scale;    ///< of every bin; stft_unit_scale makes a window of unit energy
} stft_config;

typedef struct stft stft;

/// Can this build make plans?
bool stft_available(void);

/// STATUS_USAGE: a length that cannot be; STATUS_UNSUPPORTED: built without KissFFT;
/// STATUS_NO_MEMORY.
status stft_new(stft **out, const stft_config *config, error *err);
void stft_free(stft *s); ///< null is fine

const stft_config *stft_settings(const stft *s);

/// n_fft / 2 + 1.
int64_t stft_bins(const stft_config *config);

/// Rows that n_samples give: centred 1 + n_samples / hop, else 1 + (n_samples - n_fft) / hop.
/// 0: too short (centred: at most n_fft / 2 samples; else fewer than n_fft).
int64_t stft_rows(const stft_config *config, int64_t n_samples);

/// 1 / sqrt(sum of hann^2), what torchaudio calls normalized.
float stft_unit_scale(int64_t window);

/// spectrum[bins, 2] (real, imaginary) = row `row` of x[n_samples]; 0 <= row < stft_rows.
void stft_row_forward(stft *s, float *spectrum, const float *x, int64_t n_samples, int64_t row);

/// d_x[n_samples] += the adjoint of that row applied to d_spectrum[bins, 2].
void stft_row_backward(stft *s, float *d_x, const float *d_spectrum, int64_t n_samples,
                       int64_t row);

/// All rows of one sequence: spectra[rows, bins, 2].
void stft_forward(stft *s, float *spectra, const float *x, int64_t n_samples);
void stft_backward(stft *s, float *d_x, const float *d_spectra, int64_t n_samples);

#endif
