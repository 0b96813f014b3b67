// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The three layers, in a folder of the test's own.

#include "engine/preset_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/failing_alloc.h"
#include "tests/temp_folder.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// Layers in `folder`: data/continuo/presets, sys1 and sys2 alike, state/continuo/last.
static void enter(const temp_folder *folder)
{
  char text[2000];
  setenv("HOME", folder->path, 1);
  snprintf(text, sizeof text, "%s/data", folder->path);
  setenv("XDG_DATA_HOME", text, 1);
  snprintf(text, sizeof text, "%s/state", folder->path);
  setenv("XDG_STATE_HOME", text, 1);
  snprintf(text, sizeof text, "%s/sys1:%s/sys2", folder->path, folder->path);
  setenv("XDG_DATA_DIRS", text, 1);
}

static int layers_make(void **state)
{
  const int code = temp_folder_make(state);
  if (code == 0) {
    enter(*state);
  }
  return code;
}

static int layers_remove(void **state)
{
  const temp_folder *folder = *state;
  char command[700];
  snprintf(command, sizeof command, "rm -rf '%s'/*", folder->path);
  return system(command) | temp_folder_remove(state); // NOLINT: a path of our own making
}

/// Put a preset called `title` at folder/below/name.
static void put(const temp_folder *folder, const char *below, const char *name, const char *title)
{
  char path[PATH_BYTES];
  preset p;
  error err = {0};
  preset_init(&p);
  strcpy(p.name, title);
  snprintf(path, sizeof path, "%s/%s", folder->path, below);
  assert_int_equal(data_folder_make(path, NULL), STATUS_OK);
  snprintf(path + strlen(path), 200, "/%s", name);
  if (preset_save(&p, path, &err)) {
    fail_msg("%s", err.message);
  }
}

static void expect_title(const char *name, const char *title)
{
  char path[PATH_BYTES];
  preset p;
  error err = {0};
  if (preset_find(name, path, &err) || preset_load(&p, path, &err)) {
    fail_msg("%s", err.message);
  }
  assert_string_equal(p.name, title);
}

static void test_names(void **state)
{
  (void)state;
  static const char *const good[] = {"a", "soft echo", "Öd", "a.b", "ini", "lasting", "a;b=c"};
  static const char *const bad[] = {"",    ".",     "..",    ".a",   "a/b", "a:b",
                                    "a\n", "a\xff", "x.ini", ".ini", "last"};
  for (int i = 0; i < 7; ++i) {
    assert_true(preset_is_name(good[i]));
  }
  for (int i = 0; i < 11; ++i) {
    assert_false(preset_is_name(bad[i]));
  }
  char longest[PRESET_NAME_BYTES + 1];
  memset(longest, 'a', sizeof longest);
  longest[PRESET_NAME_BYTES] = '\0';
  assert_false(preset_is_name(longest));
  longest[PRESET_NAME_BYTES - 1] = '\0';
  assert_true(preset_is_name(longest));
}

static void test_user_hides_factory(void **state)
{
  const temp_folder *folder = *state;
  char path[PATH_BYTES];
  error err = {0};
  put(folder, "sys2/continuo/presets", "a.ini", "second");
  expect_title("a", "second");
  put(folder, "sys1/continuo/presets", "a.ini", "first");
  expect_title("a", "first");
  put(folder, "data/continuo/presets", "a.ini", "mine");
  expect_title("a", "mine");
  assert_int_equal(preset_find("b", path, &err), STATUS_NOT_FOUND);
  assert_non_null(strstr(err.message, "\"b\""));
  assert_non_null(strstr(err.message, "list presets"));
  assert_string_equal(path, "");
  // A path is a path, there or not.
  assert_int_equal(preset_find("./b", path, &err), STATUS_OK);
  assert_string_equal(path, "./b");
  assert_int_equal(preset_find("b.ini", path, &err), STATUS_OK);
  assert_string_equal(path, "b.ini");
  assert_int_equal(preset_find("../../sys1", path, &err), STATUS_OK);
  assert_int_equal(preset_find(".a", path, &err), STATUS_NOT_FOUND);
}

static void test_the_source_tree_has_some(void **state)
{
  (void)state;
  char path[PATH_BYTES];
  error err = {0};
  if (preset_find("mirror", path, &err)) {
    fail_msg("%s", err.message);
  }
  assert_non_null(strstr(path, "/presets/mirror.ini"));
}

static void test_store(void **state)
{
  (void)state;
  char path[PATH_BYTES], found[PATH_BYTES];
  preset p;
  error err = {0};
  preset_init(&p);
  strcpy(p.name, "Title");
  assert_int_equal(preset_store(&p, PRESET_USER, "soft echo", path, &err), STATUS_OK);
  assert_non_null(strstr(path, "/data/continuo/presets/soft echo.ini"));
  expect_title("soft echo", "Title");
  assert_int_equal(preset_store(&p, PRESET_USER, "a/b", path, &err), STATUS_USAGE);
  assert_int_equal(preset_store(&p, PRESET_USER, "last", path, &err), STATUS_USAGE);
  assert_int_equal(preset_store(&p, PRESET_FACTORY, "x", path, &err), STATUS_USAGE);
  assert_int_equal(preset_find("last", found, &err), STATUS_NOT_FOUND);
  assert_int_equal(preset_store(&p, PRESET_SESSION, "continuo", path, &err), STATUS_OK);
  assert_non_null(strstr(path, "/state/continuo/last/continuo.ini"));
  expect_title("last", "Title");
  assert_int_equal(preset_find("last:continuo", found, &err), STATUS_OK);
  assert_string_equal(found, path);
  // An instance may be called anything.
  assert_int_equal(preset_find("last:my/b:a.ini", found, &err), STATUS_NOT_FOUND);
  assert_int_equal(preset_store(&p, PRESET_SESSION, "my/b:a.ini", path, &err), STATUS_OK);
  assert_non_null(strstr(path, "/last/my_b_a.ini.ini"));
  expect_title("last:my/b:a.ini", "Title");
  assert_int_equal(preset_store(&p, PRESET_SESSION, "..", path, &err), STATUS_OK);
  assert_non_null(strstr(path, "/last/_..ini"));
  assert_int_equal(preset_store(&p, PRESET_SESSION, "", path, &err), STATUS_OK);
  assert_non_null(strstr(path, "/last/continuo.ini"));
}

static void test_store_without_a_home(void **state)
{
  char path[PATH_BYTES];
  preset p;
  error err = {0};
  preset_init(&p);
  unsetenv("HOME");
  unsetenv("XDG_DATA_HOME");
  unsetenv("XDG_STATE_HOME");
  assert_int_equal(preset_store(&p, PRESET_USER, "a", path, &err), STATUS_NOT_FOUND);
  assert_non_null(strstr(err.message, "XDG_DATA_HOME"));
  assert_int_equal(preset_store(&p, PRESET_SESSION, "a", path, &err), STATUS_NOT_FOUND);
  assert_non_null(strstr(err.message, "XDG_STATE_HOME"));
  enter(*state);
}

static const preset_entry *at(const preset_list *list, const char *name)
{
  for (int i = 0; i < list->n; ++i) {
    if (strcmp(list->entries[i].name, name) == 0) {
      return &list->entries[i];
    }
  }
  return NULL;
}

static int number(const preset_list *list, const char *name)
{
  const preset_entry *entry = at(list, name);
  return entry ? (int)(entry - list->entries) : -1;
}

// The test's program stands in the source tree: that tree's factory presets are listed, too.
static void test_order_is_stable(void **state)
{
  const temp_folder *folder = *state;
  preset_list before, list;
  put(folder, "sys1/continuo/presets", "B.ini", "");
  put(folder, "sys1/continuo/presets", "!.ini", "");
  put(folder, "sys2/continuo/presets", "~.ini", "");
  put(folder, "sys2/continuo/presets", "B.ini", "hidden by sys1's");
  put(folder, "sys2/continuo/presets", ".hidden.ini", "");
  put(folder, "sys2/continuo/presets", "note.txt", "");
  put(folder, "state/continuo/last", "continuo.ini", "");
  assert_int_equal(preset_list_read(&before, NULL), STATUS_OK);
  assert_int_equal(number(&before, "!"), 0);
  assert_int_equal(number(&before, "B"), 1);
  assert_non_null(strstr(at(&before, "B")->path, "/sys1/"));
  const int n = before.n_numbered;
  assert_int_equal(number(&before, "~"), n - 1);
  assert_int_equal(before.n, n + 1);
  assert_int_equal(number(&before, "last:continuo"), n);
  assert_int_equal(at(&before, "last:continuo")->layer, PRESET_SESSION);
  for (int i = 1; i < n; ++i) {
    assert_true(strcmp(before.entries[i - 1].name, before.entries[i].name) < 0);
    assert_int_equal(before.entries[i].layer, PRESET_FACTORY);
  }

  put(folder, "data/continuo/presets", "b of mine.ini", "");
  put(folder, "data/continuo/presets", "a of mine.ini", "");
  put(folder, "data/continuo/presets", "B.ini", "");
  assert_int_equal(preset_list_read(&list, NULL), STATUS_OK);
  assert_int_equal(list.n_numbered, n + 2);
  for (int i = 0; i < n; ++i) { // the user's leave the factory's numbers alone
    assert_string_equal(list.entries[i].name, before.entries[i].name);
    assert_int_equal(list.entries[i].hides, i == 1);
    assert_int_equal(list.entries[i].layer, i == 1 ? PRESET_USER : PRESET_FACTORY);
  }
  assert_non_null(strstr(list.entries[1].path, "/data/"));
  assert_int_equal(number(&list, "a of mine"), n);
  assert_int_equal(number(&list, "b of mine"), n + 1);
  assert_int_equal(list.entries[n].layer, PRESET_USER);
  assert_false(list.entries[n].hides);
  for (int i = 0; i < list.n; ++i) { // each is what preset_find finds by its name
    char path[PATH_BYTES];
    assert_int_equal(preset_find(list.entries[i].name, path, NULL), STATUS_OK);
    assert_string_equal(path, list.entries[i].path);
  }
  preset_list_free(&list);
  preset_list_free(&before);
  assert_null(list.entries);
}

static void test_programs(void **state)
{
  const temp_folder *folder = *state;
  preset_list list;
  preset_entry found;
  error err = {0};
  for (int i = 0; i < 130; ++i) {
    char name[32];
    snprintf(name, sizeof name, "mine %03d.ini", i);
    put(folder, "data/continuo/presets", name, "");
  }
  assert_int_equal(preset_list_read(&list, NULL), STATUS_OK);
  for (int i = 0; i < list.n_numbered; ++i) {
    assert_int_equal(preset_find_program(i / 128, i % 128, &found, &err), STATUS_OK);
    assert_string_equal(found.name, list.entries[i].name);
    assert_string_equal(found.path, list.entries[i].path);
  }
  const int n = list.n_numbered;
  assert_int_equal(preset_find_program(n / 128, n % 128, &found, &err), STATUS_NOT_FOUND);
  assert_non_null(strstr(err.message, "(bank 1, program"));
  assert_int_equal(preset_find_program(16383, 127, &found, &err), STATUS_NOT_FOUND);
  assert_int_equal(preset_find_program(0, -1, &found, &err), STATUS_NOT_FOUND);
  preset_list_free(&list);
}

static status list_once(void *user, error *err)
{
  (void)user;
  preset_list list;
  const status code = preset_list_read(&list, err);
  preset_list_free(&list);
  return code;
}

static void test_no_memory(void **state)
{
  put(*state, "data/continuo/presets", "a.ini", "");
  put(*state, "data/continuo/presets", "b.ini", "");
  assert_true(failing_alloc_each(list_once, NULL) >= 2);
}

#define in_layers(test) cmocka_unit_test_setup_teardown(test, layers_make, layers_remove)

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),
      in_layers(test_user_hides_factory),
      in_layers(test_the_source_tree_has_some),
      in_layers(test_store),
      in_layers(test_store_without_a_home),
      in_layers(test_order_is_stable),
      in_layers(test_programs),
      in_layers(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
