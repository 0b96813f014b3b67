// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/play/effect_parameters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

// First of all, so that the threads race for the table.
static void *ask(void *answer)
{
  *(int *)answer = parameter_find("depth_place");
  return NULL;
}

static void test_any_thread_may_ask_first(void **state)
{
  (void)state;
  pthread_t threads[8];
  int answers[8] = {0};
  for (int i = 0; i < 8; ++i) {
    assert_int_equal(pthread_create(&threads[i], NULL, ask, &answers[i]), 0);
  }
  for (int i = 0; i < 8; ++i) {
    pthread_join(threads[i], NULL);
  }
  for (int i = 0; i < 8; ++i) {
    assert_true(answers[i] >= N_OWN_PARAMETERS);
    assert_int_equal(answers[i], answers[0]);
  }
}

/// The parameter of that key is what `parameter_of_effect` gives.
static const parameter_info *expect(code_effect_kind kind, int setting, const char *key)
{
  const int id = parameter_find(key);
  if (id < 0) {
    fail_msg("no parameter is called %s", key);
  }
  assert_int_equal(id, parameter_of_effect(kind, setting));
  assert_false(parameter_get(id)->of_sample);
  return parameter_get(id);
}

static void test_every_effect_is_in_the_table(void **state)
{
  (void)state;
  int n = 0;
  for (int k = 0; k < CODE_N_EFFECTS; ++k) {
    const code_effect_kind kind = (code_effect_kind)k;
    const code_effect_info *effect = code_effect_get_info(kind);
    char key[100];
    const parameter_info *fader = expect(kind, EFFECT_FADER, effect->key);
    assert_true(fader->least == 0.0 && fader->most == 1.0 && fader->standard == 0.0);
    assert_non_null(strstr(fader->help, effect->fader));
    snprintf(key, sizeof key, "%s_place", effect->key);
    const parameter_info *place = expect(kind, EFFECT_PLACE, key);
    assert_true(place->standard == k + 1 && place->kind == PARAMETER_WHOLE);
    for (int i = 0; i < effect->n_settings; ++i) {
      const code_effect_setting *setting = &effect->settings[i];
      snprintf(key, sizeof key, "%s_%s", effect->key, setting->key);
      const parameter_info *info = expect(kind, i, key);
      assert_true((float)info->least == setting->least && (float)info->most == setting->most);
      assert_true((float)info->standard == setting->standard);
      assert_int_equal(info->kind == PARAMETER_WHOLE, setting->whole);
      assert_string_equal(info->unit, setting->unit);
    }
    assert_int_equal(parameter_of_effect(kind, effect->n_settings), -1);
    assert_int_equal(parameter_of_effect(kind, -3), -1);
    n += 2 + effect->n_settings;
  }
  assert_int_equal(effect_parameter_count(), n);
  assert_int_equal(parameter_count(), N_OWN_PARAMETERS + n);
  assert_true(parameter_count() <= PARAMETER_MAX);
  assert_null(effect_parameter_get(-1));
  assert_null(effect_parameter_get(n));
}

// 0.1f is 0.1 to a musician.
static void test_numbers_are_round(void **state)
{
  (void)state;
  for (int id = N_OWN_PARAMETERS; id < parameter_count(); ++id) {
    const parameter_info *info = parameter_get(id);
    const double numbers[] = {info->least, info->most, info->standard};
    for (int i = 0; i < 3; ++i) {
      char text[40];
      parameter_format(id, numbers[i], text, sizeof text);
      assert_true(strlen(text) < 8);
    }
    assert_true(strlen(info->key) < 40 && strlen(info->help) < 140);
  }
}

static void test_standard_is_the_chain_at_rest(void **state)
{
  (void)state;
  double values[PARAMETER_MAX];
  code_effects_settings filled, rest;
  parameters_standard(values);
  effect_parameters_fill(&filled, values);
  code_effects_settings_init(&rest);
  rest.seed = 1;
  assert_memory_equal(&filled, &rest, sizeof rest);
}

static void test_each_parameter_reaches_its_knob(void **state)
{
  (void)state;
  double values[PARAMETER_MAX];
  code_effects_settings filled;
  for (int id = 0; id < parameter_count(); ++id) {
    values[id] = 1000.0 + id; // no two alike
  }
  values[PARAMETER_SEED] = 9007199254740991.0;
  effect_parameters_fill(&filled, values);
  assert_true(filled.seed == 9007199254740991u);
  for (int k = 0; k < CODE_N_EFFECTS; ++k) {
    const code_effect_kind kind = (code_effect_kind)k;
    const code_effect_knobs *knobs = &filled.knobs[k];
    assert_true((double)knobs->fader == 1000.0 + parameter_of_effect(kind, EFFECT_FADER));
    assert_int_equal(knobs->place, 999 + parameter_of_effect(kind, EFFECT_PLACE));
    for (int i = 0; i < code_effect_get_info(kind)->n_settings; ++i) {
      assert_true((double)knobs->values[i] == 1000.0 + parameter_of_effect(kind, i));
    }
  }
}

static void test_off(void **state)
{
  (void)state;
  double values[PARAMETER_MAX], before[PARAMETER_MAX];
  for (int id = 0; id < PARAMETER_MAX; ++id) {
    values[id] = 0.5;
  }
  memcpy(before, values, sizeof before);
  effect_parameters_off(values);
  int n_changed = 0;
  for (int id = 0; id < PARAMETER_MAX; ++id) {
    n_changed += values[id] != before[id];
  }
  assert_int_equal(n_changed, CODE_N_EFFECTS);
  code_effects_settings filled;
  effect_parameters_fill(&filled, values);
  for (int k = 0; k < CODE_N_EFFECTS; ++k) {
    assert_true(filled.knobs[k].fader == 0.0f);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_any_thread_may_ask_first),
      cmocka_unit_test(test_every_effect_is_in_the_table),
      cmocka_unit_test(test_numbers_are_round),
      cmocka_unit_test(test_standard_is_the_chain_at_rest),
      cmocka_unit_test(test_each_parameter_reaches_its_knob),
      cmocka_unit_test(test_off),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
