// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/control/parameters.h"

#include "base/random.h"
#include "engine/control/control.h"

#include <ctype.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int count_words(const char *words)
{
  int n = 1;
  for (; *words; ++words) {
    n += *words == '|';
  }
  return n;
}

static void assert_key(const char *key)
{
  assert_true(islower((unsigned char)key[0]));
  for (const char *c = key; *c; ++c) {
    assert_true(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_');
  }
}

static void test_the_table_makes_sense(void **state)
{
  (void)state;
  assert_true(parameter_count() >= N_OWN_PARAMETERS && parameter_count() <= PARAMETER_MAX);
  for (int id = 0; id < parameter_count(); ++id) {
    const parameter_info *p = parameter_get(id);
    assert_non_null(p);
    assert_key(p->key);
    assert_true(p->name[0] && p->help[0] && p->unit);
    assert_true(p->least < p->most && p->standard >= p->least && p->standard <= p->most);
    assert_true(parameter_clamp(id, p->standard) == p->standard);
    assert_int_equal(p->kind == PARAMETER_CHOICE, p->words != NULL);
    if (p->words) {
      assert_true(p->least == 0 && (int)p->most == count_words(p->words) - 1);
    }
    if (p->kind == PARAMETER_SWITCH) {
      assert_true(p->least == 0 && p->most == 1);
    }
    assert_int_equal(parameter_find(p->key), id); // so keys differ
  }
  assert_null(parameter_get(-1));
  assert_null(parameter_get(parameter_count()));
  assert_int_equal(parameter_find("loudness"), -1);
  assert_int_equal(parameter_find(""), -1);
}

static void test_words_are_in_the_order_of_their_enums(void **state)
{
  (void)state;
  static const struct {
    int id, value;
    const char *word;
  } rows[] = {
      {PARAMETER_MODE, MODE_MONITOR, "monitor"},
      {PARAMETER_MODE, MODE_LISTEN, "listen"},
      {PARAMETER_MODE, MODE_CONTINUE, "continue"},
      {PARAMETER_MODE, MODE_ACCOMPANY, "accompany"},
      {PARAMETER_MODE, MODE_ANSWER, "answer"},
      {PARAMETER_MODE, MODE_GENERATE, "generate"},
      {PARAMETER_MODE, MODE_FREEZE, "freeze"},
      {PARAMETER_THRU, THRU_OFF, "off"},
      {PARAMETER_THRU, THRU_DRY, "dry"},
      {PARAMETER_THRU, THRU_CODEC, "codec"},
      {PARAMETER_QUANTISE, QUANTISE_BEAT, "beat"},
      {PARAMETER_QUANTISE, QUANTISE_BAR, "bar"},
      {PARAMETER_PHRASE_END, 1, "on"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    double value = -1.0;
    char text[64];
    assert_int_equal(parameter_parse(rows[i].id, rows[i].word, &value, NULL), STATUS_OK);
    assert_int_equal((int)value, rows[i].value);
    parameter_format(rows[i].id, rows[i].value, text, sizeof text);
    assert_string_equal(text, rows[i].word);
  }
}

static void test_actions_have_names(void **state)
{
  (void)state;
  for (int i = 0; i < N_CONTROL_ACTIONS; ++i) {
    assert_key(control_action_name((control_action)i));
    assert_non_null(control_action_help((control_action)i));
    assert_int_equal(control_action_find(control_action_name((control_action)i)), i);
  }
  assert_null(control_action_name(N_CONTROL_ACTIONS));
  assert_int_equal(control_action_find("sing"), -1);
}

static void test_clamp(void **state)
{
  (void)state;
  assert_true(parameter_clamp(PARAMETER_LEVEL, 99.0) == 12.0);
  assert_true(parameter_clamp(PARAMETER_LEVEL, -99.0) == -60.0);
  assert_true(parameter_clamp(PARAMETER_LEVEL, (double)-INFINITY) == -60.0);
  assert_true(parameter_clamp(PARAMETER_LEVEL, (double)NAN) == 0.0);
  assert_true(parameter_clamp(PARAMETER_MIN_RUN, 7.6) == 8.0);
  assert_true(parameter_clamp(PARAMETER_MODE, 2.2) == 2.0);
  assert_true(parameter_clamp(-1, 5.0) == 0.0);
}

static void refuse(int id, const char *text, const char *words)
{
  double value = 12345.0;
  error err = {STATUS_OK, ""};
  assert_int_equal(parameter_parse(id, text, &value, &err), STATUS_USAGE);
  assert_true(value == 12345.0);
  if (!strstr(err.message, words)) {
    fail_msg("\"%s\" does not say \"%s\"", err.message, words);
  }
}

static void test_text_that_is_no_value(void **state)
{
  (void)state;
  refuse(PARAMETER_LEVEL, "13", "-60 to 12");
  refuse(PARAMETER_LEVEL, "loud", "a number");
  refuse(PARAMETER_LEVEL, "", "a number");
  refuse(PARAMETER_LEVEL, "1x", "a number");
  refuse(PARAMETER_LEVEL, "nan", "a number");
  refuse(PARAMETER_LEVEL, "inf", "-60 to 12");
  refuse(PARAMETER_MIN_RUN, "2.5", "whole number");
  refuse(PARAMETER_MODE, "1", "monitor|listen");
  refuse(PARAMETER_MODE, "listen|continue", "monitor|listen");
  refuse(PARAMETER_MODE, "list", "monitor|listen");
  refuse(PARAMETER_PHRASE_END, "maybe", "off|on");
  refuse(PARAMETER_PHRASE_END, "0.5", "whole number");
  refuse(parameter_count(), "1", "no such parameter");
}

// Every value that can be set is text that reads back to the same bits.
static void test_format_and_parse_are_inverse(void **state)
{
  (void)state;
  for (int id = 0; id < parameter_count(); ++id) {
    const parameter_info *p = parameter_get(id);
    for (uint64_t i = 0; i < 300; ++i) {
      const double share = (double)(random_bits(5, (uint64_t)id, i) >> 11) * 0x1p-53;
      const double drawn = i == 0   ? p->least
                           : i == 1 ? p->most
                                    : p->least + share * (p->most - p->least);
      const double value = parameter_clamp(id, drawn);
      double read = -1.0;
      char text[64];
      parameter_format(id, value, text, sizeof text);
      assert_int_equal(parameter_parse(id, text, &read, NULL), STATUS_OK);
      assert_true(read == value);
    }
  }
}

static void test_format_of_what_is_no_value(void **state)
{
  (void)state;
  char text[64];
  parameter_format(PARAMETER_MODE, 1e300, text, sizeof text);
  assert_string_equal(text, "freeze");
  parameter_format(PARAMETER_MODE, (double)NAN, text, sizeof text);
  assert_string_equal(text, "monitor");
  parameter_format(PARAMETER_LEVEL, -6.1, text, sizeof text);
  assert_string_equal(text, "-6.1");
  parameter_format(PARAMETER_TEMPO, 400, text, sizeof text); // not 4e+02
  assert_string_equal(text, "400");
  parameter_format(PARAMETER_SEED, 9007199254740991.0, text, sizeof text);
  assert_string_equal(text, "9007199254740991");
  char small[4];
  parameter_format(PARAMETER_MODE, MODE_ACCOMPANY, small, sizeof small);
  assert_string_equal(small, "acc");
}

static void test_standard_values(void **state)
{
  (void)state;
  double values[PARAMETER_MAX];
  memset(values, 0xff, sizeof values);
  parameters_standard(values);
  for (int id = 0; id < PARAMETER_MAX; ++id) {
    const parameter_info *p = parameter_get(id);
    assert_true(values[id] == (p ? p->standard : 0.0));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_table_makes_sense),
      cmocka_unit_test(test_words_are_in_the_order_of_their_enums),
      cmocka_unit_test(test_actions_have_names),
      cmocka_unit_test(test_clamp),
      cmocka_unit_test(test_text_that_is_no_value),
      cmocka_unit_test(test_format_and_parse_are_inverse),
      cmocka_unit_test(test_format_of_what_is_no_value),
      cmocka_unit_test(test_standard_values),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
