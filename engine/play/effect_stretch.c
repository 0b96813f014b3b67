// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Stretch: time runs slower. Grains of a few steps play at their own speed, each beginning further
// behind now than the one before, until the lag is more than the limit; then it is back at now. To
// repeat each single step instead would draw a tone at the step rate.

#include "engine/play/code_effect.h"

#include <math.h>

enum { FACTOR, GRAIN, LIMIT };

static void stretch_step(const code_effect_step *s, int32_t *codes)
{
  code_effect_memory *m = s->memory;
  const double factor = 1.0 + ((double)s->values[FACTOR] - 1.0) * (double)s->fader;
  if (factor <= 1.0) {
    m->lag_steps = 0;
    m->count = 0;
    return;
  }
  if (m->count >= (int32_t)s->values[GRAIN]) {
    m->lag_steps += m->count * (1.0 - 1.0 / factor);
    m->count = 0;
  }
  const bool may_jump = s->clock.beat_steps < 1 || s->clock.beat_step == 0;
  const bool must_jump = m->lag_steps > CODE_EFFECTS_HISTORY_STEPS - 1;
  if (must_jump || (may_jump && m->lag_steps >= (double)s->values[LIMIT])) {
    m->lag_steps = 0;
    m->count = 0;
  }
  ++m->count;
  const int32_t *source = code_effect_source(s, (int64_t)s->now - (int64_t)ceil(m->lag_steps));
  for (int k = 0; k < s->n_codebooks; ++k) {
    codes[k] = source[k];
  }
}

const code_effect code_effect_stretch = {
    .info = {.key = "stretch",
             .name = "Stretch",
             .help = "slows time down without a change of pitch, and catches up in a jump",
             .fader = "how much slower, from 1 at 0 to the factor at 1",
             .n_settings = 3,
             .settings = {{"factor", "Factor", "times that it takes longer, with the fader at 1",
                           "times", 1, 4, 2, false},
                          {"grain", "Grain", "steps that are played at their own speed", "steps", 1,
                           32, 4, true},
                          {"limit", "Limit",
                           "lag at which it jumps back to now; with a clock at the next beat then",
                           "steps", 1, 256, 100, true}}},
    .step = stretch_step,
};
