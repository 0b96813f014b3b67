// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/output/gate.h"

#include <math.h>

uint32_t gate_hold_steps(double hold_ms, uint32_t hop_samples, uint32_t rate_hz)
{
  const double steps = ceil(hold_ms * 1e-3 * rate_hz / hop_samples);
  return steps > 1.0 ? (uint32_t)(steps < 1e9 ? steps : 1e9) : 1;
}

void gate_init(gate *g, const gate_settings *settings)
{
  *g = (gate){.silent_steps = UINT64_MAX, .closed_steps = UINT64_MAX};
  gate_set(g, settings);
}

void gate_set(gate *g, const gate_settings *settings)
{
  const float open_db = settings->open_db;
  const float close_db = settings->close_db <= open_db ? settings->close_db : open_db;
  g->open_power = level_power((double)open_db);
  g->close_power = level_power((double)close_db);
  g->hold_steps = settings->hold_steps > 1 ? settings->hold_steps : 1;
}

static void count_up(uint64_t *n)
{
  *n += *n < UINT64_MAX;
}

bool gate_step(gate *g, hop_level level)
{
  static const double crest = 0.03162277660168379; // GATE_CREST_DB
  const double of_peak = (double)level.peak * (double)level.peak * crest;
  const double power = level.mean_square > of_peak ? level.mean_square : of_peak;
  const bool silent = !(power >= g->close_power); // so that not a number is silent
  if (silent) {
    count_up(&g->silent_steps);
  } else {
    g->silent_steps = 0;
  }
  if (power >= g->open_power) {
    g->is_open = true;
    g->closed_steps = 0;
  } else if (g->is_open && g->silent_steps >= g->hold_steps) {
    g->is_open = false;
    g->closed_steps = 1;
  } else if (!g->is_open) {
    count_up(&g->closed_steps);
  }
  return g->is_open;
}
