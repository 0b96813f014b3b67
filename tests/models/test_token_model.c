// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// What models/token_model.c does for every kind: a kind that notes what it was called with.

#include "models/token_model_internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct noting_state {
  token_state base;
  token_sampling how;
  int rewound, n_calls;
  float classes[2];
} noting_state;

static int n_closed;
static bool no_memory;

static void close_model(token_model *m)
{
  ++n_closed;
  free(m);
}

static status new_state(token_state **s, token_model *m, error *err)
{
  (void)m;
  noting_state *made = no_memory ? NULL : calloc(1, sizeof *made);
  *s = (token_state *)made;
  return made ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "no memory");
}

static void free_state(token_state *s)
{
  free(s);
}

static void reset(token_state *s)
{
  ++((noting_state *)s)->n_calls;
}

static status observe(token_state *s, const int32_t *codes)
{
  ++((noting_state *)s)->n_calls;
  return codes ? STATUS_OK : STATUS_DEVICE;
}

static status sample(token_state *s, const token_sampling *how, token_step *out)
{
  ((noting_state *)s)->how = *how;
  memset(out, 0, sizeof *out);
  return STATUS_OK;
}

static int rewind_steps(token_state *s, int n_steps)
{
  ((noting_state *)s)->rewound = n_steps;
  return n_steps;
}

static status set_classes(token_state *s, const float *weights)
{
  memcpy(((noting_state *)s)->classes, weights, 2 * sizeof *weights);
  return STATUS_OK;
}

static size_t state_bytes(const token_state *s)
{
  (void)s;
  return sizeof(noting_state);
}

static status save(const token_state *s, void *snapshot)
{
  memcpy(snapshot, s, sizeof(noting_state));
  return STATUS_OK;
}

static status restore(token_state *s, const void *snapshot)
{
  ((noting_state *)s)->n_calls = ((const noting_state *)snapshot)->n_calls;
  return STATUS_OK;
}

static token_position position(const token_state *s)
{
  return (token_position){.n_observed = (uint64_t)((const noting_state *)s)->n_calls};
}

static void visit_memory(const token_state *s, token_memory_visit visit, void *user)
{
  visit(user, s, sizeof(noting_state));
}

static const token_vtable plain_table = {.close = close_model,
                                         .state_new = new_state,
                                         .state_free = free_state,
                                         .reset = reset,
                                         .observe = observe,
                                         .sample = sample,
                                         .rewind = rewind_steps,
                                         .state_bytes = state_bytes,
                                         .save = save,
                                         .restore = restore,
                                         .position = position,
                                         .visit_memory = visit_memory};

static token_model *open_model(const token_vtable *table)
{
  token_model *m = calloc(1, sizeof *m);
  assert_non_null(m);
  token_model_init(m, table);
  m->info.rewind_steps = 50;
  return m;
}

static void states_keep_their_model(void **unused)
{
  (void)unused;
  token_model *m = open_model(&plain_table);
  token_state *s = NULL;
  error err = {0};
  n_closed = 0;
  assert_int_equal(token_state_new(&s, m, &err), STATUS_OK);
  assert_ptr_equal(token_model_ref(m), m);
  token_model_unref(m);
  token_model_unref(m);
  assert_int_equal(n_closed, 0);
  token_state_free(s);
  assert_int_equal(n_closed, 1);
  token_state_free(NULL);
  token_model_unref(NULL);
}

static void a_state_that_fails_keeps_nothing(void **unused)
{
  (void)unused;
  token_model *m = open_model(&plain_table);
  token_state *s = (token_state *)&n_closed;
  error err = {0};
  n_closed = 0;
  no_memory = true;
  assert_int_equal(token_state_new(&s, m, &err), STATUS_NO_MEMORY);
  no_memory = false;
  assert_null(s);
  token_model_unref(m);
  assert_int_equal(n_closed, 1);
}

static void values_are_brought_into_range(void **unused)
{
  (void)unused;
  token_model *m = open_model(&plain_table);
  token_state *s = NULL;
  token_step out;
  assert_int_equal(token_state_new(&s, m, NULL), STATUS_OK);
  const token_sampling *noted = &((noting_state *)s)->how;
  token_sampling how = {.seed = 3, .step = 4, .temperature = 9.0f, .top_p = -1.0f, .top_k = 7};
  how.jump_probability = 2.0f;
  how.similarity = NAN;
  how.pulse = 0.25f;
  how.follow = -INFINITY;
  how.guidance = INFINITY;
  how.min_run_steps = how.blend_steps = UINT32_MAX;
  assert_int_equal(token_state_sample(s, &how, &out), STATUS_OK);
  assert_true(noted->seed == 3 && noted->step == 4 && noted->top_k == 7);
  assert_true(noted->temperature == 4.0f && noted->top_p == 0.0f && noted->guidance == 10.0f);
  assert_true(noted->jump_probability == 1.0f && noted->similarity == 0.0f);
  assert_true(noted->pulse == 0.25f && noted->follow == 0.0f);
  assert_true(noted->min_run_steps == 1000 && noted->blend_steps == 2);
  assert_int_equal(noted->repeat_limit_steps, 1);
  const token_sampling defaults = token_model_defaults(m);
  assert_int_equal(token_state_sample(s, &defaults, &out), STATUS_OK);
  assert_true(noted->goes_on && noted->temperature == 1.0f && noted->top_p == 1.0f);
  assert_true(noted->guidance == 1.0f && noted->jump_probability == 0.0f);
  token_state_free(s);
  token_model_unref(m);
}

static void rewinding_has_bounds(void **unused)
{
  (void)unused;
  token_model *m = open_model(&plain_table);
  token_state *s = NULL;
  assert_int_equal(token_state_new(&s, m, NULL), STATUS_OK);
  const int *rewound = &((noting_state *)s)->rewound;
  assert_int_equal(token_state_rewind(s, 0), 0);
  assert_int_equal(token_state_rewind(s, -7), 0);
  assert_int_equal(*rewound, 0); // it was not asked
  assert_int_equal(token_state_rewind(s, 51), 50);
  assert_int_equal(*rewound, 50);
  token_state_free(s);
  token_model_unref(m);
}

static void classes_are_for_those_that_have_some(void **unused)
{
  (void)unused;
  token_vtable with_classes = plain_table;
  with_classes.set_classes = set_classes;
  token_model *without = open_model(&plain_table), *with = open_model(&with_classes);
  token_state *s = NULL;
  const float weights[2] = {0.25f, 0.75f};
  assert_int_equal(token_state_new(&s, without, NULL), STATUS_OK);
  assert_int_equal(token_state_set_classes(s, weights), STATUS_UNSUPPORTED);
  token_state_free(s);
  assert_int_equal(token_state_new(&s, with, NULL), STATUS_OK);
  assert_int_equal(token_state_set_classes(s, weights), STATUS_OK);
  assert_memory_equal(((noting_state *)s)->classes, weights, sizeof weights);
  token_state_free(s);
  token_model_unref(with);
  token_model_unref(without);
}

static void count_bytes(void *user, const void *data, size_t bytes)
{
  assert_non_null(data);
  *(size_t *)user += bytes;
}

static void the_rest_is_passed_on(void **unused)
{
  (void)unused;
  token_model *m = open_model(&plain_table);
  token_state *s = NULL;
  noting_state snapshot;
  size_t visited = 0;
  const int32_t codes[1] = {0};
  assert_int_equal(token_state_new(&s, m, NULL), STATUS_OK);
  assert_int_equal(token_state_observe(s, codes), STATUS_OK);
  assert_int_equal(token_state_observe(s, NULL), STATUS_DEVICE);
  assert_int_equal(token_state_bytes(s), sizeof snapshot);
  assert_int_equal(token_state_save(s, &snapshot), STATUS_OK);
  token_state_reset(s);
  assert_int_equal(token_state_position(s).n_observed, 3);
  assert_int_equal(token_state_restore(s, &snapshot), STATUS_OK);
  assert_int_equal(token_state_position(s).n_observed, 2);
  token_visit_memory(s, count_bytes, &visited);
  assert_int_equal(visited, sizeof snapshot);
  assert_int_equal(token_model_get_info(m)->rewind_steps, 50);
  token_state_free(s);
  token_model_unref(m);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(states_keep_their_model),
      cmocka_unit_test(a_state_that_fails_keeps_nothing),
      cmocka_unit_test(values_are_brought_into_range),
      cmocka_unit_test(rewinding_has_bounds),
      cmocka_unit_test(classes_are_for_those_that_have_some),
      cmocka_unit_test(the_rest_is_passed_on),
  };
  return cmocka_run_group_tests_name("token_model", tests, NULL, NULL);
}
