// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// One period of the multi-period discriminator: the waveform written in lines of P samples, so
/// that a column holds every P-th; convolutions run down the columns.
///
///   pad    mirrored at the end to a multiple of P samples, then [n, T, 1] -> [n, T / P, P, 1]
///   down   4 x conv 5 x 1 (lines x columns), stride 3 x 1: C, 4C, 16C, 32C channels
///   mix    conv 32C -> 32C, 5 x 1
///   out    conv 32C -> 1, 3 x 1: the logits
///
/// Leaky ReLU of 0.1 after each but the last, whose results are the features; zero padding.
/// Source: Kong et al. 2020 (HiFi-GAN), section 2.3.
#ifndef CONTINUO_MODELS_PERIOD_DISCRIMINATOR_H
#define CONTINUO_MODELS_PERIOD_DISCRIMINATOR_H

#include "models/layers.h"
#include "models/verdict.h"

#define PERIOD_DISCRIMINATOR_DOWN 4

typedef struct period_discriminator {
  int64_t period;
  weight pad; ///< [1, 1, 1] the one, by which a convolution does nothing but pad; never trained
  conv2d_layer down[PERIOD_DISCRIMINATOR_DOWN];
  conv2d_layer mix;
  conv2d_layer out;
} period_discriminator;

/// Layers "period.P.down.0" ... into `set`; `d` must not move afterwards.
/// STATUS_NO_MEMORY.
status period_discriminator_init(period_discriminator *d, layer_set *set, int64_t period,
                                 int64_t channels, error *err);

/// audio [n, T, 1], T at least P -> logits [n, lines, P, 1].
verdict period_discriminator_forward(run *r, const period_discriminator *d, tensor audio);

#endif
