// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The pulse of what an oracle hears: how strongly something begins in each step (the rise of the
/// latent's norm), and an autocorrelation of that, which slowly forgets. Constant work per step.
/// The last steps can be taken back: their sums are kept in rows, and an index moves.
///
/// All that changes lies in one block of memory. Nothing is allocated; threads: the owner's.
#ifndef CONTINUO_MODELS_ORACLE_PULSE_H
#define CONTINUO_MODELS_ORACLE_PULSE_H

#include <stddef.h>
#include <stdint.h>

/// Fixed when the model is made.
typedef struct oracle_pulse_shape {
  uint32_t capacity;     ///< steps whose onsets are kept; more than n_lags
  uint32_t rewind_steps; ///< that can be taken back
  uint32_t least_lag;    ///< of a pulse, in steps; at least 2
  uint32_t n_lags;       ///< of a pulse at most, and one more
  float keeps;           ///< share of the sums that outlives a step
} oracle_pulse_shape;

typedef struct oracle_pulse {
  const oracle_pulse_shape *shape;
  float *onsets; ///< [capacity] of each step, at its number modulo capacity; about zero mean
  float *rows;   ///< [rewind_steps + 1, row] sums after each step
} oracle_pulse;

size_t oracle_pulse_bytes(const oracle_pulse_shape *shape); ///< a multiple of 8
/// In `block`: zeroed, 8-byte aligned.
void oracle_pulse_init(oracle_pulse *p, const oracle_pulse_shape *shape, void *block);
/// As if nothing had been heard.
void oracle_pulse_clear(oracle_pulse *p);

/// Step number `step`, one after the last or after those taken back, with a latent of norm `norm`.
void oracle_pulse_add(oracle_pulse *p, uint64_t step, float norm);

/// How strongly something begins in `step`, which is one of the last `capacity`.
float oracle_pulse_onset(const oracle_pulse *p, uint64_t step);

/// Onsets of `count` steps from `step` on, in order.
void oracle_pulse_onsets(const oracle_pulse *p, uint64_t step, uint32_t count, float *onsets);

/// After `n_steps` steps: how alike onsets are that lie `lag` (below n_lags) apart, -1 to 1.
float oracle_pulse_likeness(const oracle_pulse *p, uint64_t n_steps, uint32_t lag);

/// The lag at which onsets are most alike, between steps by a parabola; 0: there is no pulse.
float oracle_pulse_period(const oracle_pulse *p, uint64_t n_steps);

#endif
