// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// A training step's discriminators: losses and gradients against PyTorch
// (tests/reference/make_discriminator_golden.py) on every CPU variant, and what a lane relies on.

#include "train/adversary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/failing_alloc.h"
#include "tests/models/golden.h"

#define SEED 11
#define PARITY 1e-4
#define KEPT 256 // of a long array in a golden file
#define ARENA_BYTES ((size_t)64 << 20)

typedef enum features { RELATIVE, MEAN, SUM } features;

static recipe settings_of(bool hinge, features kind)
{
  recipe settings = {.name = "test"};
  recipe_discriminator *d = &settings.discriminator;
  settings.data.crop_samples = 1501;
  settings.run.seed = SEED;
  settings.loss.feature_relative = kind == RELATIVE;
  settings.loss.feature_sum = kind == SUM;
  d->stft_windows = (recipe_list){{128, 64}, 2};
  d->stft_channels = d->wave_channels = 4;
  d->wave_scales = 2;
  d->periods = (recipe_list){{3}, 1};
  d->period_channels = 2;
  d->hinge_generator = hinge;
  return settings;
}

// One lane, with the audio of the golden file.
typedef struct fixture {
  device *dev;
  adversary *a;
  arena memory;
  safetensors golden;
  float *real, *fake, *gradients[2];
  adversary_batch batch;
  int64_t count; // of samples in a batch
} fixture;

static void open_adversary(fixture *f, bool hinge, features kind)
{
  const recipe settings = settings_of(hinge, kind);
  error err = {0};
  layer_set *sets[ADVERSARY_MAX];
  if (adversary_new(&f->a, &settings, f->dev, &err)) {
    fail_msg("%s", err.message);
  }
  const int n_sets = adversary_sets(f->a, sets);
  assert_int_equal(n_sets, 5);
  for (int i = 0; i < n_sets; ++i) {
    layer_set_randomise(sets[i], SEED);
  }
  assert_int_equal(adversary_refresh(f->a, NULL), STATUS_OK);
}

static fixture open_fixture(int variant, bool hinge, features kind)
{
  fixture f = {.dev = variant_open(variant, 1)};
  if (!f.dev) {
    return f;
  }
  f.golden = golden_open("adversary");
  f.memory = arena_on(f.dev, ARENA_BYTES);
  f.real = golden_f32(&f.golden, "real", &f.batch.n_examples);
  f.fake = golden_f32(&f.golden, "fake", &f.batch.n_examples);
  f.batch.n_samples = golden_find(&f.golden, "real")->dims[1];
  f.batch.real = f.real;
  f.batch.fake = f.fake;
  f.batch.example_weight = 1.0 / (double)f.batch.n_examples;
  f.count = f.batch.n_examples * f.batch.n_samples;
  for (int i = 0; i < 2; ++i) {
    f.gradients[i] = malloc((size_t)f.count * sizeof *f.gradients[i]);
    assert_non_null(f.gradients[i]);
  }
  open_adversary(&f, hinge, kind);
  return f;
}

static void close_fixture(fixture *f)
{
  adversary_free(f->a);
  f->dev->release(f->dev, f->memory.data);
  safetensors_close(&f->golden);
  free(f->real);
  free(f->fake);
  free(f->gradients[0]);
  free(f->gradients[1]);
  device_unref(f->dev);
}

static adversary_losses discriminate(fixture *f, const adversary_batch *batch)
{
  adversary_losses losses = {0};
  error err = {0};
  if (adversary_discriminate(f->a, &f->memory, batch, &losses, &err)) {
    fail_msg("%s", err.message);
  }
  return losses;
}

static adversary_losses judge(fixture *f, const adversary_batch *batch)
{
  adversary_losses losses = {0};
  error err = {0};
  if (adversary_judge(f->a, &f->memory, batch, f->gradients[0], f->gradients[1], &losses, &err)) {
    fail_msg("%s", err.message);
  }
  return losses;
}

// Call `visit` for every trained tensor.
static void each_weight(fixture *f, void (*visit)(fixture *f, weight *w, void *user), void *user)
{
  layer_set *sets[ADVERSARY_MAX];
  const int n_sets = adversary_sets(f->a, sets);
  for (int i = 0; i < n_sets; ++i) {
    for (int j = 0; j < sets[i]->n_weights; ++j) {
      visit(f, sets[i]->weights[j], user);
    }
  }
}

// ---- against PyTorch ----

static void expect_number(fixture *f, const char *name, double found)
{
  int64_t one = 0;
  float *wanted = golden_f32(&f->golden, name, &one);
  if (!(fabs(found - (double)*wanted) < PARITY * fabs((double)*wanted))) {
    fail_msg("%s on %s: %g, PyTorch has %g", name, f->dev->name, found, (double)*wanted);
  }
  free(wanted);
}

// `found` thinned as the golden file's is. A gradient may be nothing but what is left over where
// much cancels, so errors are taken relative to at least `least`.
static void expect_array(fixture *f, const char *name, const float *found, int64_t count,
                         int64_t step, double least)
{
  const safetensors_tensor *t = golden_find(&f->golden, name);
  const int64_t kept = (int64_t)(t->size_bytes / sizeof(float));
  int64_t rows = 0;
  double apart = 0.0, size = 0.0;
  float *wanted = golden_f32(&f->golden, name, &rows);
  assert_int_equal(kept, (count + step - 1) / step);
  for (int64_t i = 0; i < kept; ++i) {
    const double d = (double)found[i * step] - (double)wanted[i];
    apart += d * d;
    size += (double)wanted[i] * (double)wanted[i];
  }
  if (!(sqrt(apart) < PARITY * fmax(sqrt(size), least))) {
    fail_msg("%s on %s: %g off, size %g", name, f->dev->name, sqrt(apart), sqrt(size));
  }
  free(wanted);
}

static void check_weight_gradient(fixture *f, weight *w, void *n_checked)
{
  char name[WEIGHT_NAME_BYTES + 16];
  snprintf(name, sizeof name, "gradient.%s", w->name);
  expect_array(f, name, w->grad, weight_count(w), weight_count(w) / KEPT + 1, 0.01);
  ++*(int *)n_checked;
}

static void the_discriminators_step_matches_pytorch(void **unused)
{
  (void)unused;
  for (int v = 0;; ++v) {
    int n_checked = 0;
    fixture f = open_fixture(v, true, RELATIVE);
    if (!f.dev) {
      break;
    }
    expect_number(&f, "loss.discriminator", discriminate(&f, &f.batch).discriminator);
    each_weight(&f, check_weight_gradient, &n_checked);
    assert_int_equal(n_checked, 2 * (6 + 6 + 7 + 7 + 6));
    close_fixture(&f);
  }
}

static void check_judgement(fixture *f, const char *adversarial, const char *feature)
{
  const char *const labels[] = {adversarial, feature};
  const adversary_losses losses = judge(f, &f->batch);
  const double found[] = {losses.adversarial, losses.feature};
  for (int i = 0; i < 2; ++i) {
    const char *kind = i == 0 ? "adversarial" : "feature";
    char name[64];
    snprintf(name, sizeof name, "loss.%s.%s", kind, labels[i]);
    expect_number(f, name, found[i]);
    snprintf(name, sizeof name, "gradient.%s.%s", kind, labels[i]);
    expect_array(f, name, f->gradients[i], f->count, 1, 0.0);
  }
}

static void the_generators_losses_match_pytorch(void **unused)
{
  (void)unused;
  for (int v = 0;; ++v) {
    fixture f = open_fixture(v, true, RELATIVE);
    if (!f.dev) {
      break;
    }
    check_judgement(&f, "hinge", "relative");
    adversary_free(f.a);
    open_adversary(&f, false, MEAN);
    check_judgement(&f, "mean", "mean");
    adversary_free(f.a);
    open_adversary(&f, true, SUM);
    check_judgement(&f, "hinge", "sum");
    close_fixture(&f);
  }
}

// ---- what a lane relies on ----

/// The fastest variant here.
static fixture open_best(bool hinge, features kind)
{
  int last = 0;
  for (device *dev; (dev = variant_open(last, 1)) != NULL; ++last) {
    device_unref(dev);
  }
  return open_fixture(last - 1, hinge, kind);
}

static void one_sweep_gives_the_weighted_sum(void **unused)
{
  (void)unused;
  fixture f = open_best(true, RELATIVE);
  const adversary_losses apart = judge(&f, &f.batch);
  float *sum = malloc((size_t)f.count * sizeof *sum);
  float *expected = malloc((size_t)f.count * sizeof *expected);
  assert_true(sum && expected);
  adversary_losses together = {0};
  assert_int_equal(
      adversary_judge_weighted(f.a, &f.memory, &f.batch, 0.25, 3.0, sum, &together, NULL),
      STATUS_OK);
  for (int64_t i = 0; i < f.count; ++i) {
    expected[i] = 0.25f * f.gradients[0][i] + 3.0f * f.gradients[1][i];
  }
  assert_true(relative_error(sum, expected, (size_t)f.count) < 1e-5);
  assert_true(together.adversarial == apart.adversarial && together.feature == apart.feature);
  free(sum);
  free(expected);
  close_fixture(&f);
}

static void keep_gradient(fixture *f, weight *w, void *user)
{
  float **at = user;
  (void)f;
  memcpy(*at, w->grad, (size_t)weight_count(w) * sizeof **at);
  *at += weight_count(w);
}

static void count_values(fixture *f, weight *w, void *user)
{
  (void)f;
  *(int64_t *)user += weight_count(w);
}

/// All weights' gradients in one array, to be freed.
static float *gradients_of(fixture *f, int64_t *count)
{
  *count = 0;
  each_weight(f, count_values, count);
  float *all = malloc((size_t)*count * sizeof *all), *at = all;
  assert_non_null(all);
  each_weight(f, keep_gradient, &at);
  return all;
}

static void gradients_of_weights_add_up(void **unused)
{
  (void)unused;
  int64_t count = 0;
  fixture f = open_best(true, RELATIVE);
  discriminate(&f, &f.batch);
  float *once = gradients_of(&f, &count);
  discriminate(&f, &f.batch);
  float *twice = gradients_of(&f, &count);
  for (int64_t i = 0; i < count; ++i) {
    once[i] *= 2.0f;
  }
  assert_true(relative_error(twice, once, (size_t)count) < 1e-6);
  free(once);
  free(twice);
  close_fixture(&f);
}

static void judging_leaves_the_weights_alone(void **unused)
{
  (void)unused;
  int64_t count = 0;
  fixture f = open_best(true, RELATIVE);
  judge(&f, &f.batch);
  float *all = gradients_of(&f, &count);
  for (int64_t i = 0; i < count; ++i) {
    assert_true(all[i] == 0.0f);
  }
  free(all);
  close_fixture(&f);
}

static void learning_while_judging_changes_no_bit(void **unused)
{
  (void)unused;
  int64_t count = 0;
  fixture f = open_best(true, RELATIVE);
  const size_t bytes = (size_t)f.count * sizeof(float);
  float *gradient = malloc(bytes);
  assert_non_null(gradient);
  const adversary_losses learnt = discriminate(&f, &f.batch), judged = judge(&f, &f.batch);
  float *apart = gradients_of(&f, &count);
  memcpy(gradient, f.gradients[1], bytes);
  adversary_free(f.a);
  open_adversary(&f, true, RELATIVE);
  f.batch.learn = true;
  const adversary_losses both = judge(&f, &f.batch);
  float *together = gradients_of(&f, &count);
  assert_memory_equal(together, apart, (size_t)count * sizeof *apart);
  assert_memory_equal(gradient, f.gradients[1], bytes);
  assert_true(both.discriminator == learnt.discriminator && both.feature == judged.feature);
  assert_true(both.score_real == learnt.score_real && both.score_fake == learnt.score_fake);
  free(gradient);
  free(apart);
  free(together);
  close_fixture(&f);
}

// Each example in a lane of its own, the sum over lanes as one lane with both.
static void lanes_add_up_to_the_batch(void **unused)
{
  (void)unused;
  int64_t count = 0;
  fixture f = open_best(false, MEAN);
  float *whole = malloc((size_t)f.count * sizeof *whole);
  float *halves = malloc((size_t)f.count * sizeof *halves);
  assert_true(whole && halves);
  const adversary_losses wanted = discriminate(&f, &f.batch), judged = judge(&f, &f.batch);
  float *wanted_gradients = gradients_of(&f, &count);
  memcpy(whole, f.gradients[1], (size_t)f.count * sizeof *whole);
  adversary_free(f.a);
  open_adversary(&f, false, MEAN);
  double learnt = 0.0, feature = 0.0, score = 0.0;
  for (int64_t n = 0; n < f.batch.n_examples; ++n) {
    const int64_t at = n * f.batch.n_samples;
    const adversary_batch half = {
        f.real + at, f.fake + at, 1, f.batch.n_samples, f.batch.example_weight, false, false};
    const adversary_losses part = discriminate(&f, &half);
    learnt += part.discriminator;
    score += part.score_real - part.score_fake;
    feature += judge(&f, &half).feature;
    memcpy(halves + at, f.gradients[1], (size_t)f.batch.n_samples * sizeof *halves);
  }
  float *gradients = gradients_of(&f, &count);
  assert_true(fabs(learnt - wanted.discriminator) < 1e-6);
  assert_true(fabs(score - (wanted.score_real - wanted.score_fake)) < 1e-6);
  assert_true(fabs(feature - judged.feature) < 1e-6);
  assert_true(relative_error(gradients, wanted_gradients, (size_t)count) < 1e-5);
  assert_true(relative_error(halves, whole, (size_t)f.count) < 1e-5);
  free(gradients);
  free(wanted_gradients);
  free(whole);
  free(halves);
  close_fixture(&f);
}

static void a_step_repeats_to_the_bit_and_takes_nothing_new(void **unused)
{
  (void)unused;
  int64_t count = 0;
  fixture f = open_best(true, RELATIVE);
  const size_t bytes = (size_t)f.count * sizeof(float), mark = arena_mark(&f.memory);
  float *first = malloc(bytes);
  assert_non_null(first);
  const adversary_losses learnt = discriminate(&f, &f.batch), judged = judge(&f, &f.batch);
  float *gradients = gradients_of(&f, &count);
  memcpy(first, f.gradients[1], bytes);
  const size_t peak = f.memory.peak_bytes;
  adversary *other = f.a;
  open_adversary(&f, true, RELATIVE);
  discriminate(&f, &f.batch); // its first step; the other's second follows
  failing_alloc_arm(-1);
  const adversary_losses again = judge(&f, &f.batch);
  assert_int_equal(failing_alloc_count(), 0);
  float *same = gradients_of(&f, &count);
  assert_memory_equal(gradients, same, (size_t)count * sizeof *same);
  assert_memory_equal(first, f.gradients[1], bytes);
  assert_true(again.adversarial == judged.adversarial && again.feature == judged.feature);
  assert_true(learnt.discriminator > 0.0);
  assert_int_equal(f.memory.peak_bytes, peak);
  assert_int_equal(arena_mark(&f.memory), mark);
  adversary_free(other);
  free(first);
  free(gradients);
  free(same);
  close_fixture(&f);
}

static void a_full_arena_is_an_error_to_come_back_from(void **unused)
{
  (void)unused;
  fixture f = open_best(true, RELATIVE);
  discriminate(&f, &f.batch);
  const size_t least = f.memory.peak_bytes; // judging takes more
  const adversary_losses wanted = judge(&f, &f.batch);
  arena tight;
  adversary_losses losses = {0};
  error err = {0};
  assert_true(least <= f.memory.peak_bytes);
  for (size_t bytes = 1024; bytes < least; bytes *= 4) {
    arena_init(&tight, f.memory.data, bytes);
    assert_int_equal(adversary_discriminate(f.a, &tight, &f.batch, &losses, &err),
                     STATUS_NO_MEMORY);
    assert_int_equal(
        adversary_judge(f.a, &tight, &f.batch, f.gradients[0], f.gradients[1], &losses, &err),
        STATUS_NO_MEMORY);
    assert_int_equal(arena_mark(&tight), 0);
  }
  assert_true(judge(&f, &f.batch).feature == wanted.feature);
  close_fixture(&f);
}

// One STFT discriminator, layer by layer: rows times columns times channels times taps.
static void work_is_counted(void **unused)
{
  (void)unused;
  fixture f = open_best(true, RELATIVE);
  recipe settings = settings_of(true, RELATIVE);
  adversary *a = NULL;
  double work = 0.0;
  const double rows = 43.0, c = 4.0; // (1501 - 128) / 32 + 1; columns 65, then halved
  const double expected =
      rows * ((65.0 * 2.0 * c + (33.0 + 17.0 + 9.0) * c * c) * 27.0 + 9.0 * (c * c + c) * 9.0);
  settings.discriminator.stft_windows = (recipe_list){{128}, 1};
  settings.discriminator.wave_scales = 0;
  settings.discriminator.periods = (recipe_list){{0}, 0};
  assert_int_equal(adversary_new(&a, &settings, f.dev, NULL), STATUS_OK);
  assert_int_equal(adversary_work(a, &f.memory, 3, 1501, &work, NULL), STATUS_OK);
  assert_true(work == 3.0 * expected);
  assert_int_equal(arena_mark(&f.memory), 0);
  arena tight;
  error err = {0};
  arena_init(&tight, f.memory.data, 1024);
  assert_int_equal(adversary_work(a, &tight, 3, 1501, &work, &err), STATUS_NO_MEMORY);
  adversary_free(a);
  close_fixture(&f);
}

// ---- what is refused ----

static void expect_refused(const recipe *settings, device *dev, status expected)
{
  adversary *a = NULL;
  error err = {0};
  assert_int_equal(adversary_new(&a, settings, dev, &err), expected);
  assert_null(a);
  assert_true(strlen(err.message) > 0);
}

static void impossible_recipes_are_refused(void **unused)
{
  (void)unused;
  const device_options twice = {.kind = COMPUTE_CPU, .f64 = true};
  device *dev = variant_open(0, 1), *f64 = NULL;
  assert_int_equal(device_open(&f64, &twice, NULL), STATUS_OK);
  recipe settings = settings_of(true, RELATIVE);
  expect_refused(&settings, f64, STATUS_UNSUPPORTED);
  settings.data.crop_samples = 127;
  expect_refused(&settings, dev, STATUS_USAGE);
  settings = settings_of(true, RELATIVE);
  settings.discriminator.wave_channels = 6;
  expect_refused(&settings, dev, STATUS_USAGE);
  settings.discriminator = (recipe_discriminator){.stft_channels = 4};
  expect_refused(&settings, dev, STATUS_USAGE);
  device_unref(dev);
  device_unref(f64);
}

static status open_and_close(void *dev, error *err)
{
  const recipe settings = settings_of(true, RELATIVE);
  adversary *a = NULL;
  const status code = adversary_new(&a, &settings, dev, err);
  assert_int_equal(a != NULL, code == STATUS_OK);
  adversary_free(a);
  return code;
}

static void every_failed_allocation_is_reported(void **unused)
{
  (void)unused;
  device *dev = variant_open(0, 1);
  assert_true(failing_alloc_each(open_and_close, dev) > 100);
  device_unref(dev);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_discriminators_step_matches_pytorch),
      cmocka_unit_test(the_generators_losses_match_pytorch),
      cmocka_unit_test(one_sweep_gives_the_weighted_sum),
      cmocka_unit_test(gradients_of_weights_add_up),
      cmocka_unit_test(judging_leaves_the_weights_alone),
      cmocka_unit_test(learning_while_judging_changes_no_bit),
      cmocka_unit_test(lanes_add_up_to_the_batch),
      cmocka_unit_test(a_step_repeats_to_the_bit_and_takes_nothing_new),
      cmocka_unit_test(a_full_arena_is_an_error_to_come_back_from),
      cmocka_unit_test(work_is_counted),
      cmocka_unit_test(impossible_recipes_are_refused),
      cmocka_unit_test(every_failed_allocation_is_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
