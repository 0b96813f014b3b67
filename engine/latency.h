// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The least latency of a threaded step loop between a host's blocks and a codec's hops.
///
/// Callback i comes when p_i samples have been received. Until then the conductor can have finished
/// exactly the hops that these p_i samples fill: in(p_i) samples at the codec's rate, of them the
/// whole hops, less the model's delay, through the resampler back to the host's rate: ready(p_i).
/// Callback i must give samples p_i - L to p_i + n - L - 1, so L >= p_i + n - ready(p_i). The
/// answer is the largest right-hand side over all callbacks, p_i = i * n. The pattern repeats after
/// one common multiple of block and hop, so it is searched through once; see DESIGN: closed forms
/// in circulation are wrong.
#ifndef CONTINUO_ENGINE_LATENCY_H
#define CONTINUO_ENGINE_LATENCY_H

#include "base/status.h"
#include "models/io/resampler.h"

#include <stdint.h>

typedef struct latency_query {
  const resampler *in;   ///< host rate to codec rate: only its exact counts are used
  const resampler *out;  ///< codec rate to host rate
  uint32_t host_rate_hz; ///< 1 to 384000
  uint32_t codec_rate_hz;
  uint32_t hop_samples;         ///< at the codec's rate
  uint32_t model_delay_samples; ///< at the codec's rate
  uint32_t block_samples;       ///< n, at the host's rate, 1 or more
} latency_query;

/// Output samples, at the host's rate, that `n_received` input samples lead to.
uint64_t latency_ready(const latency_query *q, uint64_t n_received);

/// The least L. STATUS_UNSUPPORTED when the common multiple is beyond 2^26 callbacks (both hop and
/// rate absurd). Takes time in proportion to that multiple: [main] only.
status latency_search(const latency_query *q, uint64_t *latency_samples, error *err);

#endif
