// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Hears whether our own output comes back into the input and builds up: loudspeaker, microphone,
/// loudspeaker. The session then fades out, says so, and comes back when the input has calmed.
///
/// What tells a loop from music that repeats itself is where growth comes from. For each lag up to
/// 0.6 s the input is correlated with the past output, sample by sample, and for each lag up to
/// 85 ms the output with the past input, over a window of 0.25 s. Where the input is the output of
/// some lag ago (correlation r1) and the output the input of a moment ago (r2), what has come round
/// has grown by
///
///     10 log10(r1^2 r2^2 P(now) / P(one round ago)) dB,
///
/// P being the power of the input or of the output, whichever has grown less. That is the loop's
/// gain. It is 0 at most for a loop of drums or a drone that repeats itself exactly, and when a
/// note begins; a musician who repeats what he hears makes another wave, which does not correlate.
/// Growth is summed while one lag holds, less 3 dB a second. It is feedback when
///   - it has grown by 10 dB, above -32 dB and above what was played before, and few other lags
///     would do as well (ECHO): mostly long before full scale;
///   - many lags do, as with any tone and any howl: it has grown by 10 dB and peaks have been near
///     full scale for 0.4 s (HOWL);
///   - one lag has held while peaks stood at the limiter's ceiling for 0.7 s (STUCK): loops that
///     get there within two rounds, and rooms that smear the wave.
/// Not told apart: music that repeats itself exactly and at the same time swells by more than 10
/// dB, faster than 3 dB a second and beyond what was played before; music so much too loud that it
/// stands at the ceiling and repeats itself. A loop through a codec that does not keep the wave (r2
/// small) is found as STUCK only.
///
/// Plain struct without pointers (67 KB), deterministic, constant time: see SPEED.md. The
/// conductor, one thread at a time.
#ifndef CONTINUO_ENGINE_OUTPUT_FEEDBACK_H
#define CONTINUO_ENGINE_OUTPUT_FEEDBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FEEDBACK_TICK 128     ///< samples at the rate of work, which is 6 to 12 kHz
#define FEEDBACK_LAG_TICKS 56 ///< lags of the output that are looked at, 0.6 s at 12 kHz
#define FEEDBACK_BACK_TICKS 8 ///< of the input
#define FEEDBACK_LAGS (FEEDBACK_LAG_TICKS * FEEDBACK_TICK)
#define FEEDBACK_BACK (FEEDBACK_BACK_TICKS * FEEDBACK_TICK)
#define FEEDBACK_POWERS (FEEDBACK_LAG_TICKS + FEEDBACK_BACK_TICKS + 2)

typedef enum feedback_cause {
  FEEDBACK_NONE,
  FEEDBACK_ECHO,
  FEEDBACK_HOWL,
  FEEDBACK_STUCK,
} feedback_cause;

typedef struct feedback {
  // const after init
  uint32_t n_channels;
  uint32_t divisor; ///< rate over rate of work
  float decay;      ///< of the window, in a tick
  double tick_s;
  float ceiling;
  // what of a tick has come
  float in_sum, out_sum; ///< of the sample that is being made
  float peak;            ///< of in and out
  uint32_t n_summed, n_gathered;
  // past, the tick that is being made last
  float in[FEEDBACK_BACK + FEEDBACK_TICK];
  float out[FEEDBACK_LAGS + FEEDBACK_TICK];
  // over the window
  float forth[FEEDBACK_LAGS]; ///< products of input and output: element j of lag FEEDBACK_LAGS - j
  float back[FEEDBACK_BACK];  ///< of output and input: element j of lag FEEDBACK_BACK - 1 - j
  float in_power[FEEDBACK_POWERS], out_power[FEEDBACK_POWERS]; ///< after each tick, newest first
  uint32_t seed;
  // what was found in the last tick
  uint32_t best_lag, back_lag;   ///< samples at the rate of work
  double best_match, back_match; ///< r1 and r2
  bool periodic;                 ///< many lags are about as good
  // a lag that holds
  uint32_t run_lag; ///< 0: none
  uint32_t run_ticks;
  uint32_t top_ticks; ///< with peaks at the ceiling, less those without
  double growth_db, most_growth_db;
  uint32_t hot_ticks; ///< with peaks near full scale, less those without
  double played;      ///< loudest window without such a lag, slowly forgotten
  double level;       ///< mean square of the input, over 0.1 s
  // verdict
  bool muted;
  feedback_cause cause; ///< of the last time
  uint32_t found_lag;   ///< then
  uint32_t n_found;
  uint32_t muted_ticks, calm_ticks, clear_ticks;
  uint32_t least_mute_s; ///< doubles each time that it comes back within 10 s, up to 16
  double found_level;
} feedback;

/// Silence before. rate_hz 4000 or more, n_channels 1 or more.
void feedback_init(feedback *f, uint32_t rate_hz, uint32_t n_channels);

/// The limiter's ceiling, linear; 0.89 until told.
void feedback_set_ceiling(feedback *f, float ceiling);

/// One step. in and out [n_samples, n_channels], any n_samples: the hop of input and the hop that
/// goes to the loudspeaker, as it would without mute, of the same time (the model's delay, 85 ms at
/// most, aside). looped: whether the output can follow the input at all, as in mode monitor or
/// accompany or with thru on; without, nothing is found. Samples that are not finite count as 0.
///
/// Gives whether to be silent: from the step that finds feedback (fade out), until the input has
/// fallen by 15 dB or below -55 dB for 0.3 s, at least 1 s (longer the more often: `least_mute_s`)
/// and at most 4 s more.
bool feedback_step(feedback *f, const float *in, const float *out, size_t n_samples, bool looped);

/// Time from our output back into the input when feedback was last found, in milliseconds.
double feedback_lag_ms(const feedback *f);

#endif
