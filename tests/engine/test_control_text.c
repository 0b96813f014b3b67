// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/control/control_text.h"

#include "engine/control/parameters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static text_request r;

static void read(const char *line)
{
  error err = {STATUS_OK, ""};
  if (control_text_parse(line, strlen(line), &r, &err)) {
    fail_msg("\"%s\": %s", line, err.message);
  }
}

static void assert_control(size_t i, int kind, int id, double value)
{
  assert_true(i < r.n_controls);
  assert_int_equal(r.controls[i].kind, kind);
  assert_int_equal(r.controls[i].id, id);
  assert_true(r.controls[i].value == value);
}

static void test_requests(void **state)
{
  (void)state;
  read("set level -6.5");
  assert_int_equal(r.verb, TEXT_SEND);
  assert_int_equal(r.n_controls, 1);
  assert_control(0, CONTROL_SET, PARAMETER_LEVEL, -6.5);
  read("  set\tmode  listen   jump 0.25 phrase_end off \r");
  assert_int_equal(r.n_controls, 3);
  assert_control(0, CONTROL_SET, PARAMETER_MODE, MODE_LISTEN);
  assert_control(1, CONTROL_SET, PARAMETER_JUMP, 0.25);
  assert_control(2, CONTROL_SET, PARAMETER_PHRASE_END, 0.0);
  read("mode freeze");
  assert_control(0, CONTROL_SET, PARAMETER_MODE, MODE_FREEZE);
  read("panic");
  assert_control(0, CONTROL_ACTION, ACTION_PANIC, 0.0);
  read("get");
  assert_true(r.verb == TEXT_GET && r.id == -1);
  read("get mix");
  assert_true(r.verb == TEXT_GET && r.id == PARAMETER_MIX);
  read("learn mix");
  assert_true(r.verb == TEXT_LEARN && r.id == PARAMETER_MIX);
  read("learn");
  assert_true(r.verb == TEXT_LEARN && r.id == -1);
  read("telemetry");
  assert_int_equal(r.verb, TEXT_TELEMETRY);
}

static void test_every_action(void **state)
{
  (void)state;
  for (int i = 0; i < N_CONTROL_ACTIONS; ++i) {
    char line[64];
    snprintf(line, sizeof line, "do %s", control_action_name((control_action)i));
    read(line);
    assert_int_equal(r.n_controls, 1);
    assert_control(0, CONTROL_ACTION, i, 0.0);
  }
}

static void test_arguments_keep_their_blanks(void **state)
{
  (void)state;
  read("keep");
  assert_true(r.verb == TEXT_KEEP && r.argument[0] == '\0');
  read("keep   my  takes/\xc3\xbc"
       "ben  ");
  assert_string_equal(r.argument, "my  takes/\xc3\xbc"
                                  "ben");
  read("preset Slow Hands");
  assert_int_equal(r.verb, TEXT_PRESET);
  assert_string_equal(r.argument, "Slow Hands");
}

static void refuse(const char *line, size_t n, const char *words)
{
  error err = {STATUS_OK, ""};
  assert_int_equal(control_text_parse(line, n, &r, &err), STATUS_USAGE);
  if (!strstr(err.message, words)) {
    fail_msg("\"%s\": \"%s\" does not say \"%s\"", line, err.message, words);
  }
}

static void test_what_is_no_request(void **state)
{
  (void)state;
  static const char *const rows[][2] = {
      {"", "expected set, get"},
      {"sing", "found \"sing\""},
      {"SET level 1", "expected set, get"},
      {"set", "set KEY VALUE"},
      {"set level", "set KEY VALUE"},
      {"set level 1 mix", "set KEY VALUE"},
      {"set level loud", "number"},
      {"set level 100", "-60 to 12"},
      {"set loudness 1", "no parameter called \"loudness\""},
      {"mode", "mode NAME"},
      {"mode sing", "monitor|listen"},
      {"mode listen now", "mode NAME"},
      {"do", "do ACTION"},
      {"do sing", "no action called \"sing\""},
      {"do tap tap", "do ACTION"},
      {"panic now", "expected: panic"},
      {"get level mix", "get [KEY]"},
      {"get loudness", "no parameter"},
      {"learn loudness", "no parameter"},
      {"preset", "preset NAME"},
      {"preset  ", "preset NAME"},
      {"telemetry all", "expected: telemetry"},
      {"keep a\x01z", "control characters"},
      {"keep a\x7f", "control characters"},
      {"keep \xff", "UTF-8"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    refuse(rows[i][0], strlen(rows[i][0]), rows[i][1]);
  }
  refuse("panic\0", 6, "control characters");
  char lines[16 * CONTROL_BATCH_MAX] = "set";
  for (int i = 0; i <= CONTROL_BATCH_MAX; ++i) {
    strcat(lines, " mix 1");
  }
  refuse(lines, strlen(lines), "at most");
  static char longest[CONTROL_LINE_BYTES];
  memset(longest, 'a', sizeof longest);
  memcpy(longest, "keep ", 5);
  refuse(longest, sizeof longest, "1023 bytes");
  assert_int_equal(control_text_parse(longest, sizeof longest - 1, &r, NULL), STATUS_OK);
  assert_int_equal(strlen(r.argument), sizeof longest - 6);
}

// What get answers is what set reads, to the bit.
static void test_values_go_round(void **state)
{
  (void)state;
  for (int id = 0; id < parameter_count(); ++id) {
    const parameter_info *p = parameter_get(id);
    const double value = parameter_clamp(id, p->least + 0.37 * (p->most - p->least));
    char text[CONTROL_VALUE_BYTES], line[CONTROL_VALUE_BYTES + 8];
    snprintf(line, sizeof line, "set %s", control_text_value(id, value, text));
    read(line);
    assert_control(0, CONTROL_SET, id, value);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_requests),
      cmocka_unit_test(test_every_action),
      cmocka_unit_test(test_arguments_keep_their_blanks),
      cmocka_unit_test(test_what_is_no_request),
      cmocka_unit_test(test_values_go_round),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
