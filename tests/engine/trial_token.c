// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/engine/trial_token.h"

#include "base/random.h"
#include "models/token_model_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTEXT_STEPS 8192
#define OWN_CODES 400

typedef struct trial_model {
  token_model base;
  int n_states;
  bool hushed, blended, fails;
  size_t n_calls;
  trial_call calls[TRIAL_TOKEN_CALLS];
  size_t counts[TRIAL_RESTORED + 1];
} trial_model;

// hashes[i]: of the first i codes of the context.
typedef struct trial_context {
  uint64_t n, hashes[CONTEXT_STEPS + 1];
} trial_context;

typedef struct trial_state {
  token_state base;
  int number;
  trial_context context;
} trial_state;

static trial_model *model_of(const token_state *s)
{
  return (trial_model *)s->owner;
}

static void note(trial_model *m, const trial_call *call)
{
  if (m->n_calls < TRIAL_TOKEN_CALLS) {
    m->calls[m->n_calls] = *call;
  }
  ++m->n_calls;
  ++m->counts[call->kind];
}

static void trial_close(token_model *m)
{
  free(m);
}

static status trial_state_new(token_state **out, token_model *m, error *err)
{
  trial_state *s = calloc(1, sizeof *s);
  if (!s) {
    return error_set(err, STATUS_NO_MEMORY, "trial model: no memory");
  }
  s->number = ((trial_model *)m)->n_states++;
  *out = &s->base;
  return STATUS_OK;
}

static void trial_state_free(token_state *s)
{
  free(s);
}

static void trial_reset(token_state *base)
{
  trial_state *s = (trial_state *)base;
  memset(&s->context, 0, sizeof s->context);
  note(model_of(base), &(trial_call){.kind = TRIAL_RESET, .state = s->number});
}

static void take_in(trial_state *s, int32_t code)
{
  trial_context *c = &s->context;
  if (c->n < CONTEXT_STEPS) {
    c->hashes[c->n + 1] = random_mix(c->hashes[c->n] ^ (uint32_t)code);
    ++c->n;
  }
}

static status trial_observe(token_state *base, const int32_t *codes)
{
  trial_state *s = (trial_state *)base;
  take_in(s, codes[0]);
  note(model_of(base),
       &(trial_call){.kind = TRIAL_OBSERVED, .state = s->number, .first_code = codes[0]});
  return STATUS_OK;
}

static status trial_sample(token_state *base, const token_sampling *how, token_step *out)
{
  trial_state *s = (trial_state *)base;
  trial_model *m = model_of(base);
  const uint64_t past = s->context.hashes[s->context.n];
  const int32_t first =
      TRIAL_TOKEN_OWN + (int32_t)(random_bits(how->seed, past, how->step) % OWN_CODES);
  memset(out, 0, sizeof *out);
  for (uint32_t k = 0; k < m->base.info.n_codebooks; ++k) {
    out->codes[k] = m->hushed ? -1 : first + (int32_t)k;
    out->blend_codes[k] = m->hushed ? -1 : out->codes[k] + 1;
  }
  out->blend = m->blended && !m->hushed ? TRIAL_TOKEN_BLEND : 0.0f;
  out->source_step = TOKEN_NO_STEP;
  note(m, &(trial_call){TRIAL_DREW, s->number, .first_code = out->codes[0], .how = *how});
  if (how->goes_on) {
    take_in(s, out->codes[0]);
  }
  return m->fails ? STATUS_DEVICE : STATUS_OK;
}

static int trial_rewind(token_state *base, int n_steps)
{
  trial_state *s = (trial_state *)base;
  const uint64_t n = (uint64_t)n_steps < s->context.n ? (uint64_t)n_steps : s->context.n;
  s->context.n -= n;
  note(model_of(base), &(trial_call){TRIAL_REWOUND, s->number, .n_steps = n_steps});
  return (int)n;
}

static size_t trial_bytes(const token_state *s)
{
  (void)s;
  return sizeof(trial_context);
}

static status trial_save(const token_state *s, void *snapshot)
{
  memcpy(snapshot, &((const trial_state *)s)->context, sizeof(trial_context));
  ++model_of(s)->counts[TRIAL_SAVED];
  return STATUS_OK;
}

static status trial_restore(token_state *s, const void *snapshot)
{
  memcpy(&((trial_state *)s)->context, snapshot, sizeof(trial_context));
  ++model_of(s)->counts[TRIAL_RESTORED];
  return STATUS_OK;
}

static token_position trial_position(const token_state *s)
{
  const uint64_t n = ((const trial_state *)s)->context.n;
  return (token_position){.n_observed = n, .n_remembered = n, .source_step = TOKEN_NO_STEP};
}

static void trial_visit(const token_state *s, token_memory_visit visit, void *user)
{
  visit(user, s, sizeof(trial_state));
}

token_model *trial_token_new(const trial_token_options *options)
{
  static const token_vtable table = {
      .close = trial_close,
      .state_new = trial_state_new,
      .state_free = trial_state_free,
      .reset = trial_reset,
      .observe = trial_observe,
      .sample = trial_sample,
      .rewind = trial_rewind,
      .state_bytes = trial_bytes,
      .save = trial_save,
      .restore = trial_restore,
      .position = trial_position,
      .visit_memory = trial_visit,
  };
  trial_model *m = calloc(1, sizeof *m);
  if (!m) {
    return NULL;
  }
  token_model_init(&m->base, &table);
  token_model_info *info = &m->base.info;
  snprintf(info->kind, sizeof info->kind, "trial");
  snprintf(info->name, sizeof info->name, "trial model");
  info->n_codebooks = options->n_codebooks;
  info->rewind_steps = options->rewind_steps;
  info->generates = options->generates;
  info->context_steps = CONTEXT_STEPS;
  return &m->base;
}

void trial_token_hush(token_model *m, bool hushed)
{
  ((trial_model *)m)->hushed = hushed;
}

void trial_token_be_blended(token_model *m)
{
  ((trial_model *)m)->blended = true;
}

void trial_token_fail(token_model *m)
{
  ((trial_model *)m)->fails = true;
}

size_t trial_token_n_calls(const token_model *m)
{
  return ((const trial_model *)m)->n_calls;
}

const trial_call *trial_token_call(const token_model *m, size_t i)
{
  return &((const trial_model *)m)->calls[i];
}

size_t trial_token_count(const token_model *m, trial_call_kind kind)
{
  return ((const trial_model *)m)->counts[kind];
}
