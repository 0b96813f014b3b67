// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/oracle_walk.h"

#include "base/random.h"

#include <string.h>

#define MAX_PLACES 48
#define CHAIN_LINKS 12    // suffix links followed from the present state
#define BACK_LINKS 4      // states tried that each of those is the suffix of
#define OWN_BACK_LINKS 12 // likewise of the present state itself
#define SAME_CLASS_STEPS 32
#define BLIND_TRIES 16
#define FULL_CONTEXT 24 // steps in common beyond which more do not count

enum { STREAM_WHETHER = 0x0c1e, STREAM_WHERE, STREAM_BLIND };

/// A step to go on with, and how good it is.
typedef struct place {
  uint64_t step;
  uint32_t context;
  float weight;
} place;

typedef struct places {
  place list[MAX_PLACES];
  int count;
} places;

// ---- what sounded ----

void oracle_walk_reset(oracle_walk *w, uint32_t n_lags)
{
  memset(w, 0, sizeof *w);
  w->at = w->would_be = TOKEN_NO_STEP;
  w->n_lags = n_lags;
}

static uint32_t heard_before(const oracle_walk *w, uint32_t lag)
{
  return w->history[(w->n_heard - lag) % ORACLE_HISTORY_STEPS];
}

static uint32_t lags_heard(const oracle_walk *w)
{
  return w->n_heard < w->n_lags ? (uint32_t)w->n_heard : w->n_lags;
}

static void push_heard(oracle_walk *w, uint64_t step)
{
  const uint32_t n = lags_heard(w);
  for (uint32_t lag = 1; lag <= n; ++lag) {
    const bool same = heard_before(w, lag) == (uint32_t)step;
    w->equal[lag] = (uint16_t)(same ? w->equal[lag] + (w->equal[lag] < UINT16_MAX) : 0);
  }
  w->history[w->n_heard++ % ORACLE_HISTORY_STEPS] = (uint32_t)step;
}

/// Whether `step` would make a stretch too long to come twice.
static bool repeats(const oracle_walk *w, uint64_t step, uint32_t limit)
{
  const uint32_t n = lags_heard(w);
  for (uint32_t lag = 1; lag <= n; ++lag) {
    const uint32_t half = lag / 2 < 2 * limit ? lag / 2 : 2 * limit - 1;
    const uint32_t longest = half > limit ? half : limit;
    if (heard_before(w, lag) == (uint32_t)step && w->equal[lag] + 1u >= longest) {
      return true;
    }
  }
  return false;
}

void oracle_walk_observe(oracle_walk *w, const oracle_memory *m)
{
  if (w->holds) {
    w->holds = false;
    return;
  }
  w->at = w->would_be = TOKEN_NO_STEP;
  w->run_steps = 0;
  memset(w->equal, 0, sizeof w->equal); // a new step is like none before
  w->history[w->n_heard++ % ORACLE_HISTORY_STEPS] = (uint32_t)(oracle_memory_end(m) - 1);
}

void oracle_walk_rewind(oracle_walk *w, uint32_t n_steps)
{
  w->n_heard -= n_steps < w->n_heard ? n_steps : w->n_heard;
  w->at = w->would_be = TOKEN_NO_STEP;
  w->run_steps = 0;
  w->holds = false;
  memset(w->equal, 0, sizeof w->equal);
}

// ---- where it could go ----

static void add_place(places *p, const oracle_memory *m, uint64_t step, uint32_t context)
{
  if (p->count == MAX_PLACES || !oracle_memory_has(m, step)) {
    return;
  }
  for (int i = 0; i < p->count; ++i) {
    if (p->list[i].step == step) {
      return;
    }
  }
  p->list[p->count++] = (place){.step = step, .context = context};
}

static uint32_t least(uint32_t a, uint32_t b)
{
  return a < b ? a : b;
}

/// States whose suffix link leads to `state`: what follows them shares `context` steps at most.
static void add_back_links(places *p, const oracle_memory *m, uint16_t state, int count,
                           uint32_t context)
{
  const factor_oracle *o = oracle_memory_oracle(m);
  const uint64_t start = oracle_memory_start(m);
  uint16_t at = o->first_back[state];
  for (int i = 0; i < count && at != FACTOR_ORACLE_NONE; ++i) {
    add_place(p, m, start + at, least(context, o->repeat[at]));
    at = o->next_back[at];
  }
}

/// Places with the same past as the step `from` has.
static void add_linked(places *p, const oracle_memory *m, uint64_t from)
{
  const factor_oracle *o = oracle_memory_oracle(m);
  const uint64_t start = oracle_memory_start(m);
  uint16_t state = (uint16_t)(from - start + 1);
  uint32_t context = UINT32_MAX;
  add_back_links(p, m, state, OWN_BACK_LINKS, context);
  for (int i = 0; i < CHAIN_LINKS; ++i) {
    context = least(context, o->repeat[state]);
    state = o->suffix[state];
    if (state == 0 || state == FACTOR_ORACLE_NONE) {
      break;
    }
    add_place(p, m, start + state, context);
    add_back_links(p, m, state, BACK_LINKS, context);
  }
}

/// What follows steps of the same class.
static void add_same_class(places *p, const oracle_memory *m, uint16_t class_of_step)
{
  const uint64_t none = oracle_memory_end(m);
  uint64_t step = oracle_memory_newest(m, class_of_step);
  for (int i = 0; i < SAME_CLASS_STEPS && step != none; ++i) {
    add_place(p, m, step + 1, 1);
    step = oracle_memory_same_before(m, step);
  }
}

/// Weigh each place; those not to go to get zero. Returns the sum.
static float weigh(places *p, const oracle_walk *w, const token_sampling *how, uint64_t forward)
{
  float sum = 0.0f;
  for (int i = 0; i < p->count; ++i) {
    place *at = &p->list[i];
    const float depth = (float)least(at->context, FULL_CONTEXT) / (float)FULL_CONTEXT;
    const bool barred = at->step == forward || repeats(w, at->step, how->repeat_limit_steps);
    at->weight = barred ? 0.0f : depth * depth;
    sum += at->weight;
  }
  return sum;
}

/// One of the places by their weights; null when there is none.
static const place *choose(places *p, const oracle_walk *w, const token_sampling *how,
                           uint64_t forward)
{
  const float sum = weigh(p, w, how, forward);
  float left = sum * random_uniform(how->seed, STREAM_WHERE, how->step);
  const place *last = NULL;
  for (int i = 0; i < p->count; ++i) {
    if (p->list[i].weight > 0.0f) {
      last = &p->list[i];
      left -= last->weight;
      if (left < 0.0f) {
        break;
      }
    }
  }
  return last;
}

/// Somewhere, when nothing is like the present.
static place choose_blindly(const oracle_walk *w, const oracle_memory *m, const token_sampling *how)
{
  const uint64_t start = oracle_memory_start(m), count = oracle_memory_end(m) - start;
  for (uint64_t i = 0; i < BLIND_TRIES; ++i) {
    const uint64_t bits = random_bits(how->seed, STREAM_BLIND, how->step * BLIND_TRIES + i);
    const uint64_t step = start + bits % count;
    if (!repeats(w, step, how->repeat_limit_steps)) {
      return (place){.step = step};
    }
  }
  return (place){.step = start};
}

// ---- a step ----

/// Where to go instead of to `forward`; false: nowhere in particular.
static bool find_jump(const oracle_walk *w, const oracle_memory *m, const token_sampling *how,
                      uint64_t from, uint64_t forward, place *found)
{
  places p = {.count = 0};
  if (oracle_memory_has(m, from)) {
    add_linked(&p, m, from);
  }
  const place *best = choose(&p, w, how, forward);
  if (best) {
    *found = *best;
  }
  return best != NULL;
}

/// The same when it has to.
static place find_way_out(const oracle_walk *w, const oracle_memory *m, const token_sampling *how,
                          uint64_t from, uint64_t forward, uint16_t class_at)
{
  place found;
  if (find_jump(w, m, how, from, forward, &found)) {
    return found;
  }
  places p = {.count = 0};
  add_same_class(&p, m, class_at);
  const place *best = choose(&p, w, how, forward);
  return best ? *best : choose_blindly(w, m, how);
}

static void play(oracle_walk *w, const oracle_memory *m, uint64_t step, bool goes_on)
{
  push_heard(w, step);
  w->at = step;
  w->class_at = oracle_memory_class(m, step);
  w->holds = !goes_on;
}

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

static void say_nothing(token_step *out)
{
  memset(out->codes, -1, sizeof out->codes);
  memset(out->blend_codes, -1, sizeof out->blend_codes);
  out->blend = 0.0f;
  out->jumped = false;
  out->source_step = TOKEN_NO_STEP;
}

void oracle_walk_sample(oracle_walk *w, const oracle_memory *m, const token_sampling *how,
                        token_step *out)
{
  say_nothing(out);
  const uint64_t end = oracle_memory_end(m);
  if (oracle_memory_start(m) == end) {
    w->holds = !how->goes_on;
    return;
  }
  const bool walking = w->at != TOKEN_NO_STEP;
  const uint64_t from = walking ? w->at : end - 1, forward = from + 1;
  const uint16_t class_at = walking ? w->class_at : oracle_memory_class(m, from);
  const bool stuck = !oracle_memory_has(m, forward) || repeats(w, forward, how->repeat_limit_steps);
  place next = {.step = forward};
  bool jumps = stuck;
  if (stuck) {
    next = find_way_out(w, m, how, from, forward, class_at);
  } else if (w->run_steps >= how->min_run_steps &&
             random_uniform(how->seed, STREAM_WHETHER, how->step) < how->jump_probability) {
    jumps = find_jump(w, m, how, from, forward, &next);
  }
  if (jumps) {
    w->would_be = oracle_memory_has(m, forward) ? forward : TOKEN_NO_STEP;
    w->context = next.context;
    w->run_steps = 1;
  } else {
    ++w->run_steps;
    w->would_be += w->would_be != TOKEN_NO_STEP;
  }
  play(w, m, next.step, how->goes_on);
  oracle_memory_codes(m, next.step, out->codes);
  fill_blend(w, m, how, out);
  out->jumped = jumps;
  out->source_step = next.step;
}
