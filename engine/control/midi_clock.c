// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/control/midi_clock.h"

#include <math.h>
#include <string.h>

#define TICKS_PER_BEAT 24
#define TICKS_PER_SIXTEENTH 6
#define GONE_S 0.5    // without a tick: the clock is gone
#define TELL_S 1e-3   // what was told is off by so much
#define LEAST_TICKS 8 // on the line, before a distance is taken for lost ticks
#define SURE_TICKS 6  // until then a period known from before counts more
#define LOST_PERIODS 0.75
#define MOST_LOST 48
#define SLOWER_PERIODS 1.4
#define MOST_OFF 4 // in a row: another tempo
#define OFF_PERIODS 0.03
#define OFF_SPREADS 4.0
#define SPREAD_TICKS 16

void midi_clock_init(midi_clock *c, uint32_t rate_hz)
{
  memset(c, 0, sizeof *c);
  c->rate_hz = rate_hz;
}

void midi_clock_set_rate(midi_clock *c, uint32_t rate_hz)
{
  const bool goes_on = c->running || c->waiting;
  const int64_t after = c->ticks[c->newest].number + c->song_offset + 1;
  const int64_t next = c->running && !c->waiting ? after : c->song_next;
  midi_clock_init(c, rate_hz);
  c->waiting = goes_on;
  c->song_next = next;
}

void midi_clock_tell_again(midi_clock *c)
{
  c->must_tell = true;
}

// ---- the line ----------------------------------------------------------------------------------

static double period_of(const midi_clock *c, double bpm)
{
  return 60.0 * c->rate_hz / (bpm * TICKS_PER_BEAT);
}

static bool is_period(const midi_clock *c, double samples)
{
  return samples >= period_of(c, MIDI_CLOCK_FASTEST_BPM) &&
         samples <= period_of(c, MIDI_CLOCK_SLOWEST_BPM);
}

static double away(uint64_t position, uint64_t from)
{
  return (double)(int64_t)(position - from);
}

// Least squares over the window, relative to the newest tick.
static void fit(midi_clock *c)
{
  const uint64_t at = c->ticks[c->newest].position_samples;
  const int64_t number = c->ticks[c->newest].number;
  double n = 0, x = 0, y = 0, xx = 0, xy = 0;
  for (int i = 0; i < c->n_ticks; ++i) {
    const int slot = (c->newest + MIDI_CLOCK_WINDOW - i) % MIDI_CLOCK_WINDOW;
    const double dx = (double)(c->ticks[slot].number - number);
    const double dy = away(c->ticks[slot].position_samples, at);
    n += 1.0;
    x += dx;
    y += dy;
    xx += dx * dx;
    xy += dx * dy;
  }
  const double below = n * xx - x * x;
  double period = below > 0.0 ? (n * xy - x * y) / below : 0.0;
  const double guess = c->guess_samples;
  if (guess > 0.0 &&
      (c->n_ticks < 2 || (c->n_ticks < SURE_TICKS && fabs(period - guess) < 0.2 * guess))) {
    period = guess;
  }
  c->period_samples = is_period(c, period) ? period : 0.0;
  c->offset_samples = (y - c->period_samples * x) / n;
}

static void push_tick(midi_clock *c, uint64_t position, int64_t number)
{
  c->newest = (c->newest + 1) % MIDI_CLOCK_WINDOW;
  c->ticks[c->newest].position_samples = position;
  c->ticks[c->newest].number = number;
  c->n_ticks += c->n_ticks < MIDI_CLOCK_WINDOW;
  fit(c);
}

// Only the newest `n` ticks count from now on.
static void keep_ticks(midi_clock *c, int n, double guess_samples)
{
  c->n_ticks = c->n_ticks < n ? c->n_ticks : n;
  c->guess_samples = guess_samples;
  c->n_off = 0;
  c->just_skipped = false;
  c->skipped = 0;
}

// How far from where the line expects tick `number`.
static double distance(const midi_clock *c, uint64_t position, int64_t number)
{
  const double expected =
      c->offset_samples + c->period_samples * (double)(number - c->ticks[c->newest].number);
  return away(position, c->ticks[c->newest].position_samples) - expected;
}

// The number of the tick at `position`: the next one, unless it comes so late that some must have
// got lost before it, or so early that it is one of those after all. Two long distances in a row
// are no loss but a slower tempo: then the last tick and this one begin anew.
static int64_t number_of(midi_clock *c, uint64_t position)
{
  const int64_t last = c->ticks[c->newest].number;
  if (c->n_ticks < LEAST_TICKS || c->period_samples <= 0.0) {
    return last + 1;
  }
  const double since = away(position, c->ticks[c->newest].position_samples) / c->period_samples;
  const double late = distance(c, position, last + 1) / c->period_samples;
  const int64_t whole = (int64_t)nearbyint(late);
  if (c->just_skipped && since > SLOWER_PERIODS) {
    c->ticks[c->newest].number = last - c->skipped;
    keep_ticks(c, 1, 0.0);
    return c->ticks[c->newest].number + 1;
  }
  c->just_skipped = since > 1.0 + LOST_PERIODS && late > LOST_PERIODS && whole <= MOST_LOST;
  if (c->just_skipped) {
    c->skipped = whole;
    c->n_since_skip = 0;
    return last + 1 + whole;
  }
  if (late < -0.5 && c->skipped > 0) { // one of those that seemed lost
    --c->skipped;
    return last;
  }
  if (++c->n_since_skip > LEAST_TICKS) {
    c->skipped = 0;
  }
  return last + 1;
}

// Whether the last ticks lie beside the line, all to one side.
static bool is_off(midi_clock *c, double off_samples)
{
  const double least = c->period_samples * OFF_PERIODS;
  const double limit = fmax(c->spread_samples * OFF_SPREADS, least);
  // A tick far beside counts for little, so that a step of tempo does not hide the next.
  const double share = 1.0 / (c->n_ticks < SPREAD_TICKS ? c->n_ticks : SPREAD_TICKS);
  c->spread_samples += (fmin(fabs(off_samples), 1.5 * limit) - c->spread_samples) * share;
  if (fabs(off_samples) <= limit) {
    c->n_off = 0;
  } else if (off_samples > 0.0) {
    c->n_off = c->n_off > 0 ? c->n_off + 1 : 1;
  } else {
    c->n_off = c->n_off < 0 ? c->n_off - 1 : -1;
  }
  return c->n_off >= MOST_OFF || c->n_off <= -MOST_OFF;
}

static void add_tick(midi_clock *c, uint64_t position)
{
  const uint64_t last = c->ticks[c->newest].position_samples;
  if (c->n_ticks > 0 &&
      (position < last || away(position, last) > period_of(c, MIDI_CLOCK_SLOWEST_BPM))) {
    const int64_t number = c->ticks[c->newest].number;
    keep_ticks(c, 0, c->period_samples);
    push_tick(c, position, number + 1);
    return;
  }
  const int64_t number = c->n_ticks > 0 ? number_of(c, position) : 0;
  if (c->n_ticks > 0 && number == c->ticks[c->newest].number) {
    return; // held back and given late: it says nothing about where the beats are
  }
  const bool ordinary = number == c->ticks[c->newest].number + 1;
  if (c->n_ticks > 2 && c->period_samples > 0.0 && ordinary &&
      is_off(c, distance(c, position, number))) {
    keep_ticks(c, MOST_OFF - 1, 0.0);
  }
  push_tick(c, position, number);
}

// ---- the song ----------------------------------------------------------------------------------

static double beat_at(const midi_clock *c, uint64_t position)
{
  const double since = away(position, c->ticks[c->newest].position_samples) - c->offset_samples;
  const double ticks = c->period_samples > 0.0 ? since / c->period_samples : 0.0;
  return ((double)(c->ticks[c->newest].number + c->song_offset) + ticks) / TICKS_PER_BEAT;
}

static bool tell(midi_clock *c, uint64_t position, double beats_per_s, control *out)
{
  c->must_tell = false;
  c->told_beat = beat_at(c, position);
  c->told_beats_per_s = beats_per_s;
  c->told_samples = position;
  *out = (control){.position_samples = position,
                   .value = c->told_beat,
                   .more = beats_per_s,
                   .kind = CONTROL_CLOCK};
  return true;
}

// Once a beat, and when what was told has become wrong.
static bool is_news(const midi_clock *c, uint64_t position)
{
  const double since_s = away(position, c->told_samples) / c->rate_hz;
  const double told = c->told_beat + since_s * c->told_beats_per_s;
  const double wrong_s = fabs(beat_at(c, position) - told) / c->told_beats_per_s;
  return c->must_tell || since_s * c->told_beats_per_s >= 1.0 ||
         wrong_s > fmax(c->spread_samples / c->rate_hz, TELL_S);
}

bool midi_clock_tick(midi_clock *c, uint64_t position_samples, control *out)
{
  add_tick(c, position_samples);
  if (c->waiting) {
    c->song_offset = c->song_next - c->ticks[c->newest].number;
    c->waiting = false;
    c->running = true;
    c->must_tell = true;
  }
  if (!c->running || c->period_samples <= 0.0 || !is_news(c, position_samples)) {
    return false;
  }
  return tell(c, position_samples, c->rate_hz / (c->period_samples * TICKS_PER_BEAT), out);
}

static bool halt(midi_clock *c, uint64_t position, control *out)
{
  if (!c->running) {
    return false;
  }
  c->running = false;
  c->song_next = c->ticks[c->newest].number + c->song_offset + 1;
  return tell(c, position, 0.0, out);
}

bool midi_clock_stop(midi_clock *c, uint64_t position_samples, control *out)
{
  c->waiting = false;
  return halt(c, position_samples, out);
}

void midi_clock_start(midi_clock *c)
{
  c->song_next = 0;
  c->waiting = true;
}

void midi_clock_continue(midi_clock *c)
{
  c->waiting = c->waiting || !c->running; // it goes on already
}

void midi_clock_song_position(midi_clock *c, int sixteenths)
{
  c->song_next = (int64_t)sixteenths * TICKS_PER_SIXTEENTH;
  c->waiting = c->waiting || c->running;
}

bool midi_clock_pass(midi_clock *c, uint64_t position_samples, control *out)
{
  const uint64_t last = c->ticks[c->newest].position_samples;
  if (!c->running || position_samples < last ||
      away(position_samples, last) <= GONE_S * c->rate_hz) {
    return false;
  }
  c->waiting = halt(c, position_samples, out);
  return c->waiting;
}
