// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/torch_file.h"

#include "models/io/pickle.h"
#include "models/io/zip_file.h"
#include "tests/failing_alloc.h"
#include "tests/models/stored_zip.h"
#include "tests/temp_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Written by tests/reference/make_torch_fixtures.py.
#define DATA "tests/models/data/"

static void open_fixture(torch_file *file, const char *name)
{
  error err = {0};
  if (torch_file_open(file, source_path(name), &err)) {
    fail_msg("%s", err.message);
  }
}

static void expect_tensor(const torch_file *file, const char *name, element_type type, int rank,
                          const int64_t *dims, const float *values)
{
  const safetensors_tensor *t = torch_file_find(file, name);
  if (!t) {
    fail_msg("no tensor %s", name);
    return;
  }
  float found[64];
  size_t size_bytes = 0;
  assert_int_equal(t->type, type);
  assert_int_equal(t->rank, rank);
  assert_true(element_size(type, rank, dims, &size_bytes));
  assert_int_equal(t->size_bytes, size_bytes);
  const size_t count = size_bytes / element_bytes(type);
  assert_true(count <= 64);
  element_to_f32(type, t->data, count, found);
  for (int i = 0; i < rank; ++i) {
    assert_int_equal(t->dims[i], dims[i]);
  }
  for (size_t i = 0; i < count; ++i) {
    assert_true(found[i] == values[i]);
  }
}

static void test_types(void **state)
{
  (void)state;
  static const struct {
    const char *name;
    element_type type;
  } types[] = {
      {"types.f64", ELEMENT_F64},   {"types.f32", ELEMENT_F32}, {"types.f16", ELEMENT_F16},
      {"types.bf16", ELEMENT_BF16}, {"types.i64", ELEMENT_I64}, {"types.i32", ELEMENT_I32},
      {"types.i16", ELEMENT_I16},   {"types.i8", ELEMENT_I8},
  };
  const float ramp[] = {-2, -1, 0, 1, 2, 3};
  torch_file file;
  open_fixture(&file, DATA "torch_plain.pt");
  assert_int_equal(file.n_tensors, 18);
  for (size_t i = 0; i < sizeof types / sizeof *types; ++i) {
    expect_tensor(&file, types[i].name, types[i].type, 2, (int64_t[]){2, 3}, ramp);
  }
  expect_tensor(&file, "types.u8", ELEMENT_U8, 1, (int64_t[]){3}, (float[]){0, 7, 255});
  expect_tensor(&file, "types.bool", ELEMENT_BOOL, 1, (int64_t[]){3}, (float[]){1, 0, 1});
  torch_file_close(&file);
}

static void test_views(void **state)
{
  (void)state;
  float base[20];
  float transposed[20];
  for (int i = 0; i < 20; ++i) {
    base[i] = (float)(i - 2);
    transposed[i % 5 * 4 + i / 5] = base[i];
  }
  torch_file file;
  open_fixture(&file, DATA "torch_plain.pt");
  expect_tensor(&file, "view.base", ELEMENT_F32, 2, (int64_t[]){4, 5}, base);
  expect_tensor(&file, "view.transposed", ELEMENT_F32, 2, (int64_t[]){5, 4}, transposed);
  expect_tensor(&file, "view.rows", ELEMENT_F32, 2, (int64_t[]){2, 5}, base + 5);
  expect_tensor(&file, "view.columns", ELEMENT_F32, 2, (int64_t[]){4, 2},
                (float[]){-1, 1, 4, 6, 9, 11, 14, 16});
  expect_tensor(&file, "shape.scalar", ELEMENT_F32, 0, NULL, (float[]){2.5f});
  expect_tensor(&file, "shape.empty", ELEMENT_F32, 2, (int64_t[]){0, 3}, NULL);
  expect_tensor(&file, "shape.ones", ELEMENT_F32, 3, (int64_t[]){1, 4, 1}, (float[]){-2, -1, 0, 1});
  expect_tensor(&file, "parameter", ELEMENT_F32, 1, (int64_t[]){3}, (float[]){-2, -1, 0});
  assert_null(torch_file_find(&file, "view"));
  torch_file_close(&file);
}

static void expect_scalar(const torch_file *file, const char *name, torch_scalar_kind kind,
                          double number)
{
  const torch_scalar *sc = torch_file_find_scalar(file, name);
  assert_non_null(sc);
  assert_int_equal(sc->kind, kind);
  assert_true(sc->number == number);
}

static void test_nested(void **state)
{
  (void)state;
  torch_file file;
  open_fixture(&file, DATA "torch_nested.pt");
  assert_int_equal(file.n_tensors, 2);
  expect_tensor(&file, "best_state.a.weight", ELEMENT_F32, 2, (int64_t[]){2, 2},
                (float[]){-2, -1, 0, 1});
  expect_tensor(&file, "best_state.b.0", ELEMENT_F32, 1, (int64_t[]){2}, (float[]){-2, -1});
  expect_scalar(&file, "best_state.b.1", TORCH_INTEGER, 5);
  expect_scalar(&file, "epoch", TORCH_INTEGER, 300);
  expect_scalar(&file, "negative", TORCH_INTEGER, -70000);
  expect_scalar(&file, "large", TORCH_INTEGER, 0x1p40);
  expect_scalar(&file, "small", TORCH_INTEGER, -1);
  expect_scalar(&file, "lr", TORCH_NUMBER, 3e-4);
  expect_scalar(&file, "flag", TORCH_BOOL, 1);
  expect_scalar(&file, "none", TORCH_NONE, 0);
  expect_scalar(&file, "shape.1", TORCH_INTEGER, 2);
  assert_string_equal(torch_file_find_scalar(&file, "name")->string, "caf\xc3\xa9");
  assert_string_equal(torch_file_find_scalar(&file, "3")->string, "by number");
  assert_null(torch_file_find_scalar(&file, "missing"));
  torch_file_close(&file);
}

static void test_modules(void **state)
{
  (void)state;
  static const char *const names[] = {
      "lstm.bias_hh_l0",
      "lstm.bias_ih_l0",
      "lstm.weight_hh_l0",
      "lstm.weight_ih_l0",
      "new.bias",
      "new.parametrizations.weight.original0",
      "new.parametrizations.weight.original1",
      "old.bias",
      "old.weight_g",
      "old.weight_v",
  };
  torch_file file;
  open_fixture(&file, DATA "torch_modules.pt");
  assert_int_equal(file.n_tensors, sizeof names / sizeof *names);
  for (size_t i = 0; i < file.n_tensors; ++i) {
    assert_string_equal(file.tensors[i].name, names[i]);
  }
  const safetensors_tensor *v = torch_file_find(&file, "old.weight_v");
  assert_memory_equal(v->dims, ((int64_t[]){3, 2, 4}), 3 * sizeof(int64_t));
  torch_file_close(&file);
}

static void expect_refused(const char *name, status expected, const char *words)
{
  torch_file file;
  error err = {0};
  const char *path = source_path(name);
  assert_int_equal(torch_file_open(&file, path, &err), expected);
  if (!strstr(err.message, words) || !strstr(err.message, path)) {
    fail_msg("\"%s\" was expected in: %s", words, err.message);
  }
  assert_null(file.tensors);
}

static void test_refused(void **state)
{
  (void)state;
  expect_refused(DATA "torch_legacy.pt", STATUS_UNSUPPORTED, "before version 1.6");
  expect_refused(DATA "torch_class.pt", STATUS_UNSUPPORTED, "argparse.Namespace");
  expect_refused(DATA "torch_expanded.pt", STATUS_UNSUPPORTED, "contiguous");
  expect_refused(DATA "torch_compressed.pt", STATUS_UNSUPPORTED, "compressed");
  expect_refused(DATA "torch_protocol4.pt", STATUS_UNSUPPORTED, "protocol 4");
  expect_refused(DATA "missing.pt", STATUS_NOT_FOUND, "No such file");
  expect_refused("tests/models/test_torch_file.c", STATUS_FORMAT, "not a PyTorch file");
  expect_refused("tests/models", STATUS_IO, "not a regular file");
}

static void expect_pickle(const char *bytes, size_t n_bytes, status expected)
{
  pickle *p = NULL;
  error err = {0};
  const status s = pickle_read(&p, bytes, n_bytes, "test", &err);
  if (s != expected) {
    fail_msg("%s expected, found %s: %s", status_name(expected), status_name(s), err.message);
  }
  assert_true(s == STATUS_OK || (!p && strstr(err.message, "test: ")));
  pickle_free(p);
}

#define expect_text_pickle(text, expected) expect_pickle(text, sizeof text - 1, expected)

static void test_hostile_pickles(void **state)
{
  (void)state;
  expect_text_pickle("\x80\x02N.", STATUS_OK);
  expect_text_pickle("\x80\x02]q\x00h\x00"
                     "a.",
                     STATUS_OK); // a list that holds itself
  expect_text_pickle("", STATUS_FORMAT);
  expect_text_pickle(".", STATUS_FORMAT);
  expect_text_pickle("NN.", STATUS_FORMAT);
  expect_text_pickle("(.", STATUS_FORMAT);
  expect_text_pickle("N", STATUS_FORMAT);
  expect_text_pickle("t.", STATUS_FORMAT);
  expect_text_pickle("\x85.", STATUS_FORMAT);
  expect_text_pickle("(\x85.", STATUS_FORMAT);
  expect_text_pickle("q\x00.", STATUS_FORMAT);
  expect_text_pickle("h\x00.", STATUS_FORMAT);
  expect_text_pickle("Nr\xff\xff\xff\xff.", STATUS_UNSUPPORTED);
  expect_text_pickle("X\xff\xff\xff\xff"
                     "a.",
                     STATUS_FORMAT);
  expect_text_pickle("J\x01\x02", STATUS_FORMAT);
  expect_text_pickle("G\x01\x02", STATUS_FORMAT);
  expect_text_pickle("\x8a\xff", STATUS_FORMAT);
  expect_text_pickle("\x8a\x04\x01", STATUS_FORMAT);
  expect_text_pickle("NNa.", STATUS_FORMAT);
  expect_text_pickle("}(Nu.", STATUS_FORMAT);
  expect_text_pickle("}Nb.", STATUS_FORMAT);
  expect_text_pickle("N}b.", STATUS_FORMAT);
  expect_text_pickle("N)R.", STATUS_FORMAT);
  expect_text_pickle("NQ.", STATUS_FORMAT);
  expect_text_pickle("cos\nsystem\n(X\x02\x00\x00\x00lstR.", STATUS_UNSUPPORTED);
  expect_text_pickle("c__builtin__\neval\n.", STATUS_UNSUPPORTED);
  expect_text_pickle("ctorch\nFloatStorage", STATUS_FORMAT);
  expect_text_pickle("ctorch\nFloatStorage\n)R.", STATUS_FORMAT);
  expect_text_pickle("ctorch._utils\n_rebuild_tensor_v2\n)R.", STATUS_FORMAT);
  expect_text_pickle("ccollections\nOrderedDict\n(NtR.", STATUS_FORMAT);
  expect_text_pickle("\x80\x05N.", STATUS_UNSUPPORTED);
  expect_text_pickle("\x93.", STATUS_UNSUPPORTED);
  expect_text_pickle("i__main__\nX\n.", STATUS_UNSUPPORTED);
}

#define STORAGE_OF(count)                                                                          \
  "((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x00"                              \
  "0X\x03\x00\x00\x00"                                                                             \
  "cpuK" count "tQ"
#define TENSOR_HEAD                                                                                \
  "\x80\x02"                                                                                       \
  "ctorch._utils\n_rebuild_tensor_v2\n"

// One tensor over a storage of 6 floats: offset, dims and strides as pickled numbers.
static status read_tensor(const char *pickled, size_t n_bytes, error *err)
{
  const float values[6] = {0, 1, 2, 3, 4, 5};
  stored_zip zip;
  stored_zip_init(&zip, n_bytes + sizeof values);
  stored_zip_add(&zip, "x/data.pkl", pickled, n_bytes);
  stored_zip_add(&zip, "x/data/0", values, sizeof values);
  stored_zip_finish(&zip);
  torch_file file;
  const status s = torch_file_read(&file, zip.bytes, zip.n_bytes, false, "made", err);
  if (!s) {
    assert_int_equal(file.n_tensors, 1);
    assert_string_equal(file.tensors[0].name, "");
  }
  torch_file_close(&file);
  stored_zip_free(&zip);
  return s;
}

#define expect_view(view, expected)                                                                \
  do {                                                                                             \
    static const char text[] = TENSOR_HEAD STORAGE_OF("\x06") view "tR.";                          \
    error err = {0};                                                                               \
    const status s = read_tensor(text, sizeof text - 1, &err);                                     \
    if (s != (expected)) {                                                                         \
      fail_msg("%s: %s", #view, err.message);                                                      \
    }                                                                                              \
  } while (0)

#define HUGE_NUMBER "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"

static void test_hostile_tensors(void **state)
{
  (void)state;
  expect_view("K\x00K\x02K\x03\x86K\x03K\x01\x86", STATUS_OK);
  expect_view("K\x00K\x03K\x02\x86K\x01K\x03\x86", STATUS_OK);
  expect_view("K\x06K\x00\x85K\x01\x85", STATUS_OK);
  expect_view("K\x05))", STATUS_OK);
  expect_view("K\x06))", STATUS_FORMAT);
  expect_view("K\x07K\x00\x85K\x01\x85", STATUS_FORMAT);
  expect_view("K\x01K\x02K\x03\x86K\x03K\x01\x86", STATUS_FORMAT);
  expect_view("K\x00K\x07\x85K\x01\x85", STATUS_FORMAT);
  expect_view("K\x00K\x03\x85K\x03\x85", STATUS_FORMAT);
  expect_view("K\x00K\x03\x85)", STATUS_FORMAT);
  expect_view("J\xff\xff\xff\xffK\x01\x85K\x01\x85", STATUS_FORMAT);
  expect_view("K\x00J\xff\xff\xff\xff\x85K\x01\x85", STATUS_FORMAT);
  expect_view("K\x00K\x01\x85J\xff\xff\xff\xff\x85", STATUS_FORMAT);
  expect_view("K\x00N\x85K\x01\x85", STATUS_FORMAT);
  expect_view("K\x00G\x7f\xf8\x00\x00\x00\x00\x00\x00\x85K\x01\x85", STATUS_FORMAT); // NaN
  expect_view("K\x00" HUGE_NUMBER "\x85K\x00\x85", STATUS_FORMAT);
  expect_view("K\x00" HUGE_NUMBER HUGE_NUMBER "\x86K\x00K\x00\x86", STATUS_FORMAT);
  expect_view("K\x00K\x02K\x02\x86" HUGE_NUMBER HUGE_NUMBER "\x86", STATUS_FORMAT);
  expect_view(HUGE_NUMBER "K\x02\x85K\x01\x85", STATUS_FORMAT);
  expect_view("K\x00M\xff\xff\x85K\x00\x85", STATUS_UNSUPPORTED);
  expect_view("K\x00(K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01t"
              "(K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01t",
              STATUS_UNSUPPORTED);
  static const char short_storage[] = TENSOR_HEAD STORAGE_OF("\x07") "K\x00K\x01\x85K\x01\x85tR.";
  error err = {0};
  assert_int_equal(read_tensor(short_storage, sizeof short_storage - 1, &err), STATUS_FORMAT);
  assert_non_null(strstr(err.message, "its storage has 24 bytes"));
}

// Lists that share lists stand for 8^12 values; the walk is cut off.
static void test_exponential(void **state)
{
  (void)state;
  char text[512] = "\x80\x02](]q"; // an outer list, and in it list 0 ...
  size_t n = 7;                    // ... with the memo index 0 that follows
  for (char i = 1; i <= 12; ++i) { // list i holds list i - 1 eight times
    text[n++] = ']';
    text[n++] = '(';
    for (int k = 0; k < 8; ++k) {
      text[n++] = 'h';
      text[n++] = (char)(i - 1);
    }
    text[n++] = 'e';
    text[n++] = 'q';
    text[n++] = i;
  }
  text[n++] = 'e';
  text[n++] = '.';
  error err = {0};
  assert_int_equal(read_tensor(text, n, &err), STATUS_UNSUPPORTED);
  assert_non_null(strstr(err.message, "more than 1048576 values"));
}

static uint8_t *read_fixture(const char *name, size_t *size)
{
  file_map map;
  assert_int_equal(file_map_open(&map, source_path(name), NULL), STATUS_OK);
  uint8_t *bytes = malloc(map.size_bytes);
  assert_non_null(bytes);
  memcpy(bytes, map.data, map.size_bytes);
  *size = map.size_bytes;
  file_map_close(&map);
  return bytes;
}

static void test_truncated(void **state)
{
  (void)state;
  size_t size = 0;
  uint8_t *bytes = read_fixture(DATA "torch_nested.pt", &size);
  for (size_t n = 0; n < size; ++n) {
    uint8_t *part = malloc(n ? n : 1);
    assert_non_null(part);
    memcpy(part, bytes, n);
    torch_file file;
    error err = {0};
    assert_int_equal(torch_file_read(&file, part, n, true, "truncated", &err), STATUS_FORMAT);
    free(part);
  }
  free(bytes);
}

// Any one flipped bit is refused, or harmless: it changed nothing of what is read.
static void test_flipped(void **state)
{
  (void)state;
  size_t size = 0;
  uint8_t *bytes = read_fixture(DATA "torch_plain.pt", &size);
  torch_file whole;
  assert_int_equal(torch_file_read(&whole, bytes, size, true, "whole", NULL), STATUS_OK);
  uint8_t *copy = malloc(size);
  assert_non_null(copy);
  size_t n_refused = 0;
  for (size_t bit = 0; bit < size * 8; bit += 3) {
    memcpy(copy, bytes, size);
    copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    torch_file file;
    error err = {0};
    if (torch_file_read(&file, copy, size, true, "flipped", &err)) {
      assert_true(err.message[0]);
      ++n_refused;
      continue;
    }
    assert_int_equal(file.n_tensors, whole.n_tensors);
    for (size_t i = 0; i < file.n_tensors; ++i) {
      assert_int_equal(file.tensors[i].size_bytes, whole.tensors[i].size_bytes);
      if (file.tensors[i].size_bytes) {
        assert_memory_equal(file.tensors[i].data, whole.tensors[i].data,
                            file.tensors[i].size_bytes);
      }
    }
    torch_file_close(&file);
  }
  assert_true(n_refused > size); // of size * 8 / 3
  torch_file_close(&whole);
  free(copy);
  free(bytes);
}

static status open_and_close(void *user, error *err)
{
  torch_file file;
  const status s = torch_file_open(&file, user, err);
  torch_file_close(&file);
  return s;
}

static void test_allocations(void **state)
{
  (void)state;
  char path[1024];
  snprintf(path, sizeof path, "%s", source_path(DATA "torch_nested.pt"));
  assert_true(failing_alloc_each(open_and_close, path) >= 10);
  snprintf(path, sizeof path, "%s", source_path(DATA "torch_plain.pt"));
  assert_true(failing_alloc_each(open_and_close, path) >= 10);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_types),           cmocka_unit_test(test_views),
      cmocka_unit_test(test_nested),          cmocka_unit_test(test_modules),
      cmocka_unit_test(test_refused),         cmocka_unit_test(test_hostile_pickles),
      cmocka_unit_test(test_hostile_tensors), cmocka_unit_test(test_exponential),
      cmocka_unit_test(test_truncated),       cmocka_unit_test(test_flipped),
      cmocka_unit_test(test_allocations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
