// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Mosaic: chance decides for each grain whether its steps are replaced by those of the corpus that
// sound most like them.

#include "base/random.h"
#include "engine/play/code_effect.h"
#include "engine/play/mosaic.h"

enum { GRAIN, MATCH, STAY };

static void mosaic_step(const code_effect_step *s, int32_t *codes)
{
  code_effect_memory *m = s->memory;
  code_grid_step(&m->grid, &s->clock, (double)s->values[GRAIN], s->now);
  if (!s->corpus || !code_effect_chance(s, m->grid.start, 1.0f)) {
    m->next = 0;
    return;
  }
  const mosaic_query query = {
      .codes = codes,
      .n_codes = s->n_codebooks,
      .n_compared = (int)s->values[MATCH],
      .next = m->next - 1,
      .stay = s->values[STAY],
      .chance = random_bits(s->seed, ~s->stream, s->now),
  };
  const int64_t found = mosaic_find(s->corpus, &query);
  const int32_t *source = mosaic_codes(s->corpus, found);
  for (int k = 0; k < s->n_codebooks; ++k) {
    codes[k] = k < mosaic_n_codebooks(s->corpus) ? source[k] : -1;
  }
  m->next = mosaic_next(s->corpus, found) + 1;
}

const code_effect code_effect_mosaic = {
    .info =
        {.key = "mosaic",
         .name = "Mosaic",
         .help = "replaces steps by those of other recordings that sound most like them",
         .fader = "share of grains that are replaced, all at 1",
         .n_settings = 3,
         .settings = {{"grain", "Grain",
                       "time until chance decides again; with a clock the nearest part of a beat",
                       "steps", 1, 256, 6, true},
                      {"match", "Match", "codebooks by which steps are compared", "codebooks", 1,
                       MOSAIC_MAX_COMPARED, 2, true},
                      {"stay", "Stay",
                       "how much farther than the nearest what comes next in the recording may "
                       "be",
                       "", 0, 2, 0.3f, false}}},
    .step = mosaic_step,
};
