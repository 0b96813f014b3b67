// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Effects between the codebooks of a step. The first says what is sounding, coarsely; each further
// one corrects what those before it left over.

#include "engine/play/code_effect.h"

#include <math.h>

// A number for each (step, codebook).
static uint64_t counter_of(uint64_t step, int k)
{
  return step * CODE_EFFECTS_MAX_CODEBOOKS + (uint64_t)k;
}

// --- swap: some codebooks as they were some steps ago, over the others as they are now

enum { SWAP_FROM, SWAP_DISTANCE, SWAP_HOLD };

static void codebook_swap_step(const code_effect_step *s, int32_t *codes)
{
  code_grid *grid = &s->memory->grid;
  code_grid_step(grid, &s->clock, (double)s->values[SWAP_HOLD], s->now);
  const double distance = code_grid_snap(&s->clock, (double)s->values[SWAP_DISTANCE]);
  const int32_t *source = code_effect_source(s, (int64_t)s->now - llround(distance));
  for (int k = (int)s->values[SWAP_FROM]; k < s->n_codebooks; ++k) {
    if (code_effect_chance(s, counter_of(grid->start, k), 1.0f)) {
      codes[k] = source[k];
    }
  }
}

const code_effect code_effect_codebook_swap = {
    .info =
        {.key = "codebook_swap",
         .name = "Codebook swap",
         .help = "plays the fine codebooks of an earlier step with the coarse ones of this",
         .fader = "share of codebooks that are swapped, all at 1",
         .n_settings = 3,
         .settings = {{"from", "From", "first codebook that may be swapped", "", 0,
                       CODE_EFFECTS_MAX_CODEBOOKS - 1, 1, true},
                      {"distance", "Distance",
                       "distance to the earlier step; with a clock the nearest part of a beat",
                       "steps", 1, 256, 12, true},
                      {"hold", "Hold",
                       "time until other codebooks are drawn; with a clock the nearest part of a "
                       "beat",
                       "steps", 1, 256, 12, true}}},
    .step = codebook_swap_step,
};

// --- shuffle: codes drawn from any of the last steps

enum { SHUFFLE_FROM, SHUFFLE_REACH };

static void codebook_shuffle_step(const code_effect_step *s, int32_t *codes)
{
  for (int k = (int)s->values[SHUFFLE_FROM]; k < s->n_codebooks; ++k) {
    const uint64_t counter = counter_of(s->now, k);
    if (code_effect_chance(s, counter, 1.0f)) {
      const float back = floorf(code_effect_uniform(s, counter) * s->values[SHUFFLE_REACH]);
      codes[k] = code_effect_source(s, (int64_t)s->now - 1 - (int64_t)back)[k];
    }
  }
}

const code_effect code_effect_codebook_shuffle = {
    .info = {.key = "codebook_shuffle",
             .name = "Codebook shuffle",
             .help = "draws the fine codes of each step from those of any of the last steps",
             .fader = "share of codes that are drawn, all at 1",
             .n_settings = 2,
             .settings = {{"from", "From", "first codebook that is drawn", "", 0,
                           CODE_EFFECTS_MAX_CODEBOOKS - 1, 1, true},
                          {"reach", "Reach", "how far back codes are drawn from", "steps", 1, 256,
                           25, true}}},
    .step = codebook_shuffle_step,
};

// --- mute: some codebooks silent, drawn anew now and then. Without the first a decoder may hum, so
// by default each comes back soon.

enum { MUTE_FIRST, MUTE_LAST, MUTE_SHARE, MUTE_HOLD };

static void codebook_mute_step(const code_effect_step *s, int32_t *codes)
{
  code_grid *grid = &s->memory->grid;
  code_grid_step(grid, &s->clock, (double)s->values[MUTE_HOLD], s->now);
  for (int k = (int)s->values[MUTE_FIRST]; k < s->n_codebooks; ++k) {
    const bool drawn = code_effect_chance(s, counter_of(grid->start, k), s->values[MUTE_SHARE]);
    if (drawn && k <= (int)s->values[MUTE_LAST]) {
      codes[k] = -1;
    }
  }
}

const code_effect code_effect_codebook_mute = {
    .info = {.key = "codebook_mute",
             .name = "Codebook mute",
             .help = "silences some codebooks, others after a while",
             .fader = "how many codebooks are silent, none at 0, the share at 1",
             .n_settings = 4,
             .settings = {{"first", "First", "first codebook that may be silenced", "", 0,
                           CODE_EFFECTS_MAX_CODEBOOKS - 1, 0, true},
                          {"last", "Last", "last codebook that may be silenced", "", 0,
                           CODE_EFFECTS_MAX_CODEBOOKS - 1, CODE_EFFECTS_MAX_CODEBOOKS - 1, true},
                          {"share", "Share", "share of those that are silent with the fader at 1",
                           "", 0, 1, 0.5f, false},
                          {"hold", "Hold",
                           "time until others are drawn; with a clock the nearest part of a beat",
                           "steps", 1, 256, 6, true}}},
    .step = codebook_mute_step,
};

// --- depth: how many codebooks are used

enum { DEPTH_LEAST };

static void depth_step(const code_effect_step *s, int32_t *codes)
{
  const int least = (int)s->values[DEPTH_LEAST];
  const int spare = s->n_codebooks > least ? s->n_codebooks - least : 0;
  const int n_used = s->n_codebooks - (int)lroundf(s->fader * (float)spare);
  for (int k = n_used; k < s->n_codebooks; ++k) {
    codes[k] = -1;
  }
}

const code_effect code_effect_depth = {
    .info = {.key = "depth",
             .name = "Depth",
             .help = "uses fewer codebooks: quantises more coarsely",
             .fader = "how many codebooks fall away, finest first, all but the least at 1",
             .n_settings = 1,
             .settings = {{"least", "Least", "codebooks left with the fader at 1", "codebooks", 1,
                           CODE_EFFECTS_MAX_CODEBOOKS, 1, true}}},
    .step = depth_step,
};
