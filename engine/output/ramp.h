// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A gain or mix control that goes to its new value in a straight line, sample by sample. The value
/// depends on the calls alone, not on blocks; the last one of a ramp is the target, exactly.
///
/// Plain struct, no memory of its own; one thread at a time, the audio thread too. A struct of
/// zeros stands at 0.
#ifndef CONTINUO_ENGINE_OUTPUT_RAMP_H
#define CONTINUO_ENGINE_OUTPUT_RAMP_H

#include <stdbool.h>
#include <stdint.h>

typedef struct ramp {
  float from, to; ///< finite, differing by no more than a float can hold
  uint32_t at;    ///< samples given of this ramp, up to n_samples
  uint32_t n_samples;
} ramp;

/// Stand at `value`. One that is not finite: no change.
void ramp_set(ramp *r, float value);

/// Go from the present value to `target`, which the n_samples-th next sample has first; 0 is
/// ramp_set. No value lies beyond the target for n_samples up to 2^23 (rounding). A target that is
/// not finite: no change. A ramp under way is left where it is, so call this once for a change, not
/// for each block.
void ramp_aim(ramp *r, float target, uint32_t n_samples);

/// The value of the last sample given.
static inline float ramp_value(const ramp *r)
{
  if (r->at >= r->n_samples) {
    return r->to;
  }
  return r->from + (r->to - r->from) * ((float)r->at / (float)r->n_samples);
}

/// The value of the next sample.
static inline float ramp_next(ramp *r)
{
  r->at += r->at < r->n_samples;
  return ramp_value(r);
}

/// Whether ramp_next gives the target from now on: a whole block may then be scaled at once.
static inline bool ramp_rests(const ramp *r)
{
  return r->at >= r->n_samples;
}

#endif
