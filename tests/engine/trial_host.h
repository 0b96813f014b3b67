// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A host for tests: plays noise through a session block by block, records everything, and holds it
/// against the offline result at the end. Failures are cmocka's. It goes either at a multiple of
/// real time or, *stepped*, as fast as the conductor follows: then nothing is late but what the
/// test itself holds up, and nothing that holds the machine up can change the outcome.
#ifndef CONTINUO_TESTS_ENGINE_TRIAL_HOST_H
#define CONTINUO_TESTS_ENGINE_TRIAL_HOST_H

#include "engine/session.h"
#include "tests/engine/live_check.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#define TRIAL_HOST_START 1000 ///< host time of the first sample

typedef enum trial_hold { HOLD_NONE, HOLD_ASKED, HOLD_STANDS } trial_hold;

typedef struct trial_host {
  session *s;
  codec *model;
  session_config config;
  uint32_t n_channels;
  float *in, *out; ///< [n_samples, n_channels]
  size_t n_samples, done;
  uint32_t latency_samples; ///< at the start
  uint32_t timeline_rates_hz[LIVE_CHECK_MAX_TIMELINES];
  double pace;               ///< as it is in this build
  bool stepped;              ///< after each block, or 64 samples, the conductor is waited for
  void (*at_step)(void);     ///< stepped: called in the conductor before each step; may be null
  bool hold_works;           ///< while held it works instead of sleeping
  atomic_int hold;           ///< trial_hold
  uint32_t unwaited;         ///< samples since the conductor was last waited for
  size_t hold_until;         ///< samples done
  atomic_ullong held_cpu_ns; ///< CPU time that the present hold has taken
  struct timespec next;      ///< when the next block is due
  session_event events[LIVE_CHECK_MAX_EVENTS];
  size_t n_events;
  void (*before_process)(void), (*after_process)(void); ///< may be null
} trial_host;

/// `seconds` of input at `pace` times real time (0: not paced); a sanitizer's build, which is many
/// times slower, goes at a half or a quarter of it. The model in `config` is set here.
void trial_host_open(trial_host *h, codec *model, const session_config *config, double seconds,
                     double pace);

/// The same, stepped. The model is a trial codec.
void trial_host_open_stepped(trial_host *h, codec *model, const session_config *config,
                             double seconds);

/// Go at another pace from here on.
void trial_host_set_pace(trial_host *h, double pace);

/// Not stepped: stall the conductor for as long as `seconds` of input take.
void trial_host_stall(trial_host *h, double seconds);

/// Stepped: hold the conductor up within its next step, until `seconds` more of input have gone
/// through, or until trial_host_release.
void trial_host_hold(trial_host *h, double seconds);
void trial_host_release(trial_host *h);
bool trial_host_holds(const trial_host *h); ///< whether the conductor stands now

/// One block of n samples, or what is left of the input.
void trial_host_block(trial_host *h, uint32_t n_samples);

/// Blocks until `until_seconds` of input, or all, have gone through.
void trial_host_run(trial_host *h, double until_seconds, uint32_t block_samples);

/// Take all events that there are; the block calls do so too.
void trial_host_take_events(trial_host *h);

/// The `nth` event (0: first) of that kind so far; null when there are fewer.
const session_event *trial_host_event(const trial_host *h, session_event_kind kind, int nth);

/// Let the conductor finish and report, close the session, compare everything.
live_verdict trial_host_close(trial_host *h);

/// After close: the recordings are kept until here.
void trial_host_free(trial_host *h);

/// A trial codec; see tests/engine/trial_codec.h.
codec *trial_host_codec(uint32_t rate_hz, uint32_t hop, uint32_t n_channels, uint32_t delay);

#endif
