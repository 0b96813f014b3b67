// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// SEANet model files: what is saved is what is loaded, and what is wrong with a file is said.

#include "models/codec_seanet.h"
#include "models/seanet_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/failing_alloc.h"
#include "tests/models/golden.h"
#include "tests/models/random_seanet.h"
#include "tests/models/scratch.h"

#define SEED 3

/// The published shapes, narrow.
static seanet_config narrow(seanet_config config)
{
  config.encoder.width = config.decoder.width = 2;
  config.latent_dim = 8;
  config.codebook_size = 16;
  snprintf(config.licence, sizeof config.licence, "CC-BY-4.0");
  return config;
}

static seanet_config narrow_24khz(void)
{
  return narrow(seanet_config_encodec_24khz());
}

static void save(const seanet_config *config, const char *path)
{
  seanet *net = random_seanet(config, SEED);
  error err = {0};
  if (seanet_save(net, path, NULL, 0, &err)) {
    fail_msg("%s", err.message);
  }
  seanet_free(net, NULL);
}

/// Loaded and saved again, the file is the same byte for byte.
static void what_is_saved_is_loaded(void **state)
{
  scratch *folder = *state;
  const seanet_config configs[] = {narrow_24khz(), narrow(seanet_config_encodec_48khz()),
                                   narrow(seanet_config_soundstream())};
  for (int i = 0; i < 3; ++i) {
    seanet *again = NULL;
    error err = {0};
    size_t sizes[2] = {0, 0};
    save(&configs[i], scratch_path(folder, "a.safetensors"));
    uint8_t *first = scratch_read(folder->path, &sizes[0]);
    if (seanet_load(&again, folder->path, &err) ||
        seanet_save(again, scratch_path(folder, "b.safetensors"), NULL, 0, &err)) {
      fail_msg("%s", err.message);
    }
    uint8_t *second = scratch_read(folder->path, &sizes[1]);
    assert_true(first && second);
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(first, second, sizes[0]);
    assert_memory_equal(again->config.strides, configs[i].strides, sizeof configs[i].strides);
    assert_int_equal(again->config.decoder.kernel_out, configs[i].decoder.kernel_out);
    free(first);
    free(second);
    seanet_free(again, NULL);
  }
}

/// The codec that a file gives codes as the network that was saved.
static void a_file_opens_as_a_codec(void **state)
{
  enum { HOP = 320, STEPS = 4, USED = 3 };
  const char *path = scratch_path(*state, "b.safetensors");
  const seanet_config config = narrow_24khz();
  device *dev = variant_open(0, 1);
  const codec_options options = {.dev = dev, .storage = DTYPE_F32};
  codec *codecs[2] = {NULL, NULL};
  int32_t codes[2][STEPS * USED];
  float audio[STEPS * HOP];
  error err = {0};
  save(&config, path);
  for (int i = 0; i < STEPS * HOP; ++i) {
    audio[i] = sinf(0.01f * (float)i * (1.0f + 0.001f * (float)i));
  }
  assert_int_equal(codec_open_seanet(&codecs[0], random_seanet(&config, SEED), &options, &err),
                   STATUS_OK);
  assert_int_equal(codec_open(&codecs[1], path, &options, &err), STATUS_OK);
  for (int i = 0; i < 2; ++i) {
    codec_state *s = NULL;
    assert_int_equal(codec_state_new(&s, codecs[i], 1, STEPS, &err), STATUS_OK);
    assert_int_equal(codec_encode(s, audio, STEPS, USED, codes[i]), STATUS_OK);
    codec_state_free(s);
  }
  assert_memory_equal(codes[0], codes[1], sizeof codes[0]);
  const codec_info *info = codec_get_info(codecs[1]);
  assert_string_equal(info->kind, "seanet");
  assert_string_equal(info->name, "encodec_24khz");
  assert_string_equal(info->licence, "CC-BY-4.0");
  assert_int_equal(info->hop_samples, HOP);
  assert_true(info->streamable && info->reflect_start);
  codec_unref(codecs[0]);
  codec_unref(codecs[1]);
  device_unref(dev);
}

/// Only the half that is asked for can be used.
static void half_a_codec(void **state)
{
  const char *path = scratch_path(*state, "c.safetensors");
  const seanet_config config = narrow_24khz();
  device *dev = variant_open(0, 1);
  const codec_options options = {.dev = dev, .storage = DTYPE_F16, .decoder = true};
  codec *c = NULL;
  codec_state *s = NULL;
  error err = {0};
  float audio[320] = {0};
  int32_t codes[2] = {1, 2};
  save(&config, path);
  assert_int_equal(codec_open(&c, path, &options, &err), STATUS_OK);
  assert_int_equal(codec_state_new(&s, c, 1, 1, &err), STATUS_OK);
  assert_int_equal(codec_decode(s, codes, 1, 2, audio), STATUS_OK);
  assert_int_equal(codec_encode(s, audio, 1, 2, codes), STATUS_UNSUPPORTED);
  codec_state_free(s);
  codec_unref(c);
  device_unref(dev);
}

typedef struct opening {
  const char *path;
  device *dev;
} opening;

static status open_and_close(void *user, error *err)
{
  const opening *o = user;
  const codec_options options = {.dev = o->dev, .storage = DTYPE_F16};
  codec *c = NULL;
  codec_state *s = NULL;
  status code = codec_open(&c, o->path, &options, err);
  if (code == STATUS_OK) {
    code = codec_state_new(&s, c, 2, 2, err);
  }
  if (code == STATUS_OK) {
    code = codec_state_prepare(s, 2, err);
  }
  codec_state_free(s);
  codec_unref(c);
  return code;
}

static status load_and_save(void *user, error *err)
{
  const opening *o = user;
  seanet *net = NULL;
  status code = seanet_load(&net, o->path, err);
  if (code == STATUS_OK) {
    code = seanet_save(net, o->path, NULL, 0, err);
  }
  seanet_free(net, NULL);
  return code;
}

static void every_allocation_may_fail(void **state)
{
  seanet_config config = narrow_24khz();
  config.n_codebooks = 3;
  opening o = {.path = scratch_path(*state, "f.safetensors"), .dev = variant_open(0, 1)};
  save(&config, o.path);
  assert_true(failing_alloc_each(open_and_close, &o) > 100);
  assert_true(failing_alloc_each(load_and_save, &o) > 100);
  device_unref(o.dev);
}

typedef struct damage {
  const char *from, *to; ///< same length, so that the file stays well-formed
  status code;
  const char *word; ///< that the sentence must hold
} damage;

static const damage damages[] = {
    {"reflect", "reflekt", STATUS_FORMAT, "pad"},
    {"act_first", "act_frist", STATUS_FORMAT, "order"},
    {"act_slope", "act_slype", STATUS_FORMAT, "act_slope"},
    {"hop_samples\\\":320", "hop_samples\\\":321", STATUS_FORMAT, "hop"},
    {"n_residual\\\":1", "n_residual\\\":9", STATUS_FORMAT, "n_residual"},
    {"latent_dim\\\":8", "latent_dim\\\":0", STATUS_FORMAT, "latent_dim"},
    {"latent_dim\\\":8", "latent_dim\\\":9", STATUS_FORMAT, "encoder.out.weight"},
    {"encoder.in.bias", "encoder.in.bios", STATUS_NOT_FOUND, "encoder.in.bias"},
    {"seanet", "seanut", STATUS_UNSUPPORTED, "seanut"},
    {"version\\\":1", "version\\\":2", STATUS_UNSUPPORTED, "version"},
};

static void *find(char *data, size_t size, const char *text)
{
  return memmem(data, size, text, strlen(text));
}

/// Opening these bytes must fail with `code` and a sentence that holds `word` and the file's name.
static void expect_refusal(scratch *folder, const uint8_t *data, size_t size, status code,
                           const char *word)
{
  const char *path = scratch_path(folder, "broken.safetensors");
  device *dev = variant_open(0, 1);
  const codec_options options = {.dev = dev, .storage = DTYPE_F32};
  codec *c = NULL;
  error err = {0};
  assert_int_equal(scratch_write(path, data, size), 0);
  const status found = codec_open(&c, path, &options, &err);
  if (found != code || !strstr(err.message, word) || !strstr(err.message, path)) {
    fail_msg("%s: expected %d, found %d, %s", word, code, found, err.message);
  }
  assert_null(c);
  device_unref(dev);
}

static void damage_is_named(void **state)
{
  scratch *folder = *state;
  const seanet_config config = narrow_24khz();
  const uint32_t not_a_number = 0x7fc00000;
  size_t size = 0;
  save(&config, scratch_path(folder, "d.safetensors"));
  uint8_t *good = scratch_read(folder->path, &size);
  assert_non_null(good);
  uint8_t *data = malloc(size);
  assert_non_null(data);
  for (size_t i = 0; i < sizeof damages / sizeof *damages; ++i) {
    const damage *d = &damages[i];
    memcpy(data, good, size);
    char *at = find((char *)data, size, d->from);
    assert_non_null(at);
    memcpy(at, d->to, strlen(d->to));
    expect_refusal(folder, data, size, d->code, d->word);
  }
  memcpy(data, good, size);
  data[size - 2] ^= 1; // one bit of one weight
  expect_refusal(folder, data, size, STATUS_FORMAT, "damaged");
  memcpy(data + size - 4, &not_a_number, sizeof not_a_number);
  expect_refusal(folder, data, size, STATUS_FORMAT, "no finite number");
  expect_refusal(folder, good, size - 1, STATUS_FORMAT, "");
  expect_refusal(folder, good, 0, STATUS_FORMAT, "");
  free(good);
  free(data);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_saved_is_loaded),
      cmocka_unit_test(a_file_opens_as_a_codec),
      cmocka_unit_test(half_a_codec),
      cmocka_unit_test(damage_is_named),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("seanet_file", tests, scratch_setup, scratch_teardown);
}
