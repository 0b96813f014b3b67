// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/oracle_loops.h"

#include <string.h>

// The same sound a whole number of steps later has about 7 first codes in 10 in common, because the
// encoder hears what came before it; two bars of one drummer have at most 2 or 3. So with these a
// level rises where more than one code in three is the same.
#define SAME 2
#define OTHER 1
#define ALIKE 8 // level from which on it is
#define MOST 24
#define TEXTURE 8 // one lag in so many alike: not a loop

void oracle_loops_reset(oracle_loops *l, uint32_t n_lags)
{
  memset(l, 0, sizeof *l);
  l->n_lags = n_lags;
}

static int32_t code_before(const oracle_loops *l, uint64_t lag)
{
  return l->codes[(l->n_heard - lag) % ORACLE_LOOPS_STEPS];
}

static uint32_t lags_heard(const oracle_loops *l)
{
  return l->n_heard < l->n_lags ? (uint32_t)l->n_heard : l->n_lags;
}

// Nothing has been alike so far.
static void begin(oracle_loops *l)
{
  memset(l->runs, 0, sizeof l->runs);
  memset(l->levels, 0, sizeof l->levels);
  l->n_found = 0;
}

static void push(oracle_loops *l, int32_t code)
{
  l->codes[l->n_heard % ORACLE_LOOPS_STEPS] = code;
  ++l->n_heard;
}

void oracle_loops_hear(oracle_loops *l, int32_t code)
{
  begin(l);
  push(l, code);
}

void oracle_loops_rewind(oracle_loops *l, uint32_t n_steps)
{
  l->n_heard -= n_steps < l->n_heard ? n_steps : l->n_heard;
  begin(l);
}

void oracle_loops_play(oracle_loops *l, int32_t code)
{
  const uint32_t n = lags_heard(l);
  const bool held = n && code_before(l, 1) == code; // a note that lasts says nothing
  for (uint32_t lag = 1; lag <= n; ++lag) {
    int level = l->levels[lag];
    if (!held) {
      level += code_before(l, lag) == code ? SAME : -OTHER;
      level = level < 0 ? 0 : level > MOST ? MOST : level;
    }
    l->levels[lag] = (uint8_t)level;
    l->runs[lag] = (uint16_t)(level < ALIKE ? 0 : l->runs[lag] + (l->runs[lag] < UINT16_MAX));
  }
  push(l, code);
}

void oracle_loops_find(oracle_loops *l, uint32_t limit)
{
  const uint32_t n = lags_heard(l);
  uint32_t n_alike = 0;
  l->n_found = 0;
  for (uint32_t lag = 1; lag <= n; ++lag) {
    n_alike += l->runs[lag] > 0;
  }
  if (n_alike * TEXTURE > l->n_lags) {
    return;
  }
  for (uint32_t lag = 1; lag <= n && n_alike && l->n_found < ORACLE_LOOPS_MAX; ++lag) {
    if (l->runs[lag] && l->runs[lag] + 1u >= oracle_loops_most(lag, limit)) {
      l->found[l->n_found++] = (uint16_t)lag;
    }
  }
}

bool oracle_loops_bar(const oracle_loops *l, const int32_t *ahead, uint32_t count)
{
  for (uint32_t i = 0; i < l->n_found; ++i) {
    const uint32_t lag = l->found[i];
    const uint32_t known = lag < count ? lag : count;
    uint32_t same = 0;
    for (uint32_t k = 0; k < known; ++k) {
      same += code_before(l, lag - k) == ahead[k];
    }
    if (known && 2 * same >= known) {
      return true;
    }
  }
  return false;
}
