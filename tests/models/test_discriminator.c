// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Discriminators of every kind: forward against PyTorch
// (tests/reference/make_discriminator_golden.py) on every CPU variant, whole networks' gradients
// against differences in double, and what they refuse.

#include "models/discriminator.h"

#include "base/random.h"
#include "gpu/tape.h"

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

typedef struct kind_case {
  const char *file;
  discriminator_config config;
} kind_case;

static const kind_case cases[] = {
    {"discriminator_stft", {DISCRIMINATOR_STFT, 64, 4, false}},
    {"discriminator_stft_residual", {DISCRIMINATOR_STFT_RESIDUAL, 256, 2, false}},
    {"discriminator_wave", {DISCRIMINATOR_WAVE, 2, 4, false}},
    {"discriminator_period", {DISCRIMINATOR_PERIOD, 3, 2, false}},
};
#define N_CASES (int)(sizeof cases / sizeof *cases)

static discriminator *make(const discriminator_config *config, device *dev, bool tracked)
{
  discriminator *d = NULL;
  error err = {0};
  if (discriminator_new(&d, config, &err)) {
    fail_msg("%s", err.message);
  }
  layer_set_randomise(&d->set, SEED);
  if (tracked) {
    assert_int_equal(discriminator_track(d, dev, &err), STATUS_OK);
  }
  if (discriminator_refresh(d, dev, &err)) {
    fail_msg("%s", err.message);
  }
  return d;
}

// ---- forward ----

static void check_near(const char *file, const char *name, const float *found, int64_t count,
                       const safetensors *st)
{
  int64_t kept = 0;
  float *wanted = golden_f32(st, name, &kept);
  const int64_t step = strcmp(name, "logits") == 0 ? 1 : count / KEPT + 1;
  float *thin = malloc((size_t)kept * sizeof *thin);
  assert_non_null(thin);
  assert_int_equal(kept, (count + step - 1) / step);
  for (int64_t i = 0; i < kept; ++i) {
    thin[i] = found[i * step];
  }
  const double off = relative_error(thin, wanted, (size_t)kept);
  if (!(off < PARITY)) {
    fail_msg("%s %s: relative error %g", file, name, off);
  }
  free(thin);
  free(wanted);
}

static void check_forward(const kind_case *c, device *dev)
{
  discriminator *d = make(&c->config, dev, false);
  safetensors st = golden_open(c->file);
  const safetensors_tensor *shape = golden_find(&st, "audio");
  int64_t n = 0;
  float *audio = golden_f32(&st, "audio", &n);
  arena memory = arena_on(dev, ARENA_BYTES);
  run r;
  run_init(&r, dev, &memory);
  const verdict v =
      discriminator_forward(&r, d, to_device(&r, audio, DTYPE_F32, n, shape->dims[1], 1));
  if (!run_ok(&r)) {
    fail_msg("%s: %s", c->file, r.failure.message);
  }
  check_near(c->file, "logits", v.logits.data, tensor_count(&v.logits), &st);
  for (int i = 0; i < v.n_features; ++i) {
    char name[32];
    snprintf(name, sizeof name, "feature.%d", i);
    check_near(c->file, name, v.features[i].data, tensor_count(&v.features[i]), &st);
  }
  safetensors_close(&st);
  free(audio);
  dev->release(dev, memory.data);
  discriminator_free(d, dev);
}

static void forward_matches_pytorch(void **unused)
{
  (void)unused;
  device *dev;
  for (int v = 0; (dev = variant_open(v, 1)) != NULL; ++v) {
    for (int i = 0; i < N_CASES; ++i) {
      check_forward(&cases[i], dev);
    }
    device_unref(dev);
  }
}

// ---- gradients ----

// A network in double, and one number made of all that it says.
typedef struct trial {
  device *dev;
  discriminator *net;
  arena memory;
  tape *record;
  double *audio;
  int64_t n, samples;
} trial;

static double seed_value(int which, int64_t i)
{
  return 2.0 * (double)random_uniform(SEED, (uint64_t)which, (uint64_t)i) - 1.0;
}

static double weighted_sum(const tensor *t, int which)
{
  double sum = 0.0;
  for (int64_t i = 0; i < tensor_count(t); ++i) {
    sum += seed_value(which, i) * ((const double *)t->data)[i];
  }
  return sum;
}

static verdict trial_forward(trial *t, run *r, tensor *audio)
{
  arena_rewind(&t->memory, 0);
  run_init(r, t->dev, &t->memory);
  *audio = to_device(r, t->audio, DTYPE_F64, t->n, t->samples, 1);
  if (audio->data && t->record) {
    tape_reset(t->record);
    r->record = t->record;
    tape_watch(r, audio);
  }
  const verdict v = discriminator_forward(r, t->net, *audio);
  if (!run_ok(r)) {
    fail_msg("%s", r->failure.message);
  }
  return v;
}

static double trial_value(trial *t)
{
  run r;
  tensor audio;
  tape *record = t->record;
  t->record = NULL;
  const verdict v = trial_forward(t, &r, &audio);
  t->record = record;
  double sum = weighted_sum(&v.logits, 0);
  for (int i = 0; i < v.n_features; ++i) {
    sum += weighted_sum(&v.features[i], i + 1);
  }
  return sum;
}

static void plant(run *r, const tensor *t, int which)
{
  const tensor seed =
      run_tensor(r, DTYPE_F64, t->rank, t->dims[0], t->dims[1], t->dims[2], t->dims[3]);
  assert_true(run_ok(r));
  for (int64_t i = 0; i < tensor_count(t); ++i) {
    ((double *)seed.data)[i] = seed_value(which, i);
  }
  tape_seed(r, t, &seed);
}

// Sweep; the gradient toward the audio, to be freed. Those of the weights are in w->grad.
static double *trial_sweep(trial *t)
{
  run r;
  tensor audio;
  const verdict v = trial_forward(t, &r, &audio);
  plant(&r, &v.logits, 0);
  for (int i = 0; i < v.n_features; ++i) {
    plant(&r, &v.features[i], i + 1);
  }
  tape_sweep(&r, 0, tape_position(t->record));
  if (!run_ok(&r)) {
    fail_msg("%s", r.failure.message);
  }
  const tensor gradient = tape_gradient(&r, &audio);
  return to_host(&r, &gradient);
}

static void expect_near(const char *what, int64_t at, double found, double expected, double scale)
{
  if (!(fabs(found - expected) < 1e-5 * scale)) {
    fail_msg("%s[%d]: gradient %.10g, differences give %.10g", what, (int)at, found, expected);
  }
}

static double largest(const double *values, int64_t count)
{
  double most = 0.0;
  for (int64_t i = 0; i < count; ++i) {
    most = fmax(most, fabs(values[i]));
  }
  return most;
}

static void check_audio(trial *t, const double *gradient)
{
  const double step = 1e-7, scale = largest(gradient, t->n * t->samples);
  assert_true(scale > 0.0);
  for (int64_t j = 0; j < 12; ++j) {
    const int64_t i = j * t->n * t->samples / 12 + j;
    const double here = t->audio[i];
    t->audio[i] = here + step;
    const double above = trial_value(t);
    t->audio[i] = here - step;
    const double below = trial_value(t);
    t->audio[i] = here;
    expect_near("audio", i, gradient[i], (above - below) / (2.0 * step), scale);
  }
}

static double value_with(trial *t, weight *w, int64_t i, float value)
{
  w->master[i] = value;
  ++w->version;
  assert_int_equal(weight_refresh(t->dev, w, NULL), STATUS_OK);
  return trial_value(t);
}

// The step is what is left of it in f32, in which masters are kept.
static void check_weight(trial *t, weight *w)
{
  const double *gradient = w->grad;
  const int64_t count = weight_count(w);
  const double scale = largest(gradient, count);
  assert_true(scale > 0.0);
  for (int64_t j = 0; j < 3; ++j) {
    const int64_t i = (j * count / 3 + j) % count;
    const float here = w->master[i], up = here + 0x1p-20f, down = here - 0x1p-20f;
    const double above = value_with(t, w, i, up), below = value_with(t, w, i, down);
    value_with(t, w, i, here);
    expect_near(w->name, i, gradient[i], (above - below) / ((double)up - (double)down), scale);
  }
}

static trial trial_new(const kind_case *c)
{
  const device_options options = {.kind = COMPUTE_CPU, .f64 = true};
  trial t = {.n = 2, .samples = c->config.scale > 128 ? 400 : 301};
  error err = {0};
  assert_int_equal(device_open(&t.dev, &options, &err), STATUS_OK);
  t.net = make(&c->config, t.dev, true);
  t.memory = arena_on(t.dev, ARENA_BYTES);
  assert_int_equal(tape_new(&t.record, 64, &err), STATUS_OK);
  t.audio = malloc((size_t)(t.n * t.samples) * sizeof *t.audio);
  assert_non_null(t.audio);
  for (int64_t i = 0; i < t.n * t.samples; ++i) {
    t.audio[i] = seed_value(99, i);
  }
  return t;
}

static void trial_free(trial *t)
{
  free(t->audio);
  tape_free(t->record);
  t->dev->release(t->dev, t->memory.data);
  discriminator_free(t->net, t->dev);
  device_unref(t->dev);
}

static void gradients_match_differences(void **unused)
{
  (void)unused;
  for (int i = 0; i < N_CASES; ++i) {
    trial t = trial_new(&cases[i]);
    double *gradient = trial_sweep(&t);
    check_audio(&t, gradient);
    for (int j = 0; j < t.net->set.n_weights; ++j) {
      check_weight(&t, t.net->set.weights[j]);
    }
    free(gradient);
    trial_free(&t);
  }
}

// ---- start values ----

static void start_values_stay_within_their_bound(void **unused)
{
  (void)unused;
  const discriminator_config config = {DISCRIMINATOR_STFT, 64, 4, true};
  discriminator *d = NULL;
  assert_int_equal(discriminator_new(&d, &config, NULL), STATUS_OK);
  layer_set_start_uniform(&d->set, 5);
  double bound = 0.0;
  for (int i = 0; i < d->set.n_weights; ++i) {
    const weight *w = d->set.weights[i];
    const bool matrix = w->use != WEIGHT_VECTOR;
    if (matrix) {
      bound = 1.0 / sqrt((double)(w->dims[1] * w->dims[2] * w->dims[3]));
      assert_int_equal(w->norm_v != NULL, i > 0); // the first is not normalised
    }
    double most = 0.0;
    for (int64_t e = 0; e < weight_count(w); ++e) {
      most = fmax(most, fabs((double)w->master[e]));
    }
    assert_true(most <= bound * 1.000001);
    assert_true(!matrix || most > 0.8 * bound);
  }
  discriminator_free(d, NULL);
}

// ---- what is refused ----

static void impossible_shapes_are_refused(void **unused)
{
  (void)unused;
  static const discriminator_config bad[] = {
      {DISCRIMINATOR_STFT, 66, 4, false},           {DISCRIMINATOR_STFT, 8, 4, false},
      {DISCRIMINATOR_STFT, 28, 4, false}, // 7 is no factor that transforms know
      {DISCRIMINATOR_STFT_RESIDUAL, 192, 4, false}, {DISCRIMINATOR_WAVE, 1, 6, false},
      {DISCRIMINATOR_PERIOD, 0, 4, false},          {DISCRIMINATOR_PERIOD, 2, 0, false},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    discriminator *d = NULL;
    error err = {0};
    assert_int_equal(discriminator_new(&d, &bad[i], &err), STATUS_USAGE);
    assert_null(d);
    assert_true(strlen(err.message) > 0);
  }
}

static void short_audio_is_refused(void **unused)
{
  (void)unused;
  device *dev = variant_open(0, 1);
  arena memory = arena_on(dev, ARENA_BYTES);
  const float audio[256] = {0.5f};
  for (int i = 0; i < N_CASES; ++i) {
    discriminator *d = make(&cases[i].config, dev, false);
    const int64_t least = discriminator_least_samples(d);
    for (int64_t samples = least - 1; samples <= least; ++samples) {
      run r;
      arena_rewind(&memory, 0);
      run_init(&r, dev, &memory);
      discriminator_forward(&r, d, to_device(&r, audio, DTYPE_F32, 1, samples, 1));
      assert_int_equal(r.failure.code, samples < least ? STATUS_USAGE : STATUS_OK);
    }
    discriminator_free(d, dev);
  }
  dev->release(dev, memory.data);
  device_unref(dev);
}

static status open_and_close(void *user, error *err)
{
  discriminator *d = NULL;
  const status code = discriminator_new(&d, user, err);
  assert_int_equal(d != NULL, code == STATUS_OK);
  discriminator_free(d, NULL);
  return code;
}

static void every_failed_allocation_is_reported(void **unused)
{
  (void)unused;
  for (int i = 0; i < N_CASES; ++i) {
    discriminator_config config = cases[i].config;
    config.weight_norm = true;
    assert_true(failing_alloc_each(open_and_close, &config) > 3);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(forward_matches_pytorch),
      cmocka_unit_test(gradients_match_differences),
      cmocka_unit_test(start_values_stay_within_their_bound),
      cmocka_unit_test(impossible_shapes_are_refused),
      cmocka_unit_test(short_audio_is_refused),
      cmocka_unit_test(every_failed_allocation_is_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
