// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "plugin/jack_beats.h"

#include "engine/control/parameters.h"

#include <math.h>

#define NEWS_S 1e-3    // what was told is off by so much
#define NEWS_TICKS 2.0 // but masters count whole ticks
#define FASTEST_BPM 1000.0

static bool has_beats(jack_transport_state_t transport, const jack_position_t *at)
{
  return transport == JackTransportRolling && (at->valid & JackPositionBBT) &&
         at->beats_per_minute > 0.0 && at->beats_per_minute <= FASTEST_BPM &&
         at->ticks_per_beat >= 1.0 && at->beats_per_bar >= 1.0F && isfinite(at->beats_per_bar) &&
         isfinite(at->ticks_per_beat);
}

// Beats since bar 1, beat 1, had every bar been as long as this one: bars begin where they should.
static double beat_of(const jack_position_t *at, uint32_t rate_hz)
{
  const double bars = (double)at->bar - 1.0;
  double ticks = at->tick;
#ifdef JACK_TICK_DOUBLE
  if (at->valid & JackTickDouble) {
    ticks = isfinite(at->tick_double) ? at->tick_double : ticks;
  }
#endif
  double beat = bars * floor((double)at->beats_per_bar + 0.5) + (double)at->beat - 1.0 +
                ticks / at->ticks_per_beat;
  if (at->valid & JackBBTFrameOffset) {
    beat += (double)at->bbt_offset / rate_hz * at->beats_per_minute / 60.0;
  }
  return beat;
}

static bool is_news(const jack_beats *b, const jack_position_t *at, double beat, double beats_per_s,
                    uint64_t position, uint32_t rate_hz)
{
  const double since_s = (double)(int64_t)(position - b->told_samples) / rate_hz;
  const double told = b->told_beat + since_s * b->told_beats_per_s;
  const double least = fmax(NEWS_S * beats_per_s, NEWS_TICKS / at->ticks_per_beat);
  return !b->rolls || fabs(beats_per_s - b->told_beats_per_s) > 1e-9 || fabs(beat - told) > least;
}

int jack_beats_follow(jack_beats *b, jack_transport_state_t transport, const jack_position_t *at,
                      uint64_t position_samples, uint32_t rate_hz, control out[JACK_BEATS_MOST])
{
  int n = 0;
  if (!has_beats(transport, at)) {
    if (b->rolls) {
      b->rolls = false;
      out[n++] = (control){.kind = CONTROL_CLOCK, .value = b->told_beat, .more = 0.0};
    }
    return n;
  }
  const int bar = (int)parameter_clamp(PARAMETER_BEATS_PER_BAR, (double)at->beats_per_bar);
  if (!b->rolls || bar != b->told_bar) {
    out[n++] = (control){.kind = CONTROL_SET, .id = PARAMETER_BEATS_PER_BAR, .value = bar};
    b->told_bar = bar;
  }
  const double beat = beat_of(at, rate_hz);
  const double beats_per_s = at->beats_per_minute / 60.0;
  if (is_news(b, at, beat, beats_per_s, position_samples, rate_hz)) {
    *b = (jack_beats){true, beat, beats_per_s, position_samples, bar};
    out[n++] = (control){.kind = CONTROL_CLOCK, .value = beat, .more = beats_per_s};
  }
  return n;
}
