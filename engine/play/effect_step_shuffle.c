// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Step shuffle: chance decides for each segment whether, in its place, the one before it is played
// with its grains in another order: each exactly once, none where it was.

#include "engine/play/code_effect.h"

enum { SEGMENT, GRAIN };

// Sattolo's algorithm: a permutation of one cycle, so that no grain keeps its place.
static void permute(const code_effect_step *s, uint16_t *grains, uint32_t n)
{
  for (uint32_t i = 0; i < n; ++i) {
    grains[i] = (uint16_t)i;
  }
  for (uint32_t i = n; i-- > 1;) {
    const uint64_t counter = s->now * CODE_GRID_MAX_STEPS + i;
    const uint32_t j = (uint32_t)(code_effect_uniform(s, counter) * (float)i);
    const uint16_t grain = grains[i];
    grains[i] = grains[j];
    grains[j] = grain;
  }
}

// The previous segment's steps in the order in which the present one plays them.
static void draw_order(const code_effect_step *s, uint32_t n_grain)
{
  code_effect_memory *m = s->memory;
  const uint32_t n = (uint32_t)(m->grid.start - m->grid.previous);
  uint16_t grains[CODE_GRID_MAX_STEPS];
  const uint32_t n_grains = (n + n_grain - 1) / n_grain;
  permute(s, grains, n_grains);
  m->n_order = 0;
  for (uint32_t i = 0; i < n_grains; ++i) {
    const uint32_t first = grains[i] * n_grain;
    for (uint32_t at = first; at < first + n_grain && at < n; ++at) {
      m->order[m->n_order++] = (uint16_t)at;
    }
  }
}

static void step_shuffle_step(const code_effect_step *s, int32_t *codes)
{
  code_effect_memory *m = s->memory;
  if (code_grid_step(&m->grid, &s->clock, (double)s->values[SEGMENT], s->now)) {
    draw_order(s, (uint32_t)s->values[GRAIN]);
  }
  if (m->n_order == 0 || !code_effect_chance(s, m->grid.start, 1.0f)) {
    return;
  }
  const uint32_t at =
      (uint32_t)(s->now - m->grid.start) % m->n_order; // a beat may be a step longer
  const int32_t *source = code_effect_source(s, (int64_t)m->grid.previous + m->order[at]);
  for (int k = 0; k < s->n_codebooks; ++k) {
    codes[k] = source[k];
  }
}

const code_effect code_effect_step_shuffle = {
    .info = {.key = "step_shuffle",
             .name = "Step shuffle",
             .help = "plays the grains of the last segment in another order",
             .fader = "share of segments that are shuffled, all at 1",
             .n_settings = 2,
             .settings = {{"segment", "Segment",
                           "within which grains change places; with a clock the nearest of beats "
                           "and their parts",
                           "steps", 2, 256, 25, true},
                          {"grain", "Grain", "steps that stay together", "steps", 1, 64, 3, true}}},
    .step = step_shuffle_step,
};
