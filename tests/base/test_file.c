// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/file.h"

#include "tests/failing_alloc.h"
#include "tests/temp_folder.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void write_text(const char *path, const char *text)
{
  FILE *stream = fopen(path, "w");
  assert_non_null(stream);
  assert_true(fputs(text, stream) >= 0);
  assert_int_equal(fclose(stream), 0);
}

static void expect_text(const char *path, const char *text)
{
  file_map map;
  error err = {0};
  if (file_map_open(&map, path, &err)) {
    fail_msg("%s", err.message);
  }
  assert_int_equal(map.size_bytes, strlen(text));
  assert_memory_equal(map.data, text, strlen(text));
  file_map_close(&map);
}

static void test_map(void **state)
{
  const temp_folder *folder = *state;
  file_map map;
  error err = {0};
  write_text(folder->file, "some bytes");
  expect_text(folder->file, "some bytes");
  write_text(folder->file, "");
  assert_int_equal(file_map_open(&map, folder->file, &err), STATUS_OK);
  assert_null(map.data);
  assert_int_equal(map.size_bytes, 0);
  file_map_close(&map);
  file_map_close(&map);
}

static void expect_unmapped(const char *path, status expected)
{
  file_map map;
  error err = {0};
  assert_int_equal(file_map_open(&map, path, &err), expected);
  assert_int_equal(err.code, expected);
  assert_non_null(strstr(err.message, path));
  assert_null(map.data);
}

static void test_map_refused(void **state)
{
  const temp_folder *folder = *state;
  char path[700];
  expect_unmapped(folder->file, STATUS_NOT_FOUND);
  expect_unmapped(folder->path, STATUS_IO);
  expect_unmapped("/dev/null", STATUS_IO);
  assert_int_equal(mkfifo(folder->file, 0600), 0);
  expect_unmapped(folder->file, STATUS_IO); // and does not wait for a writer
  unlink(folder->file);
  write_text(folder->file, "x");
  snprintf(path, sizeof path, "%s/below", folder->file);
  expect_unmapped(path, STATUS_NOT_FOUND);
  chmod(folder->file, 0);
  if (access(folder->file, R_OK) != 0) { // root reads everything
    expect_unmapped(folder->file, STATUS_IO);
  }
}

static void test_save(void **state)
{
  const temp_folder *folder = *state;
  file_save save;
  error err = {0};
  write_text(folder->file, "old");
  assert_int_equal(file_save_open(&save, folder->file, &err), STATUS_OK);
  assert_true(fputs("new", save.stream) >= 0);
  fflush(save.stream);
  expect_text(folder->file, "old");
  assert_int_equal(temp_folder_count(folder), 2);
  assert_int_equal(file_save_commit(&save, &err), STATUS_OK);
  expect_text(folder->file, "new");
  assert_int_equal(temp_folder_count(folder), 1);
  file_save_abort(&save);
  expect_text(folder->file, "new");
}

static void test_abort(void **state)
{
  const temp_folder *folder = *state;
  file_save save;
  write_text(folder->file, "old");
  assert_int_equal(file_save_open(&save, folder->file, NULL), STATUS_OK);
  assert_true(fputs("new", save.stream) >= 0);
  file_save_abort(&save);
  file_save_abort(&save);
  expect_text(folder->file, "old");
  assert_int_equal(temp_folder_count(folder), 1);
}

// Two saves of one name at a time do not mix; the later commit stands.
static void test_two_at_once(void **state)
{
  const temp_folder *folder = *state;
  file_save first;
  file_save second;
  assert_int_equal(file_save_open(&first, folder->file, NULL), STATUS_OK);
  assert_int_equal(file_save_open(&second, folder->file, NULL), STATUS_OK);
  assert_true(fputs("first", first.stream) >= 0);
  assert_true(fputs("second", second.stream) >= 0);
  assert_int_equal(file_save_commit(&second, NULL), STATUS_OK);
  assert_int_equal(file_save_commit(&first, NULL), STATUS_OK);
  expect_text(folder->file, "first");
  assert_int_equal(temp_folder_count(folder), 1);
}

static void expect_unsaved(const char *path, status expected)
{
  file_save save;
  error err = {0};
  assert_int_equal(file_save_open(&save, path, &err), expected);
  assert_non_null(strstr(err.message, path));
  assert_null(save.stream);
}

static void test_save_refused(void **state)
{
  const temp_folder *folder = *state;
  char path[700];
  snprintf(path, sizeof path, "%s/none/x", folder->path);
  expect_unsaved(path, STATUS_NOT_FOUND);
  expect_unsaved(folder->path, STATUS_IO);
  expect_unsaved("/dev/full", STATUS_IO);
  assert_int_equal(mkfifo(folder->file, 0600), 0);
  expect_unsaved(folder->file, STATUS_IO);
  assert_int_equal(temp_folder_count(folder), 1);
}

// Buffered bytes that no longer fit show only when the save is committed.
static void test_full_disk(void **state)
{
  const temp_folder *folder = *state;
  struct rlimit before;
  file_save save;
  error err = {0};
  write_text(folder->file, "old");
  getrlimit(RLIMIT_FSIZE, &before);
  const struct rlimit small = {10, before.rlim_max};
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  status s = file_save_open(&save, folder->file, &err);
  if (!s) {
    assert_true(fputs("more than ten bytes", save.stream) >= 0);
    s = file_save_commit(&save, &err);
  }
  setrlimit(RLIMIT_FSIZE, &before);
  assert_int_equal(s, STATUS_IO);
  assert_non_null(strstr(err.message, "too large"));
  expect_text(folder->file, "old");
  assert_int_equal(temp_folder_count(folder), 1);
}

// Killed in the middle, a save leaves the old file; the next one gets past what was left behind.
static void test_killed(void **state)
{
  const temp_folder *folder = *state;
  write_text(folder->file, "old");
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    file_save save;
    if (!file_save_open(&save, folder->file, NULL)) {
      fputs("half", save.stream);
      fflush(save.stream);
      raise(SIGKILL);
    }
    _exit(1);
  }
  int how = 0;
  waitpid(child, &how, 0);
  assert_true(WIFSIGNALED(how));
  expect_text(folder->file, "old");
  assert_int_equal(temp_folder_count(folder), 2);
  file_save save;
  assert_int_equal(file_save_open(&save, folder->file, NULL), STATUS_OK);
  assert_true(fputs("new", save.stream) >= 0);
  assert_int_equal(file_save_commit(&save, NULL), STATUS_OK);
  expect_text(folder->file, "new");
}

static status save_once(void *user, error *err)
{
  const temp_folder *folder = user;
  file_save save;
  const status s = file_save_open(&save, folder->file, err);
  return s ? s : file_save_commit(&save, err);
}

static void test_allocations(void **state)
{
  assert_true(failing_alloc_each(save_once, *state) >= 2);
  assert_int_equal(temp_folder_count(*state), 1);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, temp_folder_make, temp_folder_remove)

int main(void)
{
  const struct CMUnitTest tests[] = {
      in_folder(test_map),       in_folder(test_map_refused), in_folder(test_save),
      in_folder(test_abort),     in_folder(test_two_at_once), in_folder(test_save_refused),
      in_folder(test_full_disk), in_folder(test_killed),      in_folder(test_allocations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
