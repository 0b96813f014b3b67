// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A true-peak limiter with lookahead: what stands last before the loudspeaker. All channels get
/// one gain.
///
/// For each sample the gain is found that holds its true peak (engine/output/true_peak.h) at the
/// ceiling; then the least of these over the lookahead, which rises again with the release time,
/// is averaged twice over half of it, so that the gain reaches each peak along a smooth curve in
/// time and never jumps. Gains are whole numbers of 2^-30, so sums do not drift and the output is
/// the same for any cutting into calls.
///
/// What holds:
/// - the output is the input, bit for bit, `limiter_delay_samples` later, while no true peak is
///   above its ceiling and the gain has come back. It comes back to exactly 1, within 8 release
///   times; -0 and denormal numbers stay as they are.
/// - no sample of the output is above its ceiling, ever.
/// - the true peak of the output is above it by at most 0.2 dB for sound below 0.417 of the rate
///   (20 kHz of 48), measured at 32 points a sample; white noise up to half the rate: 1.5 dB.
/// - a sample that is not finite counts as 0, one beyond +-1e6 as that.
///
/// The time for a sample is bounded: no loop's length depends on the sound. 23 ns of one channel,
/// 38 of two, 125 of eight, and 8 more while it limits (AMD EPYC, Zen 5, 2026-11-20): 0.2 % of a
/// core for stereo at 48 kHz.
///
/// Thread tags: [main] may allocate, [audio] the one that steps, [any].
#ifndef CONTINUO_ENGINE_OUTPUT_LIMITER_H
#define CONTINUO_ENGINE_OUTPUT_LIMITER_H

#include "base/status.h"
#include "engine/output/true_peak.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define LIMITER_MAX_CHANNELS 64
#define LIMITER_MAX_HZ 768000
#define LIMITER_LEAST_CEILING 1e-4f        ///< -80 dB
#define LIMITER_GREATEST_CEILING 8.0f      ///< +18 dB
#define LIMITER_DEFAULT_CEILING 0.8912509f ///< -1 dB
#define LIMITER_DEFAULT_RELEASE_MS 100.0f

typedef struct limiter {
  // const after init
  uint32_t rate_hz;
  uint32_t n_channels;
  uint32_t delay_samples;
  uint32_t window;   ///< intervals of which the least gain counts
  uint32_t n_leaves; ///< of the tree of minima, a power of two, at least `window`
  uint32_t half;     ///< length of each average
  uint64_t full_sum; ///< what the second sum is at gain 1
  void *memory;      ///< all that follows
  true_peak *meters; ///< [n_channels]
  float *delayed;    ///< [delay_samples, n_channels]
  float *ceilings;   ///< [delay_samples], of those samples
  uint32_t *least;   ///< [2 * n_leaves], a tree: node i is the lesser of 2i and 2i + 1
  uint32_t *gains;   ///< [half], what the first average is over
  uint64_t *sums;    ///< [half], what the second is over
  // [audio]
  float ceiling;
  uint32_t release; ///< of what is missing, this part per sample, in 2^-32
  uint32_t at_delay, at_least, at_half;
  uint32_t gain; ///< after release, in 2^-30
  uint64_t sum, sum_of_sums;
  // shared
  _Atomic uint32_t least_gain; ///< bits of a float; the reader sets it back
} limiter;

/// Of a struct of zeros. rate_hz 1 to LIMITER_MAX_HZ, n_channels 1 to LIMITER_MAX_CHANNELS, else
/// STATUS_USAGE; STATUS_NO_MEMORY. Ceiling and release time are the defaults. [main]
status limiter_init(limiter *l, uint32_t rate_hz, uint32_t n_channels, error *err);
void limiter_destroy(limiter *l); ///< a zeroed limiter is fine [main]
void limiter_reset(limiter *l);   ///< silence before, gain 1; settings stay [audio]

/// Samples by which the output is late: 1.5 ms, less a sample, and 13 for the interpolation; 84 at
/// 48000 Hz. Const. [any]
uint32_t limiter_delay_samples(const limiter *l);

/// From the next sample that goes in, which comes out `limiter_delay_samples` later; linear, kept
/// within LIMITER_LEAST_CEILING and LIMITER_GREATEST_CEILING; not a number: no change. [audio]
void limiter_set_ceiling(limiter *l, float ceiling);

/// Time in which 63 % of a reduction go; 1 to 10000 ms, kept within. [audio]
void limiter_set_release(limiter *l, float release_ms);

/// One sample of each channel: in and out [n_channels], which may be the same. [audio]
void limiter_step(limiter *l, const float *in, float *out);

/// The same for n_samples, in and out [n_samples, n_channels]. [audio]
void limiter_process(limiter *l, const float *in, float *out, size_t n_samples);

/// The greatest reduction since the last call, in dB, 0 or more. A reduction at the very moment of
/// the call may be left out. [any], one reader
float limiter_reduction_db(limiter *l);

#endif
