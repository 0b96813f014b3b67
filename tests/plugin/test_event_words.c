// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "plugin/event_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *words(const session_event *e)
{
  static char text[256];
  return event_words(e, 48000, text, sizeof text);
}

static void test_a_miss_says_whose_it_was(void **state)
{
  (void)state;
  session_event e = {.kind = EVENT_LATE,
                     .position_samples = 72000,
                     .value = 2500,
                     .run_delay_us = 2400,
                     .steal_us = 300,
                     .cpu_us = 1700};
  assert_string_equal(words(&e),
                      "late at 1.500 s by 2.5 ms: faded to the fallback (the machine was "
                      "busy: thread CPU 1.7 ms, run delay 2.4 ms, stolen 0.3 ms)");
  e.own = true;
  assert_non_null(strstr(words(&e), "our own"));
  assert_int_equal(event_level(&e), LOG_WARNING);
}

static void test_every_kind_has_a_sentence(void **state)
{
  (void)state;
  for (int kind = EVENT_TIMELINE; kind <= EVENT_FAILED; kind++) {
    session_event e = {.kind = (session_event_kind)kind, .position_samples = 48000, .value = 2};
    assert_true(strlen(words(&e)) > 10);
    assert_true(event_level(&e) <= LOG_ERROR);
  }
}

static void test_no_rate_and_no_room(void **state)
{
  (void)state;
  session_event e = {.kind = EVENT_GAP, .position_samples = 1000, .value = 77};
  char text[12];
  event_words(&e, 0, text, sizeof text);
  assert_int_equal(strlen(text), sizeof text - 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_miss_says_whose_it_was),
      cmocka_unit_test(test_every_kind_has_a_sentence),
      cmocka_unit_test(test_no_rate_and_no_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
