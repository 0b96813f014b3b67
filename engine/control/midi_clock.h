// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// MIDI clock (24 ticks a beat, start, stop, continue, song position) to CONTROL_CLOCK controls.
/// Ticks jitter; a line of least squares through the last MIDI_CLOCK_WINDOW of them says where the
/// beats are. Ticks that got lost are put in by their distance; a tempo that has changed is taken
/// over after four ticks that do not fit the line. Everything is a function of the positions of the
/// messages alone. A plain struct, no allocation, constant time. [audio]
///
/// Messages and units: MIDI 1.0 detailed specification, system real time and song position pointer.
#ifndef CONTINUO_ENGINE_CONTROL_MIDI_CLOCK_H
#define CONTINUO_ENGINE_CONTROL_MIDI_CLOCK_H

#include "engine/control/control.h"

#include <stdbool.h>
#include <stdint.h>

#define MIDI_CLOCK_WINDOW 32
#define MIDI_CLOCK_SLOWEST_BPM 10.0 ///< slower, and faster, is no clock
#define MIDI_CLOCK_FASTEST_BPM 500.0

typedef struct midi_clock {
  uint32_t rate_hz;
  // The last ticks, a ring; numbers count ticks and may skip those lost.
  struct {
    uint64_t position_samples;
    int64_t number;
  } ticks[MIDI_CLOCK_WINDOW];
  int n_ticks, newest;
  // The line: tick `newest` fell on `position of newest + offset`, ticks are `period` apart.
  double offset_samples;
  double period_samples; ///< 0: not known
  double guess_samples;  ///< period before a pause; 0: none
  double spread_samples; ///< mean distance of ticks from the line
  int n_off;             ///< ticks in a row that did not fit, below 0: too early
  bool just_skipped;     ///< some seemed lost before the newest tick
  int n_since_skip;      ///< ticks
  int64_t skipped;       ///< ticks put in, of which some may still come
  // The song.
  bool running;
  bool waiting; ///< for the next tick, which is song tick `song_next`
  int64_t song_next;
  int64_t song_offset; ///< song tick less tick number
  // What was told last.
  bool must_tell;
  double told_beat, told_beats_per_s;
  uint64_t told_samples;
} midi_clock;

void midi_clock_init(midi_clock *c, uint32_t rate_hz);

/// Positions count at another rate from now on: the ticks begin anew, the song goes on.
void midi_clock_set_rate(midi_clock *c, uint32_t rate_hz);

/// Each takes one message at a position, and is true where `out` (value: beat, more: beats a
/// second) is to be sent. Positions that do not rise are taken as a new beginning.
bool midi_clock_tick(midi_clock *c, uint64_t position_samples, control *out);
bool midi_clock_stop(midi_clock *c, uint64_t position_samples, control *out);

/// The next tick begins the song, or goes on with it.
void midi_clock_start(midi_clock *c);
void midi_clock_continue(midi_clock *c);

/// The next tick stands at so many sixteenths (0 to 16383).
void midi_clock_song_position(midi_clock *c, int sixteenths);

/// To be asked once a block: true where ticks have failed to come for half a second, `out` stops.
/// When they come again the song goes on.
bool midi_clock_pass(midi_clock *c, uint64_t position_samples, control *out);

/// The next tick tells where it is, whatever was told before.
void midi_clock_tell_again(midi_clock *c);

#endif
