// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// A run knows the set that it was trained on.

#include "train/run_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/temp_folder.h"
#include "tests/train/small_set.h"

static void ok(status code, const error *err)
{
  if (code != STATUS_OK) {
    fail_msg("%s", err->message);
  }
}

/// Two sets of the same clips, cut into shards differently: their indices differ.
static dataset *open_set(const temp_folder *folder, const char *name, uint64_t shard_samples)
{
  char path[700];
  dataset *set = NULL;
  error err = {0};
  snprintf(path, sizeof path, "%s/%s", folder->path, name);
  ok(small_set_write(path, shard_samples, &err), &err);
  ok(dataset_open(&set, path, &err), &err);
  return set;
}

static void a_run_knows_its_set(void **state)
{
  const temp_folder *folder = *state;
  char path[700], found[SHA256_HEX_BYTES];
  run_folder f;
  error err = {0};
  dataset *set = open_set(folder, "a", 0), *other = open_set(folder, "b", 4000);
  assert_string_not_equal(dataset_sha256(set), dataset_sha256(other));
  snprintf(path, sizeof path, "%s/run", folder->path);
  ok(run_folder_open(&f, path, false, &err), &err);
  assert_int_equal(run_set_read(&f, found, &err), STATUS_NOT_FOUND);
  ok(run_set_check(&f, other, &err), &err); // it does not say
  ok(run_set_store(&f, set, "where/it was", &err), &err);
  ok(run_set_read(&f, found, &err), &err);
  assert_string_equal(found, dataset_sha256(set));
  ok(run_set_check(&f, set, &err), &err);
  assert_int_equal(run_set_check(&f, other, &err), STATUS_USAGE);
  assert_non_null(strstr(err.message, path));
  run_folder_close(&f);
  dataset_close(set);
  dataset_close(other);
}

static void damage_is_named(void **state)
{
  static const char *const notes[] = {"", "{", "[]", "{\"sha256\": 4}", "{\"sha256\": \"ab\"}"};
  const temp_folder *folder = *state;
  char path[700], found[SHA256_HEX_BYTES];
  run_folder f;
  error err = {0};
  snprintf(path, sizeof path, "%s/run", folder->path);
  ok(run_folder_open(&f, path, false, &err), &err);
  for (size_t i = 0; i < sizeof notes / sizeof *notes; ++i) {
    ok(run_folder_write(&f, "set.json", notes[i], &err), &err);
    assert_int_equal(run_set_read(&f, found, &err), STATUS_FORMAT);
    assert_non_null(strstr(err.message, "set.json"));
  }
  run_folder_close(&f);
}

/// Looking takes no lock and makes nothing.
static void looking_leaves_a_run_alone(void **state)
{
  const temp_folder *folder = *state;
  char path[700];
  run_folder f, viewed;
  error err = {0};
  snprintf(path, sizeof path, "%s/run", folder->path);
  assert_int_equal(run_folder_look(&viewed, path, &err), STATUS_NOT_FOUND);
  assert_int_equal(temp_folder_count(folder), 0);
  ok(run_folder_open(&f, path, false, &err), &err);
  assert_int_equal(run_folder_look(&viewed, path, &err), STATUS_NOT_FOUND); // nothing in it yet
  ok(run_folder_write(&f, "recipe.ini", "", &err), &err);
  ok(run_folder_look(&viewed, path, &err), &err);
  run_folder_close(&viewed);
  run_folder_close(&f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_run_knows_its_set, temp_folder_make, temp_folder_remove),
      cmocka_unit_test_setup_teardown(damage_is_named, temp_folder_make, temp_folder_remove),
      cmocka_unit_test_setup_teardown(looking_leaves_a_run_alone, temp_folder_make,
                                      temp_folder_remove),
  };
  return cmocka_run_group_tests_name("run set", tests, NULL, NULL);
}
