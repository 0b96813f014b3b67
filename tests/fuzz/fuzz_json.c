// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Whatever parses is written again, and what was written parses to an equal tree.
#include "tests/fuzz/fuzz.h"

#include "base/json.h"
#include "base/json_writer.h"

#include <stdbool.h>
#include <string.h>

static void write_tree(json_writer *w, const json *value)
{
  const char *key = json_key(value);
  const char *string = NULL;
  double number = 0.0;
  int64_t integer = 0;
  bool boolean = false;
  if (json_get_type(value) == JSON_OBJECT || json_get_type(value) == JSON_ARRAY) {
    const bool object = json_get_type(value) == JSON_OBJECT;
    (object ? json_begin_object : json_begin_array)(w, key);
    for (const json *child = json_first(value); child; child = json_next(child)) {
      write_tree(w, child);
    }
    (object ? json_end_object : json_end_array)(w);
  } else if (json_get_string(value, &string)) {
    json_write_string(w, key, string);
  } else if (json_get_integer(value, INT64_MIN, INT64_MAX, &integer)) {
    json_write_integer(w, key, integer);
  } else if (json_get_number(value, &number)) {
    json_write_number(w, key, number);
  } else if (json_get_bool(value, &boolean)) {
    json_write_bool(w, key, boolean);
  } else {
    json_write_null(w, key);
  }
}

static bool equal_leaf(const json *a, const json *b)
{
  const char *strings[2] = {"", ""};
  double numbers[2] = {0.0, 0.0};
  int64_t integers[2] = {0, 0};
  bool booleans[2] = {false, false};
  return json_get_string(a, &strings[0]) == json_get_string(b, &strings[1]) &&
         json_get_number(a, &numbers[0]) == json_get_number(b, &numbers[1]) &&
         json_get_integer(a, INT64_MIN, INT64_MAX, &integers[0]) ==
             json_get_integer(b, INT64_MIN, INT64_MAX, &integers[1]) &&
         json_get_bool(a, &booleans[0]) == json_get_bool(b, &booleans[1]) &&
         strcmp(strings[0], strings[1]) == 0 && numbers[0] == numbers[1] &&
         integers[0] == integers[1] && booleans[0] == booleans[1];
}

static void require_equal(const json *a, const json *b)
{
  fuzz_require(json_get_type(a) == json_get_type(b) && json_count(a) == json_count(b));
  fuzz_require(equal_leaf(a, b));
  const json *other = json_first(b);
  for (const json *child = json_first(a); child; child = json_next(child)) {
    fuzz_require(!json_key(child) == !json_key(other));
    fuzz_require(!json_key(child) || strcmp(json_key(child), json_key(other)) == 0);
    require_equal(child, other);
    other = json_next(other);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  json *root = NULL;
  error err;
  if (json_parse(&root, data, size, "input", &err)) {
    fuzz_require(!root && err.message[0]);
    return 0;
  }
  json_writer w;
  json_writer_init(&w, NULL);
  write_tree(&w, root);
  fuzz_require(json_writer_finish(&w, &err) == STATUS_OK);
  json *again = NULL;
  fuzz_require(json_parse(&again, w.data, w.size_bytes, "written", &err) == STATUS_OK);
  require_equal(root, again);
  json_free(again);
  json_free(root);
  json_writer_free(&w);
  return 0;
}
