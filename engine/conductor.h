// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The conductor: a session's own thread. It sleeps until the audio thread rings the bell, works
/// off all queued input hop by hop, and writes what comes out at its absolute position. It measures
/// each step and says of a late one whose fault it was.
#ifndef CONTINUO_ENGINE_CONDUCTOR_H
#define CONTINUO_ENGINE_CONDUCTOR_H

#include "engine/histogram.h"
#include "engine/output/feedback.h"
#include "engine/pipeline.h"
#include "engine/play/player.h"
#include "engine/session.h"
#include "engine/thread_times.h"

#define CONDUCTOR_HELD_EVENTS 16

/// What the conductor thread alone touches, but for the histograms, which anyone may read.
typedef struct conductor {
  pipeline way;
  uint64_t n_taken;  ///< input position of the next sample
  uint64_t base;     ///< stream position of the timeline's sample 0
  uint64_t n_given;  ///< wet samples since then
  uint64_t n_steps;  ///< since then
  uint32_t timeline; ///< number of the present one
  uint64_t n_logged; ///< controls that are in the log already, by position in their ring
  player *player;
  player_sound sound;     ///< of the last step
  feedback feedback;      ///< of a session with an output stage
  bool fed_back;          ///< as it found with the last step
  float *input_hop;       ///< [hop_samples, n_channels] what the step was given
  hop_level sounded;      ///< of the last decoded hop, before gains
  uint64_t take_ns;       ///< spent on resampling input for the coming step
  uint64_t worst_cpu_ns;  ///< of a step since the last rest
  uint64_t given_wall_ns; ///< when the last step was done
  thread_times times;
  thread_times_mark marks[2]; ///< at the last two rests
  int newest_mark;
  bool late;                                 ///< an EVENT_LATE waits for its figures
  session_event held[CONDUCTOR_HELD_EVENTS]; ///< what happened since, to be told after it
  int n_held;
  session_event late_event;
  uint64_t late_needed;  ///< stream position of wet that ends the lateness
  uint64_t late_wall_ns; ///< when it began
  histogram encode, decode, total;
} conductor;

/// Allocate, and run the codec a few steps so that its memory and code are warm. [main]
status conductor_init(session *s, rate_pair *rates, error *err);
void conductor_destroy(conductor *c); ///< a zeroed one is fine

/// The thread's function; `user` is the session. Returns once `stop` is set.
void *conductor_run(void *user);

#endif
