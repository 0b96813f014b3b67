// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/control/beat.h"

#include <math.h>
#include <string.h>

#define LONGEST_TAP_S 2.0
#define SHORTEST_TAP_S 0.1 // nearer ones are one tap that bounced
// A boundary further away than this never comes, and a wait must fit a position.
#define LONGEST_WAIT_SAMPLES 0x1p62
// A boundary this near, in beats, counts as reached: positions are whole samples, beats are not.
#define NEAR_BEATS 1e-9

void beat_clock_init(beat_clock *b, uint32_t rate_hz)
{
  memset(b, 0, sizeof *b);
  b->rate_hz = rate_hz;
  b->beats_per_bar = 4;
}

bool beat_clock_runs(const beat_clock *b)
{
  return b->samples_per_beat > 0.0;
}

double beat_clock_at(const beat_clock *b, uint64_t position_samples)
{
  if (!beat_clock_runs(b)) {
    return 0.0;
  }
  const double passed = (double)(int64_t)(position_samples - b->origin_samples);
  return b->origin_beat + passed / b->samples_per_beat;
}

double beat_clock_bpm(const beat_clock *b)
{
  return beat_clock_runs(b) ? 60.0 * b->rate_hz / b->samples_per_beat : 0.0;
}

static void start(beat_clock *b, double beat, double samples_per_beat, uint64_t position_samples)
{
  b->origin_beat = beat;
  b->origin_samples = position_samples;
  b->samples_per_beat = samples_per_beat;
}

static void start_own(beat_clock *b, uint64_t position_samples)
{
  const double beat = beat_clock_at(b, position_samples);
  start(b, beat, b->set_bpm > 0.0 ? 60.0 * b->rate_hz / b->set_bpm : 0.0, position_samples);
}

void beat_clock_set_tempo(beat_clock *b, double bpm, uint64_t position_samples)
{
  b->set_bpm = isfinite(bpm) ? bpm : 0.0;
  b->n_taps = 0;
  if (!b->outer) {
    start_own(b, position_samples);
  }
}

void beat_clock_set_bar(beat_clock *b, int beats_per_bar)
{
  b->beats_per_bar = beats_per_bar > 0 ? beats_per_bar : 1;
}

void beat_clock_follow(beat_clock *b, double beat, double beats_per_s, uint64_t position_samples)
{
  if (beats_per_s > 0.0 && isfinite(b->rate_hz / beats_per_s) && isfinite(beat)) {
    b->outer = true;
    start(b, beat, b->rate_hz / beats_per_s, position_samples);
  } else if (b->outer) {
    b->outer = false;
    start_own(b, position_samples);
  }
}

void beat_clock_tap(beat_clock *b, uint64_t position_samples)
{
  const double since_s =
      b->n_taps > 0 ? (double)(position_samples - b->taps[b->n_taps - 1]) / (double)b->rate_hz
                    : HUGE_VAL;
  if (since_s < SHORTEST_TAP_S) {
    return;
  }
  if (since_s > LONGEST_TAP_S) {
    b->n_taps = 0;
  }
  if (b->n_taps == BEAT_MAX_TAPS) {
    memmove(b->taps, b->taps + 1, (BEAT_MAX_TAPS - 1) * sizeof *b->taps);
    --b->n_taps;
  }
  b->taps[b->n_taps++] = position_samples;
  const double span = (double)(position_samples - b->taps[0]);
  if (b->n_taps < 2) {
    return;
  }
  const double samples_per_beat = span / (b->n_taps - 1);
  b->set_bpm = 60.0 * b->rate_hz / samples_per_beat;
  if (!b->outer) { // the tap is a beat, the nearest one of those that ran
    start(b, nearbyint(beat_clock_at(b, position_samples)), samples_per_beat, position_samples);
  }
}

uint64_t beat_clock_next(const beat_clock *b, uint64_t position_samples, bool bar)
{
  if (!beat_clock_runs(b)) {
    return position_samples;
  }
  const double unit = bar ? b->beats_per_bar : 1.0;
  // A boundary between two samples falls on the later one, so those after the last sample count.
  const double beat = beat_clock_at(b, position_samples);
  const double last = beat - 1.0 / b->samples_per_beat;
  const double next = (floor(last / unit + NEAR_BEATS) + 1.0) * unit;
  const double wait = (next - beat) * b->samples_per_beat;
  const double whole = ceil(fmin(wait, LONGEST_WAIT_SAMPLES) - 1e-6);
  return position_samples + (whole > 0.0 ? (uint64_t)whole : 0);
}
