// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/oracle_walk.h"

#include "base/random.h"

#include <string.h>

#define BLIND_TRIES 16
#define SCAN 32          // slots of the history looked at together
#define LEAST_FOLLOWED 4 // steps that the present must have in common with a place to be followed

enum { STREAM_WHETHER = 0x0c1e, STREAM_FOLLOW, STREAM_WHERE, STREAM_BLIND };

// ---- what sounded ----

void oracle_walk_reset(oracle_walk *w, uint32_t n_lags, uint32_t n_rhythm)
{
  memset(w, 0, sizeof *w);
  w->at = w->would_be = TOKEN_NO_STEP;
  w->n_lags = n_lags;
  w->n_rhythm = n_rhythm;
  oracle_loops_reset(&w->loops, n_lags);
}

static size_t slot_before(const oracle_walk *w, uint32_t lag)
{
  return (size_t)((w->n_heard - lag) % ORACLE_HISTORY_STEPS);
}

static uint32_t heard_before(const oracle_walk *w, uint32_t lag)
{
  return w->history[slot_before(w, lag)];
}

static uint32_t lags_heard(const oracle_walk *w)
{
  return w->n_heard < w->n_lags ? (uint32_t)w->n_heard : w->n_lags;
}

static int32_t first_code(const oracle_heard *heard, uint64_t step)
{
  int32_t codes[TOKEN_MAX_CODEBOOKS];
  oracle_memory_codes(heard->memory, step, codes);
  return codes[0];
}

static void push_heard(oracle_walk *w, const oracle_heard *heard, uint64_t step)
{
  const size_t slot = slot_before(w, 0);
  w->history[slot] = (uint32_t)step;
  w->onsets[slot] = oracle_pulse_onset(heard->pulse, step);
  ++w->n_heard;
}

static void count_repeats(oracle_walk *w, uint64_t step)
{
  const uint32_t n = lags_heard(w);
  for (uint32_t lag = 1; lag <= n; ++lag) {
    const bool same = heard_before(w, lag) == (uint32_t)step;
    w->equal[lag] = (uint16_t)(same ? w->equal[lag] + (w->equal[lag] < UINT16_MAX) : 0);
  }
}

/// Whether any of SCAN slots holds `low`.
static bool is_in(const uint32_t *slots, uint32_t low)
{
  uint32_t any = 0;
  for (int i = 0; i < SCAN; ++i) {
    any |= (uint32_t)(slots[i] == low);
  }
  return any;
}

/// Whether `step` would make a stretch too long to come twice; and how lately it sounded, 0 to 1.
static bool repeats(const oracle_walk *w, uint64_t step, uint32_t limit, float *staleness)
{
  const uint32_t n = lags_heard(w);
  uint32_t nearest = n + 1;
  *staleness = 0.0f;
  for (size_t first = 0; first < ORACLE_HISTORY_STEPS; first += SCAN) {
    if (!is_in(w->history + first, (uint32_t)step)) {
      continue;
    }
    for (size_t slot = first; slot < first + SCAN; ++slot) {
      const uint32_t lag = 1 + (uint32_t)((w->n_heard - 1 - slot) % ORACLE_HISTORY_STEPS);
      if (w->history[slot] != (uint32_t)step || lag > n) {
        continue;
      }
      if (w->equal[lag] + 1u >= oracle_loops_most(lag, limit)) {
        return true;
      }
      nearest = lag < nearest ? lag : nearest;
    }
  }
  if (nearest <= n) {
    *staleness = 1.0f - (float)nearest / (float)(w->n_lags + 1);
  }
  return false;
}

static void stand_at_end(oracle_walk *w)
{
  w->at = w->would_be = TOKEN_NO_STEP;
  w->run_steps = 0;
  w->holds = w->mixed = false;
  memset(w->equal, 0, sizeof w->equal); // what comes next is like nothing before
}

void oracle_walk_observe(oracle_walk *w, const oracle_heard *heard)
{
  const uint64_t step = oracle_memory_end(heard->memory) - 1;
  if (w->holds) { // what sounded is the mix, but where the walk is, is its own
    w->onsets[slot_before(w, 1)] = oracle_pulse_onset(heard->pulse, step);
    w->holds = false;
    w->mixed = true;
    return;
  }
  stand_at_end(w);
  push_heard(w, heard, step);
  oracle_loops_hear(&w->loops, first_code(heard, step));
}

void oracle_walk_rewind(oracle_walk *w, uint32_t n_steps)
{
  w->n_heard -= n_steps < w->n_heard ? n_steps : w->n_heard;
  stand_at_end(w);
  oracle_loops_rewind(&w->loops, n_steps);
}

// ---- where to ----

/// A step about to be drawn.
typedef struct draw {
  oracle_walk *w;
  const oracle_heard *heard;
  const token_sampling *how;
  uint64_t from, forward; ///< the last step of the walk, and the one after it
  uint64_t sounded;       ///< remembered step that sounded last
  uint16_t class_at;      ///< of `from`
} draw;

/// Remembered step that sounded `lag` steps ago.
static uint64_t step_before(const draw *d, uint32_t lag)
{
  const uint64_t end = oracle_memory_end(d->heard->memory);
  const uint32_t low = heard_before(d->w, lag);
  return d->sounded == d->from ? end - (uint32_t)((uint32_t)end - low) : end - lag;
}

static void hear_present(const draw *d, oracle_present *present)
{
  const oracle_walk *w = d->w;
  int32_t codes[TOKEN_MAX_CODEBOOKS];
  memset(codes, -1, sizeof codes);
  if (oracle_memory_has(d->heard->memory, d->sounded)) {
    oracle_memory_codes(d->heard->memory, d->sounded, codes);
  }
  oracle_ear_hear(d->heard->ear, codes, &present->now);
  const uint32_t n = w->n_heard < w->n_rhythm ? (uint32_t)w->n_heard / 8 * 8 : w->n_rhythm;
  for (uint32_t i = 0; i < n; ++i) {
    present->onsets[i] = w->onsets[slot_before(w, n - i)];
  }
  present->n_onsets = n;
  oracle_present_complete(present);
  present->n_classes = 0;
  for (uint32_t lag = 1; lag <= ORACLE_FULL_CONTEXT && lag <= w->n_heard; ++lag) {
    const uint64_t step = step_before(d, lag);
    if (!oracle_memory_has(d->heard->memory, step)) {
      break;
    }
    present->classes[present->n_classes++] = oracle_memory_class(d->heard->memory, step);
  }
}

/// Whether going on at `step` would repeat for too long what sounded: the same steps, or others
/// that sound alike; and how lately `step` itself sounded, 0 to 1.
static bool would_repeat(const draw *d, uint64_t step, float *staleness)
{
  if (repeats(d->w, step, d->how->repeat_limit_steps, staleness)) {
    return true;
  }
  if (d->w->loops.n_found == 0) {
    return false;
  }
  int32_t ahead[ORACLE_LOOPS_AHEAD];
  uint32_t n = 0;
  while (n < ORACLE_LOOPS_AHEAD && oracle_memory_has(d->heard->memory, step + n)) {
    ahead[n] = first_code(d->heard, step + n);
    ++n;
  }
  return oracle_loops_bar(&d->w->loops, ahead, n);
}

/// One of the places by their weights; null when there is none.
static const oracle_place *choose(const draw *d, oracle_places *p, const oracle_present *present)
{
  for (int i = 0; i < p->count; ++i) {
    oracle_place *at = &p->list[i];
    at->barred = at->step == d->forward || would_repeat(d, at->step, &at->staleness);
  }
  const float sum = oracle_places_weigh(p, d->heard, present, d->how);
  return oracle_places_at(p, sum, random_uniform(d->how->seed, STREAM_WHERE, d->how->step));
}

/// Somewhere, when nothing is like the present.
static oracle_place choose_blindly(const draw *d)
{
  const uint64_t start = oracle_memory_start(d->heard->memory);
  const uint64_t count = oracle_memory_end(d->heard->memory) - start;
  float unused = 0.0f;
  for (uint64_t i = 0; i < BLIND_TRIES; ++i) {
    const uint64_t counter = d->how->step * BLIND_TRIES + i;
    const uint64_t step = start + random_bits(d->how->seed, STREAM_BLIND, counter) % count;
    if (!would_repeat(d, step, &unused)) {
      return (oracle_place){.step = step};
    }
  }
  return (oracle_place){.step = start};
}

/// Where to go instead of forward; false: nowhere in particular, which cannot be when it `must`.
static bool find_jump(const draw *d, bool must, oracle_place *found)
{
  oracle_present present;
  oracle_places p = {.count = 0};
  hear_present(d, &present);
  if (oracle_memory_has(d->heard->memory, d->from)) {
    oracle_places_add_linked(&p, d->heard, d->from);
  }
  if (d->how->pulse > 0.0f) {
    oracle_places_add_pulse(&p, d->heard, &present, d->sounded + 1);
  }
  if (must) {
    oracle_places_add_class(&p, d->heard, d->class_at);
  }
  const oracle_place *best = choose(d, &p, &present);
  if (best) {
    *found = *best;
  } else if (must) {
    *found = choose_blindly(d);
  }
  return best || must;
}

/// Where the present, of which the player had a part, was heard before.
static bool find_followed(const draw *d, oracle_place *found)
{
  oracle_present present;
  oracle_places p = {.count = 0};
  oracle_places_add_linked(&p, d->heard, d->sounded);
  int kept = 0;
  for (int i = 0; i < p.count; ++i) {
    if (p.list[i].context >= LEAST_FOLLOWED) {
      p.list[kept++] = p.list[i];
    }
    if (p.list[i].step == d->forward) {
      return false; // it is there already
    }
  }
  p.count = kept;
  hear_present(d, &present);
  const oracle_place *best = choose(d, &p, &present);
  if (best) {
    *found = *best;
  }
  return best != NULL;
}

/// The next step; returns whether it is a jump.
static bool decide(const draw *d, oracle_place *next)
{
  const token_sampling *how = d->how;
  float unused = 0.0f;
  *next = (oracle_place){.step = d->forward};
  if (!oracle_memory_has(d->heard->memory, d->forward) || would_repeat(d, d->forward, &unused)) {
    return find_jump(d, true, next);
  }
  if (d->w->run_steps < how->min_run_steps) {
    return false;
  }
  if (d->sounded != d->from && random_uniform(how->seed, STREAM_FOLLOW, how->step) < how->follow &&
      find_followed(d, next)) {
    return true;
  }
  return random_uniform(how->seed, STREAM_WHETHER, how->step) < how->jump_probability &&
         find_jump(d, false, next);
}

// ---- a step ----

/// The share of what would have come in the first steps after a jump.
static void fill_blend(const oracle_walk *w, const oracle_memory *m, const token_sampling *how,
                       token_step *out)
{
  out->blend = 0.0f;
  memcpy(out->blend_codes, out->codes, sizeof out->blend_codes);
  if (w->run_steps <= how->blend_steps && w->would_be != TOKEN_NO_STEP &&
      oracle_memory_has(m, w->would_be)) {
    oracle_memory_codes(m, w->would_be, out->blend_codes);
    out->blend = 1.0f - (float)w->run_steps / (float)(how->blend_steps + 1);
  }
}

static void play(oracle_walk *w, const oracle_heard *heard, const token_sampling *how,
                 const oracle_place *next, token_step *out)
{
  count_repeats(w, next->step);
  push_heard(w, heard, next->step);
  w->at = next->step;
  w->class_at = oracle_memory_class(heard->memory, next->step);
  oracle_memory_codes(heard->memory, next->step, out->codes);
  oracle_loops_play(&w->loops, out->codes[0]);
  fill_blend(w, heard->memory, how, out);
  out->source_step = next->step;
}

static void say_nothing(token_step *out)
{
  memset(out->codes, -1, sizeof out->codes);
  memset(out->blend_codes, -1, sizeof out->blend_codes);
  out->blend = 0.0f;
  out->jumped = false;
  out->source_step = TOKEN_NO_STEP;
}

void oracle_walk_sample(oracle_walk *w, const oracle_heard *heard, const token_sampling *how,
                        token_step *out)
{
  const uint64_t end = oracle_memory_end(heard->memory);
  const bool mixed = w->at != TOKEN_NO_STEP && w->mixed;
  say_nothing(out);
  w->holds = !how->goes_on;
  w->mixed = false;
  if (oracle_memory_start(heard->memory) == end) {
    return;
  }
  draw d = {.w = w, .heard = heard, .how = how, .from = w->at, .class_at = w->class_at};
  if (w->at == TOKEN_NO_STEP) {
    d.from = end - 1;
    d.class_at = oracle_memory_class(heard->memory, d.from);
  }
  d.forward = d.from + 1;
  d.sounded = mixed ? end - 1 : d.from;
  oracle_loops_find(&w->loops, how->repeat_limit_steps);
  oracle_place next;
  out->jumped = decide(&d, &next);
  if (out->jumped) {
    w->would_be = oracle_memory_has(heard->memory, d.forward) ? d.forward : TOKEN_NO_STEP;
    w->context = next.context;
    w->run_steps = 1;
  } else {
    ++w->run_steps;
    w->would_be += w->would_be != TOKEN_NO_STEP;
  }
  play(w, heard, how, &next, out);
}
