// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Notices when what sounds has gone on for long just as it did some lag before, though it comes
/// from other places in the memory: a loop that was played over and over lies there many times.
/// Sound is known by the first code of a step. Where most lags are alike it is one long texture,
/// which is no loop. Everything is in the struct, so a snapshot is a copy. Nothing is allocated;
/// threads: the owner's.
#ifndef CONTINUO_MODELS_ORACLE_LOOPS_H
#define CONTINUO_MODELS_ORACLE_LOOPS_H

#include <stdbool.h>
#include <stdint.h>

#define ORACLE_LOOPS_STEPS 1024 ///< of the past, a power of two
#define ORACLE_LOOPS_MAX 8      ///< lags that are watched at once
#define ORACLE_LOOPS_AHEAD 8    ///< steps by which a place is known to be in the loop

typedef struct oracle_loops {
  uint64_t n_heard; ///< steps so far
  uint32_t n_lags;  ///< watched, below ORACLE_LOOPS_STEPS
  uint32_t n_found;
  uint16_t found[ORACLE_LOOPS_MAX];   ///< lags of what must not go on
  int32_t codes[ORACLE_LOOPS_STEPS];  ///< of what sounded, as a ring
  uint16_t runs[ORACLE_LOOPS_STEPS];  ///< [lag] steps for which it has been alike
  uint8_t levels[ORACLE_LOOPS_STEPS]; ///< [lag] how alike the last ones were
} oracle_loops;

/// Steps at which a stretch that sounds as it did `lag` before is too long: `limit`, or half the
/// lag where that is more, below twice the limit.
static inline uint32_t oracle_loops_most(uint32_t lag, uint32_t limit)
{
  const uint32_t half = lag / 2 < 2 * limit ? lag / 2 : 2 * limit - 1;
  return half > limit ? half : limit;
}

/// Nothing has sounded.
void oracle_loops_reset(oracle_loops *l, uint32_t n_lags);

/// A step sounded that follows no walk: what comes next is compared from there on.
void oracle_loops_hear(oracle_loops *l, int32_t code);

/// A step of a walk sounded.
void oracle_loops_play(oracle_loops *l, int32_t code);

/// The last `n_steps` never were; nothing has been alike so far.
void oracle_loops_rewind(oracle_loops *l, uint32_t n_steps);

/// Find the lags at which one more step would be too many.
void oracle_loops_find(oracle_loops *l, uint32_t limit);

/// Whether going on with ahead[count] (first codes, count up to ORACLE_LOOPS_AHEAD) would go on
/// with one of the loops found.
bool oracle_loops_bar(const oracle_loops *l, const int32_t *ahead, uint32_t count);

#endif
