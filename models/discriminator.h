// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A discriminator of any kind: one network that tells real audio from a codec's. Training uses
/// several, each at its own scale, and takes the mean over them.
///
/// Threads: one at a time (the STFT's scratch is inside).
#ifndef CONTINUO_MODELS_DISCRIMINATOR_H
#define CONTINUO_MODELS_DISCRIMINATOR_H

#include "models/period_discriminator.h"
#include "models/stft_discriminator.h"
#include "models/stft_residual_discriminator.h"
#include "models/wave_discriminator.h"

typedef enum discriminator_kind {
  DISCRIMINATOR_STFT,
  DISCRIMINATOR_STFT_RESIDUAL,
  DISCRIMINATOR_WAVE,
  DISCRIMINATOR_PERIOD,
} discriminator_kind;

typedef struct discriminator_config {
  discriminator_kind kind;
  int64_t scale;    ///< STFT: window in samples; wave: decimation; period: samples
  int64_t channels; ///< C, of the first convolution
  bool weight_norm; ///< of every convolution but the first over a spectrum
} discriminator_config;

typedef struct discriminator {
  discriminator_config config;
  layer_set set; ///< all that is trained
  union {
    stft_discriminator stft;
    stft_residual_discriminator stft_residual;
    wave_discriminator wave;
    period_discriminator period;
  } net;
} discriminator;

/// With masters, all zero: layer_set_start_uniform or layer_set_randomise fill them. STATUS_USAGE
/// (a scale or channels that cannot be), STATUS_NO_MEMORY, STATUS_UNSUPPORTED (no transforms in
/// this build).
status discriminator_new(discriminator **d, const discriminator_config *config, error *err);
void discriminator_free(discriminator *d, device *dev); ///< null is fine

/// Make room for every gradient, zeroed (weight_track), before the first refresh of a network that
/// is trained, or only swept through. STATUS_NO_MEMORY.
status discriminator_track(discriminator *d, device *dev, error *err);

/// Bring every compute form up to date, after filling and after each update.
status discriminator_refresh(discriminator *d, device *dev, error *err);

/// Samples that audio must have at least.
int64_t discriminator_least_samples(const discriminator *d);

/// audio [n, T, 1]. Too short audio fails the run with STATUS_USAGE.
verdict discriminator_forward(run *r, const discriminator *d, tensor audio);

#endif
