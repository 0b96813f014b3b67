// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/optimiser.h"

#include "gpu/tape.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const recipe_optimiser options = {.rate = 0.1,
                                         .rate_final = 0.01,
                                         .beta1 = 0.8,
                                         .beta2 = 0.9,
                                         .epsilon = 1e-8,
                                         .weight_decay = 0.02,
                                         .warmup_steps = 10,
                                         .schedule = SCHEDULE_COSINE,
                                         .average_decay = 0.5};

typedef struct pieces {
  device *dev;
  weight matrix, bias;
  layer_set set;
  layer_set *sets[1];
} pieces;

static void ok(status code, const error *err)
{
  if (code != STATUS_OK) {
    fail_msg("%s", err->message);
  }
}

static void make(pieces *p, bool normalised)
{
  error err = {0};
  *p = (pieces){0};
  ok(device_open(&p->dev, &(device_options){.kind = COMPUTE_CPU}, &err), &err);
  weight_init(&p->matrix, "a.weight", WEIGHT_CONV1D, 3, (int64_t[]){2, 1, 3});
  weight_init(&p->bias, "a.bias", WEIGHT_VECTOR, 1, (int64_t[]){2});
  layer_set_add(&p->set, &p->matrix);
  layer_set_add(&p->set, &p->bias);
  ok(layer_set_allocate(&p->set, normalised, &err), &err);
  layer_set_randomise(&p->set, 1);
  ok(weight_track(p->dev, &p->matrix, &err), &err);
  ok(weight_track(p->dev, &p->bias, &err), &err);
  p->sets[0] = &p->set;
}

static void drop(pieces *p)
{
  layer_set_free(&p->set, p->dev);
  device_unref(p->dev);
}

// Three updates against the published recurrence in double.
static void updates_as_published(void **state)
{
  (void)state;
  pieces p;
  error err = {0};
  optimiser *o = NULL;
  make(&p, false);
  ok(optimiser_new(&o, &options, p.sets, 1, &err), &err);
  assert_int_equal(o->n_parameters, 2);
  double value = (double)p.matrix.master[4], mean = 0.0, square = 0.0;
  double average = value;
  for (int n = 1; n <= 3; ++n) {
    const double g = 0.3 * n - 0.5;
    o->parameters[0].gradient[4] = (float)(2.0 * g);
    optimiser_step(o, 0.1, 0.5);
    mean = 0.8 * mean + 0.2 * g;
    square = 0.9 * square + 0.1 * g * g;
    const double corrected = mean / (1.0 - pow(0.8, n));
    value =
        (1.0 - 0.1 * 0.02) * value - 0.1 * corrected / (sqrt(square / (1.0 - pow(0.9, n))) + 1e-8);
    const double decay = fmin(0.5, (1.0 + n) / (10.0 + n));
    average = decay * average + (1.0 - decay) * value;
    assert_true(fabs(value - (double)p.matrix.master[4]) < 1e-5);
    assert_true(fabs(average - (double)o->parameters[0].average[4]) < 1e-5);
  }
  optimiser_free(o);
  drop(&p);
}

static void biases_do_not_decay_and_the_frozen_stay(void **state)
{
  (void)state;
  pieces p;
  error err = {0};
  optimiser *o = NULL;
  make(&p, false);
  ok(optimiser_new(&o, &options, p.sets, 1, &err), &err);
  const float bias = p.bias.master[0], first = p.matrix.master[0];
  optimiser_step(o, 0.1, 1.0);
  assert_true(p.bias.master[0] == bias);
  assert_true(p.matrix.master[0] != first);
  assert_int_equal(optimiser_freeze(o, "b.*"), 0);
  assert_int_equal(optimiser_freeze(o, "a.w*"), 1);
  const float held = p.matrix.master[0];
  o->parameters[0].gradient[0] = o->parameters[1].gradient[0] = 1.0f;
  assert_true(fabs(optimiser_norm(o) - 1.0) < 1e-12); // the frozen do not count
  optimiser_step(o, 0.1, 1.0);
  assert_true(p.matrix.master[0] == held);
  assert_true(p.bias.master[0] != bias);
  optimiser_free(o);
  drop(&p);
}

// Collecting takes g and v apart and leaves zeros behind.
static void collects_through_weight_norm(void **state)
{
  (void)state;
  pieces p;
  error err = {0};
  optimiser *o = NULL;
  make(&p, true);
  ok(optimiser_new(&o, &options, p.sets, 1, &err), &err);
  assert_int_equal(o->n_parameters, 3);
  assert_int_equal(o->n_values, 2 + 6 + 2);
  float flat[10], g[2], v[6];
  float *grad = p.matrix.grad, kept[6];
  for (int i = 0; i < 6; ++i) {
    kept[i] = grad[i] = 0.1f * (float)(i - 2);
  }
  ((float *)p.bias.grad)[1] = 3.0f;
  weight_norm_backward(&p.matrix, kept, g, v);
  assert_int_equal(optimiser_collect(o, p.dev, p.sets, 1, flat, NULL), STATUS_OK);
  assert_memory_equal(flat, g, sizeof g);
  assert_memory_equal(flat + 2, v, sizeof v);
  assert_true(flat[8] == 0.0f && flat[9] == 3.0f);
  assert_true(grad[0] == 0.0f && ((float *)p.bias.grad)[1] == 0.0f);
  optimiser_free(o);
  drop(&p);
}

static void rates(void **state)
{
  (void)state;
  assert_true(fabs(optimiser_rate(&options, 0, 110) - 0.01) < 1e-12);
  assert_true(fabs(optimiser_rate(&options, 9, 110) - 0.1) < 1e-12);
  assert_true(fabs(optimiser_rate(&options, 60, 110) - 0.055) < 1e-12);
  assert_true(fabs(optimiser_rate(&options, 110, 110) - 0.01) < 1e-12);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(updates_as_published),
      cmocka_unit_test(biases_do_not_decay_and_the_frozen_stay),
      cmocka_unit_test(collects_through_weight_norm),
      cmocka_unit_test(rates),
  };
  return cmocka_run_group_tests_name("optimiser", tests, NULL, NULL);
}
