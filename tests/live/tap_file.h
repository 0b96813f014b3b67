// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What the recorder of live_tap leaves behind: every cycle it saw, with its JACK time, and four
/// channels of samples. Native byte order: writer and reader are the same build.
#ifndef CONTINUO_TESTS_LIVE_TAP_FILE_H
#define CONTINUO_TESTS_LIVE_TAP_FILE_H

#include <stdint.h>

#define TAP_MAGIC 0x31504154U
#define TAP_CHANNELS 4 ///< sent_1, sent_2 (what the player sent us), got_1, got_2 (what came back)

typedef struct tap_header {
  uint32_t magic;
  uint32_t rate_hz;
  uint32_t n_cycles;
  uint32_t n_xruns;
  uint64_t n_samples; ///< per channel, over all cycles
} tap_header;

/// One process callback: jack_last_frame_time and its length. Samples lie end to end.
typedef struct tap_cycle {
  uint32_t time_samples;
  uint32_t n_samples;
} tap_cycle;

// File: tap_header, tap_cycle[n_cycles], uint32_t xrun_time_samples[n_xruns],
// float [TAP_CHANNELS][n_samples].

#endif
