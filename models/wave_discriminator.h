// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// One scale of the multi-scale wave discriminator: grouped convolutions over the waveform, or over
/// averages of it.
///
///   pool   for decimation 2 and more: means of 4 samples (or as many as the decimation, if more)
///   in     conv 1 -> C, kernel 15
///   down   4 x conv, kernel 41, stride 4, channels x 4 up to 64 C, 4 channels to a group
///   mix    conv 64 C -> 64 C, kernel 5
///   out    conv 64 C -> 1, kernel 3: the logits
///
/// Leaky ReLU of 0.2 after each but the last, whose results are the features. Source: Kumar et al.
/// 2019 (MelGAN), appendix A; its padding, but zeros where it mirrors.
#ifndef CONTINUO_MODELS_WAVE_DISCRIMINATOR_H
#define CONTINUO_MODELS_WAVE_DISCRIMINATOR_H

#include "models/layers.h"
#include "models/verdict.h"

#define WAVE_DISCRIMINATOR_DOWN 4

typedef struct wave_discriminator {
  int64_t decimation;
  conv_layer in;
  conv_layer down[WAVE_DISCRIMINATOR_DOWN];
  conv_layer mix;
  conv_layer out;
} wave_discriminator;

/// Layers "wave.DECIMATION.in" ... into `set`; C a multiple of 4; `d` must not move afterwards.
void wave_discriminator_init(wave_discriminator *d, layer_set *set, int64_t decimation,
                             int64_t channels);

/// audio [n, T, 1] -> logits [n, rows, 1].
verdict wave_discriminator_forward(run *r, const wave_discriminator *d, tensor audio);

#endif
