// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What is always in memory: the last minutes of input and output, and since the beginning the
/// codes heard, the controls, and the decisions that depended on a clock. From it a performance is
/// written that can be rendered again bit for bit: what sounds is a function of those alone, and
/// they are small (8 MiB an hour of the codec that ships), so no snapshot of a network's memory is
/// needed.
///
/// Samples are kept in 24 bits: output, which the limiter holds below it, with full scale at 1;
/// input over +-KEEP_INPUT_SCALE, since nothing limits it, in steps of 2^-21 (-126 dB). Input is
/// brought to this grid before anything hears it, so nothing is lost by keeping it.
///
/// Thread tags: [audio] the host's callback, which writes samples; [conductor], which writes steps
/// and entries; [main], which reads while both go on. Nothing after `keep_init` allocates; memory
/// of steps and entries is reserved for KEEP_HISTORY_S and taken as it fills.
#ifndef CONTINUO_ENGINE_KEEP_KEEP_H
#define CONTINUO_ENGINE_KEEP_KEEP_H

#include "base/status.h"

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEEP_INPUT_SCALE 4.0f
#define KEEP_STEPS 8388608.0f ///< of the grid, from 0 to full scale
#define KEEP_MARGIN_S 30      ///< kept beyond what is promised, for the time that writing takes
#define KEEP_HISTORY_S 172800 ///< two days; a performance can be written until then
#define KEEP_LOG_ENTRIES (1u << 22)

/// What happened, at which stream position.
typedef enum keep_kind {
  KEEP_SET, ///< a control, as engine/control/control.h
  KEEP_ACTION,
  KEEP_CLOCK,
  KEEP_FADE_OUT, ///< to the fallback, begun with the block at position
  KEEP_PLAN,     ///< another plan holds from there on: id = block_samples, value = host rate
  KEEP_FADE_IN,  ///< back to wet
  KEEP_CUT,      ///< input from here on was lost
  KEEP_TIMELINE, ///< a timeline began: value = host time of its sample 0
  N_KEEP_KINDS
} keep_kind;

typedef struct keep_entry {
  uint64_t position_samples; ///< stream position
  double value, more;
  uint32_t kind; ///< keep_kind
  uint32_t id;
} keep_entry;

/// What one step heard.
typedef struct keep_step {
  double mean_square; ///< of the input
  float peak;
  bool fed_back;     ///< the output came back into it
  uint32_t timeline; ///< number of the timeline it belongs to
} keep_step;

typedef struct keep {
  uint32_t n_channels, n_codebooks, rate_hz;
  uint64_t promised_samples; ///< at least so many can be read back
  uint64_t capacity_samples; ///< 0: nothing is kept
  uint8_t *input, *output;   ///< [capacity, n_channels] of three bytes each, rings
  keep_entry *log;           ///< [KEEP_LOG_ENTRIES]
  keep_step *steps;          ///< [capacity_steps]
  int32_t *codes;            ///< [capacity_steps, n_codebooks]
  uint64_t capacity_steps;
  _Atomic uint64_t begin_samples; ///< stream position before which no samples belong to it
  _Atomic uint64_t end_samples;   ///< stream position up to which samples are written
  _Atomic uint64_t n_steps, n_entries;
  _Atomic bool full; ///< steps or entries found no room: no performance can be written any more
} keep;

/// Room for `seconds` at rate_hz; 0: keep nothing, which always works. STATUS_NO_MEMORY.
status keep_init(keep *k, double seconds, uint32_t rate_hz, uint32_t n_channels,
                 uint32_t n_codebooks, double steps_per_second, error *err);
void keep_destroy(keep *k); ///< a zeroed one is fine
static inline bool keep_is_on(const keep *k)
{
  return k->capacity_samples > 0;
}

/// x on a grid with that full scale, as a whole number of its steps. [any]
static inline int32_t keep_whole(float x, float full_scale)
{
  const float scaled = x * (KEEP_STEPS / full_scale);
  const float most = KEEP_STEPS - 1.0f;
  return (int32_t)lrintf(scaled > most ? most : scaled < -KEEP_STEPS ? -KEEP_STEPS : scaled);
}

/// Input as it is heard, and will be read back. [any]
static inline float keep_grid(float x)
{
  return (float)keep_whole(x, KEEP_INPUT_SCALE) * (KEEP_INPUT_SCALE / KEEP_STEPS);
}

/// One sample of each channel at stream position t. [audio]
void keep_input(keep *k, uint64_t t, const float *sample);
void keep_output(keep *k, uint64_t t, const float *sample);
/// Everything below `end` is there. [audio]
void keep_publish(keep *k, uint64_t end_samples);
/// Forget what was kept: from here on another rate holds, or another beginning. [audio]
void keep_begin(keep *k, uint64_t t);

/// codes [n_codebooks]. [conductor]
void keep_add_step(keep *k, const keep_step *step, const int32_t *codes);
void keep_note(keep *k, const keep_entry *entry);

/// Samples [from, from + n) as whole numbers of the grid, out [n, n_channels]; false where they
/// have been overwritten meanwhile. [main]
bool keep_read_input(const keep *k, uint64_t from, size_t n, int32_t *out);
bool keep_read_output(const keep *k, uint64_t from, size_t n, int32_t *out);

#endif
