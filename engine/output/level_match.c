// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/output/level_match.h"

#include "engine/output/level.h"

#include <math.h>

#define LEAST_S 0.2

static double or_default(float x, float least, float most, float otherwise)
{
  return (double)(x >= least && x <= most ? x : otherwise);
}

void level_match_init(level_match *m, const level_match_settings *settings, uint32_t hop_samples,
                      uint32_t rate_hz)
{
  const level_match_settings usual = LEVEL_MATCH_DEFAULTS;
  const double step_s = (double)hop_samples / (double)rate_hz;
  const double time_s = or_default(settings->time_s, 0.01f, 3600.0f, usual.time_s);
  const double gate_db = or_default(settings->gate_db, -200.0f, 0.0f, usual.gate_db);
  const double slew_db = or_default(settings->slew_db_by_s, 0.01f, 1000.0f, usual.slew_db_by_s);
  const double solo_s = or_default(settings->solo_s, 0.0f, 36000.0f, usual.solo_s);
  *m = (level_match){
      .decay = 1.0 - exp(-step_s / time_s),
      .gate_power = level_power(gate_db),
      .slew = level_amplitude(slew_db * step_s),
      .least_steps = (uint32_t)ceil(LEAST_S / step_s),
      .solo_steps = (uint32_t)floor(solo_s / step_s),
      .gain = 1.0,
      .applied = 1.0f,
  };
}

// The plain mean at first, an exponential one later.
static void take_in(double *mean, uint32_t *n_steps, double power, double decay)
{
  *n_steps += *n_steps < UINT32_MAX;
  const double weight = 1.0 / (double)*n_steps;
  *mean += (power - *mean) * (weight > decay ? weight : decay);
}

static double within(double x, double least, double most)
{
  return x < least ? least : x > most ? most : x;
}

static void move(level_match *m)
{
  if (m->in_steps < m->least_steps || m->out_steps < m->least_steps) {
    return;
  }
  const double most = level_amplitude(LEVEL_MATCH_MOST_DB);
  const double wanted = within(sqrt(m->in_power / m->out_power), 1.0 / most, most);
  m->gain = within(wanted, m->gain / m->slew, m->gain * m->slew);
}

static float applied(double gain, float amount)
{
  if (!(amount > 0.0f)) {
    return 1.0f;
  }
  return (float)(amount < 1.0f ? pow(gain, (double)amount) : gain);
}

hop_gain level_match_step(level_match *m, double in, double out, bool playing, float amount)
{
  const bool in_is_heard = playing && in >= m->gate_power && isfinite(in);
  const bool out_is_heard = out >= m->gate_power && isfinite(out);
  if (playing) {
    m->solo_left = m->solo_steps;
  }
  const bool moves = playing || (m->solo_left > 0 && out_is_heard);
  if (in_is_heard) {
    take_in(&m->in_power, &m->in_steps, in, m->decay);
  }
  if (out_is_heard && moves) {
    take_in(&m->out_power, &m->out_steps, out, m->decay);
  }
  if (moves) {
    move(m);
  }
  m->solo_left -= !playing && moves;
  const hop_gain g = {.start = m->applied, .end = applied(m->gain, amount)};
  m->applied = g.end;
  return g;
}
