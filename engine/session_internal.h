// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What a session is made of, seen by its three threads' files: session.c ([main]: allocates),
/// session_process.c ([audio]: moves samples), conductor.c (runs the codec). Each thread touches
/// its own struct and what is marked as shared.
///
/// Positions. A *stream position* counts the samples that process was given since open; `t` is the
/// next one. Wet sample r is what the codec made of input sample r; process gives wet sample t - L
/// at t. An *input position* counts samples that were put into the input ring: fewer, since input
/// is dropped while a new timeline waits to begin.
#ifndef CONTINUO_ENGINE_SESSION_INTERNAL_H
#define CONTINUO_ENGINE_SESSION_INTERNAL_H

#include "engine/conductor.h"
#include "engine/control/parameters.h"
#include "engine/keep/keep.h"
#include "engine/output/limiter.h"
#include "engine/output/ramp.h"
#include "engine/pipeline.h"
#include "engine/ring.h"
#include "engine/session.h"

#include <pthread.h>
#include <stdatomic.h>

#define SESSION_WAIT_NS UINT64_C(8000000000) ///< freewheel: below JACK's own limit of 10 s
#define SESSION_MESSAGES 1024                ///< slots of the message and the event ring
#define SESSION_HOLD_SAMPLES 2048            ///< of FALLBACK_HOLD, a power of two
#define SESSION_ASKED 2048                   ///< slots of the ring of controls to be stamped
#define SESSION_CONTROLS 4096                ///< slots of the ring of those that are
#define SESSION_COMING                                                                             \
  4096 ///< controls from the host's callback per block; a replay brings there
       ///< all that one block ever had
#define SESSION_ON_SAMPLE 4096 ///< controls of gain and mix that wait for their sample
#define SESSION_SENDERS 16     ///< threads whose floods are told apart

/// Latency and all that follows from it, const once offered to the audio thread. [main] makes one
/// for each larger block and each rate.
typedef struct plan {
  struct plan *older;
  uint64_t serial;
  uint64_t epoch;   ///< grows with each rate
  rate_pair *rates; ///< of the epoch
  limiter *peaks;   ///< of the epoch; null without an output stage
  bool owns_rates;  ///< the first plan of its epoch does, `peaks` too
  uint32_t host_rate_hz;
  uint32_t block_samples;   ///< the largest that `latency_samples` is good for
  uint32_t wet_samples;     ///< by which wet is later than its input
  uint32_t latency_samples; ///< L: wet_samples and the output stage's delay
  uint32_t fade_samples;
  uint32_t enough_samples; ///< beyond the block, for wet to come back
  uint32_t settle_samples; ///< for which there must be enough before it does
  float hold_decay;        ///< FALLBACK_HOLD, gain per sample
} plan;

/// What is heard.
typedef enum heard { HEARD_WET, HEARD_FADE_OUT, HEARD_FALLBACK, HEARD_FADE_IN } heard;

/// Gain and mix, sample by sample.
typedef struct mixer {
  ramp level, mix, mute;                ///< mute: 0 after panic
  control on_sample[SESSION_ON_SAMPLE]; ///< in the order of their stamps
  uint32_t n_on_sample;
  float dry_gain; ///< last known of the conductor's
  float ceiling;  ///< linear
} mixer;

/// One of the threads that call session_send.
typedef struct sender {
  pthread_t thread;
  uint64_t ns;      ///< when it last did; 0: nobody
  double allowance; ///< controls that it may still send
} sender;

/// What the audio thread alone touches.
typedef struct audio_side {
  ring dry;  ///< past input by stream position, for FALLBACK_DRY
  ring hold; ///< what was last heard wet, by stream position
  const plan *plan;
  uint64_t t;         ///< stream position of the next sample
  uint64_t base;      ///< stream position of the present timeline's sample 0
  uint64_t n_pushed;  ///< input position of the next sample
  uint64_t timelines; ///< number of the present one
  uint64_t host_next; ///< host time that the next block should have
  uint64_t settled;   ///< samples for which there has been enough
  heard mode;
  uint32_t wet_gain;  ///< 0 to fade_samples
  bool cut;           ///< input is dropped until a new timeline can begin
  unsigned decided;   ///< with a script: DECIDE_ bits of the coming block
  uint64_t hold_end;  ///< stream position after the last sample in `hold`
  uint64_t hold_read; ///< samples of it given since
  float hold_gain;
  mixer mixer;
  control coming[SESSION_COMING]; ///< stamped for the coming block
  uint32_t n_coming;
  double allowance; ///< controls that the host's callback may still bring
} audio_side;

typedef enum overflow_flag {
  OVERFLOW_NONE,
  OVERFLOW_RAISED,  ///< by [audio]: the conductor must throw its input away
  OVERFLOW_CLEARED, ///< by the conductor: done
} overflow_flag;

/// Counters with one writer each, read by telemetry.
typedef struct counters {
  _Atomic uint64_t misses, late_samples, gaps, gap_samples, overflows, nonfinite_samples;
  _Atomic uint64_t position_samples;        ///< [audio], all above too
  _Atomic uint32_t input_peak, output_peak; ///< bits of a float, [audio]; telemetry resets
  _Atomic uint32_t largest_block_samples;   ///< [audio]
  _Atomic uint64_t steps, own_misses;       ///< conductor
  _Atomic uint64_t xruns;                   ///< [any], added atomically
  _Atomic uint64_t dropped_controls;        ///< [any], added atomically
} counters;

/// What the player is at, for telemetry; the conductor writes it.
typedef struct shown_state {
  _Atomic int mode;
  _Atomic bool plays, gate_open, fed_back;
  _Atomic double beat, bpm;
  _Atomic uint64_t memory_steps, place, n_ignored;
} shown_state;

struct session {
  // shared; each keeps its ends on cache lines of their own
  ring input;    ///< [audio] to conductor, by input position
  ring output;   ///< conductor to [audio], by stream position: wet, and the gain of the dry
  ring messages; ///< [audio] to conductor: session_message
  ring events;   ///< conductor to [main]: session_event
  ring asked;    ///< [any], one at a time, to [audio]: control
  ring controls; ///< [audio] to conductor: control, stamped

  audio_side audio;                               ///< [audio] alone
  _Alignas(CACHE_LINE_BYTES) conductor conductor; ///< the conductor alone
  keep kept;                                      ///< what each thread writes is its own

  // const after open
  codec *model;
  const codec_info *info;
  session_config config;
  log_sink log;

  // shared
  _Alignas(CACHE_LINE_BYTES) _Atomic uint32_t bell; ///< grows when there is something to do
  _Atomic uint32_t asleep;                          ///< 1: the conductor waits on `bell`
  _Atomic uint32_t overflow;                        ///< overflow_flag
  _Atomic uint32_t stall_ms;
  _Atomic bool stop;
  _Alignas(CACHE_LINE_BYTES) _Atomic uint32_t progress; ///< grows with `worked`
  _Atomic uint32_t waiting;                             ///< 1: [audio] waits on `progress`
  _Atomic uint64_t worked; ///< input position up to which everything is done
  _Atomic bool failed;     ///< the codec gave an error: nothing comes any more
  _Atomic bool freewheel;
  _Atomic bool restarts; ///< the next block comes from another caller, at another time
  _Atomic(plan *) offer; ///< the newest plan; the three below are its
  _Atomic uint32_t latency_samples, host_rate_hz, block_samples;
  _Atomic uint64_t audio_serial;    ///< of the plan that [audio] goes by
  _Atomic uint64_t conductor_epoch; ///< of the rates that the conductor goes by
  _Atomic uint64_t timeline_number;
  _Atomic uint64_t timeline_host[2]; ///< by the number's lowest bit
  counters counts;
  shown_state shown;
  _Atomic uint64_t logged;              ///< position in `controls` up to which the record has them
  _Atomic double values[PARAMETER_MAX]; ///< of the parameters

  pthread_mutex_t asking; ///< of `asked` and `senders`; the audio thread never takes it
  sender senders[SESSION_SENDERS];
  pthread_t thread;
};

typedef enum message_kind {
  MESSAGE_TIMELINE,
  MESSAGE_LATE,
  MESSAGE_PAUSED,
  MESSAGE_RECOVERED,
  MESSAGE_GAP,
  MESSAGE_OVERFLOW,
  MESSAGE_LATENCY,
  MESSAGE_CUT, ///< for the record only
} message_kind;

/// From the audio thread to the conductor, in order with the input.
typedef struct session_message {
  message_kind kind;
  uint64_t position; ///< within the timeline, as in session_event
  uint64_t at;       ///< stream position of the block in which it was decided; TIMELINE: `base`
  uint32_t block_samples, host_rate_hz; ///< LATENCY: the plan's
  uint64_t value;                       ///< as in session_event; TIMELINE: host time of sample 0
  uint64_t number;                      ///< TIMELINE: its number
  uint64_t n_pushed;                    ///< TIMELINE: input position of sample 0
  uint64_t base;                        ///< TIMELINE: stream position of sample 0
  uint64_t epoch;                       ///< TIMELINE
  rate_pair *rates;                     ///< TIMELINE
  uint64_t needed;  ///< LATE: stream position of wet that should have been there
  uint64_t wall_ns; ///< LATE: when
} session_message;

/// One more of a counter that only the calling thread writes.
static inline void count(_Atomic uint64_t *counter, uint64_t n)
{
  const uint64_t old = atomic_load_explicit(counter, memory_order_relaxed);
  atomic_store_explicit(counter, old + n, memory_order_relaxed);
}

#endif
