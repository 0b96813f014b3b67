// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// How near a clip comes to its reference when the two arrive in portions, one ahead of the other:
/// what has come twice is measured and forgotten, so memory is bounded by how far one runs ahead.
/// Both begin at the same instant; what one has more at the end is left out. One thread.
#ifndef CONTINUO_TRAIN_COMPARISON_H
#define CONTINUO_TRAIN_COMPARISON_H

#include "train/metrics.h"

#include <stddef.h>

/// Infinite signal-to-noise ratios are held within this, so that means stay numbers.
#define COMPARISON_MOST_DB 100.0

typedef struct comparison comparison;

typedef struct comparison_result {
  double si_snr_db; ///< within +- COMPARISON_MOST_DB; not a number for a constant reference
  double mel;       ///< mel_distances.whole
  double mel_low;   ///< mel_distances.low
  uint64_t n_reference, n_clip; ///< samples that came of each
} comparison_result;

/// Errors: those of mel_distance_new.
status comparison_new(comparison **c, uint32_t rate_hz, error *err);
void comparison_free(comparison *c); ///< null is fine

/// The next n samples of either. STATUS_NO_MEMORY.
status comparison_push_reference(comparison *c, const float *audio, size_t n_samples, error *err);
status comparison_push_clip(comparison *c, const float *audio, size_t n_samples, error *err);

/// The end of both; the next push begins another pair.
comparison_result comparison_end(comparison *c);

#endif
