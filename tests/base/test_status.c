// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/status.h"

#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_set(void **state)
{
  (void)state;
  error err = {0};
  assert_int_equal(error_set(&err, STATUS_FORMAT, "%s: %d bytes", "a.wav", 3), STATUS_FORMAT);
  assert_int_equal(err.code, STATUS_FORMAT);
  assert_string_equal(err.message, "a.wav: 3 bytes");
  assert_int_equal(error_set(NULL, STATUS_IO, "unheard"), STATUS_IO);
}

static void test_prefix(void **state)
{
  (void)state;
  error err = {0};
  error_set(&err, STATUS_NOT_FOUND, "no tensor");
  assert_int_equal(error_prefix(&err, "%s", "m.safetensors"), STATUS_NOT_FOUND);
  assert_string_equal(err.message, "m.safetensors: no tensor");
  assert_int_equal(error_prefix(NULL, "x"), STATUS_INTERNAL);
}

// A message that does not fit is cut, with its beginning kept and its end a NUL.
static void test_long_messages(void **state)
{
  (void)state;
  char text[1000];
  memset(text, 'x', sizeof text);
  text[sizeof text - 1] = '\0';
  error err = {0};
  error_set(&err, STATUS_IO, "%s", text);
  assert_int_equal(strlen(err.message), sizeof err.message - 1);
  error_prefix(&err, "file");
  assert_int_equal(strlen(err.message), sizeof err.message - 1);
  assert_memory_equal(err.message, "file: xxx", 9);
  error_prefix(&err, "%s", text);
  assert_int_equal(strlen(err.message), sizeof err.message - 1);
}

// Every status has a name and an exit code of its own, none of them the shell's 1 or a signal's.
static void test_names_and_exit_codes(void **state)
{
  (void)state;
  for (int i = STATUS_OK; i <= STATUS_INTERNAL; ++i) {
    assert_string_not_equal(status_name((status)i), "unknown");
    const int code = status_exit_code((status)i);
    assert_true(code == 0 || code >= 2);
    assert_true((code == 0) == (i == STATUS_OK));
    for (int k = STATUS_OK; k < i; ++k) {
      assert_string_not_equal(status_name((status)i), status_name((status)k));
      assert_int_not_equal(code, status_exit_code((status)k));
    }
  }
  assert_int_equal(status_exit_code(STATUS_USAGE), 2);
  assert_int_equal(status_exit_code(STATUS_INTERRUPTED), 130);
  assert_string_equal(status_name((status)99), "unknown");
  assert_int_equal(status_exit_code((status)99), 70);
}

typedef struct heard {
  int n;
  log_level level;
  char message[2048];
} heard;

static void hear(void *user, log_level level, const char *message)
{
  heard *h = user;
  ++h->n;
  h->level = level;
  snprintf(h->message, sizeof h->message, "%s", message);
}

static void test_log(void **state)
{
  (void)state;
  heard h = {0};
  const log_sink sink = {hear, &h, LOG_WARNING};
  log_write(&sink, LOG_INFO, "unheard");
  assert_int_equal(h.n, 0);
  log_write(&sink, LOG_WARNING, "%d of %s", 2, "them");
  assert_int_equal(h.n, 1);
  assert_int_equal(h.level, LOG_WARNING);
  assert_string_equal(h.message, "2 of them");
  log_write(NULL, LOG_ERROR, "nobody");
  log_write(&(log_sink){0}, LOG_ERROR, "nobody");
  log_write(&sink, LOG_ERROR, "%1500d", 1); // longer than a line may be
  assert_int_equal(h.n, 2);
  assert_true(strlen(h.message) < 1100);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_set),           cmocka_unit_test(test_prefix),
      cmocka_unit_test(test_long_messages), cmocka_unit_test(test_names_and_exit_codes),
      cmocka_unit_test(test_log),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
