// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/token_model_internal.h"

#define MAX_RUN_STEPS 1000
#define MAX_BLEND_STEPS 2

void token_model_init(token_model *m, const token_vtable *table)
{
  m->table = table;
  m->defaults = (token_sampling){.goes_on = true,
                                 .temperature = 1.0f,
                                 .top_p = 1.0f,
                                 .guidance = 1.0f,
                                 .repeat_limit_steps = 1};
  atomic_init(&m->references, 1);
}

token_model *token_model_ref(token_model *m)
{
  atomic_fetch_add_explicit(&m->references, 1, memory_order_relaxed);
  return m;
}

void token_model_unref(token_model *m)
{
  if (m && atomic_fetch_sub_explicit(&m->references, 1, memory_order_acq_rel) == 1) {
    m->table->close(m);
  }
}

const token_model_info *token_model_get_info(const token_model *m)
{
  return &m->info;
}

token_sampling token_model_defaults(const token_model *m)
{
  return m->defaults;
}

status token_state_new(token_state **s, token_model *m, error *err)
{
  *s = NULL;
  const status code = m->table->state_new(s, m, err);
  if (code == STATUS_OK) {
    (*s)->owner = token_model_ref(m);
  }
  return code;
}

void token_state_free(token_state *s)
{
  if (s) {
    token_model *owner = s->owner;
    owner->table->state_free(s);
    token_model_unref(owner);
  }
}

void token_state_reset(token_state *s)
{
  s->owner->table->reset(s);
}

status token_state_observe(token_state *s, const int32_t *codes)
{
  return s->owner->table->observe(s, codes);
}

/// Not a number counts as the least.
static float within(float value, float least, float most)
{
  return value >= most ? most : value > least ? value : least;
}

static token_sampling in_range(const token_sampling *how)
{
  token_sampling r = *how;
  r.temperature = within(r.temperature, 0.0f, 4.0f);
  r.top_p = within(r.top_p, 0.0f, 1.0f);
  r.guidance = within(r.guidance, 0.0f, 10.0f);
  r.jump_probability = within(r.jump_probability, 0.0f, 1.0f);
  r.similarity = within(r.similarity, 0.0f, 1.0f);
  r.pulse = within(r.pulse, 0.0f, 1.0f);
  r.follow = within(r.follow, 0.0f, 1.0f);
  r.min_run_steps = r.min_run_steps < MAX_RUN_STEPS ? r.min_run_steps : MAX_RUN_STEPS;
  r.blend_steps = r.blend_steps < MAX_BLEND_STEPS ? r.blend_steps : MAX_BLEND_STEPS;
  r.repeat_limit_steps = r.repeat_limit_steps ? r.repeat_limit_steps : 1;
  return r;
}

status token_state_sample(token_state *s, const token_sampling *how, token_step *out)
{
  const token_sampling r = in_range(how);
  return s->owner->table->sample(s, &r, out);
}

status token_state_set_classes(token_state *s, const float *weights)
{
  const token_vtable *table = s->owner->table;
  return table->set_classes ? table->set_classes(s, weights) : STATUS_UNSUPPORTED;
}

int token_state_rewind(token_state *s, int n_steps)
{
  const int most = (int)s->owner->info.rewind_steps;
  const int wanted = n_steps < most ? n_steps : most;
  return wanted > 0 ? s->owner->table->rewind(s, wanted) : 0;
}

size_t token_state_bytes(const token_state *s)
{
  return s->owner->table->state_bytes(s);
}

status token_state_save(const token_state *s, void *snapshot)
{
  return s->owner->table->save(s, snapshot);
}

status token_state_restore(token_state *s, const void *snapshot)
{
  return s->owner->table->restore(s, snapshot);
}

token_position token_state_position(const token_state *s)
{
  return s->owner->table->position(s);
}

void token_visit_memory(const token_state *s, token_memory_visit visit, void *user)
{
  s->owner->table->visit_memory(s, visit, user);
}
