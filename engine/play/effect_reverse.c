// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Reverse: chance decides for each grain whether what came before it is played backwards in its
// place, from its start into the past.

#include "engine/play/code_effect.h"

enum { GRAIN };

static void reverse_step(const code_effect_step *s, int32_t *codes)
{
  code_grid *grid = &s->memory->grid;
  code_grid_step(grid, &s->clock, (double)s->values[GRAIN], s->now);
  if (!code_effect_chance(s, grid->start, 1.0f)) {
    return;
  }
  const int64_t into = (int64_t)(s->now - grid->start);
  const int32_t *source = code_effect_source(s, (int64_t)grid->start - 1 - into);
  for (int k = 0; k < s->n_codebooks; ++k) {
    codes[k] = source[k];
  }
}

const code_effect code_effect_reverse = {
    .info =
        {.key = "reverse",
         .name = "Reverse",
         .help = "plays grains of what has just been backwards",
         .fader = "share of grains that are reversed, all at 1",
         .n_settings = 1,
         .settings = {{"grain", "Grain",
                       "length of what is turned round; with a clock the nearest part of a beat",
                       "steps", 2, 256, 16, true}}},
    .step = reverse_step,
};
