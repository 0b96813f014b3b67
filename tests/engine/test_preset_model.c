// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/preset_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/temp_folder.h"

#include <stdlib.h>
#include <string.h>

/// SHA-256 of "abc" (FIPS 180-4's example).
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void put_model(const temp_folder *folder, char path[PATH_BYTES])
{
  snprintf(path, PATH_BYTES, "%s/mine.safetensors", folder->path);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs("abc", f);
  fclose(f);
}

static preset wanting(const char *model, const char *hash)
{
  preset p;
  preset_init(&p);
  strcpy(p.name, "Night train");
  snprintf(p.model, sizeof p.model, "%.160s", model);
  strcpy(p.model_sha256, hash);
  return p;
}

static preset_model resolved(const preset *p)
{
  const preset before = *p;
  static preset_model found;
  preset_resolve_model(p, &found);
  assert_memory_equal(p, &before, sizeof before);
  assert_null(strchr(found.sentence, '\n'));
  return found;
}

static void test_oracle_is_always_here(void **state)
{
  (void)state;
  for (int i = 0; i < 2; ++i) {
    const preset p = wanting(i ? "" : "oracle", "");
    const preset_model found = resolved(&p);
    assert_int_equal(found.state, PRESET_MODEL_ORACLE);
    assert_true(preset_model_plays(&found));
    assert_string_equal(found.path, "");
    assert_string_equal(found.sentence, "");
  }
}

static void test_found_by_path(void **state)
{
  char path[PATH_BYTES];
  put_model(*state, path);
  preset p = wanting(path, "");
  preset_model found = resolved(&p);
  assert_int_equal(found.state, PRESET_MODEL_FOUND);
  assert_string_equal(found.path, path);
  assert_string_equal(found.sentence, "");
  strcpy(p.model_sha256, ABC);
  found = resolved(&p);
  assert_int_equal(found.state, PRESET_MODEL_FOUND);
  p.model_sha256[0] = '0';
  found = resolved(&p);
  assert_int_equal(found.state, PRESET_MODEL_OTHER);
  assert_true(preset_model_plays(&found));
  assert_non_null(strstr(found.sentence, "Night train"));
  assert_non_null(strstr(found.sentence, "another model"));
}

static void test_found_by_name(void **state)
{
  const temp_folder *folder = *state;
  char path[PATH_BYTES], models[PATH_BYTES], wanted[PATH_BYTES];
  put_model(folder, path);
  setenv("XDG_DATA_HOME", folder->path, 1);
  snprintf(models, sizeof models, "%s/continuo/models", folder->path);
  assert_int_equal(data_folder_make(models, NULL), STATUS_OK);
  snprintf(wanted, sizeof wanted, "%s/continuo/models/mine.safetensors", folder->path);
  assert_int_equal(rename(path, wanted), 0);
  const preset p = wanting("mine", ABC);
  const preset_model found = resolved(&p);
  assert_int_equal(found.state, PRESET_MODEL_FOUND);
  assert_string_equal(found.path, wanted);
  assert_int_equal(remove(wanted) | remove(models), 0);
  snprintf(models, sizeof models, "%s/continuo", folder->path);
  assert_int_equal(remove(models), 0);
}

static void test_lost(void **state)
{
  const temp_folder *folder = *state;
  char long_name[PRESET_WORD_BYTES], nowhere[700];
  memset(long_name, 'm', sizeof long_name);
  long_name[PRESET_WORD_BYTES - 1] = '\0';
  snprintf(nowhere, sizeof nowhere, "%.100s/x.safetensors", folder->path);
  const char *const lost[] = {"no such model", long_name, nowhere};
  for (int i = 0; i < 3; ++i) {
    const preset p = wanting(lost[i], "");
    const preset_model found = resolved(&p);
    assert_int_equal(found.state, PRESET_MODEL_LOST);
    assert_false(preset_model_plays(&found));
    assert_string_equal(found.path, "");
    static const char *const parts[] = {"Night train", "not here", "monitor sounds",
                                        "the preset stays"};
    for (int k = 0; k < 4; ++k) {
      assert_non_null(strstr(found.sentence, parts[k]));
    }
    control controls[PARAMETER_MAX];
    const int n = preset_to_controls(&p, preset_model_plays(&found), 0, controls);
    assert_true(controls[n - 1].value == MODE_MONITOR);
  }
  const preset p = wanting(folder->path, ""); // a folder
  const preset_model found = resolved(&p);
  assert_int_equal(found.state, PRESET_MODEL_LOST);
  assert_non_null(strstr(found.sentence, "not a regular file"));
}

static void test_failed_to_open(void **state)
{
  char path[PATH_BYTES];
  put_model(*state, path);
  const preset p = wanting(path, "");
  preset_model found = resolved(&p);
  const error why = {STATUS_FORMAT, "x: no model file"};
  preset_model_failed(&p, &why, &found);
  assert_int_equal(found.state, PRESET_MODEL_LOST);
  assert_non_null(strstr(found.sentence, "x: no model file"));
  assert_non_null(strstr(found.sentence, "monitor sounds"));
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, temp_folder_make, temp_folder_remove)

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_oracle_is_always_here),
                                     in_folder(test_found_by_path), in_folder(test_found_by_name),
                                     in_folder(test_lost), in_folder(test_failed_to_open)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
