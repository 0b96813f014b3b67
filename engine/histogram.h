// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Durations in logarithmic buckets, 32 to the octave: percentiles good to 2 %, in constant memory,
/// for ever. One thread adds; any thread reads at the same time.
#ifndef CONTINUO_ENGINE_HISTOGRAM_H
#define CONTINUO_ENGINE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_PER_OCTAVE 32
#define HISTOGRAM_OCTAVES 36 ///< up to 2^41 ns, 36 minutes; longer counts as that
#define HISTOGRAM_BUCKETS (HISTOGRAM_PER_OCTAVE * (HISTOGRAM_OCTAVES + 1))

typedef struct histogram {
  _Atomic uint64_t counts[HISTOGRAM_BUCKETS];
  _Atomic uint64_t total;
  _Atomic uint64_t sum_ns;
  _Atomic uint64_t max_ns;
} histogram;

void histogram_reset(histogram *h); ///< no other thread may add meanwhile
void histogram_add(histogram *h, uint64_t ns);

/// The least duration that at least `fraction` (0 to 1) of all are not above, in nanoseconds:
/// the upper edge of its bucket, never above the largest added. 0 when empty.
uint64_t histogram_percentile(const histogram *h, double fraction);
double histogram_mean_ns(const histogram *h); ///< 0 when empty

#endif
