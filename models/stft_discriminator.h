// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// One scale of EnCodec's multi-scale STFT discriminator: a picture of time rows and frequency bins
/// whose channels are the real and the imaginary part.
///
///   stft      Hann window of W samples, hop W / 4, no padding, over the window's Euclidean size
///   in        conv 2 -> C, 3 x 9 (rows x bins)
///   dilated   3 x conv C -> C, 3 x 9, dilated 1, 2, 4 in time, stride 2 in frequency
///   mix       conv C -> C, 3 x 3
///   out       conv C -> 1, 3 x 3: the logits
///
/// Leaky ReLU of 0.2 after each but the last, whose results are the features; zero padding.
/// Source: Defossez et al. 2022 (EnCodec), figure 2 and its code (3 x 9 where the paper says 3 x
/// 8).
#ifndef CONTINUO_MODELS_STFT_DISCRIMINATOR_H
#define CONTINUO_MODELS_STFT_DISCRIMINATOR_H

#include "gpu/stft.h"
#include "models/layers.h"
#include "models/verdict.h"

#define STFT_DISCRIMINATOR_DILATED 3

typedef struct stft_discriminator {
  stft *spectrum; ///< owned
  conv2d_layer in;
  conv2d_layer dilated[STFT_DISCRIMINATOR_DILATED];
  conv2d_layer mix;
  conv2d_layer out;
} stft_discriminator;

/// Layers "stft.W.in" ... into `set`; `d` must not move afterwards.
/// What stft_new says.
status stft_discriminator_init(stft_discriminator *d, layer_set *set, int64_t window_samples,
                               int64_t channels, error *err);

/// audio [n, T, 1], T at least the window -> logits [n, rows, bins, 1].
verdict stft_discriminator_forward(run *r, const stft_discriminator *d, tensor audio);

#endif
