// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/data_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/temp_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_home(void **state)
{
  (void)state;
  char path[PATH_BYTES];
  setenv("HOME", "/home/a", 1);
  unsetenv("XDG_DATA_HOME");
  setenv("XDG_STATE_HOME", "", 1);
  assert_true(data_home_folder("models", path));
  assert_string_equal(path, "/home/a/.local/share/continuo/models");
  assert_true(state_home_folder("last", path));
  assert_string_equal(path, "/home/a/.local/state/continuo/last");
  setenv("XDG_DATA_HOME", "/x", 1);
  setenv("XDG_STATE_HOME", "/y", 1);
  assert_true(data_home_folder("models", path));
  assert_string_equal(path, "/x/continuo/models");
  assert_true(state_home_folder("last", path));
  assert_string_equal(path, "/y/continuo/last");
  setenv("XDG_DATA_HOME", "relative", 1); // does not count
  assert_true(data_home_folder("models", path));
  assert_string_equal(path, "/home/a/.local/share/continuo/models");
  unsetenv("HOME");
  assert_false(data_home_folder("models", path));
  setenv("HOME", "/home/a", 1);
}

static void test_system(void **state)
{
  (void)state;
  char path[PATH_BYTES];
  setenv("XDG_DATA_DIRS", "/a::b:/c", 1);
  assert_true(data_system_folder("models", "presets/models", 0, path));
  assert_string_equal(path, "/a/continuo/models");
  assert_true(data_system_folder("models", "presets/models", 1, path));
  assert_string_equal(path, "/c/continuo/models");
  assert_true(data_system_folder("models", "presets/models", 2, path)); // the tests run in its tree
  assert_string_equal(path + strlen(path) - 15, "/presets/models");
  assert_int_equal(access(path, R_OK), 0);
  assert_false(data_system_folder("models", "presets/models", 3, path));
  assert_false(data_system_folder("models", "no/such/folder", 2, path));
  unsetenv("XDG_DATA_DIRS");
  assert_true(data_system_folder("models", "presets/models", 1, path));
  assert_string_equal(path, "/usr/share/continuo/models");
}

static void test_make(void **state)
{
  const temp_folder *folder = *state;
  char path[PATH_BYTES], above[PATH_BYTES];
  struct stat info;
  error err = {0};
  snprintf(above, sizeof above, "%s/a", folder->path);
  snprintf(path, sizeof path, "%s/a/b", folder->path);
  assert_int_equal(data_folder_make(path, &err), STATUS_OK);
  assert_int_equal(data_folder_make(path, &err), STATUS_OK);
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0700);
  rmdir(path);
  rmdir(above);
  FILE *f = fopen(folder->file, "w");
  assert_non_null(f);
  fclose(f);
  snprintf(path, sizeof path, "%s/b", folder->file);
  assert_int_equal(data_folder_make(path, &err), STATUS_NOT_FOUND);
  assert_non_null(strstr(err.message, path));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_home),
      cmocka_unit_test(test_system),
      cmocka_unit_test_setup_teardown(test_make, temp_folder_make, temp_folder_remove),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
