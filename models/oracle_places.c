// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/oracle_places.h"

#include <math.h>
#include <string.h>

#define CHAIN_LINKS 12    // suffix links followed from the present state
#define BACK_LINKS 3      // states tried that each of those is the suffix of
#define OWN_BACK_LINKS 12 // likewise of the present state itself
#define SAME_CLASS_STEPS 16
#define MAX_PEAKS 16 // lags tried where onsets are alike, each both ways
#define LEAST_LIKENESS 0.05f
#define FAR_MULTIPLES 8  // of the period, beyond the longest lag
#define SHIFT_GAIN 0.1f  // of likeness that makes up for a step beside the pulse
#define ON_PULSE 0.1f    // of likeness that a place on the pulse has in advance
#define FEWEST_ONSETS 32 // that say whether a rhythm goes on
#define HOPELESS 12.0f   // so far behind the best, a place is not looked at closely
#define LANES 8

// What the parts of a weight may make of it, as exponents of e.
#define BY_CONTEXT 8.0f
#define BY_LIKENESS 8.0f
#define BY_PULSE 30.0f
#define BY_STALENESS 6.0f

// ---- where it could go ----

static oracle_place *add_place(oracle_places *p, const oracle_heard *heard, uint64_t step,
                               uint32_t context)
{
  if (p->count == ORACLE_MAX_PLACES || !oracle_memory_has(heard->memory, step)) {
    return NULL;
  }
  for (int i = 0; i < p->count; ++i) {
    if (p->list[i].step == step) {
      return NULL;
    }
  }
  p->list[p->count] = (oracle_place){.step = step, .context = context, .rhythm = NAN};
  return &p->list[p->count++];
}

static uint32_t least(uint32_t a, uint32_t b)
{
  return a < b ? a : b;
}

/// States whose suffix link leads to `state`: what follows them shares `context` steps at most.
static void add_back_links(oracle_places *p, const oracle_heard *heard, uint16_t state, int count,
                           uint32_t context)
{
  const factor_oracle *o = oracle_memory_oracle(heard->memory);
  const uint64_t start = oracle_memory_start(heard->memory);
  uint16_t at = o->first_back[state];
  for (int i = 0; i < count && at != FACTOR_ORACLE_NONE; ++i) {
    add_place(p, heard, start + at, least(context, o->repeat[at]));
    at = o->next_back[at];
  }
}

void oracle_places_add_linked(oracle_places *p, const oracle_heard *heard, uint64_t from)
{
  const factor_oracle *o = oracle_memory_oracle(heard->memory);
  const uint64_t start = oracle_memory_start(heard->memory);
  uint16_t state = (uint16_t)(from - start + 1);
  uint32_t context = UINT32_MAX;
  add_back_links(p, heard, state, OWN_BACK_LINKS, context);
  for (int i = 0; i < CHAIN_LINKS; ++i) {
    context = least(context, o->repeat[state]);
    state = o->suffix[state];
    if (state == 0 || state == FACTOR_ORACLE_NONE) {
      break;
    }
    add_place(p, heard, start + state, context);
    add_back_links(p, heard, state, BACK_LINKS, context);
  }
}

void oracle_places_add_class(oracle_places *p, const oracle_heard *heard, uint16_t class_of_step)
{
  const uint64_t none = oracle_memory_end(heard->memory);
  uint64_t step = oracle_memory_newest(heard->memory, class_of_step);
  for (int i = 0; i < SAME_CLASS_STEPS && step != none; ++i) {
    add_place(p, heard, step + 1, 1);
    step = oracle_memory_same_before(heard->memory, step);
  }
}

// ---- rhythm ----

/// Sums run in lanes, in an order that no compiler may change.
static float add_lanes(const float *sums)
{
  float sum = 0.0f;
  for (int lane = 0; lane < LANES; ++lane) {
    sum += sums[lane];
  }
  return sum;
}

void oracle_present_complete(oracle_present *present)
{
  float squares[LANES] = {0};
  for (uint32_t at = present->n_onsets; at >= LANES; at -= LANES) {
    for (uint32_t lane = 0; lane < LANES; ++lane) {
      const float x = present->onsets[at - LANES + lane];
      squares[lane] += x * x;
    }
    present->onset_squares[(present->n_onsets - at) / LANES] = add_lanes(squares);
  }
}

/// Normalised correlation of the last `count` (8 up) onsets with others, -1 to 1.
static float correlate(const oracle_present *present, const float *others, uint32_t count)
{
  const float *onsets = present->onsets + present->n_onsets - count;
  float products[LANES] = {0}, squares[LANES] = {0};
  for (uint32_t i = 0; i < count; i += LANES) {
    for (uint32_t lane = 0; lane < LANES; ++lane) {
      products[lane] += onsets[i + lane] * others[i + lane];
      squares[lane] += others[i + lane] * others[i + lane];
    }
  }
  const float scale = sqrtf(add_lanes(squares) * present->onset_squares[count / LANES - 1]);
  return scale > 0.0f ? add_lanes(products) / scale : 0.0f;
}

/// How many onsets before `step` there are to compare.
static uint32_t count_before(const oracle_heard *heard, const oracle_present *present,
                             uint64_t step)
{
  const uint64_t there = step - oracle_memory_start(heard->memory);
  return (there < present->n_onsets ? (uint32_t)there : present->n_onsets) / LANES * LANES;
}

/// How well the rhythm before `step` is that of the present; less sure with less past.
static float rhythm_before(const oracle_heard *heard, const oracle_present *present, uint64_t step)
{
  float onsets[ORACLE_RHYTHM_STEPS];
  const uint32_t count = count_before(heard, present, step);
  if (count == 0) {
    return 0.0f;
  }
  oracle_pulse_onsets(heard->pulse, step - count, count, onsets);
  const float found = correlate(present, onsets, count);
  return count < FEWEST_ONSETS ? found * (float)count / FEWEST_ONSETS : found;
}

/// How many steps before `step` are of the classes that sounded.
static uint32_t context_before(const oracle_heard *heard, const oracle_present *present,
                               uint64_t step)
{
  uint32_t count = 0;
  while (count < present->n_classes && oracle_memory_has(heard->memory, step - 1 - count) &&
         oracle_memory_class(heard->memory, step - 1 - count) == present->classes[count]) {
    ++count;
  }
  return count;
}

/// `step`, which lies on the pulse, or a neighbour where the rhythm goes on clearly better.
static void add_in_rhythm(oracle_places *p, const oracle_heard *heard,
                          const oracle_present *present, int64_t step)
{
  if (step < 1 || !oracle_memory_has(heard->memory, (uint64_t)step)) {
    return;
  }
  uint64_t best = (uint64_t)step;
  float most = rhythm_before(heard, present, best);
  const float clearly = most + SHIFT_GAIN;
  for (int shift = -1; most > 0.0f && shift <= 1; shift += 2) {
    const uint64_t beside = (uint64_t)(step + shift);
    if (oracle_memory_has(heard->memory, beside)) {
      const float found = rhythm_before(heard, present, beside);
      if (found > most && found > clearly) {
        most = found;
        best = beside;
      }
    }
  }
  oracle_place *added = most > 0.0f ? add_place(p, heard, best, 0) : NULL;
  if (added) {
    added->context = context_before(heard, present, best);
    added->rhythm = most + ON_PULSE;
  }
}

void oracle_places_add_pulse(oracle_places *p, const oracle_heard *heard,
                             const oracle_present *present, uint64_t origin)
{
  const uint64_t end = oracle_memory_end(heard->memory);
  const oracle_pulse_shape *shape = heard->pulse->shape;
  const float period = oracle_pulse_period(heard->pulse, end);
  if (period <= 0.0f) {
    return;
  }
  int n_peaks = 0;
  for (uint32_t lag = shape->least_lag; lag + 1 < shape->n_lags && n_peaks < MAX_PEAKS; ++lag) {
    const float here = oracle_pulse_likeness(heard->pulse, end, lag);
    if (here > LEAST_LIKENESS && here >= oracle_pulse_likeness(heard->pulse, end, lag - 1) &&
        here > oracle_pulse_likeness(heard->pulse, end, lag + 1)) {
      add_in_rhythm(p, heard, present, (int64_t)origin - lag);
      add_in_rhythm(p, heard, present, (int64_t)origin + lag);
      ++n_peaks;
    }
  }
  for (int k = 1; k <= FAR_MULTIPLES; ++k) {
    const int64_t lag =
        (int64_t)lrintf((floorf((float)shape->n_lags / period) + (float)k) * period);
    add_in_rhythm(p, heard, present, (int64_t)origin - lag);
    add_in_rhythm(p, heard, present, (int64_t)origin + lag);
  }
}

// ---- how good it is there ----

/// How unlike what came before `step` is to what sounds now.
static float difference_before(const oracle_heard *heard, const oracle_present *present,
                               uint64_t step)
{
  int32_t codes[TOKEN_MAX_CODEBOOKS];
  oracle_latent there;
  if (!oracle_memory_has(heard->memory, step - 1)) {
    return 1.0f;
  }
  oracle_memory_codes(heard->memory, step - 1, codes);
  oracle_ear_hear(heard->ear, codes, &there);
  return oracle_ear_difference(heard->ear, &there, &present->now);
}

/// All of a weight's exponent but likeness, which is dear.
static float weigh_cheaply(oracle_place *at, const oracle_heard *heard,
                           const oracle_present *present, const token_sampling *how)
{
  if (how->pulse > 0.0f && isnan(at->rhythm)) {
    at->rhythm = rhythm_before(heard, present, at->step);
  }
  const float rhythm = how->pulse > 0.0f ? how->pulse * at->rhythm : 0.0f;
  const float context = (float)least(at->context, ORACLE_FULL_CONTEXT) / (float)ORACLE_FULL_CONTEXT;
  return BY_CONTEXT * context + BY_PULSE * rhythm - BY_STALENESS * at->staleness;
}

float oracle_places_weigh(oracle_places *p, const oracle_heard *heard,
                          const oracle_present *present, const token_sampling *how)
{
  float hoped = -INFINITY, most = -INFINITY, sum = 0.0f;
  for (int i = 0; i < p->count; ++i) {
    oracle_place *at = &p->list[i];
    at->weight = at->barred ? -INFINITY : weigh_cheaply(at, heard, present, how);
    hoped = at->weight > hoped ? at->weight : hoped;
  }
  for (int i = 0; i < p->count; ++i) {
    oracle_place *at = &p->list[i];
    if (at->weight <= hoped - HOPELESS) {
      at->weight = -INFINITY;
    } else if (how->similarity > 0.0f) {
      at->weight -= BY_LIKENESS * how->similarity * difference_before(heard, present, at->step);
    }
    most = at->weight > most ? at->weight : most;
  }
  for (int i = 0; i < p->count && most > -INFINITY; ++i) {
    oracle_place *at = &p->list[i];
    at->weight = expf(at->weight - most);
    sum += at->weight;
  }
  return sum;
}

const oracle_place *oracle_places_at(const oracle_places *p, float sum, float share)
{
  const oracle_place *last = NULL;
  float left = sum * share;
  for (int i = 0; i < p->count && left >= 0.0f; ++i) {
    if (p->list[i].weight > 0.0f) {
      last = &p->list[i];
      left -= last->weight;
    }
  }
  return last;
}
