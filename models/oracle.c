// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/oracle.h"

#include "base/random.h"
#include "base/touched.h"
#include "models/oracle_classes.h"
#include "models/oracle_walk.h"
#include "models/token_model_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_SECONDS 600.0
#define REWIND_SECONDS 4.0
#define REPEAT_SECONDS 10.0 // back to where repeats are watched for
#define RHYTHM_SECONDS 3.0  // compared before a jump
#define LEAST_PULSE_SECONDS 0.2
#define MOST_PULSE_SECONDS 5.0
#define PULSE_SECONDS 12.0 // after which a rhythm is forgotten but for a third
#define LEAST_KEPT 16
#define MAX_CLASSES 1024
#define MAX_SECOND_CLASSES 16
#define DEFAULT_CLASSES 64

typedef struct oracle {
  token_model base;
  codec *coded; ///< referenced, for its codebooks
  oracle_ear ear;
  oracle_shape shape;
  oracle_pulse_shape pulse_shape;
  uint32_t n_lags;         ///< of repeats
  uint32_t n_rhythm;       ///< steps of rhythm compared
  uint32_t codebook_size;  ///< 0: any 32 bits
  uint32_t n_first;        ///< classes of the first code; one more for none
  uint32_t n_second;       ///< of the second, likewise; 1: not listened to
  uint16_t *first_classes; ///< [codebook_size]; null: codes are classed by their bits
  uint16_t *second_classes;
} oracle;

typedef struct oracle_state {
  token_state base;
  const oracle *model;
  oracle_memory memory;
  oracle_pulse pulse;
  oracle_walk *walk;
  char *block; ///< all that changes: of the memory, the pulse, the walk
} oracle_state;

static const oracle *oracle_of(const token_model *m)
{
  return (const oracle *)m;
}

static oracle_state *state_of(token_state *s)
{
  return (oracle_state *)s;
}

// ---- streams ----

static size_t block_bytes(const oracle *o)
{
  return oracle_memory_bytes(&o->shape) + oracle_pulse_bytes(&o->pulse_shape) + sizeof(oracle_walk);
}

static oracle_heard heard_by(const oracle_state *s)
{
  return (oracle_heard){.ear = &s->model->ear, .memory = &s->memory, .pulse = &s->pulse};
}

static void oracle_reset(token_state *base)
{
  oracle_state *s = state_of(base);
  oracle_memory_clear(&s->memory);
  oracle_pulse_clear(&s->pulse);
  oracle_walk_reset(s->walk, s->model->n_lags, s->model->n_rhythm);
}

static void oracle_state_free(token_state *base)
{
  free(state_of(base)->block);
  free(base);
}

static status oracle_state_new(token_state **out, token_model *m, error *err)
{
  const oracle *o = oracle_of(m);
  oracle_state *s = calloc(1, sizeof *s);
  char *block = touched_new(block_bytes(o)); // before the first step
  if (!s || !block) {
    free(s);
    free(block);
    return error_set(err, STATUS_NO_MEMORY, "oracle: no memory for %u steps",
                     (unsigned)o->shape.capacity);
  }
  s->model = o;
  s->block = block;
  oracle_memory_init(&s->memory, &o->shape, block);
  block += oracle_memory_bytes(&o->shape);
  oracle_pulse_init(&s->pulse, &o->pulse_shape, block);
  block += oracle_pulse_bytes(&o->pulse_shape);
  s->walk = (oracle_walk *)(void *)block;
  oracle_reset(&s->base);
  *out = &s->base;
  return STATUS_OK;
}

static uint16_t class_of_code(const oracle *o, const uint16_t *classes, int32_t code,
                              uint32_t n_classes)
{
  if (!classes) {
    return (uint16_t)(random_mix((uint32_t)code) % n_classes);
  }
  return code >= 0 && (uint32_t)code < o->codebook_size ? classes[code] : (uint16_t)n_classes;
}

static uint16_t class_of_step(const oracle *o, const int32_t *codes)
{
  const uint16_t first = class_of_code(o, o->first_classes, codes[0], o->n_first);
  if (o->n_second == 1) {
    return first;
  }
  const uint16_t second = class_of_code(o, o->second_classes, codes[1], o->n_second);
  return (uint16_t)(first * (o->n_second + 1) + second);
}

static status oracle_observe(token_state *base, const int32_t *codes)
{
  oracle_state *s = state_of(base);
  const oracle_heard heard = heard_by(s);
  oracle_latent latent;
  oracle_ear_hear(heard.ear, codes, &latent);
  oracle_pulse_add(&s->pulse, oracle_memory_end(&s->memory), sqrtf(latent.energy));
  oracle_memory_add(&s->memory, class_of_step(s->model, codes), codes);
  oracle_walk_observe(s->walk, &heard);
  return STATUS_OK;
}

static status oracle_sample(token_state *base, const token_sampling *how, token_step *out)
{
  oracle_state *s = state_of(base);
  const oracle_heard heard = heard_by(s);
  oracle_walk_sample(s->walk, &heard, how, out);
  return STATUS_OK;
}

static int oracle_rewind(token_state *base, int n_steps)
{
  oracle_state *s = state_of(base);
  const uint32_t n = oracle_memory_rewind(&s->memory, (uint32_t)n_steps);
  oracle_walk_rewind(s->walk, n);
  return (int)n;
}

static size_t oracle_state_bytes(const token_state *base)
{
  return block_bytes(((const oracle_state *)base)->model);
}

static status oracle_save(const token_state *base, void *snapshot)
{
  const oracle_state *s = (const oracle_state *)base;
  memcpy(snapshot, s->block, block_bytes(s->model));
  return STATUS_OK;
}

static status oracle_restore(token_state *base, const void *snapshot)
{
  oracle_state *s = state_of(base);
  memcpy(s->block, snapshot, block_bytes(s->model));
  return STATUS_OK;
}

static token_position oracle_position(const token_state *base)
{
  const oracle_state *s = (const oracle_state *)base;
  const uint64_t end = oracle_memory_end(&s->memory);
  return (token_position){.n_observed = end,
                          .n_remembered = end - oracle_memory_start(&s->memory),
                          .source_step = s->walk->at,
                          .context_steps = s->walk->context,
                          .pulse_period_steps = oracle_pulse_period(&s->pulse, end)};
}

static void oracle_visit_memory(const token_state *base, token_memory_visit visit, void *user)
{
  const oracle_state *s = (const oracle_state *)base;
  const oracle *o = s->model;
  visit(user, s, sizeof *s);
  visit(user, s->block, block_bytes(o));
  visit(user, o, sizeof *o);
  if (o->first_classes) {
    visit(user, o->first_classes, o->codebook_size * sizeof *o->first_classes);
  }
  if (o->second_classes) {
    visit(user, o->second_classes, o->codebook_size * sizeof *o->second_classes);
  }
}

// ---- the model ----

static void oracle_close(token_model *m)
{
  oracle *o = (oracle *)m;
  free(o->first_classes);
  free(o->second_classes);
  codec_unref(o->coded);
  free(o);
}

static const token_vtable oracle_table = {
    .close = oracle_close,
    .state_new = oracle_state_new,
    .state_free = oracle_state_free,
    .reset = oracle_reset,
    .observe = oracle_observe,
    .sample = oracle_sample,
    .rewind = oracle_rewind,
    .state_bytes = oracle_state_bytes,
    .save = oracle_save,
    .restore = oracle_restore,
    .position = oracle_position,
    .visit_memory = oracle_visit_memory,
};

static status check_options(const codec_info *info, const oracle_options *options, error *err)
{
  const uint32_t most =
      info->n_codebooks < TOKEN_MAX_CODEBOOKS ? info->n_codebooks : TOKEN_MAX_CODEBOOKS;
  if (options->n_codebooks > most) {
    return error_set(err, STATUS_USAGE, "oracle: %u codebooks, expected 1 to %u",
                     (unsigned)options->n_codebooks, (unsigned)most);
  }
  if (options->memory_steps &&
      (options->memory_steps < LEAST_KEPT || options->memory_steps > ORACLE_MAX_KEPT)) {
    return error_set(err, STATUS_USAGE, "oracle: a memory of %u steps, expected %d to %d",
                     (unsigned)options->memory_steps, LEAST_KEPT, ORACLE_MAX_KEPT);
  }
  if (options->n_classes > MAX_CLASSES || options->second_classes > MAX_SECOND_CLASSES) {
    return error_set(err, STATUS_USAGE, "oracle: %u and %u classes, expected 1 to %d and %d",
                     (unsigned)options->n_classes, (unsigned)options->second_classes, MAX_CLASSES,
                     MAX_SECOND_CLASSES);
  }
  return STATUS_OK;
}

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
  return value ? value : otherwise;
}

static uint32_t steps_in(const oracle *o, double seconds, uint32_t most)
{
  const double steps = seconds * o->base.info.steps_per_second;
  return steps < most ? (uint32_t)steps : most;
}

static void plan_memory(oracle *o, const codec_info *info, const oracle_options *options)
{
  const double steps_per_second = (double)info->rate_hz / info->hop_samples;
  const double wanted = steps_per_second * MEMORY_SECONDS;
  const uint32_t kept = wanted < LEAST_KEPT        ? LEAST_KEPT
                        : wanted > ORACLE_MAX_KEPT ? ORACLE_MAX_KEPT
                                                   : (uint32_t)wanted;
  oracle_shape *shape = &o->shape;
  oracle_shape_plan(shape, or_default(options->memory_steps, kept));
  shape->n_codebooks = o->base.info.n_codebooks;
  shape->code_bytes = o->codebook_size && o->codebook_size < UINT16_MAX ? 2 : 4;
  shape->rewind_steps = steps_in(o, REWIND_SECONDS, 1000);
}

static void plan_pulse(oracle *o)
{
  oracle_pulse_shape *shape = &o->pulse_shape;
  shape->rewind_steps = o->shape.rewind_steps;
  shape->least_lag = 2 + steps_in(o, LEAST_PULSE_SECONDS, 100);
  shape->n_lags = shape->least_lag + 3 + steps_in(o, MOST_PULSE_SECONDS, 1000);
  shape->capacity = shape->n_lags + shape->rewind_steps; // lags reach back from what is rewound to
  shape->capacity = o->shape.capacity > shape->capacity ? o->shape.capacity : shape->capacity;
  shape->keeps = (float)(1.0 - 1.0 / (1.0 + PULSE_SECONDS * o->base.info.steps_per_second));
  o->n_lags = 1 + steps_in(o, REPEAT_SECONDS, ORACLE_HISTORY_STEPS - 2);
  o->n_rhythm = 8 + steps_in(o, RHYTHM_SECONDS, ORACLE_RHYTHM_STEPS - 8) / 8 * 8;
}

static void plan_classes(oracle *o, const oracle_options *options)
{
  const bool few = o->codebook_size && o->codebook_size < DEFAULT_CLASSES && !options->n_classes;
  const uint32_t share = few ? DEFAULT_CLASSES / o->codebook_size : 1; // left to the second
  const uint32_t seconds = share < MAX_SECOND_CLASSES ? share : MAX_SECOND_CLASSES;
  o->n_first = or_default(options->n_classes, DEFAULT_CLASSES);
  o->n_second = o->base.info.n_codebooks > 1 ? or_default(options->second_classes, seconds) : 1;
  if (o->codebook_size) {
    o->n_first = o->n_first < o->codebook_size ? o->n_first : o->codebook_size;
    o->n_second = o->n_second < o->codebook_size ? o->n_second : o->codebook_size;
  }
  const uint32_t n_seconds = o->n_second > 1 ? o->n_second + 1 : 1;
  if ((o->n_first + 1) * n_seconds > MAX_CLASSES) {
    o->n_first = MAX_CLASSES / n_seconds - 1;
  }
  o->shape.n_classes = (o->n_first + 1) * n_seconds;
  const uint32_t cycle = (UINT16_MAX - o->shape.n_classes) / o->shape.n_classes;
  o->shape.held_cycle = cycle < 1000 ? cycle : 1000;
}

static status make_classes(uint16_t **classes, const codec *c, int k, uint32_t count, error *err)
{
  int64_t size = 0, dim = 0;
  const float *codewords = codec_codebook(c, k, &size, &dim);
  if (!codewords || count == 1) {
    *classes = codewords ? calloc((size_t)size, sizeof **classes) : NULL;
    return *classes || !codewords
               ? STATUS_OK
               : error_set(err, STATUS_NO_MEMORY, "no memory for an oracle's classes");
  }
  *classes = malloc((size_t)size * sizeof **classes);
  return *classes ? oracle_classes_make(*classes, codewords, size, dim, count, err)
                  : error_set(err, STATUS_NO_MEMORY, "no memory for an oracle's classes");
}

static void fill_info(oracle *o, const codec_info *coded, const oracle_options *options)
{
  token_model_info *info = &o->base.info;
  const uint32_t most =
      coded->n_codebooks < TOKEN_MAX_CODEBOOKS ? coded->n_codebooks : TOKEN_MAX_CODEBOOKS;
  snprintf(info->kind, sizeof info->kind, "oracle");
  snprintf(info->name, sizeof info->name, "oracle");
  info->n_codebooks = or_default(options->n_codebooks, most);
  info->codebook_size = coded->codebook_size;
  info->steps_per_second = (double)coded->rate_hz / coded->hop_samples;
  info->learns = true;
  o->codebook_size = coded->codebook_size;
}

static void fill_defaults(oracle *o)
{
  const float steps_per_second = (float)o->base.info.steps_per_second;
  token_sampling *d = &o->base.defaults;
  d->jump_probability = 0.01f;
  d->similarity = 0.5f;
  d->pulse = 0.7f;
  d->follow = 0.5f;
  d->min_run_steps = (uint32_t)steps_per_second;
  d->repeat_limit_steps = 1 + (uint32_t)(1.8f * steps_per_second);
  d->blend_steps = 1;
}

status oracle_new(token_model **m, codec *c, const oracle_options *options, error *err)
{
  const oracle_options none = {0};
  const codec_info *info = codec_get_info(c);
  options = options ? options : &none;
  *m = NULL;
  status code = check_options(info, options, err);
  if (code) {
    return code;
  }
  oracle *o = calloc(1, sizeof *o);
  if (!o) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for an oracle");
  }
  token_model_init(&o->base, &oracle_table);
  fill_info(o, info, options);
  plan_classes(o, options);
  plan_memory(o, info, options);
  plan_pulse(o);
  o->coded = codec_ref(c);
  oracle_ear_init(&o->ear, c, o->base.info.n_codebooks);
  fill_defaults(o);
  o->base.info.context_steps = o->shape.capacity;
  o->base.info.rewind_steps = o->shape.rewind_steps;
  code = make_classes(&o->first_classes, c, 0, o->n_first, err);
  if (!code && o->n_second > 1) {
    code = make_classes(&o->second_classes, c, 1, o->n_second, err);
  }
  if (code) {
    oracle_close(&o->base);
    return code;
  }
  *m = &o->base;
  return STATUS_OK;
}
