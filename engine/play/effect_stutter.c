// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Stutter: chance decides for each segment whether its first slice is heard again and again until
// the segment ends. The first time is the input itself, so an attack on the beat stays there.

#include "engine/play/code_effect.h"

enum { LENGTH, REPEATS, FADING };

static void stutter_step(const code_effect_step *s, int32_t *codes)
{
  code_effect_memory *m = s->memory;
  const double length = (double)s->values[LENGTH];
  if (code_grid_step(&m->grid, &s->clock, length * (double)s->values[REPEATS], s->now)) {
    code_grid_begin(&m->slices, s->now);
    m->count = 0;
  } else if (code_grid_step(&m->slices, &s->clock, length, s->now)) {
    ++m->count;
  }
  if (!code_effect_chance(s, m->grid.start, 1.0f)) {
    return;
  }
  const int32_t *source =
      code_effect_source(s, (int64_t)(m->grid.start + s->now - m->slices.start));
  const int n_faded = m->count * (int)s->values[FADING];
  for (int k = 0; k < s->n_codebooks; ++k) {
    codes[k] = k > 0 && k >= s->n_codebooks - n_faded ? -1 : source[k];
  }
}

const code_effect code_effect_stutter = {
    .info = {.key = "stutter",
             .name = "Stutter",
             .help = "plays a slice again and again",
             .fader = "share of segments that stutter, all at 1",
             .n_settings = 3,
             .settings = {{"length", "Length",
                           "length of the slice; with a clock the nearest part of a beat", "steps",
                           1, 128, 6, true},
                          {"repeats", "Repeats",
                           "times that a slice is heard in a segment; with a clock segments begin "
                           "on the beat",
                           "times", 2, 32, 4, true},
                          {"fading", "Fading", "codebooks that each repeat loses, finest first",
                           "codebooks", 0, 8, 0, true}}},
    .step = stutter_step,
};
