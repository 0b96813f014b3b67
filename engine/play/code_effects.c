// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/play/code_effects.h"

#include "base/random.h"
#include "base/touched.h"
#include "engine/play/code_effect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const code_effect *const effects[CODE_N_EFFECTS] = {
    [CODE_EFFECT_MOSAIC] = &code_effect_mosaic,
    [CODE_EFFECT_STRETCH] = &code_effect_stretch,
    [CODE_EFFECT_STUTTER] = &code_effect_stutter,
    [CODE_EFFECT_REVERSE] = &code_effect_reverse,
    [CODE_EFFECT_STEP_SHUFFLE] = &code_effect_step_shuffle,
    [CODE_EFFECT_CODEBOOK_SWAP] = &code_effect_codebook_swap,
    [CODE_EFFECT_CODEBOOK_SHUFFLE] = &code_effect_codebook_shuffle,
    [CODE_EFFECT_CODEBOOK_MUTE] = &code_effect_codebook_mute,
    [CODE_EFFECT_DEPTH] = &code_effect_depth,
};

// The block: this, then the effects' inputs [CODE_N_EFFECTS, CODE_EFFECTS_HISTORY_STEPS,
// n_codebooks], all but those of the steps not yet done.
typedef struct chain {
  uint64_t n_steps;
  code_effect_memory memories[CODE_N_EFFECTS];
  int32_t histories[];
} chain;

const code_effect_info *code_effect_get_info(code_effect_kind kind)
{
  return &effects[kind]->info;
}

code_effect_kind code_effect_find(const char *key)
{
  int kind = 0;
  while (kind < CODE_N_EFFECTS && strcmp(effects[kind]->info.key, key) != 0) {
    ++kind;
  }
  return (code_effect_kind)kind;
}

void code_effects_settings_init(code_effects_settings *s)
{
  memset(s, 0, sizeof *s);
  for (int kind = 0; kind < CODE_N_EFFECTS; ++kind) {
    const code_effect_info *info = &effects[kind]->info;
    s->knobs[kind].place = kind;
    for (int i = 0; i < info->n_settings; ++i) {
      s->knobs[kind].values[i] = info->settings[i].standard;
    }
  }
}

void code_effects_settings_set_clock(code_effects_settings *s, double beat, double beat_steps)
{
  const double rounding_steps = 1e-6;
  const bool runs = beat_steps >= 1 && isfinite(beat_steps) && fabs(beat) < 1e15;
  s->beat_steps = runs ? (float)beat_steps : 0.0f;
  s->beat_step = 0;
  s->beat_number = 0;
  if (runs) {
    const double number = floor(beat + rounding_steps / beat_steps);
    const double into_steps = (beat - number) * beat_steps + rounding_steps;
    s->beat_number = (int64_t)number;
    s->beat_step = (int32_t)fmin(floor(into_steps), INT32_MAX);
  }
}

static size_t history_codes(const code_effects *e)
{
  return (size_t)CODE_EFFECTS_HISTORY_STEPS * (size_t)e->n_codebooks;
}

status code_effects_init(code_effects *e, int n_codebooks, error *err)
{
  *e = (code_effects){.n_codebooks = n_codebooks};
  if (n_codebooks < 1 || n_codebooks > CODE_EFFECTS_MAX_CODEBOOKS) {
    return error_set(err, STATUS_UNSUPPORTED, "code effects take 1 to %d codebooks, not %d",
                     CODE_EFFECTS_MAX_CODEBOOKS, n_codebooks);
  }
  const size_t bytes = sizeof(chain) + CODE_N_EFFECTS * history_codes(e) * sizeof(int32_t);
  e->memory = touched_new(bytes); // before the first step
  if (!e->memory) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for the code effects (%zu bytes)", bytes);
  }
  e->memory_bytes = bytes;
  return STATUS_OK;
}

void code_effects_destroy(code_effects *e)
{
  free(e->memory);
  *e = (code_effects){0};
}

void code_effects_reset(code_effects *e)
{
  memset(e->memory, 0, e->memory_bytes);
}

size_t code_effects_bytes(const code_effects *e)
{
  return e->memory_bytes;
}

void code_effects_save(const code_effects *e, void *snapshot)
{
  memcpy(snapshot, e->memory, e->memory_bytes);
}

void code_effects_restore(code_effects *e, const void *snapshot)
{
  memcpy(e->memory, snapshot, e->memory_bytes);
}

const int32_t *code_effect_source(const code_effect_step *s, int64_t source)
{
  const int64_t now = (int64_t)s->now;
  if (source < 0 || source > now || now - source >= CODE_EFFECTS_HISTORY_STEPS) {
    source = now;
  }
  return s->history + (source % CODE_EFFECTS_HISTORY_STEPS) * s->n_codebooks;
}

bool code_effect_chance(const code_effect_step *s, uint64_t counter, float most)
{
  return random_uniform(s->seed, s->stream, counter) < most * s->fader;
}

float code_effect_uniform(const code_effect_step *s, uint64_t counter)
{
  return random_uniform(s->seed, ~s->stream, counter);
}

void code_effects_set_corpus(code_effects *e, const mosaic *corpus)
{
  e->corpus = corpus;
}

// Places are few: sorting by insertion.
static void order_of(const code_effects_settings *s, int order[CODE_N_EFFECTS])
{
  for (int kind = 0; kind < CODE_N_EFFECTS; ++kind) {
    int at = kind;
    for (; at > 0 && s->knobs[order[at - 1]].place > s->knobs[kind].place; --at) {
      order[at] = order[at - 1];
    }
    order[at] = kind;
  }
}

static float within(float x, float least, float most, float otherwise)
{
  if (isnan(x)) {
    return otherwise;
  }
  return fminf(fmaxf(x, least), most);
}

static void clean_values(const code_effect_info *info, const float *values, float *clean)
{
  for (int i = 0; i < info->n_settings; ++i) {
    const code_effect_setting *setting = &info->settings[i];
    clean[i] = within(values[i], setting->least, setting->most, setting->standard);
    clean[i] = setting->whole ? roundf(clean[i]) : clean[i];
  }
}

// A clock that makes no sense does not run.
static code_clock clean_clock(const code_effects_settings *s)
{
  if (!(s->beat_steps >= 1.0f) || isinf(s->beat_steps) || s->beat_step < 0) {
    return (code_clock){0};
  }
  return (code_clock){(double)s->beat_steps, s->beat_step, s->beat_number};
}

// One effect on codes [n_codebooks], its input noted first.
static void apply(const code_effects *e, chain *c, const code_effects_settings *s, int kind,
                  int32_t *codes)
{
  const code_effect *effect = effects[kind];
  const size_t n = (size_t)e->n_codebooks;
  int32_t *history = c->histories + (size_t)kind * history_codes(e);
  int32_t changed[CODE_EFFECTS_MAX_CODEBOOKS];
  float values[CODE_EFFECT_MAX_SETTINGS] = {0};
  memcpy(history + c->n_steps % CODE_EFFECTS_HISTORY_STEPS * n, codes, n * sizeof *codes);
  memcpy(changed, codes, n * sizeof *codes);
  clean_values(&effect->info, s->knobs[kind].values, values);
  const code_effect_step step = {
      .now = c->n_steps,
      .n_codebooks = e->n_codebooks,
      .fader = within(s->knobs[kind].fader, 0.0f, 1.0f, 0.0f),
      .values = values,
      .clock = clean_clock(s),
      .seed = s->seed,
      .stream = random_name_key(effect->info.key), // not its number: old performances stay
      .history = history,
      .memory = &c->memories[kind],
      .corpus = e->corpus,
  };
  effect->step(&step, changed);
  if (step.fader > 0.0f) {
    memcpy(codes, changed, n * sizeof *codes);
  }
}

void code_effects_step(code_effects *e, const code_effects_settings *s, const int32_t *in,
                       int32_t *out)
{
  chain *c = e->memory;
  int order[CODE_N_EFFECTS];
  order_of(s, order);
  if (in != out) {
    memcpy(out, in, (size_t)e->n_codebooks * sizeof *out);
  }
  for (int i = 0; i < CODE_N_EFFECTS; ++i) {
    apply(e, c, s, order[i], out);
  }
  ++c->n_steps;
}
