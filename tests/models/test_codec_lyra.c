// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Lyra as a codec, by way of its model file: values are made up, everything else is real.

#include "base/json.h"
#include "base/random.h"
#include "base/safetensors.h"
#include "models/codec.h"
#include "models/lyra_file.h"
#include "tests/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { STEPS = 6, HOP = 320, USED = 11, PARTIAL = 100 };

typedef struct fixture {
  char folder[64], path[96];
  device *dev;
  codec *c;
  float audio[STEPS * HOP];
} fixture;

static codec_options options_for(const fixture *f)
{
  return (codec_options){.dev = f->dev, .storage = DTYPE_F32};
}

static lyra *made_up(void)
{
  lyra_config config = lyra_config_published();
  lyra *net = NULL;
  error err = {0};
  snprintf(config.name, sizeof config.name, "made up");
  snprintf(config.licence, sizeof config.licence, "MIT");
  assert_int_equal(lyra_new(&net, &config, &err), STATUS_OK);
  assert_int_equal(lyra_allocate(net, &err), STATUS_OK);
  codec_layers_randomise(lyra_layers(net), 11);
  return net;
}

static int setup(void **state)
{
  fixture *f = calloc(1, sizeof *f);
  const device_options options = {.kind = COMPUTE_CPU, .n_threads = 1};
  error err = {0};
  assert_non_null(f);
  snprintf(f->folder, sizeof f->folder, "/tmp/continuo-test-XXXXXX");
  assert_non_null(mkdtemp(f->folder));
  snprintf(f->path, sizeof f->path, "%s/lyra.safetensors", f->folder);
  assert_int_equal(device_open(&f->dev, &options, &err), STATUS_OK);
  lyra *net = made_up();
  assert_int_equal(lyra_save(net, f->path, NULL, 0, &err), STATUS_OK);
  lyra_free(net, NULL);
  const codec_options wanted = options_for(f);
  if (codec_open(&f->c, f->path, &wanted, &err) != STATUS_OK) {
    fail_msg("%s", err.message);
  }
  for (int i = 0; i < STEPS * HOP; ++i) {
    f->audio[i] = random_uniform(5, 0, (uint64_t)i) - 0.5f;
  }
  *state = f;
  return 0;
}

static int teardown(void **state)
{
  fixture *f = *state;
  codec_unref(f->c);
  device_unref(f->dev);
  unlink(f->path);
  rmdir(f->folder);
  free(f);
  return 0;
}

static codec_state *new_state(const fixture *f, int n_streams)
{
  codec_state *s = NULL;
  error err = {0};
  assert_int_equal(codec_state_new(&s, f->c, n_streams, STEPS, &err), STATUS_OK);
  return s;
}

static void test_info(void **state)
{
  const fixture *f = *state;
  const codec_info *info = codec_get_info(f->c);
  assert_string_equal(info->kind, "lyra");
  assert_string_equal(info->name, "made up");
  assert_string_equal(info->licence, "MIT");
  assert_int_equal(info->rate_hz, 16000);
  assert_int_equal(info->hop_samples, HOP);
  assert_int_equal(info->n_channels, 1);
  assert_int_equal(info->n_codebooks, 46);
  assert_int_equal(info->codebook_size, 16); // 4 bits at 50 Hz: 200 bit/s a codebook
  assert_int_equal(info->model_delay_samples, 0);
  assert_true(info->streamable);
  assert_false(info->reflect_start);
}

/// What was saved is what plays: the codec from the file against the network it was saved from.
static void test_file_keeps_every_value(void **state)
{
  const fixture *f = *state;
  lyra *net = made_up(), *loaded = NULL;
  error err = {0};
  assert_int_equal(lyra_load(&loaded, f->path, &err), STATUS_OK);
  const layer_set *before[] = {&net->encoder.set, &net->codebooks, &net->decoder.set};
  const layer_set *after[] = {&loaded->encoder.set, &loaded->codebooks, &loaded->decoder.set};
  for (int p = 0; p < 3; ++p) {
    assert_int_equal(before[p]->n_weights, after[p]->n_weights);
    for (int i = 0; i < before[p]->n_weights; ++i) {
      const weight *a = before[p]->weights[i], *b = after[p]->weights[i];
      assert_string_equal(a->name, b->name);
      assert_memory_equal(a->master, b->master, (size_t)weight_count(a) * sizeof *a->master);
    }
  }
  lyra_free(net, NULL);
  lyra_free(loaded, NULL);
}

/// A last, partial hop is coded as if zeros followed, for every stream.
static void test_final_hop_is_filled_with_zeros(void **state)
{
  const fixture *f = *state;
  enum { N = 2 * HOP + PARTIAL };
  float filled[3 * HOP] = {0}, both[2 * N];
  int32_t want[3 * USED], got[2 * 3 * USED];
  memcpy(filled, f->audio, N * sizeof *filled);
  memcpy(both, f->audio, N * sizeof *both);
  memcpy(both + N, f->audio, N * sizeof *both);
  codec_state *one = new_state(f, 1), *two = new_state(f, 2);
  assert_int_equal(codec_encode(one, filled, 3, USED, want), STATUS_OK);
  assert_int_equal(codec_encode_final(two, both, N, USED, got), STATUS_OK);
  assert_memory_equal(got, want, sizeof want);
  assert_memory_equal(got + 3 * USED, want, sizeof want);
  codec_state_free(one);
  codec_state_free(two);
}

static void test_snapshot_goes_on_alike(void **state)
{
  const fixture *f = *state;
  int32_t codes[STEPS * USED], again[3 * USED];
  float decoded[STEPS * HOP], decoded_again[3 * HOP];
  codec_state *s = new_state(f, 1);
  assert_int_equal(codec_encode(s, f->audio, 3, USED, codes), STATUS_OK);
  assert_int_equal(codec_decode(s, codes, 3, USED, decoded), STATUS_OK);
  void *snapshot = malloc(codec_state_bytes(s));
  assert_non_null(snapshot);
  assert_int_equal(codec_state_save(s, snapshot), STATUS_OK);
  for (int pass = 0; pass < 2; ++pass) {
    assert_int_equal(codec_state_restore(s, snapshot), STATUS_OK);
    assert_int_equal(codec_encode(s, f->audio + 3 * HOP, 3, USED, again), STATUS_OK);
    assert_int_equal(codec_decode(s, again, 3, USED, decoded_again), STATUS_OK);
    if (pass == 0) {
      memcpy(codes + 3 * USED, again, sizeof again);
      memcpy(decoded + 3 * HOP, decoded_again, sizeof decoded_again);
    }
  }
  assert_memory_equal(again, codes + 3 * USED, sizeof again);
  assert_memory_equal(decoded_again, decoded + 3 * HOP, sizeof decoded_again);

  // And the two halves are the whole, after a reset as at first.
  codec_state_reset(s, -1, CODEC_START_ZERO);
  int32_t whole[STEPS * USED];
  float decoded_whole[STEPS * HOP];
  assert_int_equal(codec_encode(s, f->audio, STEPS, USED, whole), STATUS_OK);
  assert_int_equal(codec_decode(s, whole, STEPS, USED, decoded_whole), STATUS_OK);
  assert_memory_equal(whole, codes, sizeof whole);
  assert_memory_equal(decoded_whole, decoded, sizeof decoded_whole);
  free(snapshot);
  codec_state_free(s);
}

static void test_codes_out_of_range_add_nothing(void **state)
{
  const fixture *f = *state;
  int32_t codes[STEPS * USED];
  float few[STEPS * HOP], masked[STEPS * HOP];
  codec_state *s = new_state(f, 1);
  assert_int_equal(codec_encode(s, f->audio, STEPS, USED, codes), STATUS_OK);
  for (int t = 0; t < STEPS; ++t) {
    codes[t * USED + USED - 1] = t % 2 ? -1 : 16;
  }
  assert_int_equal(codec_decode(s, codes, STEPS, USED, masked), STATUS_OK);
  int32_t fewer[STEPS * (USED - 1)];
  for (int t = 0; t < STEPS; ++t) {
    memcpy(fewer + t * (USED - 1), codes + t * USED, (USED - 1) * sizeof *fewer);
  }
  codec_state_reset(s, -1, CODEC_START_ZERO);
  assert_int_equal(codec_decode(s, fewer, STEPS, USED - 1, few), STATUS_OK);
  assert_memory_equal(few, masked, sizeof few);
  codec_state_free(s);
}

// ---- memory that is not there
// --------------------------------------------------------------------

static status open_and_close(void *user, error *err)
{
  const fixture *f = user;
  const codec_options wanted = options_for(f);
  codec *c = NULL;
  codec_state *s = NULL;
  status code = codec_open(&c, f->path, &wanted, err);
  if (code == STATUS_OK) {
    code = codec_state_new(&s, c, 2, 1, err);
  }
  codec_state_free(s);
  codec_unref(c);
  return code;
}

static status save(void *user, error *err)
{
  const fixture *f = user;
  lyra *net = NULL;
  char path[96];
  snprintf(path, sizeof path, "%s/again.safetensors", f->folder);
  status code = lyra_load(&net, f->path, err);
  if (code == STATUS_OK) {
    code = lyra_save(net, path, NULL, 0, err);
  }
  lyra_free(net, NULL);
  assert_int_equal(access(path, F_OK) == 0, code == STATUS_OK);
  unlink(path);
  return code;
}

static void test_every_allocation_may_fail(void **state)
{
  assert_true(failing_alloc_each(open_and_close, *state) > 100);
  assert_true(failing_alloc_each(save, *state) > 100);
}

// ---- files that are wrong
// ------------------------------------------------------------------------

static void refuse(fixture *f, const char *path, status code, const char *words)
{
  codec *c = NULL;
  error err = {0};
  const codec_options wanted = options_for(f);
  assert_int_equal(codec_open(&c, path, &wanted, &err), code);
  assert_null(c);
  if (!strstr(err.message, words) || !strstr(err.message, path)) {
    fail_msg("\"%s\" does not name %s and \"%s\"", err.message, path, words);
  }
}

/// The file with another config, without one of its tensors if `without` is not null.
static void write_variant(const fixture *f, const char *path, const char *config,
                          const char *without)
{
  safetensors st;
  error err = {0};
  assert_int_equal(safetensors_open(&st, f->path, &err), STATUS_OK);
  size_t n = st.n_tensors;
  safetensors_tensor *tensors = malloc(n * sizeof *tensors);
  assert_non_null(tensors);
  memcpy(tensors, st.tensors, n * sizeof *tensors);
  for (size_t i = 0; without && i < n; ++i) {
    if (strcmp(tensors[i].name, without) == 0) {
      tensors[i] = tensors[--n];
    }
  }
  const safetensors_pair pair = {SAFETENSORS_CONFIG_KEY, config};
  assert_int_equal(safetensors_save(path, tensors, n, &pair, 1, &err), STATUS_OK);
  free(tensors);
  safetensors_close(&st);
}

#define COMMON                                                                                     \
  "\"version\":1,\"name\":\"x\",\"rate_hz\":16000,\"n_channels\":1,\"n_codebooks\":46,"            \
  "\"codebook_size\":16,\"model_delay_samples\":0,"
#define NETWORK "\"network\":{\"latent_dim\":64,\"width\":64,\"stride_in\":16,\"strides\":[5,2,2]}"

static void test_bad_files_are_refused(void **state)
{
  fixture *f = *state;
  char path[96];
  snprintf(path, sizeof path, "%s/bad.safetensors", f->folder);
  const struct {
    const char *config, *without, *words;
    status code;
  } cases[] = {
      {"{\"kind\":\"lyra\",\"hop_samples\":320," COMMON NETWORK "}", "decoder.out.weight",
       "decoder.out.weight", STATUS_NOT_FOUND},
      {"{\"kind\":\"wavetable\",\"hop_samples\":320," COMMON NETWORK "}", NULL, "wavetable",
       STATUS_UNSUPPORTED},
      {"{\"kind\":\"lyra\",\"hop_samples\":640," COMMON NETWORK "}", NULL, "640", STATUS_FORMAT},
      {"{\"kind\":\"lyra\",\"hop_samples\":320," COMMON "\"network\":{}}", NULL, "latent_dim",
       STATUS_FORMAT},
      {"{\"kind\":\"lyra\",\"hop_samples\":640," COMMON
       "\"network\":{\"latent_dim\":64,\"width\":128,\"stride_in\":16,\"strides\":[5,4,2]}}",
       NULL, "expected shape", STATUS_FORMAT},
      {"{\"kind\":\"lyra\",\"hop_samples\":320," COMMON
       "\"network\":{\"latent_dim\":64,\"width\":65,\"stride_in\":16,\"strides\":[5,2,2]}}",
       NULL, "width is 65", STATUS_FORMAT},
      {"{\"kind\":\"lyra\",\"version\":2}", NULL, "version 2", STATUS_UNSUPPORTED},
      {"{}", NULL, "kind", STATUS_FORMAT},
      {"", NULL, "bad.safetensors", STATUS_FORMAT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    write_variant(f, path, cases[i].config, cases[i].without);
    refuse(f, path, cases[i].code, cases[i].words);
  }
  unlink(path);
  refuse(f, path, STATUS_NOT_FOUND, "bad.safetensors");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_info),
      cmocka_unit_test(test_file_keeps_every_value),
      cmocka_unit_test(test_final_hop_is_filled_with_zeros),
      cmocka_unit_test(test_snapshot_goes_on_alike),
      cmocka_unit_test(test_codes_out_of_range_add_nothing),
      cmocka_unit_test(test_every_allocation_may_fail),
      cmocka_unit_test(test_bad_files_are_refused),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
