// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/import_encodec.h"

#include "base/safetensors.h"
#include "models/import.h"
#include "models/seanet_file.h"
#include "tests/failing_alloc.h"
#include "tests/temp_folder.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Written by tests/reference/make_encodec_fixtures.py.
#define DATA "tests/models/data/encodec_"
#define SEED 5

/// The networks that the fixtures hold: the published ones, narrow.
static seanet_config narrow(bool stereo)
{
  seanet_config config = stereo ? seanet_config_encodec_48khz() : seanet_config_encodec_24khz();
  snprintf(config.name, sizeof config.name, "encodec");
  memset(config.strides, 0, sizeof config.strides);
  config.encoder.width = config.decoder.width = 2;
  config.latent_dim = 4;
  config.n_strides = 2;
  config.strides[0] = 2;
  config.strides[1] = 3;
  config.n_codebooks = 2;
  config.codebook_size = 8;
  return config;
}

static void expect_weights(const layer_set *found, const layer_set *expected)
{
  assert_int_equal(found->n_weights, expected->n_weights);
  for (int i = 0; i < expected->n_weights; ++i) {
    const weight *a = found->weights[i];
    const weight *b = expected->weights[i];
    assert_string_equal(a->name, b->name);
    for (int64_t j = 0; j < weight_count(b); ++j) {
      if (fabsf(a->master[j] - b->master[j]) > 2e-6f * fabsf(b->master[j]) + 1e-7f) {
        fail_msg("%s[%lld]: %g, expected %g", a->name, (long long)j, (double)a->master[j],
                 (double)b->master[j]);
      }
    }
  }
}

static void expect_network(const seanet *net, const seanet_config *config)
{
  seanet *expected = NULL;
  error err = {0};
  assert_int_equal(seanet_new(&expected, config, &err), STATUS_OK);
  assert_int_equal(seanet_allocate(expected, &err), STATUS_OK);
  codec_layers_randomise(seanet_layers(expected), SEED);
  expect_weights(&net->encoder.set, &expected->encoder.set);
  expect_weights(&net->codebooks, &expected->codebooks);
  expect_weights(&net->decoder.set, &expected->decoder.set);
  seanet_free(expected, NULL);
}

static void expect_config(const seanet_config *found, const seanet_config *expected)
{
  assert_string_equal(found->name, expected->name);
  assert_string_equal(found->licence, "");
  assert_int_equal(found->rate_hz, expected->rate_hz);
  assert_int_equal(found->n_channels, expected->n_channels);
  assert_int_equal(found->latent_dim, expected->latent_dim);
  assert_int_equal(found->n_strides, expected->n_strides);
  assert_memory_equal(found->strides, expected->strides, sizeof found->strides);
  assert_int_equal(found->n_codebooks, expected->n_codebooks);
  assert_int_equal(found->codebook_size, expected->codebook_size);
  assert_memory_equal(&found->encoder, &expected->encoder, sizeof found->encoder);
  assert_memory_equal(&found->decoder, &expected->decoder, sizeof found->decoder);
  assert_int_equal(found->true_skip, expected->true_skip);
  assert_int_equal(found->causal, expected->causal);
  assert_int_equal(found->pad, expected->pad);
  assert_int_equal(found->norm, expected->norm);
  assert_int_equal(found->act, expected->act);
  assert_true(found->act_slope == expected->act_slope);
  assert_int_equal(found->order, expected->order);
  assert_int_equal(found->chunk_samples, expected->chunk_samples);
  assert_int_equal(found->chunk_stride_samples, expected->chunk_stride_samples);
}

// Import through the front door, load what was written, compare with what the script started from.
static void expect_import(const temp_folder *folder, const char *source, bool stereo)
{
  const seanet_config config = narrow(stereo);
  seanet *net = NULL;
  error err = {0};
  if (model_import(&source, 1, folder->file, NULL, &err) || seanet_load(&net, folder->file, &err)) {
    fail_msg("%s", err.message);
    return;
  }
  expect_config(&net->config, &config);
  expect_network(net, &config);
  assert_int_equal(temp_folder_count(folder), 1);
  seanet_free(net, NULL);
}

static void test_original(void **state)
{
  expect_import(*state, source_path(DATA "narrow.th"), false);
}

static void test_original_stereo(void **state)
{
  expect_import(*state, source_path(DATA "narrow_stereo.th"), true);
}

static void test_hugging_face(void **state)
{
  expect_import(*state, source_path(DATA "hf"), false);
}

static void test_hugging_face_stereo(void **state)
{
  expect_import(*state, source_path(DATA "hf_stereo"), true);
}

// Weights alone name their config by their shapes; the written file says where it came from.
static void test_without_config(void **state)
{
  const temp_folder *folder = *state;
  expect_import(folder, source_path(DATA "hf/model.safetensors"), false);
  safetensors st;
  json *config = NULL;
  const char *file = NULL;
  const char *hash = NULL;
  error err = {0};
  assert_int_equal(safetensors_open(&st, folder->file, &err), STATUS_OK);
  assert_int_equal(safetensors_config(&st, &config, &err), STATUS_OK);
  const json *source = json_element(json_member(config, "sources"), 0);
  assert_int_equal(json_need_string(source, "file", &file, &err), STATUS_OK);
  assert_int_equal(json_need_string(source, "sha256", &hash, &err), STATUS_OK);
  assert_string_equal(file, "model.safetensors");
  assert_int_equal(strlen(hash), 64);
  assert_int_equal(json_count(json_member(config, "sources")), 1);
  json_free(config);
  safetensors_close(&st);
}

// Normalised weights stay normalised: length and direction stand in the file.
static void test_keeps_weight_norm(void **state)
{
  const temp_folder *folder = *state;
  expect_import(folder, source_path(DATA "narrow.th"), false);
  safetensors st;
  float g[8];
  assert_int_equal(safetensors_open(&st, folder->file, NULL), STATUS_OK);
  assert_int_equal(
      safetensors_read_f32(&st, "decoder.stage.0.up.weight.g", 1, (int64_t[]){8}, g, NULL), 0);
  assert_non_null(safetensors_find(&st, "decoder.stage.0.up.weight.v"));
  assert_null(safetensors_find(&st, "decoder.stage.0.up.weight"));
  safetensors_close(&st);
}

static void expect_refused(const temp_folder *folder, const char *const *sources, int n_sources,
                           status expected, const char *words)
{
  error err = {0};
  const int before = temp_folder_count(folder);
  const status s = import_encodec(sources, n_sources, folder->file, &err);
  if (s != expected || !strstr(err.message, words)) {
    fail_msg("%s: \"%s\" was expected in: %s", status_name(s), words, err.message);
  }
  assert_int_equal(temp_folder_count(folder), before);
}

static void copy_of(const char *source, char copy[1024])
{
  snprintf(copy, 1024, "%s", source_path(source));
}

static void test_refused(void **state)
{
  const temp_folder *folder = *state;
  char one[1024];
  char two[1024];
  const char *paths[2] = {one, two};
  copy_of("tests/models/data/torch_plain.pt", one);
  expect_refused(folder, paths, 1, STATUS_FORMAT, "no EnCodec in it");
  copy_of("tests/models/data/torch_legacy.pt", one);
  expect_refused(folder, paths, 1, STATUS_UNSUPPORTED, "before version 1.6");
  copy_of("tests/models/CMakeLists.txt", one);
  expect_refused(folder, paths, 1, STATUS_UNSUPPORTED, "neither EnCodec's weights");
  copy_of(DATA "hf/config.json", one);
  expect_refused(folder, paths, 1, STATUS_NOT_FOUND, "no weights beside it");
  copy_of(DATA "narrow.th", one);
  copy_of(DATA "narrow_stereo.th", two);
  expect_refused(folder, paths, 2, STATUS_UNSUPPORTED, "weights in several files");
  copy_of(DATA "hf_stereo/config.json", two);
  expect_refused(folder, paths, 2, STATUS_FORMAT, "expected shape");
}

/// A checkpoint written anew with one tensor changed.
typedef struct change {
  const char *tensor;
  void (*apply)(safetensors_tensor *t, float *values);
} change;

static void set_nan(safetensors_tensor *t, float *values)
{
  (void)t;
  values[1] = NAN;
}

static void reshape(safetensors_tensor *t, float *values)
{
  (void)values;
  t->dims[0] *= t->dims[1];
  t->dims[1] = 1;
}

static void rename_tensor(safetensors_tensor *t, float *values)
{
  (void)values;
  t->name = "other";
}

static void write_changed(const char *path, const change *c)
{
  safetensors st;
  float values[64];
  error err = {0};
  assert_int_equal(safetensors_open(&st, source_path(DATA "hf/model.safetensors"), &err), 0);
  safetensors_tensor *tensors = calloc(st.n_tensors, sizeof *tensors);
  assert_non_null(tensors);
  memcpy(tensors, st.tensors, st.n_tensors * sizeof *tensors);
  for (size_t i = 0; i < st.n_tensors; ++i) {
    if (strcmp(tensors[i].name, c->tensor) == 0) {
      assert_true(tensors[i].size_bytes <= sizeof values);
      memcpy(values, tensors[i].data, tensors[i].size_bytes);
      tensors[i].data = values;
      c->apply(&tensors[i], values);
    }
  }
  assert_int_equal(safetensors_save(path, tensors, st.n_tensors, NULL, 0, &err), STATUS_OK);
  free(tensors);
  safetensors_close(&st);
}

static void test_changed(void **state)
{
  const temp_folder *folder = *state;
  char path[1024];
  const char *paths[1] = {path};
  snprintf(path, sizeof path, "%s/changed.safetensors", folder->path);
  write_changed(path, &(change){"encoder.layers.1.block.3.conv.bias", set_nan});
  expect_refused(folder, paths, 1, STATUS_FORMAT,
                 "\"encoder.layers.1.block.3.conv.bias\": element 1 is no finite number");
  write_changed(path, &(change){"quantizer.layers.1.codebook.embed", reshape});
  expect_refused(folder, paths, 1, STATUS_FORMAT, "expected shape [8, 4], found [32, 1]");
  write_changed(path, &(change){"decoder.layers.9.conv.bias", rename_tensor});
  expect_refused(folder, paths, 1, STATUS_NOT_FOUND, "\"decoder.layers.9.conv.bias\"");
  write_changed(path, &(change){"quantizer.layers.0.codebook.embed", rename_tensor});
  expect_refused(folder, paths, 1, STATUS_FORMAT, "expected a codebook");
  write_changed(path, &(change){"encoder.layers.1.shortcut.conv.parametrizations.weight.original1",
                                rename_tensor});
  expect_refused(folder, paths, 1, STATUS_UNSUPPORTED, "not one of the published");
}

static status import_again(void *user, error *err)
{
  const temp_folder *folder = user;
  char one[1024];
  char two[1024];
  const char *paths[2] = {one, two};
  copy_of(DATA "hf/model.safetensors", one);
  copy_of(DATA "hf/config.json", two);
  return import_encodec(paths, 2, folder->file, err);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, temp_folder_make, temp_folder_remove)

static void test_allocations(void **state)
{
  // What a file is, is found out by reading it; without memory for that it counts as unknown.
  const temp_folder *folder = *state;
  const char *paths[1];
  char one[1024];
  copy_of(DATA "hf/model.safetensors", one);
  paths[0] = one;
  long n_failed = 0;
  for (long nth = 0;; ++nth) {
    error err = {0};
    failing_alloc_arm(nth);
    const status s = import_encodec(paths, 1, folder->file, &err);
    const bool met = failing_alloc_count() > nth;
    failing_alloc_arm(-1);
    if (!met) {
      assert_int_equal(s, STATUS_OK);
      break;
    }
    assert_true(s == STATUS_NO_MEMORY || s == STATUS_UNSUPPORTED);
    assert_true(err.message[0]);
    assert_int_equal(temp_folder_count(folder), 0);
    n_failed += s == STATUS_NO_MEMORY;
  }
  assert_true(n_failed > 50);
  assert_int_equal(import_again(*state, NULL), STATUS_OK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      in_folder(test_original),       in_folder(test_original_stereo),
      in_folder(test_hugging_face),   in_folder(test_hugging_face_stereo),
      in_folder(test_without_config), in_folder(test_keeps_weight_norm),
      in_folder(test_refused),        in_folder(test_changed),
      in_folder(test_allocations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
