// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Is what a session gave equal to the offline result of what it was given, bit for bit, everywhere
/// but where its own events say otherwise?
#ifndef CONTINUO_TESTS_ENGINE_LIVE_CHECK_H
#define CONTINUO_TESTS_ENGINE_LIVE_CHECK_H

#include "engine/session.h"

#include <stddef.h>

#define LIVE_CHECK_MAX_EVENTS 4096
#define LIVE_CHECK_MAX_TIMELINES 16

/// What went into and came out of `session_process`, in one piece, without gaps of host time.
typedef struct live_recording {
  const float *in;  ///< [n_samples, n_channels]
  const float *out; ///< [n_samples, n_channels]
  size_t n_samples;
  uint64_t host_time_samples; ///< of sample 0
  const session_event *events;
  size_t n_events;
  codec *model;
  int n_codebooks;
  uint32_t timeline_rates_hz[LIVE_CHECK_MAX_TIMELINES]; ///< host rates; 0: as the one before
  uint32_t latency_samples;                             ///< at the start
  float fade_ms;                                        ///< as in session_config
} live_recording;

typedef struct live_verdict {
  size_t n_compared;      ///< samples that had to be equal
  size_t n_compared_last; ///< of these, in the last timeline
  size_t n_different;
  size_t first_different; ///< index into the recording
  size_t n_excluded;      ///< late, fading, fallback
  int n_late, n_recovered, n_timelines;
} live_verdict;

/// STATUS_OK when the offline reference could be made; the verdict tells the rest.
status live_check(const live_recording *r, live_verdict *v, error *err);

#endif
