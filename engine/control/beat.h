// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Where the beats are, as a function of stream position alone. The clock is, in this order, the
/// outer one while it runs (JACK transport, MIDI clock), the tempo tapped, the tempo set. A plain
/// struct: copying it is a snapshot. The conductor's.
#ifndef CONTINUO_ENGINE_CONTROL_BEAT_H
#define CONTINUO_ENGINE_CONTROL_BEAT_H

#include <stdbool.h>
#include <stdint.h>

#define BEAT_MAX_TAPS 8

typedef struct beat_clock {
  uint32_t rate_hz; ///< of stream positions
  int beats_per_bar;
  bool outer;         ///< an outer clock runs
  double origin_beat; ///< the beat at `origin_samples`
  uint64_t origin_samples;
  double samples_per_beat;      ///< 0: no clock runs
  double set_bpm;               ///< of the own clock; 0: none
  uint64_t taps[BEAT_MAX_TAPS]; ///< the last, oldest first
  int n_taps;
} beat_clock;

void beat_clock_init(beat_clock *b, uint32_t rate_hz);

/// The own tempo from `position` on, 0: none. Its beat 0 is there, unless a clock ran: then its
/// beats go on.
void beat_clock_set_tempo(beat_clock *b, double bpm, uint64_t position_samples);
void beat_clock_set_bar(beat_clock *b, int beats_per_bar);

/// The outer clock stood at `beat` at `position`, with so many beats a second (0: it stopped).
void beat_clock_follow(beat_clock *b, double beat, double beats_per_s, uint64_t position_samples);

/// A tap: two or more, 0.1 to 2 s apart, make a tempo whose beats fall on the last tap. Nearer ones
/// do not count, after a longer pause they begin anew.
void beat_clock_tap(beat_clock *b, uint64_t position_samples);

bool beat_clock_runs(const beat_clock *b);
double beat_clock_at(const beat_clock *b, uint64_t position_samples); ///< in beats; 0 if none runs
double beat_clock_bpm(const beat_clock *b);                           ///< 0 if none runs

/// First sample at or after `position` on a beat, or on a bar's first beat; `position` where no
/// clock runs.
uint64_t beat_clock_next(const beat_clock *b, uint64_t position_samples, bool bar);

#endif
