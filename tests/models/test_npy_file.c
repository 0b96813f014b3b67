// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/npy_file.h"

#include "tests/failing_alloc.h"
#include "tests/temp_folder.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

// Written by tests/reference/make_npy_fixtures.py.
#define DATA "tests/models/data/npy_"

static void expect_file(const char *name, element_type type, int rank, const int64_t *dims,
                        const float *values)
{
  npy_file file;
  error err = {0};
  if (npy_file_open(&file, source_path(name), &err)) {
    fail_msg("%s", err.message);
  }
  assert_int_equal(file.shape.type, type);
  assert_int_equal(file.shape.rank, rank);
  for (int i = 0; i < rank; ++i) {
    assert_int_equal(file.shape.dims[i], dims[i]);
  }
  float found[16];
  const size_t count = file.shape.size_bytes / element_bytes(type);
  assert_true(count <= 16);
  element_to_f32(type, file.data, count, found);
  for (size_t i = 0; i < count; ++i) {
    assert_true(found[i] == values[i]);
  }
  npy_file_close(&file);
}

static void test_fixtures(void **state)
{
  (void)state;
  const float ramp[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const int64_t dims[] = {3, 4};
  expect_file(DATA "f32.npy", ELEMENT_F32, 2, dims, ramp);
  expect_file(DATA "f64_v2.npy", ELEMENT_F64, 2, dims, ramp);
  expect_file(DATA "i64_v3.npy", ELEMENT_I64, 2, dims, ramp);
  expect_file(DATA "codes.npy", ELEMENT_U16, 2, dims, ramp);
  expect_file(DATA "i32_line.npy", ELEMENT_I32, 1, (int64_t[]){5}, ramp);
  expect_file(DATA "scalar.npy", ELEMENT_F32, 0, NULL, (float[]){2.5f});
  expect_file(DATA "empty.npy", ELEMENT_U16, 2, (int64_t[]){0, 7}, NULL);
}

static void expect_refused(const char *name, status expected, const char *words)
{
  npy_file file;
  error err = {0};
  assert_int_equal(npy_file_open(&file, source_path(name), &err), expected);
  if (!strstr(err.message, words) || !strstr(err.message, source_path(name))) {
    fail_msg("\"%s\" was expected in: %s", words, err.message);
  }
}

static void test_refused(void **state)
{
  (void)state;
  expect_refused(DATA "fortran.npy", STATUS_UNSUPPORTED, "Fortran");
  expect_refused(DATA "big_endian.npy", STATUS_UNSUPPORTED, ">f4");
  expect_refused(DATA "complex.npy", STATUS_UNSUPPORTED, "<c8");
  expect_refused(DATA "record.npy", STATUS_FORMAT, "plain type");
  expect_refused(DATA "missing.npy", STATUS_NOT_FOUND, "No such file");
  expect_refused("tests/models/test_npy_file.c", STATUS_FORMAT, "not a .npy file");
}

static void expect_header(const char *text, size_t data_bytes, status expected)
{
  uint8_t bytes[512] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
  const size_t n = strlen(text);
  bytes[8] = (uint8_t)n;
  memcpy(bytes + 10, text, n);
  npy_file file;
  error err = {0};
  const status s = npy_file_read(&file, bytes, 10 + n + data_bytes, "test", &err);
  if (s != expected) {
    fail_msg("%s: %s, %s", text, status_name(s), err.message);
  }
}

#define HEADER(shape) "{'descr': '<f4', 'fortran_order': False, 'shape': " shape ", }"

static void test_headers(void **state)
{
  (void)state;
  expect_header(HEADER("(2,)"), 8, STATUS_OK);
  expect_header(HEADER("()"), 4, STATUS_OK);
  expect_header("{\"shape\":(1,2),\"descr\":\"<f4\",\"fortran_order\":False}", 8, STATUS_OK);
  expect_header("{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }", 8, STATUS_OK);
  expect_header(HEADER("(3,)"), 8, STATUS_FORMAT);
  expect_header(HEADER("(1,)"), 8, STATUS_FORMAT);
  expect_header(HEADER("(2)"), 8, STATUS_FORMAT);
  expect_header(HEADER("(-2,)"), 8, STATUS_FORMAT);
  expect_header(HEADER("(NaN,)"), 8, STATUS_FORMAT);
  expect_header(HEADER("(1.5,)"), 8, STATUS_FORMAT);
  expect_header(HEADER("(,)"), 8, STATUS_FORMAT);
  expect_header(HEADER("(2"), 8, STATUS_FORMAT);
  expect_header(HEADER("2"), 8, STATUS_FORMAT);
  expect_header(HEADER("(9223372036854775808,)"), 8, STATUS_FORMAT);
  expect_header(HEADER("(4611686018427387904,4)"), 8, STATUS_FORMAT);
  expect_header(HEADER("(0,9223372036854775807,9223372036854775807)"), 0, STATUS_FORMAT);
  expect_header(HEADER("(1,1,1,1,1,1,1,1,2)"), 8, STATUS_UNSUPPORTED);
  expect_header(HEADER("(2,), 'shape': (2,)"), 8, STATUS_FORMAT);
  expect_header(HEADER("(2,), 'more': 1"), 8, STATUS_FORMAT);
  expect_header("{'descr': '<f4', 'shape': (2,), }", 8, STATUS_FORMAT);
  expect_header("{'descr': '', 'fortran_order': False, 'shape': (2,), }", 8, STATUS_UNSUPPORTED);
  expect_header("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,), }", 8, STATUS_FORMAT);
  expect_header(HEADER("(2,)") " x", 8, STATUS_FORMAT);
  expect_header("", 8, STATUS_FORMAT);
}

static void test_damaged(void **state)
{
  (void)state;
  file_map map;
  npy_file file;
  error err = {0};
  assert_int_equal(file_map_open(&map, source_path(DATA "codes.npy"), NULL), STATUS_OK);
  for (size_t n = 0; n < map.size_bytes; ++n) {
    uint8_t *part = malloc(n ? n : 1);
    assert_non_null(part);
    memcpy(part, map.data, n);
    assert_int_equal(npy_file_read(&file, part, n, "truncated", &err), STATUS_FORMAT);
    free(part);
  }
  uint8_t *copy = malloc(map.size_bytes);
  assert_non_null(copy);
  for (size_t bit = 0; bit < map.size_bytes * 8; ++bit) {
    memcpy(copy, map.data, map.size_bytes);
    copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    const status s = npy_file_read(&file, copy, map.size_bytes, "flipped", &err);
    assert_true(s != STATUS_OK || file.shape.size_bytes == 24);
  }
  free(copy);
  file_map_close(&map);
}

// What is written is read again, mapped and row by row, for every type.
static void test_round_trip(void **state)
{
  const temp_folder *folder = *state;
  uint8_t data[2 * 3 * 5 * 8];
  for (size_t i = 0; i < sizeof data; ++i) {
    data[i] = (uint8_t)(i * 7);
  }
  const int64_t dims[] = {2, 3, 5};
  for (int type = 0; type < ELEMENT_TYPES; ++type) {
    error err = {0};
    const status s = npy_file_save(folder->file, (element_type)type, 3, dims, data, &err);
    if (type == ELEMENT_BF16) {
      assert_int_equal(s, STATUS_USAGE);
      continue;
    }
    assert_int_equal(s, STATUS_OK);
    npy_file file;
    assert_int_equal(npy_file_open(&file, folder->file, &err), STATUS_OK);
    assert_int_equal(file.shape.type, type);
    assert_int_equal(file.shape.rank, 3);
    assert_int_equal((uintptr_t)file.data % 64, 0);
    assert_memory_equal(file.shape.dims, dims, sizeof dims);
    assert_int_equal(file.shape.size_bytes, 30 * element_bytes((element_type)type));
    assert_memory_equal(file.data, data, file.shape.size_bytes);
    npy_file_close(&file);
  }
  assert_int_equal(temp_folder_count(folder), 1);
}

static void test_rows(void **state)
{
  const temp_folder *folder = *state;
  uint16_t codes[1000][8];
  for (size_t i = 0; i < 1000; ++i) {
    for (size_t k = 0; k < 8; ++k) {
      codes[i][k] = (uint16_t)(i * 8 + k);
    }
  }
  npy_writer *w = NULL;
  error err = {0};
  assert_int_equal(npy_writer_open(&w, folder->file, ELEMENT_U16, 1, (int64_t[]){8}, &err), 0);
  for (size_t at = 0; at < 1000; at += 125) {
    assert_int_equal(npy_writer_write(w, codes[at], 125, &err), STATUS_OK);
    assert_int_equal(npy_writer_write(w, NULL, 0, &err), STATUS_OK);
  }
  assert_int_equal(npy_writer_commit(w, &err), STATUS_OK);
  byte_source source;
  npy_reader *r = NULL;
  assert_int_equal(byte_source_open(&source, folder->file, &err), STATUS_OK);
  assert_int_equal(npy_reader_open(&r, &source, &err), STATUS_OK);
  assert_int_equal(npy_reader_shape(r)->dims[0], 1000);
  uint16_t again[300][8];
  size_t at = 0;
  size_t n_read = 0;
  do {
    assert_int_equal(npy_reader_read(r, again, 300, &n_read, &err), STATUS_OK);
    if (n_read) {
      assert_memory_equal(again, codes[at], n_read * sizeof again[0]);
    }
    at += n_read;
  } while (n_read);
  assert_int_equal(at, 1000);
  npy_reader_close(r);
}

static void test_truncated_rows(void **state)
{
  const temp_folder *folder = *state;
  const uint16_t codes[20] = {0};
  error err = {0};
  assert_int_equal(npy_file_save(folder->file, ELEMENT_U16, 2, (int64_t[]){5, 4}, codes, &err), 0);
  for (off_t size = 384 + 40 - 1; size >= 0; size -= 3) {
    assert_int_equal(truncate(folder->file, size), 0);
    byte_source source;
    npy_reader *r = NULL;
    assert_int_equal(byte_source_open(&source, folder->file, &err), STATUS_OK);
    status s = npy_reader_open(&r, &source, &err);
    if (!s) {
      uint16_t rows[20];
      size_t n_read = 0;
      s = npy_reader_read(r, rows, 5, &n_read, &err);
    }
    assert_int_equal(s, STATUS_FORMAT);
    npy_reader_close(r);
  }
}

static void test_cannot_write(void **state)
{
  const temp_folder *folder = *state;
  npy_writer *w = NULL;
  error err = {0};
  assert_int_equal(npy_writer_open(&w, "/nonexistent/x.npy", ELEMENT_U16, 0, NULL, &err),
                   STATUS_NOT_FOUND);
  const int before = dup(STDOUT_FILENO);
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  dup2(ends[1], STDOUT_FILENO);
  const status s = npy_writer_open(&w, "-", ELEMENT_U16, 0, NULL, &err);
  dup2(before, STDOUT_FILENO);
  close(before);
  close(ends[0]);
  close(ends[1]);
  assert_int_equal(s, STATUS_UNSUPPORTED);
  assert_non_null(strstr(err.message, "pipe"));
  assert_int_equal(temp_folder_count(folder), 0);
}

static void test_full_disk(void **state)
{
  const temp_folder *folder = *state;
  uint8_t *data = calloc(1 << 20, 1);
  assert_non_null(data);
  struct rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  const struct rlimit small = {10000, before.rlim_max};
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  error err = {0};
  const status s = npy_file_save(folder->file, ELEMENT_U8, 1, (int64_t[]){1 << 20}, data, &err);
  setrlimit(RLIMIT_FSIZE, &before);
  free(data);
  assert_int_equal(s, STATUS_IO);
  assert_non_null(strstr(err.message, "too large"));
  assert_int_equal(temp_folder_count(folder), 0);
}

static status save_and_read(void *user, error *err)
{
  const temp_folder *folder = user;
  const uint16_t codes[6] = {1, 2, 3, 4, 5, 6};
  byte_source source;
  npy_reader *r = NULL;
  status s = npy_file_save(folder->file, ELEMENT_U16, 2, (int64_t[]){2, 3}, codes, err);
  if (!s) {
    s = byte_source_open(&source, folder->file, err);
  }
  if (!s) {
    s = npy_reader_open(&r, &source, err);
  }
  npy_reader_close(r);
  return s;
}

static void test_allocations(void **state)
{
  assert_true(failing_alloc_each(save_and_read, *state) >= 5);
  assert_int_equal(temp_folder_count(*state), 1);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, temp_folder_make, temp_folder_remove)

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fixtures), cmocka_unit_test(test_refused),
      cmocka_unit_test(test_headers),  cmocka_unit_test(test_damaged),
      in_folder(test_round_trip),      in_folder(test_rows),
      in_folder(test_truncated_rows),  in_folder(test_cannot_write),
      in_folder(test_full_disk),       in_folder(test_allocations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
