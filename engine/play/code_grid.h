// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Where segments of steps begin. With no clock every `length` steps; with a clock on beats: the
/// length becomes the nearest of 1, 2, 4, 8 beats, or of a half, quarter, ... 32nd of a beat, or a
/// third, sixth, twelfth, 24th where it is within an eighth of that already.
#ifndef CONTINUO_ENGINE_PLAY_CODE_GRID_H
#define CONTINUO_ENGINE_PLAY_CODE_GRID_H

#include <stdbool.h>
#include <stdint.h>

/// No segment is longer, whatever clock or length say, so that a segment played backwards lies
/// within CODE_EFFECTS_HISTORY_STEPS.
#define CODE_GRID_MAX_STEPS 256

/// As in code_effects_settings; beat_steps below 1: no clock.
typedef struct code_clock {
  double beat_steps;
  int32_t beat_step;
  int64_t beat_number;
} code_clock;

/// Plain; zeros before the first step.
typedef struct code_grid {
  uint64_t start;    ///< step at which the present segment began
  uint64_t previous; ///< and the one before it; equal to `start` in the first
} code_grid;

/// Begin a segment at step `now`, if the clock or `length_steps` (1 or more) says so: true then.
/// Step 0 always begins one. To be called at every step, in order.
bool code_grid_step(code_grid *g, const code_clock *clock, double length_steps, uint64_t now);

/// Begin a segment here and now.
void code_grid_begin(code_grid *g, uint64_t now);

/// The length that `length_steps` becomes under this clock, in steps, fractions and all.
double code_grid_snap(const code_clock *clock, double length_steps);

#endif
