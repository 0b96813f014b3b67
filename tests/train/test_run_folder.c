// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// What is in a run's folder, whoever was killed in it.

#include "train/run_folder.h"

#include "tests/temp_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char *path_in(const temp_folder *folder, const char *name)
{
  static char path[1200];
  snprintf(path, sizeof path, "%s/%s", folder->path, name);
  return path;
}

static void touch(const run_folder *f, const char *name)
{
  char path[RUN_PATH_BYTES];
  run_folder_file(f, name, path);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fclose(file), 0);
}

static void touch_folder(const run_folder *f, const char *name)
{
  char path[RUN_PATH_BYTES];
  run_folder_file(f, name, path);
  assert_int_equal(mkdir(path, 0777), 0);
}

static bool is_there(const run_folder *f, const char *name)
{
  char path[RUN_PATH_BYTES];
  run_folder_file(f, name, path);
  return access(path, F_OK) == 0;
}

static void open_run(run_folder *f, const temp_folder *folder, bool resume)
{
  error err = {0};
  if (run_folder_open(f, path_in(folder, "run"), resume, &err)) {
    fail_msg("%s", err.message);
  }
}

static void remove_run(const run_folder *f)
{
  char command[RUN_PATH_BYTES + 16];
  snprintf(command, sizeof command, "rm -r '%s'", f->path);
  assert_int_equal(system(command), 0);
}

static void touch_step(const run_folder *f, int step)
{
  char name[64];
  snprintf(name, sizeof name, "checkpoints/step-%08d.safetensors", step);
  touch(f, name);
}

// However many there are, and in whatever order the folder gives them.
static void the_latest_are_listed(void **state)
{
  run_folder f;
  int64_t steps[10];
  open_run(&f, *state, false);
  assert_int_equal(run_folder_list(&f, steps, 10), 0);
  for (int i = 0; i < 300; ++i) {
    touch_step(&f, i * 7919 % 300 * 10);
  }
  touch(&f, "checkpoints/step-00099990.safetensors.tmp-1-0");
  touch(&f, "checkpoints/step-99999.safetensors");
  touch_folder(&f, "checkpoints/step-00099999.safetensors");
  touch(&f, "checkpoints/best.safetensors");
  assert_int_equal(run_folder_list(&f, steps, 10), 10);
  for (int i = 0; i < 10; ++i) {
    assert_int_equal(steps[i], 2990 - 10 * i);
  }
  assert_int_equal(run_folder_list(&f, steps, 1), 1);
  assert_int_equal(steps[0], 2990);
  run_folder_close(&f);
  remove_run(&f);
}

static void only_the_latest_are_kept(void **state)
{
  run_folder f;
  int64_t steps[1500];
  open_run(&f, *state, false);
  for (int i = 0; i < 1400; ++i) {
    touch_step(&f, i);
  }
  touch(&f, "checkpoints/best.safetensors");
  run_folder_prune(&f, 3);
  assert_int_equal(run_folder_list(&f, steps, 1500), 3);
  assert_int_equal(steps[0], 1399);
  assert_int_equal(steps[2], 1397);
  assert_true(is_there(&f, "checkpoints/best.safetensors"));
  run_folder_prune(&f, 3);
  assert_int_equal(run_folder_list(&f, steps, 1500), 3);
  run_folder_close(&f);
  remove_run(&f);
}

static void leftovers_go_with_the_next_start(void **state)
{
  run_folder f;
  open_run(&f, *state, false);
  touch(&f, "recipe.ini");
  touch(&f, "recipe.ini.tmp-77-0");
  touch(&f, "set.json.tmp-77-0");
  touch(&f, "notes.tmp-of-mine");
  touch(&f, "checkpoints/step-00000010.safetensors.tmp-77-0");
  touch(&f, "checkpoints/best.safetensors.tmp-77-1");
  touch_step(&f, 10);
  run_folder_close(&f);
  open_run(&f, *state, true);
  assert_false(is_there(&f, "recipe.ini.tmp-77-0"));
  assert_false(is_there(&f, "set.json.tmp-77-0"));
  assert_false(is_there(&f, "checkpoints/step-00000010.safetensors.tmp-77-0"));
  assert_false(is_there(&f, "checkpoints/best.safetensors.tmp-77-1"));
  assert_true(is_there(&f, "notes.tmp-of-mine"));
  assert_true(is_there(&f, "checkpoints/step-00000010.safetensors"));
  run_folder_close(&f);
  remove_run(&f);
}

// Without a recipe it is no run: nothing is left of it, but what was there before.
static void what_never_began_is_forgotten(void **state)
{
  const temp_folder *folder = *state;
  run_folder f;
  open_run(&f, folder, false);
  touch_step(&f, 0);
  touch(&f, "set.json");
  run_folder_forget(&f);
  assert_int_equal(access(path_in(folder, "run"), F_OK), -1);
  open_run(&f, folder, false);
  touch(&f, "notes");
  run_folder_close(&f);
  open_run(&f, folder, false);
  run_folder_forget(&f);
  assert_true(is_there(&f, "notes"));
  assert_false(is_there(&f, "checkpoints"));
  assert_false(is_there(&f, "lock"));
  open_run(&f, folder, false);
  touch_step(&f, 0);
  touch(&f, "recipe.ini");
  run_folder_forget(&f);
  assert_true(is_there(&f, "checkpoints/step-00000000.safetensors"));
  remove_run(&f);
}

// Killed before there was a recipe: it can begin again, unless it had come further.
static void what_never_began_can_begin(void **state)
{
  error err = {0};
  run_folder f;
  const char *path = path_in(*state, "run");
  open_run(&f, *state, false);
  touch_step(&f, 0);
  run_folder_close(&f);
  assert_int_equal(run_folder_open(&f, path, true, &err), STATUS_USAGE);
  open_run(&f, *state, false);
  touch_step(&f, 4);
  run_folder_close(&f);
  assert_int_equal(run_folder_open(&f, path, false, &err), STATUS_USAGE);
  assert_int_equal(f.lock, -1);
  remove_run(&f);
}

static void one_at_a_time(void **state)
{
  error err = {0};
  run_folder f, other;
  open_run(&f, *state, false);
  touch(&f, "recipe.ini");
  assert_int_equal(run_folder_open(&other, f.path, true, &err), STATUS_USAGE);
  assert_non_null(strstr(err.message, "another process"));
  run_folder_forget(&other);
  assert_true(is_there(&f, "lock"));
  run_folder_close(&f);
  open_run(&other, *state, true);
  run_folder_close(&other);
  remove_run(&f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_latest_are_listed, temp_folder_make, temp_folder_remove),
      cmocka_unit_test_setup_teardown(only_the_latest_are_kept, temp_folder_make,
                                      temp_folder_remove),
      cmocka_unit_test_setup_teardown(leftovers_go_with_the_next_start, temp_folder_make,
                                      temp_folder_remove),
      cmocka_unit_test_setup_teardown(what_never_began_is_forgotten, temp_folder_make,
                                      temp_folder_remove),
      cmocka_unit_test_setup_teardown(what_never_began_can_begin, temp_folder_make,
                                      temp_folder_remove),
      cmocka_unit_test_setup_teardown(one_at_a_time, temp_folder_make, temp_folder_remove),
  };
  return cmocka_run_group_tests_name("run folder", tests, NULL, NULL);
}
