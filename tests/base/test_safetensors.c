// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/safetensors.h"

#include "base/random.h"
#include "tests/failing_alloc.h"
#include "tests/temp_folder.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const float weights[6] = {1.0f, -2.0f, 0.5f, 0.0f, 3.0f, 1e-20f};
static const int32_t ints[2] = {-7, 9};
static const uint16_t halves[4] = {0x3c00, 0x0001, 0xfc00, 0xc500}; // 1, 2^-24, -inf, -5
static const uint8_t bytes[3] = {1, 2, 255};

static const safetensors_tensor sample[] = {
    {"encoder.b", ELEMENT_U8, 1, {3}, bytes, sizeof bytes},
    {"encoder.a", ELEMENT_F32, 2, {2, 3}, weights, sizeof weights},
    {"decoder.h", ELEMENT_F16, 1, {4}, halves, sizeof halves},
    {"decoder.i", ELEMENT_I32, 1, {2}, ints, sizeof ints},
    {"empty", ELEMENT_F32, 2, {0, 5}, NULL, 0},
};
#define N_SAMPLE (sizeof sample / sizeof *sample)

static const safetensors_pair sample_metadata[] = {
    {"format", "pt"},
    {SAFETENSORS_CONFIG_KEY, "{\"kind\":\"seanet\",\"rate_hz\":24000}"},
};

static void save_sample(const temp_folder *f)
{
  error err = {0};
  if (safetensors_save(f->file, sample, N_SAMPLE, sample_metadata, 2, &err)) {
    fail_msg("%s", err.message);
  }
}

static void test_round_trip(void **state)
{
  const temp_folder *f = *state;
  save_sample(f);
  safetensors st;
  error err = {0};
  assert_int_equal(safetensors_open(&st, f->file, &err), STATUS_OK);
  assert_int_equal(st.n_tensors, N_SAMPLE);
  for (size_t i = 0; i < N_SAMPLE; ++i) {
    const safetensors_tensor *t = safetensors_find(&st, sample[i].name);
    assert_non_null(t);
    assert_int_equal(t->type, sample[i].type);
    assert_int_equal(t->rank, sample[i].rank);
    assert_memory_equal(t->dims, sample[i].dims, sizeof t->dims);
    assert_int_equal(t->size_bytes, sample[i].size_bytes);
    assert_int_equal((uintptr_t)t->data % element_bytes(t->type), 0);
    if (t->size_bytes) {
      assert_memory_equal(t->data, sample[i].data, t->size_bytes);
    }
  }
  assert_null(safetensors_find(&st, "encoder"));
  assert_string_equal(safetensors_metadata(&st, "format"), "pt");
  assert_null(safetensors_metadata(&st, "other"));
  json *config = NULL;
  int64_t rate_hz = 0;
  assert_int_equal(safetensors_config(&st, &config, &err), STATUS_OK);
  assert_int_equal(json_need_integer(config, "rate_hz", 1, 768000, &rate_hz, &err), STATUS_OK);
  assert_int_equal(rate_hz, 24000);
  json_free(config);
  safetensors_close(&st);
}

static void test_read_f32(void **state)
{
  const temp_folder *f = *state;
  save_sample(f);
  safetensors st;
  error err = {0};
  float out[6];
  assert_int_equal(safetensors_open(&st, f->file, &err), STATUS_OK);
  assert_int_equal(safetensors_read_f32(&st, "encoder.a", 2, (int64_t[]){2, 3}, out, &err), 0);
  assert_memory_equal(out, weights, sizeof weights);
  assert_int_equal(safetensors_read_f32(&st, "decoder.h", 1, (int64_t[]){4}, out, &err), 0);
  assert_true(out[0] == 1.0f && out[1] == 0x1p-24f && out[2] < -3e38f && out[3] == -5.0f);
  assert_int_equal(safetensors_read_f32(&st, "decoder.i", 1, (int64_t[]){2}, out, &err), 0);
  assert_true(out[0] == -7.0f && out[1] == 9.0f);
  assert_int_equal(safetensors_read_f32(&st, "encoder.b", 1, (int64_t[]){3}, out, &err), 0);
  assert_true(out[2] == 255.0f);
  assert_int_equal(safetensors_read_f32(&st, "encoder.a", 2, (int64_t[]){3, 2}, out, &err),
                   STATUS_FORMAT);
  assert_non_null(strstr(err.message, "\"encoder.a\": expected shape [3, 2], found [2, 3]"));
  assert_non_null(strstr(err.message, f->file));
  assert_int_equal(safetensors_read_f32(&st, "none", 1, (int64_t[]){3}, out, &err),
                   STATUS_NOT_FOUND);
  safetensors_close(&st);
}

// Every 16-bit float, against arithmetic on its fields.
static void test_half_and_bfloat(void **state)
{
  (void)state;
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const uint16_t word = (uint16_t)bits;
    const int exponent = (int)(bits >> 10 & 31);
    const float sign = bits & 0x8000 ? -1.0f : 1.0f;
    const float fraction = (float)(bits & 0x3ff);
    float value;
    element_to_f32(ELEMENT_F16, &word, 1, &value);
    if (exponent == 31) {
      assert_true(fraction == 0.0f ? value * sign > 3.4e38f : value != value);
    } else {
      float expected = exponent ? fraction + 1024.0f : fraction;
      for (int e = exponent ? exponent : 1; e < 25; ++e) {
        expected *= 0.5f;
      }
      for (int e = 25; e < exponent; ++e) {
        expected *= 2.0f;
      }
      assert_true(value == sign * expected);
    }
    element_to_f32(ELEMENT_BF16, &word, 1, &value);
    const uint32_t wide = bits << 16;
    assert_memory_equal(&value, &wide, sizeof value);
  }
}

static void read_all(const char *path, uint8_t **data, size_t *size)
{
  file_map map;
  assert_int_equal(file_map_open(&map, path, NULL), STATUS_OK);
  *data = malloc(map.size_bytes);
  assert_non_null(*data);
  memcpy(*data, map.data, map.size_bytes);
  *size = map.size_bytes;
  file_map_close(&map);
}

// The same content in another order gives the same bytes; so does saving twice.
static void test_deterministic(void **state)
{
  const temp_folder *f = *state;
  uint8_t *first;
  uint8_t *second;
  size_t sizes[2];
  save_sample(f);
  read_all(f->file, &first, &sizes[0]);
  safetensors_tensor turned[N_SAMPLE];
  for (size_t i = 0; i < N_SAMPLE; ++i) {
    turned[i] = sample[N_SAMPLE - 1 - i];
  }
  const safetensors_pair metadata[] = {sample_metadata[1], sample_metadata[0]};
  assert_int_equal(safetensors_save(f->file, turned, N_SAMPLE, metadata, 2, NULL), STATUS_OK);
  read_all(f->file, &second, &sizes[1]);
  assert_int_equal(sizes[0], sizes[1]);
  assert_memory_equal(first, second, sizes[0]);
  assert_int_equal(temp_folder_count(f), 1);
  free(first);
  free(second);
}

static void test_hash(void **state)
{
  (void)state;
  char all[SHA256_HEX_BYTES];
  char encoder[SHA256_HEX_BYTES];
  char again[SHA256_HEX_BYTES];
  const char *encoder_prefix[] = {"encoder."};
  const char *no_prefix[] = {""};
  assert_int_equal(safetensors_hash(sample, N_SAMPLE, no_prefix, 1, all, NULL), STATUS_OK);
  assert_int_equal(safetensors_hash(sample, N_SAMPLE, encoder_prefix, 1, encoder, NULL), STATUS_OK);
  assert_string_not_equal(all, encoder);
  safetensors_tensor only[] = {sample[1], sample[0], sample[2]}; // other order, other decoder
  assert_int_equal(safetensors_hash(only, 3, encoder_prefix, 1, again, NULL), STATUS_OK);
  assert_string_equal(encoder, again);
  only[0].dims[0] = 3;
  only[0].dims[1] = 2;
  assert_int_equal(safetensors_hash(only, 3, encoder_prefix, 1, again, NULL), STATUS_OK);
  assert_string_not_equal(encoder, again);
}

static void expect_refused(const char *header, size_t data_bytes, status expected)
{
  const uint64_t length = strlen(header);
  const size_t size = 8 + (size_t)length + data_bytes;
  uint8_t *file = calloc(size, 1);
  assert_non_null(file);
  memcpy(file, &length, 8);
  memcpy(file + 8, header, (size_t)length);
  safetensors st;
  error err = {0};
  const status s = safetensors_read(&st, file, size, "bad.safetensors", &err);
  if (s != expected) {
    fail_msg("%s: status %s, %s", header, status_name(s), err.message);
  }
  assert_non_null(strstr(err.message, "bad.safetensors: "));
  free(file);
}

#define TENSOR(name, type, shape, offsets)                                                         \
  "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void test_refused(void **state)
{
  (void)state;
  static const char *const headers[] = {
      "[]",
      "{\"a\":1}",
      "{\"a\":{}}",
      "{\"__metadata__\":[]}",
      "{\"__metadata__\":{\"a\":1}}",
      "{" TENSOR("a", "F32", "3", "[0,8]") "}",
      "{" TENSOR("a", "F32", "[-1]", "[0,8]") "}",
      "{" TENSOR("a", "F32", "[1.5]", "[0,8]") "}",
      "{" TENSOR("a", "F32", "[\"NaN\"]", "[0,8]") "}",
      "{" TENSOR("a", "F32", "[null]", "[0,8]") "}",
      "{" TENSOR("a", "F32", "[NaN]", "[0,8]") "}",
      "{" TENSOR("a", "F32", "[4611686018427387904,4]", "[0,8]") "}",
      "{" TENSOR("a", "F32", "[4611686018427387904]", "[0,8]") "}",
      "{" TENSOR("a", "F32", "[0,9223372036854775807,9223372036854775807]", "[0,0]") "}",
      "{" TENSOR("a", "F32", "[3]", "[0,8]") "}",
      "{" TENSOR("a", "F32", "[2]", "[8,0]") "}",
      "{" TENSOR("a", "F32", "[2]", "[-8,0]") "}",
      "{" TENSOR("a", "F32", "[2]", "[0]") "}",
      "{" TENSOR("a", "F32", "[2]", "[4,12]") "}",
      "{" TENSOR("a", "F32", "[2]", "[0,9223372036854775807]") "}",
      "{" TENSOR("a", "F32", "[1]", "[0,4]") "}",
      "{" TENSOR("a", "F32", "[1]", "[4,8]") "}",
      "{" TENSOR("a", "F32", "[2]", "[0,8]") "," TENSOR("b", "F32", "[1]", "[4,8]") "}",
      "{" TENSOR("a", "F32", "[2]", "[0,8]") "," TENSOR("b", "F32", "[2]", "[0,8]") "}",
      "{" TENSOR("a", "F32", "[2]", "[0,8]") "," TENSOR("a", "F32", "[0]", "[8,8]") "}",
      "{" TENSOR("a", "F32", "[2]", "[0,8]"),
      " {" TENSOR("a", "F32", "[2]", "[0,8]") "}",
  };
  for (size_t i = 0; i < sizeof headers / sizeof *headers; ++i) {
    expect_refused(headers[i], 8, STATUS_FORMAT);
  }
  expect_refused("{" TENSOR("a", "F8_E4M3", "[8]", "[0,8]") "}", 8, STATUS_UNSUPPORTED);
  expect_refused("{" TENSOR("a", "U8", "[8,1,1,1,1,1,1,1,1]", "[0,8]") "}", 8, STATUS_UNSUPPORTED);
}

static void test_damaged(void **state)
{
  const temp_folder *f = *state;
  uint8_t *file;
  size_t size;
  save_sample(f);
  read_all(f->file, &file, &size);
  safetensors st;
  for (size_t n = 0; n < size; ++n) { // an exact copy, so that address sanitizers see every byte
    uint8_t *part = malloc(n ? n : 1);
    assert_non_null(part);
    memcpy(part, file, n);
    error err = {0};
    assert_int_equal(safetensors_read(&st, part, n, "truncated", &err), STATUS_FORMAT);
    assert_true(err.message[0]);
    free(part);
  }
  for (size_t bit = 0; bit < size * 8; ++bit) {
    file[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    error err = {0};
    const status s = safetensors_read(&st, file, size, "flipped", &err);
    assert_true(s == STATUS_OK || err.message[0]);
    safetensors_close(&st);
    file[bit / 8] ^= (uint8_t)(1u << (bit % 8));
  }
  free(file);
}

static void test_wrong_files(void **state)
{
  const temp_folder *f = *state;
  safetensors st;
  error err = {0};
  assert_int_equal(safetensors_open(&st, f->file, &err), STATUS_NOT_FOUND);
  assert_int_equal(safetensors_open(&st, f->path, &err), STATUS_IO);
  FILE *stream = fopen(f->file, "w");
  assert_non_null(stream);
  fclose(stream);
  assert_int_equal(safetensors_open(&st, f->file, &err), STATUS_FORMAT);
  assert_non_null(strstr(err.message, f->file));
}

static void test_save_refused(void **state)
{
  const temp_folder *f = *state;
  error err = {0};
  safetensors_tensor bad = sample[1];
  bad.dims[1] = 4;
  assert_int_equal(safetensors_save(f->file, &bad, 1, NULL, 0, &err), STATUS_USAGE);
  const safetensors_tensor twice[] = {sample[0], sample[1], sample[0]};
  assert_int_equal(safetensors_save(f->file, twice, 3, NULL, 0, &err), STATUS_USAGE);
  assert_int_equal(temp_folder_count(f), 0);
  assert_int_equal(safetensors_save("/nonexistent/x.safetensors", sample, 1, NULL, 0, &err),
                   STATUS_NOT_FOUND);
}

static const float *big_data(void)
{
  return calloc((size_t)1 << 20, sizeof(float));
}

// A full disk (here: a limit on file size) leaves the old file whole and nothing beside it.
static void test_full_disk(void **state)
{
  const temp_folder *f = *state;
  save_sample(f);
  const float *data = big_data();
  assert_non_null(data);
  const safetensors_tensor big = {"big", ELEMENT_F32, 1, {1 << 20}, data, (size_t)4 << 20};
  struct rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  const struct rlimit small = {100000, before.rlim_max};
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  error err = {0};
  const status s = safetensors_save(f->file, &big, 1, NULL, 0, &err);
  setrlimit(RLIMIT_FSIZE, &before);
  assert_int_equal(s, STATUS_IO);
  assert_non_null(strstr(err.message, f->file));
  assert_int_equal(temp_folder_count(f), 1);
  safetensors st;
  assert_int_equal(safetensors_open(&st, f->file, &err), STATUS_OK);
  assert_int_equal(st.n_tensors, N_SAMPLE);
  safetensors_close(&st);
  free((void *)(uintptr_t)data);
}

// Killed at any moment of a save, the final name holds the old file or the new one, whole.
static void test_kill_while_saving(void **state)
{
  const temp_folder *f = *state;
  save_sample(f);
  const float *data = big_data();
  assert_non_null(data);
  const safetensors_tensor big = {"big", ELEMENT_F32, 1, {1 << 20}, data, (size_t)4 << 20};
  for (int round = 0; round < 12; ++round) {
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      for (;;) {
        (void)safetensors_save(f->file, &big, 1, NULL, 0, NULL);
      }
    }
    usleep((useconds_t)(500 + random_bits(5, 0, (uint64_t)round) % 20000));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    safetensors st;
    error err = {0};
    if (safetensors_open(&st, f->file, &err)) {
      fail_msg("after a kill: %s", err.message);
    }
    assert_true(st.n_tensors == N_SAMPLE || st.n_tensors == 1);
    safetensors_close(&st);
  }
  free((void *)(uintptr_t)data);
}

static status open_and_close(void *user, error *err)
{
  const temp_folder *f = user;
  safetensors st;
  const status s = safetensors_open(&st, f->file, err);
  safetensors_close(&st);
  return s;
}

static status save_again(void *user, error *err)
{
  const temp_folder *f = user;
  return safetensors_save(f->file, sample, N_SAMPLE, sample_metadata, 2, err);
}

static void test_allocations(void **state)
{
  save_sample(*state);
  assert_true(failing_alloc_each(open_and_close, *state) >= 3);
  assert_true(failing_alloc_each(save_again, *state) >= 4);
  assert_int_equal(temp_folder_count(*state), 1);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, temp_folder_make, temp_folder_remove)

int main(void)
{
  const struct CMUnitTest tests[] = {
      in_folder(test_round_trip),
      in_folder(test_read_f32),
      cmocka_unit_test(test_half_and_bfloat),
      in_folder(test_deterministic),
      cmocka_unit_test(test_hash),
      cmocka_unit_test(test_refused),
      in_folder(test_damaged),
      in_folder(test_wrong_files),
      in_folder(test_save_refused),
      in_folder(test_full_disk),
      in_folder(test_kill_while_saving),
      in_folder(test_allocations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
