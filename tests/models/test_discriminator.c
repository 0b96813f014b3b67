// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Discriminators of every kind: forward against PyTorch
// (tests/reference/make_discriminator_golden.py) on every CPU variant, whole networks' gradients
// against differences in double, and what they refuse.

#include "models/discriminator.h"

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

static discriminator *make(const discriminator_config *config, device *dev)
{
  discriminator *d = NULL;
  error err = {0};
  if (discriminator_new(&d, config, &err)) {
    fail_msg("%s", err.message);
  }
  layer_set_randomise(&d->set, SEED);
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
  discriminator *d = make(&c->config, dev);
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
    discriminator *d = make(&cases[i].config, dev);
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
      cmocka_unit_test(start_values_stay_within_their_bound),
      cmocka_unit_test(impossible_shapes_are_refused),
      cmocka_unit_test(short_audio_is_refused),
      cmocka_unit_test(every_failed_allocation_is_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
