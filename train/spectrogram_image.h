// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A picture of sound: logarithmic magnitudes, time to the right, pitch upwards from 0 Hz to half
/// the rate, -100 dB black and 0 dB (a sine of full scale) nearly white. Any thread.
#ifndef CONTINUO_TRAIN_SPECTROGRAM_IMAGE_H
#define CONTINUO_TRAIN_SPECTROGRAM_IMAGE_H

#include "base/status.h"
#include "train/picture.h"

#include <stdint.h>

#define SPECTROGRAM_ROWS 256     ///< pixels of height for each clip
#define SPECTROGRAM_COLUMNS 1000 ///< at most; a column looks at 1024 samples
#define SPECTROGRAM_GAP 4        ///< white pixels between clips

/// clips[n_clips][n_samples], the first on top. Its pixels are the caller's to free.
/// STATUS_USAGE: no clip or no sample; STATUS_UNSUPPORTED: built without KissFFT;
/// STATUS_NO_MEMORY.
status spectrogram_image(picture *out, const float *const *clips, int n_clips, int64_t n_samples,
                         error *err);

#endif
