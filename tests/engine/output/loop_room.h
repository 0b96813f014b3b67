// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A player, a microphone, a session that gives back what it gets, a limiter, a loudspeaker and a
/// room, at 24 kHz in hops of 320 samples: what tests of feedback play in.
#ifndef CONTINUO_TESTS_ENGINE_OUTPUT_LOOP_ROOM_H
#define CONTINUO_TESTS_ENGINE_OUTPUT_LOOP_ROOM_H

#include "engine/output/feedback.h"

#include <stddef.h>

#define ROOM_RATE 24000
#define ROOM_HOP 320
#define ROOM_CEILING 0.891f

typedef struct room {
  size_t delay_samples; ///< loudspeaker to microphone, all latencies included
  float gain;           ///< of the path, the greatest over all frequencies
  bool reverberant;     ///< 100 ms of taps instead of one
  float most;           ///< what the loudspeaker can give; 0: all up to the ceiling
} room;

typedef struct room_result {
  unsigned n_found;
  feedback_cause cause; ///< of the first
  double lag_ms;        ///< of the first
  double dominant_s;    ///< since when the loop is 3 dB above the player; -1: never
  double found_s;       ///< -1: never
  double hot_s;         ///< longest time near full scale before the first was found
  double most_hot_s;    ///< and in all
} room_result;

/// Play `player` [n] into the room, from silence.
room_result room_play(const room *r, const float *player, size_t n);

/// How often feedback is found where there is none: input is `in` times gain, output the same
/// `delay_samples` later.
unsigned room_play_apart(const float *in, size_t n, float gain, size_t delay_samples);

#endif
