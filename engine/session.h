// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A session: what a host holds. It takes blocks of audio in, gives blocks of audio out L samples
/// later, and reports. The audio thread only moves samples and typed messages through lock-free
/// rings; a conductor thread of the session's own runs codec and models step by step.
///
/// Time: output sample t (counted per timeline, from the first sample the session received) is the
/// offline result at t - L, bit for bit, whatever the block sizes. A *timeline* begins at open, at
/// a rate change, after an input overflow and a restart; each publishes the host time of its
/// sample 0.
///
/// Thread tags as in CLAP: [main] any normal thread, one at a time; [audio] the host's callback
/// thread; [any].
#ifndef CONTINUO_ENGINE_SESSION_H
#define CONTINUO_ENGINE_SESSION_H

#include "base/log.h"
#include "base/status.h"
#include "engine/control/control.h"
#include "engine/play/mosaic.h"
#include "models/codec.h"
#include "models/token_model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SESSION_MAX_CHANNELS 8
#define SESSION_MAX_BLOCK_SAMPLES 8192

typedef struct session session;

/// What is heard while a result is late.
typedef enum session_fallback {
  FALLBACK_SILENCE,
  FALLBACK_DRY,  ///< the input, delayed by L
  FALLBACK_HOLD, ///< the last wet stretch, repeated and fading
} session_fallback;

/// What a step heard, besides its codes.
typedef struct session_heard {
  double mean_square; ///< of its input
  float peak;
  bool fed_back; ///< the output came back into the input
} session_heard;

/// A performance to be rendered again: what its steps heard comes from a record, and what depended
/// on a clock is decided by the host through session_decide.
typedef struct session_script {
  /// The record's next step of that timeline: codes [n_codebooks used] and what else it heard.
  /// False: the timeline had no more steps. Called by the conductor while process waits.
  bool (*next_step)(void *user, uint64_t timeline, int32_t *codes, session_heard *heard);
  void *user;
} session_script;

/// What session_decide may decide, together.
enum {
  DECIDE_FADE_OUT = 1, ///< to the fallback
  DECIDE_PLAN = 2,     ///< what set_block or set_rate asked for holds
  DECIDE_FADE_IN = 4,  ///< back to wet
  DECIDE_CUT = 8,      ///< input from here on is lost
  DECIDE_TIMELINE = 16 ///< a timeline begins
};

typedef struct session_config {
  codec *model;           ///< required; the session takes a reference
  int n_codebooks;        ///< used; 0: all
  uint32_t host_rate_hz;  ///< 1 to 384000
  uint32_t block_samples; ///< largest block expected, 1 to SESSION_MAX_BLOCK_SAMPLES
  uint32_t
      slack_samples; ///< added to the least latency, host samples; 0: one hop. Never below the fade
  float fade_ms;     ///< crossfade to and from the fallback, 5 to 10; 0: 5
  session_fallback fallback;
  const session_script *script; ///< null but for rendering a performance again; must live as long
  bool offline;                 ///< no conductor thread's clock: process waits, for file hosts
  int priority;         ///< SCHED_FIFO priority of the host's audio thread; 0: not real-time
  bool lock_memory;     ///< try to lock rings, then weights
  token_model *player;  ///< what goes on playing; null: nothing does. A reference is taken
  const mosaic *corpus; ///< of the mosaic effect; null: none. Must live as long as the session
  double keep_s;        ///< seconds that can be written as a performance; 0: nothing is kept. Input
                        ///< is then brought to 24 bits over +-4 (engine/keep/keep.h)
  bool output_stage;    ///< limiter between decoder and loudspeaker; its delay is part of L
  const log_sink *log;  ///< called from [main] functions and the conductor; may be null
} session_config;

/// Read open: model is warmed up, threads run, L is known. Errors name what was impossible. [main]
status session_open(session **s, const session_config *config, error *err);
void session_close(session *s); ///< joins the conductor; null is fine [main]

/// Push and pull one block. in and out: n_channels pointers of n_samples f32 each; in and out may
/// not overlap. in may be null (silence). host_time_samples is the host's running sample count of
/// this block's first sample (JACK: jack_last_frame_time); a jump is counted as a gap. At most one
/// futex wake, nothing else that could block; in freewheel it waits instead. Non-finite input
/// samples become 0 and are counted. n_samples 0 is fine; above SESSION_MAX_BLOCK_SAMPLES the
/// output is silence and a miss. [audio]
void session_process(session *s, const float *const *in, float *const *out, uint32_t n_samples,
                     uint64_t host_time_samples);

/// Ask for controls: all of a batch get one stamp, the first sample of the next block. False when
/// one of them makes no sense, or when there is no room for all of them, or when this thread has
/// sent more than anybody can play: then none is taken, and they are counted as dropped. Senders
/// wait for one another, never the audio thread. [any but audio]
bool session_send(session *s, const control *batch, size_t n);

/// The same from the host's callback, for sample `offset_samples` of the block that the next
/// session_process brings; one that falls counts as the last, one beyond the block as its last
/// sample. Beyond a bounded number per block and second they are dropped and counted. [audio]
bool session_send_at(session *s, const control *c, uint32_t offset_samples);

/// A parameter's value (engine/control/parameters.h): as last stamped, and what has become of it
/// since: a mode refused, effects that panic turned off, a tempo tapped. [any]
double session_parameter(const session *s, int id);

/// The play_mode that is played now. PARAMETER_MODE is the one that was set last: an action or a
/// model that cannot may have led elsewhere, a beat may still be waited for. [any]
int session_mode(const session *s);

/// What a session cannot know of itself, for the record. Strings may be null.
typedef struct session_names {
  const char *codec_path, *model, *kernels, *storage, *corpus;
} session_names;

/// Write what has been played into a new folder (engine/keep/performance.h), while it goes on.
/// Takes seconds for ten minutes. STATUS_USAGE (keep_s was 0, the folder is there, nothing heard
/// yet), STATUS_IO, STATUS_NO_MEMORY, STATUS_UNSUPPORTED. [main]
status session_keep(session *s, const char *folder, const session_names *names, error *err);

/// With a script: what happens at the beginning of the next block. [audio]
void session_decide(session *s, unsigned decisions);

/// Freewheel: process waits for its result, up to 8 s, so that a render is deterministic. [any]
void session_set_freewheel(session *s, bool on);

/// The host announces a larger block or another rate: fades out, recomputes L (and, for a rate,
/// begins a new timeline), fades in. A smaller block keeps L. Does not block the audio thread.
/// [main]
status session_set_block(session *s, uint32_t block_samples, error *err);
status session_set_rate(session *s, uint32_t host_rate_hz, error *err);

/// Whoever called process until now has gone, and another, whose time begins elsewhere, will: what
/// sounds fades out with the next block, then a timeline begins. All that was heard, played and set
/// stays. While nobody calls process. [main]
void session_restart(session *s);

/// Real-time priority of whoever calls process, as in the configuration. [main]
void session_set_priority(session *s, int priority);

/// Count one xrun that the host reported. [any]
void session_count_xrun(session *s);

/// L in host samples: slack, both resamplers and the model's delay included. [any]
uint32_t session_latency_samples(const session *s);

/// Channels of in and out (the model's). [any]
int session_channels(const session *s);

/// Host time of the present timeline's sample 0, and a number that grows with each timeline. [any]
typedef struct session_timeline {
  uint64_t number;            ///< 1 for the first; 0: nothing received yet
  uint64_t host_time_samples; ///< of sample 0
} session_timeline;
session_timeline session_get_timeline(const session *s);

/// Percentiles of a logarithmic histogram.
typedef struct session_times {
  double p50_us, p99_us, p999_us, max_us;
} session_times;

typedef struct session_telemetry {
  uint32_t latency_samples;
  uint32_t host_rate_hz, codec_rate_hz, hop_samples;
  uint32_t block_samples;         ///< the largest that L is good for
  uint32_t largest_block_samples; ///< ever given to process; above block_samples: call set_block
  uint64_t position_samples;      ///< received in the present timeline
  uint64_t steps;                 ///< codec steps done since open
  uint64_t misses;                ///< times that a result was late
  uint64_t own_misses;            ///< of those, not covered by run delay and stolen time
  uint64_t late_samples;          ///< output samples that were fallback for lateness
  uint64_t gaps;                  ///< jumps of host time
  uint64_t gap_samples;
  uint64_t xruns;                      ///< as the host reported them
  uint64_t overflows;                  ///< input ring overflowed, a new timeline began
  uint64_t nonfinite_samples;          ///< NaN or infinity in the input, replaced by 0
  session_times encode, decode, total; ///< per step, wall time of the conductor
  float input_peak, output_peak;       ///< since the last read
  double realtime_factor;              ///< hop duration over mean step time
  uint64_t dropped_controls;           ///< malformed, or faster than anybody plays
  float reduction_db;                  ///< of the limiter, greatest since the last read
  int mode;                            ///< play_mode
  bool plays, gate_open, fed_back;     ///< by itself; input above the gate; faded out for feedback
  double beat, bpm;                    ///< 0: no clock runs
  uint64_t memory_steps, place;        ///< remembered; the remembered step that sounds
} session_telemetry;
/// Never blocks the audio thread. [any but audio]
void session_read_telemetry(session *s, session_telemetry *t);

/// Things that happened, in order, for logs and tests.
typedef enum session_event_kind {
  EVENT_TIMELINE,  ///< a timeline began: value = its number, position = host time of sample 0
  EVENT_LATE,      ///< fade to the fallback began: position = output sample, value = overshoot_us
  EVENT_RECOVERED, ///< fade back has begun: position = output sample
  EVENT_PAUSED,    ///< as EVENT_LATE, but for a larger block or another rate: nobody was late
  EVENT_GAP,       ///< value = samples lost, position = input sample where it fell
  EVENT_OVERFLOW,  ///< input lost, a new timeline follows
  EVENT_LATENCY,   ///< L changed: value = L, position = output sample from which on it counts
  EVENT_CONTROL,   ///< position = the stamp of a mode that was set (value: play_mode) or of an
                   ///< action asked for (N_MODES + control_action)
  EVENT_MODE,      ///< value = play_mode, from the step on that starts at position
  EVENT_PLAYS,     ///< it plays by itself (value 1) or no longer (0) from position on
  EVENT_REFUSED,   ///< value = play_mode that the model cannot play
  EVENT_FEEDBACK,  ///< the output comes back into the input: it fades out (1), comes back (0)
  EVENT_FAILED,    ///< the codec gave an error (value: its status); only the fallback is heard
} session_event_kind;

typedef struct session_event {
  session_event_kind kind;
  uint64_t position_samples;
  uint64_t value;
  uint64_t run_delay_us, steal_us, cpu_us; ///< EVENT_LATE: what the kernel accounts for the step
  bool own;                                ///< EVENT_LATE: a miss of our own
  /// EVENT_LATE, CLOCK_MONOTONIC: when the conductor last had nothing to do; when process missed
  /// the result; when it was there.
  uint64_t since_ns, due_ns, done_ns;
} session_event;
/// Take the oldest event; false when there is none. [main]
bool session_next_event(session *s, session_event *event);

/// For tests: the conductor sleeps once for `ms` before its next step. [any]
void session_inject_stall(session *s, uint32_t ms);

#endif
