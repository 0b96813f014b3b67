// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/ini_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/// All values as "line section.key=value|".
typedef struct heard {
  char text[1024];
  int refuse_line; ///< 0: none
} heard;

static status take(void *user, int line, const char *section, const char *key, const char *value,
                   error *err)
{
  heard *h = user;
  if (line == h->refuse_line) {
    return error_set(err, STATUS_FORMAT, "refused");
  }
  const size_t used = strlen(h->text);
  snprintf(h->text + used, sizeof h->text - used, "%d %s.%s=%s|", line, section, key, value);
  return STATUS_OK;
}

static void expect(const char *text, const char *values)
{
  heard h = {0};
  error err = {0};
  if (ini_text_read(text, strlen(text), "a.ini", take, &h, &err)) {
    fail_msg("%s", err.message);
  }
  assert_string_equal(h.text, values);
}

static void refused(const char *text, size_t size_bytes, const char *words)
{
  heard h = {0};
  error err = {0};
  assert_int_equal(ini_text_read(text, size_bytes, "a.ini", take, &h, &err), STATUS_USAGE);
  if (!strstr(err.message, words)) {
    fail_msg("\"%s\" is not in: %s", words, err.message);
  }
}

static void test_values(void **state)
{
  (void)state;
  expect("", "");
  expect("a = 1", "1 .a=1|");
  expect("\xef\xbb\xbf[s]\r\n a=1\r\n\tb : two = 2 ; said\n# c = 3\n; d = 4\ne =\n",
         "2 s.a=1|3 s.b=two = 2|6 s.e=|");
  expect("[s]\na = x;y\na = again\n[t]\na = 1\n", "2 s.a=x;y|3 s.a=again|5 t.a=1|");
}

static void test_lines_that_are_none(void **state)
{
  (void)state;
  static const char nul[] = "a = 1\nb = \0 2\n";
  char longest[260];
  refused("[s\n", 3, "a.ini:1: expected [section]");
  refused("a = 1\n\nbad\nc = 2\n", 17, "a.ini:3: expected [section]");
  refused("a = \xff\n", 6, "a.ini:1: no text");
  refused("a = 1\nb = \x01\n", 13, "a.ini:2: no text");
  refused(nul, sizeof nul - 1, "a.ini:2: no text");
  snprintf(longest, sizeof longest, "a =%250s\n", "1");
  refused(longest, strlen(longest), "a.ini:1: a line of 253 bytes");
}

static void test_what_take_refuses(void **state)
{
  (void)state;
  heard h = {.refuse_line = 2};
  error err = {0};
  const char *text = "a = 1\nb = 2\nc = 3\n";
  assert_int_equal(ini_text_read(text, strlen(text), "a.ini", take, &h, &err), STATUS_FORMAT);
  assert_string_equal(err.message, "a.ini:2: refused");
  assert_string_equal(h.text, "1 .a=1|");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_values),
      cmocka_unit_test(test_lines_that_are_none),
      cmocka_unit_test(test_what_take_refuses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
