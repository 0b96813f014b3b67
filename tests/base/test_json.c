// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/json.h"

#include "tests/failing_alloc.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json *parse(const char *text)
{
  json *root = NULL;
  error err = {0};
  if (json_parse(&root, text, strlen(text), "test", &err)) {
    fail_msg("%s: %s", text, err.message);
  }
  return root;
}

static void refuse(const char *text, size_t size_bytes, status expected)
{
  json *root = (json *)(void *)&root;
  error err = {0};
  assert_int_equal(json_parse(&root, text, size_bytes, "test", &err), expected);
  assert_null(root);
  assert_non_null(strstr(err.message, "test: "));
}

static void test_values(void **state)
{
  (void)state;
  json *root = parse(" {\"s\":\"a\\u00e9\\ud83d\\ude00\\n\\\"\\/\",\"n\":-2.5e3,\"t\":true,"
                     "\"f\":false,\"z\":null,\"a\":[1,[],{}]} ");
  const char *text = NULL;
  double number = 0.0;
  bool boolean = false;
  int64_t integer = 0;
  assert_int_equal(json_get_type(root), JSON_OBJECT);
  assert_int_equal(json_count(root), 6);
  assert_true(json_get_string(json_member(root, "s"), &text));
  assert_string_equal(text, "a\xc3\xa9\xf0\x9f\x98\x80\n\"/");
  assert_true(json_get_number(json_member(root, "n"), &number));
  assert_true(number == -2500.0);
  assert_true(json_get_integer(json_member(root, "n"), -2500, 0, &integer));
  assert_true(json_get_bool(json_member(root, "t"), &boolean) && boolean);
  assert_true(json_get_bool(json_member(root, "f"), &boolean) && !boolean);
  assert_int_equal(json_get_type(json_member(root, "z")), JSON_NULL);
  const json *array = json_member(root, "a");
  assert_int_equal(json_count(array), 3);
  assert_true(json_get_integer(json_element(array, 0), 1, 1, &integer));
  assert_int_equal(json_get_type(json_element(array, 1)), JSON_ARRAY);
  assert_int_equal(json_get_type(json_element(array, 2)), JSON_OBJECT);
  assert_null(json_element(array, 3));
  assert_null(json_member(root, "missing"));
  assert_null(json_member(array, "s"));
  assert_string_equal(json_key(json_next(json_first(root))), "n");
  json_free(root);
}

static void expect_integer(const char *text, bool integral, int64_t expected)
{
  json *root = parse(text);
  int64_t value = 0;
  assert_int_equal(json_get_integer(root, INT64_MIN, INT64_MAX, &value), integral);
  if (integral) {
    assert_int_equal(value, expected);
    assert_false(json_get_integer(root, expected == INT64_MAX ? INT64_MAX : expected + 1, INT64_MAX,
                                  &value) &&
                 expected != INT64_MAX);
  }
  json_free(root);
}

static void test_integers(void **state)
{
  (void)state;
  expect_integer("0", true, 0);
  expect_integer("-0", true, 0);
  expect_integer("9223372036854775807", true, INT64_MAX);
  expect_integer("-9223372036854775808", true, INT64_MIN);
  expect_integer("9223372036854775808", false, 0);
  expect_integer("-9223372036854775809", false, 0);
  expect_integer("9007199254740993", true, 9007199254740993);
  expect_integer("1e3", true, 1000);
  expect_integer("12.0", true, 12);
  expect_integer("12.5", false, 0);
  expect_integer("1e300", false, 0);
}

static void test_need(void **state)
{
  (void)state;
  json *root = parse("{\"hop\":0,\"name\":\"x\",\"on\":true,\"gain\":0.5}");
  int64_t integer = 7;
  const char *text = NULL;
  bool boolean = false;
  double number = 0.0;
  error err = {0};
  assert_int_equal(json_need_integer(root, "hop", 1, 8192, &integer, &err), STATUS_FORMAT);
  assert_string_equal(err.message, "key \"hop\": expected an integer from 1 to 8192, found 0");
  assert_int_equal(integer, 7);
  assert_int_equal(json_need_integer(root, "rate", 1, 2, &integer, &err), STATUS_FORMAT);
  assert_non_null(strstr(err.message, "found nothing"));
  assert_int_equal(json_need_string(root, "name", &text, &err), STATUS_OK);
  assert_string_equal(text, "x");
  assert_int_equal(json_need_string(root, "on", &text, &err), STATUS_FORMAT);
  assert_non_null(strstr(err.message, "type bool"));
  assert_int_equal(json_need_bool(root, "on", &boolean, &err), STATUS_OK);
  assert_int_equal(json_need_bool(root, "name", &boolean, &err), STATUS_FORMAT);
  assert_int_equal(json_need_number(root, "gain", &number, &err), STATUS_OK);
  assert_true(number == 0.5);
  assert_int_equal(json_need_number(NULL, "gain", &number, &err), STATUS_FORMAT);
  json_free(root);
}

static void test_refused(void **state)
{
  (void)state;
  static const char *const texts[] = {
      "",
      " ",
      "{",
      "}",
      "[1,]",
      "[,1]",
      "{\"a\"}",
      "{\"a\":}",
      "{\"a\":1,}",
      "{a:1}",
      "[1 2]",
      "01",
      "-",
      "+1",
      "1.",
      ".5",
      "1e",
      "1e+",
      "0x10",
      "NaN",
      "Infinity",
      "-Infinity",
      "1e999",
      "nul",
      "truee",
      "\"",
      "\"\\\"",
      "\"\\x\"",
      "\"\\u12\"",
      "\"\\u12g4\"",
      "\"\\ud800\"",
      "\"\\ud800\\u0041\"",
      "\"\\udc00\"",
      "\"\\u0000\"",
      "\"\n\"",
      "\"\x7f\xff\"",
      "\"\xc0\x80\"",
      "\"\xed\xa0\x80\"",
      "\"\xf4\x90\x80\x80\"",
      "\"\xe2\x82\"",
      "\xef\xbb\xbf{}",
      "{} {}",
      "[1]]",
      "'a'",
      "// c\n1",
      "{\"a\":1,\"b\":2,\"a\":3}",
      "{\"a\":1,\"\\u0061\":3}",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
    refuse(texts[i], strlen(texts[i]), STATUS_FORMAT);
  }
  refuse("1\0", 2, STATUS_FORMAT);
  refuse("\"\\", 2, STATUS_FORMAT);
}

static void test_limits(void **state)
{
  (void)state;
  char deep[2 * (JSON_MAX_DEPTH + 1)];
  memset(deep, '[', JSON_MAX_DEPTH + 1);
  memset(deep + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
  refuse(deep, sizeof deep, STATUS_UNSUPPORTED);
  json *root = NULL;
  assert_int_equal(json_parse(&root, deep + 1, sizeof deep - 2, "deep", NULL), STATUS_OK);
  json_free(root);
  char digits[JSON_MAX_NUMBER_BYTES + 1];
  memset(digits, '1', sizeof digits);
  refuse(digits, sizeof digits, STATUS_UNSUPPORTED);
  refuse("x", JSON_MAX_BYTES + 1, STATUS_UNSUPPORTED);
  const size_t size = 2 * JSON_MAX_VALUES + 1;
  char *many = malloc(size);
  assert_non_null(many);
  for (size_t i = 0; i < size; ++i) {
    many[i] = i % 2 ? '1' : ',';
  }
  many[0] = '[';
  many[size - 1] = ']';
  refuse(many, size, STATUS_UNSUPPORTED);
  free(many);
}

// Every truncation and every flipped bit of a document: some status, no crash.
static void test_damaged(void **state)
{
  (void)state;
  const char text[] = "{\"rate_hz\":24000,\"ratios\":[8,5,4,2],\"name\":\"\\u00e9\xc3\xa9\",\"x\":"
                      "{\"y\":-1.5e-3,\"z\":[true,false,null]}}";
  for (size_t size = 0; size < sizeof text - 1; ++size) {
    refuse(text, size, STATUS_FORMAT);
  }
  for (size_t bit = 0; bit < (sizeof text - 1) * 8; ++bit) {
    char copy[sizeof text];
    memcpy(copy, text, sizeof text);
    copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << (bit % 8));
    json *root = NULL;
    error err = {0};
    const status s = json_parse(&root, copy, sizeof text - 1, "flipped", &err);
    assert_true(s ? !root && err.message[0] : root != NULL);
    json_free(root);
  }
}

static void test_decimal_comma(void **state)
{
  (void)state;
  if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8")) {
    skip(); // no such locale installed here
  }
  json *root = parse("0.5");
  double value = 0.0;
  assert_true(json_get_number(root, &value));
  assert_true(value == 0.5);
  json_free(root);
  setlocale(LC_NUMERIC, "C");
}

static status parse_and_free(void *user, error *err)
{
  json *root = NULL;
  const status s = json_parse(&root, user, strlen(user), "test", err);
  json_free(root);
  return s;
}

static void test_allocations(void **state)
{
  (void)state;
  char text[] = "{\"a\":[1,2,{\"b\":\"c\"}]}";
  assert_true(failing_alloc_each(parse_and_free, text) >= 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_values),        cmocka_unit_test(test_integers),
      cmocka_unit_test(test_need),          cmocka_unit_test(test_refused),
      cmocka_unit_test(test_limits),        cmocka_unit_test(test_damaged),
      cmocka_unit_test(test_decimal_comma), cmocka_unit_test(test_allocations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
