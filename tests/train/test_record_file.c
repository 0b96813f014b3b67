// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Known checksums, the bytes of a record, and a file that is whole after every failure.

#include "train/record_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/failing_alloc.h"
#include "tests/temp_folder.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/// RFC 3720, B.4, and the check value of the CRC catalogues.
static void test_crc32c(void **state)
{
  (void)state;
  uint8_t bytes[32];
  assert_int_equal(crc32c("123456789", 9), 0xE3069283u);
  assert_int_equal(crc32c("", 0), 0);
  memset(bytes, 0, sizeof bytes);
  assert_int_equal(crc32c(bytes, sizeof bytes), 0x8A9136AAu);
  memset(bytes, 0xff, sizeof bytes);
  assert_int_equal(crc32c(bytes, sizeof bytes), 0x62A8AB43u);
  for (int i = 0; i < 32; ++i) {
    bytes[i] = (uint8_t)i;
  }
  assert_int_equal(crc32c(bytes, sizeof bytes), 0x46DD794Eu);
}

static void put(record_file *f, const char *text)
{
  uint8_t *data = record_file_begin(f, strlen(text));
  assert_non_null(data);
  memcpy(data, text, strlen(text));
  record_file_seal(f);
}

static size_t read_back(const char *path, uint8_t *bytes, size_t capacity)
{
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  const size_t n = fread(bytes, 1, capacity, file);
  fclose(file);
  return n;
}

static record_file *create(const char *path)
{
  record_file *f = NULL;
  error err = {0};
  if (record_file_create(&f, path, &err)) {
    fail_msg("%s", err.message);
  }
  return f;
}

static uint32_t little(const uint8_t *bytes)
{
  return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static uint32_t masked(const void *data, size_t size_bytes)
{
  const uint32_t crc = crc32c(data, size_bytes);
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static void test_bytes(void **state)
{
  const temp_folder *folder = *state;
  uint8_t bytes[128];
  error err = {0};
  record_file *f = create(folder->file);
  put(f, "123456789");
  put(f, "");
  assert_int_equal(record_file_pending(f), 25 + 16);
  assert_int_equal(record_file_flush(f, &err), STATUS_OK);
  put(f, "x");
  assert_int_equal(record_file_flush(f, &err), STATUS_OK);
  put(f, "never flushed");
  record_file_close(f);
  assert_int_equal(read_back(folder->file, bytes, sizeof bytes), 25 + 16 + 17);
  static const uint8_t length[8] = {9};
  assert_memory_equal(bytes, length, 8);
  assert_int_equal(little(bytes + 8), masked(length, 8));
  assert_memory_equal(bytes + 12, "123456789", 9);
  // 0xE3069283, rotated right by 15, plus the constant
  assert_int_equal(little(bytes + 21), (0x2507C60Du + 0xa282ead8u) & 0xffffffffu);
  assert_int_equal(little(bytes + 25), 0);
  assert_int_equal(little(bytes + 25 + 12), 0xa282ead8u); // of nothing
  assert_int_equal(bytes[25 + 16 + 12], 'x');
}

static void test_create(void **state)
{
  const temp_folder *folder = *state;
  char path[700];
  error err = {0};
  record_file *f = create(folder->file), *second = NULL;
  assert_int_equal(record_file_create(&second, folder->file, &err), STATUS_IO);
  assert_null(second);
  assert_non_null(strstr(err.message, folder->file));
  snprintf(path, sizeof path, "%s/none/file", folder->path);
  assert_int_equal(record_file_create(&second, path, &err), STATUS_NOT_FOUND);
  record_file_discard(f);
  assert_int_equal(temp_folder_count(folder), 0);
  record_file_discard(NULL);
  record_file_close(NULL);
}

static void limit_files(rlim_t bytes)
{
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/// What does not fit is dropped whole; with room again the file goes on.
static void test_full_disk(void **state)
{
  const temp_folder *folder = *state;
  uint8_t bytes[128];
  error err = {0};
  signal(SIGXFSZ, SIG_IGN);
  record_file *f = create(folder->file);
  put(f, "one");
  assert_int_equal(record_file_flush(f, &err), STATUS_OK);
  limit_files(30);
  put(f, "two");
  put(f, "three");
  const status full = record_file_flush(f, &err);
  const size_t kept = read_back(folder->file, bytes, sizeof bytes);
  limit_files(RLIM_INFINITY);
  assert_int_equal(full, STATUS_IO);
  assert_non_null(strstr(err.message, folder->file));
  assert_int_equal(kept, 19);
  assert_int_equal(record_file_pending(f), 0);
  put(f, "four");
  assert_int_equal(record_file_flush(f, &err), STATUS_OK);
  record_file_close(f);
  assert_int_equal(read_back(folder->file, bytes, sizeof bytes), 19 + 20);
  assert_memory_equal(bytes + 12, "one", 3);
  assert_memory_equal(bytes + 19 + 12, "four", 4);
}

static status create_and_discard(void *user, error *err)
{
  const temp_folder *folder = user;
  record_file *f = NULL;
  status code = record_file_create(&f, folder->file, err);
  if (code == STATUS_OK && !record_file_begin(f, 5000)) {
    code = error_set(err, STATUS_NO_MEMORY, "no memory");
  }
  record_file_discard(f);
  return code;
}

static void test_no_memory(void **state)
{
  assert_true(failing_alloc_each(create_and_discard, *state) == 3);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_crc32c),
      cmocka_unit_test_setup_teardown(test_bytes, temp_folder_make, temp_folder_remove),
      cmocka_unit_test_setup_teardown(test_create, temp_folder_make, temp_folder_remove),
      cmocka_unit_test_setup_teardown(test_full_disk, temp_folder_make, temp_folder_remove),
      cmocka_unit_test_setup_teardown(test_no_memory, temp_folder_make, temp_folder_remove),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
