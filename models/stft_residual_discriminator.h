// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// SoundStream's STFT discriminator, as the variant of docs/codecs.md has it: residual units over a
/// picture of time rows and frequency bins whose channels are the real and the imaginary part.
///
///   stft   Hann window of W samples, hop W / 4, no padding
///   in     conv 2 -> C, 7 x 7 (rows x bins), ELU
///   unit   ELU(conv (s_t + 2) x (s_f + 2) strided (ELU(conv 3 x 3 x)) + conv 1 x 1 strided x)
///          C -> 2C stride 1 x 2, 2C -> 4C 2 x 2, 4C -> 4C 1 x 2, 4C -> 8C 2 x 2, 8C -> 8C 1 x 2,
///          8C -> 16C 2 x 2
///   out    conv 16C -> 1 over W / 128 of the W / 128 + 1 bins that are left: the logits
///
/// What `in` and each unit give are the features; zero padding. Source: Zeghidour et al. 2021
/// (SoundStream), figure 4.
#ifndef CONTINUO_MODELS_STFT_RESIDUAL_DISCRIMINATOR_H
#define CONTINUO_MODELS_STFT_RESIDUAL_DISCRIMINATOR_H

#include "gpu/stft.h"
#include "models/layers.h"
#include "models/verdict.h"

#define STFT_RESIDUAL_UNITS 6

typedef struct stft_residual_unit {
  conv2d_layer first;   ///< [N, N, 3, 3]
  conv2d_layer strided; ///< [M, N, s_t + 2, s_f + 2]
  conv2d_layer skip;    ///< [M, N, 1, 1]
} stft_residual_unit;

typedef struct stft_residual_discriminator {
  stft *spectrum;  ///< owned
  conv2d_layer in; ///< [C, 2, 7, 7]
  stft_residual_unit units[STFT_RESIDUAL_UNITS];
  conv2d_layer out; ///< [1, 16C, 1, W / 128]
} stft_residual_discriminator;

/// Layers "stft_residual.W.in" ... into `set`; W a multiple of 128; `d` must not move afterwards.
/// What stft_new says.
status stft_residual_discriminator_init(stft_residual_discriminator *d, layer_set *set,
                                        int64_t window_samples, int64_t channels, error *err);

/// audio [n, T, 1], T at least the window -> logits [n, ceil(rows / 8), 2, 1].
verdict stft_residual_discriminator_forward(run *r, const stft_residual_discriminator *d,
                                            tensor audio);

#endif
