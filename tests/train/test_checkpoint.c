// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// What is saved is what is loaded, and no damaged byte goes unnoticed.

#include "train/checkpoint.h"

#include "tests/temp_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CONFIG "{\"kind\":\"test\",\"version\":2,\"step\":7}"

/// What a run would keep.
typedef struct arrays {
  float weights[20];
  double best;
  int64_t counters[3];
} arrays;

static void ok(status code, const error *err)
{
  if (code != STATUS_OK) {
    fail_msg("%s", err->message);
  }
}

static void fill(arrays *a, int seed)
{
  for (int i = 0; i < 20; ++i) {
    a->weights[i] = (float)(seed + i) * 0.37f;
  }
  a->best = 1.0 / seed;
  for (int i = 0; i < 3; ++i) {
    a->counters[i] = seed * (i + 1);
  }
}

static void list(checkpoint *c, arrays *a)
{
  *c = (checkpoint){0};
  checkpoint_add(c, "weights", ELEMENT_F32, a->weights, 20);
  checkpoint_add(c, "best", ELEMENT_F64, &a->best, 1);
  checkpoint_add(c, "counters", ELEMENT_I64, a->counters, 3);
}

static void save(arrays *a, const char *path, const char *config)
{
  error err = {0};
  checkpoint c;
  list(&c, a);
  ok(checkpoint_save(&c, path, config, &err), &err);
  checkpoint_free(&c);
}

static status load_opened(arrays *a, safetensors *file, error *err)
{
  checkpoint c;
  list(&c, a);
  status code = checkpoint_check(file, err);
  code = code ? code : checkpoint_load(&c, file, err);
  checkpoint_free(&c);
  safetensors_close(file);
  return code;
}

static status load(arrays *a, const char *path, error *err)
{
  safetensors file = {0};
  const status code = safetensors_open(&file, path, err);
  return code ? code : load_opened(a, &file, err);
}

static status load_bytes(arrays *a, const void *data, size_t size_bytes, error *err)
{
  safetensors file = {0};
  const status code = safetensors_read(&file, data, size_bytes, "the file", err);
  return code ? code : load_opened(a, &file, err);
}

static void what_is_saved_is_loaded(void **state)
{
  const temp_folder *folder = *state;
  error err = {0};
  arrays a = {0}, b = {0};
  fill(&a, 3);
  save(&a, folder->file, CONFIG);
  ok(load(&b, folder->file, &err), &err);
  assert_memory_equal(&a, &b, sizeof a);
}

/// A bit of each byte in turn. What differs only in how the header is written down may load, but
/// then gives the same; what does not load leaves the arrays alone.
static void every_byte_counts(void **state)
{
  const temp_folder *folder = *state;
  error err = {0};
  arrays a = {0}, other = {0};
  file_map map;
  int accepted = 0;
  fill(&a, 3);
  fill(&other, 5);
  save(&a, folder->file, CONFIG);
  ok(file_map_open(&map, folder->file, &err), &err);
  uint8_t *copy = malloc(map.size_bytes);
  assert_non_null(copy);
  memcpy(copy, map.data, map.size_bytes);
  const size_t size_bytes = map.size_bytes;
  file_map_close(&map);
  for (size_t i = 0; i < 8 * size_bytes; ++i) {
    arrays b = other;
    copy[i / 8] ^= (uint8_t)(1 << i % 8);
    const status code = load_bytes(&b, copy, size_bytes, &err);
    accepted += code == STATUS_OK;
    if (memcmp(&b, code == STATUS_OK ? &a : &other, sizeof b) != 0) {
      fail_msg("byte %zu of %zu, bit %zu: %s", i / 8, size_bytes, i % 8,
               code == STATUS_OK ? "went unnoticed" : "was loaded all the same");
    }
    copy[i / 8] ^= (uint8_t)(1 << i % 8);
  }
  print_message("%d of %zu bits made no difference\n", accepted, 8 * size_bytes);
  assert_true(accepted < 100); // blanks around the header
  free(copy);
}

static void what_is_cut_short_is_refused(void **state)
{
  const temp_folder *folder = *state;
  error err = {0};
  arrays a = {0}, b = {0};
  file_map map;
  fill(&a, 3);
  save(&a, folder->file, CONFIG);
  ok(file_map_open(&map, folder->file, &err), &err);
  uint8_t copy[4096];
  const size_t size_bytes = map.size_bytes;
  assert_true(size_bytes < sizeof copy);
  memcpy(copy, map.data, size_bytes);
  file_map_close(&map);
  for (size_t n = 0; n < size_bytes; ++n) {
    assert_int_equal(load_bytes(&b, copy, n, &err), STATUS_FORMAT);
    assert_non_null(strstr(err.message, "the file"));
  }
}

/// Before version 2 there was no digest; after it nothing is known.
static void versions(void **state)
{
  const temp_folder *folder = *state;
  error err = {0};
  arrays a = {0}, b = {0};
  fill(&a, 3);
  checkpoint c;
  list(&c, &a);
  safetensors_pair config = {SAFETENSORS_CONFIG_KEY, "{\"version\":1}"};
  ok(safetensors_save(folder->file, c.entries, c.n_entries, &config, 1, &err), &err);
  ok(load(&b, folder->file, &err), &err);
  config.value = CONFIG;
  ok(safetensors_save(folder->file, c.entries, c.n_entries, &config, 1, &err), &err);
  assert_int_equal(load(&b, folder->file, &err), STATUS_FORMAT);
  checkpoint_free(&c);
  save(&a, folder->file, "{\"version\":3}");
  assert_int_equal(load(&b, folder->file, &err), STATUS_UNSUPPORTED);
  print_message("%s\n", err.message);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_is_saved_is_loaded, temp_folder_make,
                                      temp_folder_remove),
      cmocka_unit_test_setup_teardown(every_byte_counts, temp_folder_make, temp_folder_remove),
      cmocka_unit_test_setup_teardown(what_is_cut_short_is_refused, temp_folder_make,
                                      temp_folder_remove),
      cmocka_unit_test_setup_teardown(versions, temp_folder_make, temp_folder_remove),
  };
  return cmocka_run_group_tests_name("checkpoint", tests, NULL, NULL);
}
