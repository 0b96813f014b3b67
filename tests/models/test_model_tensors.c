// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// How a model file stores its matrices: what it costs, what stays the same, what is refused.

#include "models/codec_seanet.h"
#include "models/seanet_file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/failing_alloc.h"
#include "tests/models/golden.h"
#include "tests/models/random_seanet.h"
#include "tests/models/scratch.h"

#define SEED 11
enum { STORAGES = 4, HOP = 480, STEPS = 4, USED = 3 };

static seanet_config narrow(seanet_config config)
{
  config.encoder.width = config.decoder.width = 2;
  config.latent_dim = 8;
  config.n_codebooks = USED;
  config.codebook_size = 16;
  return config;
}

static void ok(status code, const error *err)
{
  if (code != STATUS_OK) {
    fail_msg("%s", err->message);
  }
}

static void save(seanet *net, model_storage storage, const char *path)
{
  error err = {0};
  const model_origin origin = {.storage = storage};
  ok(seanet_save_from(net, path, &origin, &err), &err);
}

/// Largest difference of any value from the other network's, in parts of its row's largest value.
static double largest_difference(const weight *a, const weight *b)
{
  const float *x = a->norm_v ? a->norm_v : a->master, *y = b->norm_v ? b->norm_v : b->master;
  const int64_t count = weight_count(a), row = count / a->dims[0];
  double worst = 0.0;
  for (int64_t i = 0; i < count; i += row) {
    double size = 1e-30;
    for (int64_t k = 0; k < row; ++k) {
      size = fmax(size, fabs((double)x[i + k]));
    }
    for (int64_t k = 0; k < row; ++k) {
      worst = fmax(worst, fabs((double)x[i + k] - (double)y[i + k]) / size);
    }
  }
  return worst;
}

static void expect_near(seanet *a, seanet *b, model_storage storage)
{
  static const double reach[STORAGES] = {0.0, 1.0 / 2048, 1.0 / 256, 0.5 / 127 + 1e-6};
  double worst = 0.0;
  const codec_layers x = seanet_layers(a), y = seanet_layers(b);
  for (int p = 0; p < CODEC_N_PARTS; ++p) {
    for (int i = 0; i < x.sets[p]->n_weights; ++i) {
      const weight *w = x.sets[p]->weights[i], *v = y.sets[p]->weights[i];
      const double found = largest_difference(w, v);
      assert_true(!w->norm_v == !v->norm_v);
      if (w->norm_v) {
        assert_memory_equal(w->norm_g, v->norm_g, (size_t)w->dims[0] * sizeof(float));
      }
      const bool kept = w->use == WEIGHT_VECTOR || w->use == WEIGHT_CODEBOOK;
      assert_true(found <= (kept ? 0.0 : reach[storage]));
      worst = fmax(worst, found);
    }
  }
  assert_true(storage == MODEL_F32 || worst > 0.0); // else nothing was stored smaller
}

static void every_form_is_near(void **state)
{
  const seanet_config configs[] = {narrow(seanet_config_encodec_24khz()),
                                   narrow(seanet_config_soundstream())};
  assert_int_equal(configs[0].norm, SEANET_NORM_WEIGHT);
  for (int c = 0; c < 2; ++c) {
    seanet *net = random_seanet(&configs[c], SEED);
    size_t largest = SIZE_MAX;
    for (int s = 0; s < STORAGES; ++s) {
      seanet *again = NULL;
      error err = {0};
      size_t size = 0;
      const char *path = scratch_path(*state, "a.safetensors");
      save(net, (model_storage)s, path);
      ok(seanet_load(&again, path, &err), &err);
      expect_near(net, again, (model_storage)s);
      free(scratch_read(path, &size));
      assert_true(s == MODEL_BF16 || size < largest);
      largest = s == MODEL_BF16 ? largest : size;
      seanet_free(again, NULL);
    }
    seanet_free(net, NULL);
  }
}

/// Codes and audio of a file, computed in f16.
static void play(const char *path, int32_t codes[STEPS * USED], float audio[STEPS * HOP])
{
  device *dev = variant_open(0, 1);
  const codec_options options = {.dev = dev, .storage = DTYPE_F16};
  codec *c = NULL;
  codec_state *s = NULL;
  error err = {0};
  float in[STEPS * HOP];
  for (int i = 0; i < STEPS * HOP; ++i) {
    in[i] = sinf(0.01f * (float)i * (1.0f + 0.001f * (float)i));
  }
  ok(codec_open(&c, path, &options, &err), &err);
  ok(codec_state_new(&s, c, 1, STEPS, &err), &err);
  assert_int_equal(codec_encode(s, in, STEPS, USED, codes), STATUS_OK);
  assert_int_equal(codec_decode(s, codes, STEPS, USED, audio), STATUS_OK);
  codec_state_free(s);
  codec_unref(c);
  device_unref(dev);
}

/// Stored in f16 and computed in f16, a file loses nothing: the same codes, the same samples.
static void half_plays_as_the_whole_does(void **state)
{
  const seanet_config config = narrow(seanet_config_soundstream());
  static int32_t codes[2][STEPS * USED];
  static float audio[2][STEPS * HOP];
  seanet *net = random_seanet(&config, SEED);
  assert_int_equal(seanet_hop_samples(&config), HOP);
  for (int i = 0; i < 2; ++i) {
    save(net, i ? MODEL_F16 : MODEL_F32, scratch_path(*state, "b.safetensors"));
    play(((scratch *)*state)->path, codes[i], audio[i]);
  }
  assert_memory_equal(codes[0], codes[1], sizeof codes[0]);
  assert_memory_equal(audio[0], audio[1], sizeof audio[0]);
  seanet_free(net, NULL);
}

static void what_does_not_fit_is_refused(void **state)
{
  const seanet_config config = narrow(seanet_config_soundstream());
  const char *path = scratch_path(*state, "never.safetensors");
  const model_origin origin = {.storage = MODEL_F16};
  seanet *net = random_seanet(&config, SEED);
  error err = {0};
  net->decoder.out.w.master[3] = 65519.0f; // rounds to the last that fits
  ok(seanet_save_from(net, path, &origin, &err), &err);
  unlink(path);
  net->decoder.out.w.master[3] = 65520.0f;
  assert_int_equal(seanet_save_from(net, path, &origin, &err), STATUS_USAGE);
  assert_non_null(strstr(err.message, "decoder.out.weight"));
  assert_non_null(strstr(err.message, path));
  assert_int_not_equal(access(path, F_OK), 0);
  seanet_free(net, NULL);
}

static void where_it_comes_from_is_kept(void **state)
{
  const seanet_config config = narrow(seanet_config_soundstream());
  const char *path = scratch_path(*state, "c.safetensors");
  const model_training training = {
      .program = "trainer 1.2",
      .steps = 1234,
      .audio_seconds = 5678.5,
      .averaged = true,
      .set_sha256 = "ab12",
      .recipe = "[recipe]\nname = x\n",
  };
  const model_origin origin = {.training = &training, .attribution = "by \"A\" and B"};
  seanet *net = random_seanet(&config, SEED), *again = NULL;
  error err = {0};
  safetensors st;
  json *file = NULL;
  const char *text = NULL;
  int64_t steps = 0;
  ok(seanet_save_from(net, path, &origin, &err), &err);
  ok(safetensors_open(&st, path, &err), &err);
  ok(safetensors_config(&st, &file, &err), &err);
  assert_true(json_get_string(json_member(file, "attribution"), &text));
  assert_string_equal(text, "by \"A\" and B");
  const json *found = json_member(file, "training");
  assert_true(json_get_string(json_member(found, "recipe"), &text));
  assert_string_equal(text, training.recipe);
  assert_true(json_get_string(json_member(found, "set_sha256"), &text));
  assert_string_equal(text, "ab12");
  assert_true(json_get_integer(json_member(found, "steps"), 0, 9999, &steps));
  assert_int_equal(steps, 1234);
  json_free(file);
  safetensors_close(&st);
  ok(seanet_load(&again, path, &err), &err);
  seanet_free(again, NULL);
  seanet_free(net, NULL);
}

// ---- damage -------------------------------------------------------------------------------------

static void expect_refusal(scratch *folder, const uint8_t *data, size_t size, status code,
                           const char *word)
{
  const char *path = scratch_path(folder, "broken.safetensors");
  seanet *net = NULL;
  error err = {0};
  assert_int_equal(scratch_write(path, data, size), 0);
  const status found = seanet_load(&net, path, &err);
  if (found != code || !strstr(err.message, word) || !strstr(err.message, path)) {
    fail_msg("%s: expected %d, found %d, %s", word, code, found, err.message);
  }
  assert_null(net);
}

typedef struct damage {
  const char *from, *to; ///< same length, so that the file stays well-formed
  status code;
  const char *word; ///< that the sentence must hold
} damage;

/// A header of the same length keeps the file well-formed; bits are changed where the data lies.
static void damaged_scales_are_named(void **state)
{
  static const damage damages[] = {
      {"decoder.in.weight.scale", "decoder.in.weight.scala", STATUS_NOT_FOUND,
       "decoder.in.weight.scale"},
      {"decoder.in.weight.scale\":{\"dtype\":\"F32\"",
       "decoder.in.weight.scale\":{\"dtype\":\"I32\"", STATUS_FORMAT, "expected f32, found i32"},
  };
  scratch *folder = *state;
  const seanet_config config = narrow(seanet_config_soundstream());
  seanet *net = random_seanet(&config, SEED);
  size_t size = 0;
  save(net, MODEL_INT8, scratch_path(folder, "d.safetensors"));
  seanet_free(net, NULL);
  uint8_t *good = scratch_read(folder->path, &size), *data = malloc(size);
  assert_true(good && data);
  for (size_t i = 0; i < sizeof damages / sizeof *damages; ++i) {
    const damage *d = &damages[i];
    memcpy(data, good, size);
    char *at = memmem(data, size, d->from, strlen(d->from));
    assert_non_null(at);
    memcpy(at, d->to, strlen(d->to));
    expect_refusal(folder, data, size, d->code, d->word);
  }
  memcpy(data, good, size);
  data[size - 1] ^= 1; // one bit of one code
  expect_refusal(folder, data, size, STATUS_FORMAT, "damaged");

  safetensors st;
  error err = {0};
  ok(safetensors_read(&st, good, size, "good", &err), &err);
  const safetensors_tensor *scale = safetensors_find(&st, "encoder.out.weight.scale");
  assert_non_null(scale);
  const size_t at = (size_t)((const uint8_t *)scale->data - good);
  safetensors_close(&st);
  memcpy(data, good, size);
  data[at] ^= 1; // one bit of one scale
  expect_refusal(folder, data, size, STATUS_FORMAT, "encoder_sha256");
  const uint32_t not_a_number = 0x7fc00000, infinite = 0x7f800000;
  memcpy(data + at, &not_a_number, sizeof not_a_number);
  expect_refusal(folder, data, size, STATUS_FORMAT, "no finite number");
  memcpy(data + at, &infinite, sizeof infinite);
  expect_refusal(folder, data, size, STATUS_FORMAT, "no finite number");
  expect_refusal(folder, good, size - 1, STATUS_FORMAT, "");
  free(good);
  free(data);
}

typedef struct saving {
  seanet *net;
  const char *path;
} saving;

static status save_as_int8(void *user, error *err)
{
  const saving *s = user;
  const model_origin origin = {.storage = MODEL_INT8};
  return seanet_save_from(s->net, s->path, &origin, err);
}

static void every_allocation_may_fail(void **state)
{
  const seanet_config config = narrow(seanet_config_soundstream());
  saving s = {random_seanet(&config, SEED), scratch_path(*state, "e.safetensors")};
  assert_true(failing_alloc_each(save_as_int8, &s) > 5);
  seanet_free(s.net, NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_form_is_near),
      cmocka_unit_test(half_plays_as_the_whole_does),
      cmocka_unit_test(what_does_not_fit_is_refused),
      cmocka_unit_test(where_it_comes_from_is_kept),
      cmocka_unit_test(damaged_scales_are_named),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("model_tensors", tests, scratch_setup, scratch_teardown);
}
