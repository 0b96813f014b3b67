// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/json_writer.h"

#include "base/random.h"
#include "tests/failing_alloc.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void write_sample(json_writer *w)
{
  json_begin_object(w, NULL);
  json_write_string(w, "s", "a\"\\\n\x01\xc3\xa9\xff");
  json_write_integer(w, "i", INT64_MIN);
  json_write_number(w, "n", 0.1);
  json_write_number(w, "nan", (double)NAN);
  json_write_number(w, "inf", -(double)INFINITY);
  json_write_bool(w, "t", true);
  json_write_string(w, "none", NULL);
  json_begin_array(w, "a");
  json_write_bool(w, NULL, false);
  json_begin_object(w, NULL);
  json_end_object(w);
  json_end_array(w);
  json_end_object(w);
}

#define SAMPLE                                                                                     \
  "{\"s\":\"a\\\"\\\\\\u000a\\u0001\xc3\xa9\xef\xbf\xbd\",\"i\":-9223372036854775808,\"n\":0.1,"   \
  "\"nan\":null,\"inf\":null,\"t\":true,\"none\":null,\"a\":[false,{}]}"

static void test_buffer(void **state)
{
  (void)state;
  json_writer w;
  json_writer_init(&w, NULL);
  write_sample(&w);
  assert_int_equal(json_writer_finish(&w, NULL), STATUS_OK);
  assert_string_equal(w.data, SAMPLE);
  assert_int_equal(w.size_bytes, strlen(SAMPLE));
  json_writer_free(&w);
}

static void test_stream(void **state)
{
  (void)state;
  FILE *stream = tmpfile();
  assert_non_null(stream);
  json_writer w;
  json_writer_init(&w, stream);
  write_sample(&w);
  assert_int_equal(json_writer_finish(&w, NULL), STATUS_OK);
  char text[512] = "";
  rewind(stream);
  assert_int_equal(fread(text, 1, sizeof text, stream), strlen(SAMPLE "\n"));
  assert_string_equal(text, SAMPLE "\n");
  json_writer_free(&w);
  fclose(stream);
}

static void test_full_disk(void **state)
{
  (void)state;
  FILE *stream = fopen("/dev/full", "w");
  if (!stream) {
    skip();
  }
  json_writer w;
  error err = {0};
  json_writer_init(&w, stream);
  write_sample(&w);
  assert_int_equal(json_writer_finish(&w, &err), STATUS_IO);
  assert_non_null(strstr(err.message, "No space"));
  json_writer_free(&w);
  fclose(stream);
}

// Any double, written and read again, is the same bits.
static void test_numbers_round_trip(void **state)
{
  (void)state;
  for (uint64_t i = 0; i < 20000; ++i) {
    const uint64_t bits = random_bits(3, 1, i);
    double value;
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value)) {
      continue;
    }
    json_writer w;
    json_writer_init(&w, NULL);
    json_write_number(&w, NULL, value);
    assert_int_equal(json_writer_finish(&w, NULL), STATUS_OK);
    json *root = NULL;
    double again = 0.0;
    assert_int_equal(json_parse(&root, w.data, w.size_bytes, "number", NULL), STATUS_OK);
    assert_true(json_get_number(root, &again));
    assert_memory_equal(&again, &value, sizeof value);
    json_free(root);
    json_writer_free(&w);
  }
}

static void expect_misuse(void (*write)(json_writer *w))
{
  json_writer w;
  error err = {0};
  json_writer_init(&w, NULL);
  write(&w);
  assert_int_equal(json_writer_finish(&w, &err), STATUS_INTERNAL);
  json_writer_free(&w);
}

static void write_nothing(json_writer *w)
{
  (void)w;
}

static void write_unclosed(json_writer *w)
{
  json_begin_array(w, NULL);
}

static void write_crossed(json_writer *w)
{
  json_begin_array(w, NULL);
  json_end_object(w);
}

static void write_twice(json_writer *w)
{
  json_write_null(w, NULL);
  json_write_null(w, NULL);
}

static void write_keyless(json_writer *w)
{
  json_begin_object(w, NULL);
  json_write_null(w, NULL);
  json_end_object(w);
}

static void write_deep(json_writer *w)
{
  for (int i = 0; i <= JSON_MAX_DEPTH; ++i) {
    json_begin_array(w, NULL);
  }
}

static void test_misuse(void **state)
{
  (void)state;
  expect_misuse(write_nothing);
  expect_misuse(write_unclosed);
  expect_misuse(write_crossed);
  expect_misuse(write_twice);
  expect_misuse(write_keyless);
  expect_misuse(write_deep);
}

static status write_and_free(void *user, error *err)
{
  (void)user;
  json_writer w;
  json_writer_init(&w, NULL);
  for (int i = 0; i < 3; ++i) {
    json_begin_array(&w, NULL);
    for (int k = 0; k < 100; ++k) {
      json_write_string(&w, NULL, "some text");
    }
  }
  for (int i = 0; i < 3; ++i) {
    json_end_array(&w);
  }
  const status s = json_writer_finish(&w, err);
  json_writer_free(&w);
  return s;
}

static void test_allocations(void **state)
{
  (void)state;
  assert_true(failing_alloc_each(write_and_free, NULL) >= 3);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_buffer),    cmocka_unit_test(test_stream),
      cmocka_unit_test(test_full_disk), cmocka_unit_test(test_numbers_round_trip),
      cmocka_unit_test(test_misuse),    cmocka_unit_test(test_allocations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
