// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The presets that come with the program.

#include "engine/preset_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "tests/temp_folder.h"

#include <stdlib.h>
#include <string.h>

#define LEAST 10 ///< that there must be

/// All of them, from the source tree alone.
static preset_list factory(void)
{
  preset_list list;
  setenv("XDG_DATA_DIRS", "/nonexistent", 1);
  setenv("XDG_DATA_HOME", "/nonexistent", 1);
  setenv("XDG_STATE_HOME", "/nonexistent", 1);
  assert_int_equal(preset_list_read(&list, NULL), STATUS_OK);
  assert_true(list.n >= LEAST && list.n == list.n_numbered && list.n <= 128); // one bank
  return list;
}

static preset load(const preset_entry *entry)
{
  preset p;
  error err = {0};
  if (preset_load(&p, entry->path, &err)) {
    fail_msg("%s", err.message);
  }
  return p;
}

static void test_each_loads_and_saves(void **state)
{
  const temp_folder *folder = *state;
  preset_list list = factory();
  for (int i = 0; i < list.n; ++i) {
    const preset p = load(&list.entries[i]);
    error err = {0};
    if (preset_save(&p, folder->file, &err)) {
      fail_msg("%s", err.message);
    }
    preset again;
    assert_int_equal(preset_load(&again, folder->file, &err), STATUS_OK);
    assert_memory_equal(&again, &p, sizeof p);
  }
  preset_list_free(&list);
}

/// What a musician reads of it, and that it plays on any machine.
static void test_each_says_what_it_is(void **state)
{
  (void)state;
  preset_list list = factory();
  for (int i = 0; i < list.n; ++i) {
    const preset p = load(&list.entries[i]);
    const char *name = list.entries[i].name;
    if (p.format != PRESET_FORMAT || !*p.name || !*p.author || !*p.tags ||
        !strchr(p.comment, '\n')) {
      fail_msg("%s lacks a name, an author, tags, or two lines of comment", name);
    }
    assert_string_equal(p.model, "oracle");
    assert_string_equal(p.model_sha256, "");
    assert_true(strspn(name, "abcdefghijklmnopqrstuvwxyz-") == strlen(name));
    assert_true(p.values[PARAMETER_MODE] != MODE_GENERATE); // the oracle cannot
    // What belongs to the player and the room, not to the sound.
    static const int theirs[] = {PARAMETER_GATE_OPEN,      PARAMETER_GATE_CLOSE, PARAMETER_CEILING,
                                 PARAMETER_FEEDBACK_GUARD, PARAMETER_MEMORY,     PARAMETER_SEED};
    for (size_t k = 0; k < sizeof theirs / sizeof *theirs; ++k) {
      assert_true(p.values[theirs[k]] == parameter_get(theirs[k])->standard);
    }
    assert_true(p.values[PARAMETER_LEVEL] <= 0.0);
    for (int k = 0; k < i; ++k) {
      const preset other = load(&list.entries[k]);
      assert_string_not_equal(p.name, other.name);
    }
  }
  preset_list_free(&list);
}

static void test_no_two_are_alike(void **state)
{
  (void)state;
  preset_list list = factory();
  for (int i = 0; i < list.n; ++i) {
    const preset p = load(&list.entries[i]);
    for (int k = 0; k < i; ++k) {
      const preset other = load(&list.entries[k]);
      int n_differ = 0;
      for (int id = 0; id < parameter_count(); ++id) {
        n_differ += p.values[id] != other.values[id];
      }
      if (n_differ < 3) {
        fail_msg("%s and %s differ in %d parameters", list.entries[i].name, list.entries[k].name,
                 n_differ);
      }
    }
  }
  preset_list_free(&list);
}

static void test_each_is_in_the_manual(void **state)
{
  (void)state;
  preset_list list = factory();
  file_map map;
  assert_int_equal(file_map_open(&map, source_path("docs/presets.md"), NULL), STATUS_OK);
  for (int i = 0; i < list.n; ++i) {
    const preset p = load(&list.entries[i]);
    char row[2 * PRESET_WORD_BYTES];
    const int size = snprintf(row, sizeof row, "\n| `%s` | %s |", list.entries[i].name, p.name);
    if (!memmem(map.data, map.size_bytes, row, (size_t)size)) {
      fail_msg("docs/presets.md lacks \"%s\"", row + 1);
    }
  }
  file_map_close(&map);
  preset_list_free(&list);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_each_loads_and_saves, temp_folder_make,
                                      temp_folder_remove),
      cmocka_unit_test(test_each_says_what_it_is),
      cmocka_unit_test(test_no_two_are_alike),
      cmocka_unit_test(test_each_is_in_the_manual),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
