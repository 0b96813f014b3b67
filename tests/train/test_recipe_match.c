// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// What a run may change and what it may not, field by field.

#include "train/recipe_match.h"

#include "train/recipe_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int n_told;
static char told[256];

static void count(void *user, log_level level, const char *message)
{
  (void)user;
  (void)level;
  ++n_told;
  snprintf(told, sizeof told, "%s", message);
}

static const log_sink sink = {count, NULL, LOG_DEBUG};

static recipe defaults(void)
{
  recipe r;
  error err = {0};
  if (recipe_load(&r, NULL, NULL, 0, &err)) {
    fail_msg("%s", err.message);
  }
  return r;
}

/// Any other value of the field.
static void change(recipe *r, const recipe_field *field)
{
  static const char *const others[] = {"0",  "1",     "2",     "0.5",  "3, 5",   "64, 128",
                                       "no", "other", "batch", "none", "default"};
  char before[RECIPE_TEXT_BYTES], after[RECIPE_TEXT_BYTES];
  recipe_field_get(r, field, before);
  for (size_t i = 0; i < sizeof others / sizeof *others; ++i) {
    if (recipe_field_set(r, field, others[i], NULL) == STATUS_OK) {
      recipe_field_get(r, field, after);
      if (strcmp(before, after) != 0) {
        return;
      }
    }
  }
  for (int i = 0; field->choices && field->choices[i]; ++i) {
    if (strcmp(field->choices[i], before) != 0) {
      assert_int_equal(recipe_field_set(r, field, field->choices[i], NULL), STATUS_OK);
      return;
    }
  }
  fail_msg("%s.%s: no other value", field->section, field->key);
}

static bool one_of(const char *word, const char *const *words)
{
  for (; *words; ++words) {
    if (strcmp(word, *words) == 0) {
      return true;
    }
  }
  return false;
}

static bool may_change(const recipe_field *f)
{
  static const char *const free_codec[] = {
      "name", "licence", "rate_hz", "chunk_samples", "chunk_stride_samples", NULL};
  static const char *const free_discriminator[] = {"heard_every", "every", "probability",
                                                   "hinge_generator", NULL};
  if (strcmp(f->section, "encoder") == 0 || strcmp(f->section, "decoder") == 0) {
    return false;
  }
  if (strcmp(f->section, "codec") == 0) {
    return one_of(f->key, free_codec);
  }
  return strcmp(f->section, "discriminator") != 0 || one_of(f->key, free_discriminator);
}

static void each_field(void **state)
{
  (void)state;
  for (int i = 0; i < recipe_n_fields; ++i) {
    const recipe_field *field = &recipe_fields[i];
    error err = {0};
    char name[100];
    recipe before = defaults();
    before.optimiser.average_decay = before.discriminator_optimiser.average_decay = 0.9;
    recipe now = before;
    change(&now, field);
    if (strcmp(field->key, "average_decay") == 0 || strcmp(field->key, "adversarial") == 0) {
      (void)recipe_field_set(&now, field, "0.8", NULL);
      (void)recipe_field_set(&now, field, "9", NULL);
    }
    n_told = 0;
    snprintf(name, sizeof name, "%s.%s is ", field->section, field->key);
    const status code = recipe_match_run(&now, &before, "the run", &sink, &err);
    if (code != (may_change(field) ? STATUS_OK : STATUS_USAGE) ||
        n_told != (may_change(field) ? 1 : 0) ||
        strncmp(may_change(field) ? told : err.message, name, strlen(name)) != 0) {
      fail_msg("%s: %d, told %d, %s", name, code, n_told, code ? err.message : told);
    }
    const bool of_network = strstr("codec encoder decoder", field->section) && !may_change(field);
    assert_int_equal(recipe_match_network(&now, &before.codec, "the model", &err),
                     of_network ? STATUS_USAGE : STATUS_OK);
  }
}

static void the_same_is_the_same(void **state)
{
  (void)state;
  error err = {0};
  const recipe r = defaults();
  n_told = 0;
  assert_int_equal(recipe_match_run(&r, &r, "the run", &sink, &err), STATUS_OK);
  assert_int_equal(recipe_match_network(&r, &r.codec, "the model", &err), STATUS_OK);
  assert_int_equal(n_told, 0);
}

// Averages and discriminators are in a checkpoint or they are not.
static void switches(void **state)
{
  (void)state;
  for (int way = 0; way < 6; ++way) {
    error err = {0};
    recipe some = defaults();
    some.discriminator_optimiser.average_decay = 0.9;
    recipe none = some;
    switch (way / 2) {
    case 0:
      none.optimiser.average_decay = 0.0;
      break;
    case 1:
      none.discriminator_optimiser.average_decay = 0.0;
      break;
    default:
      none.phases.adversarial = 0;
    }
    const recipe *now = way % 2 ? &some : &none, *before = way % 2 ? &none : &some;
    assert_int_equal(recipe_match_run(now, before, "the run", NULL, &err), STATUS_USAGE);
    assert_non_null(strstr(err.message, "the run"));
  }
}

// What no discriminator was made of may change.
static void without_discriminators(void **state)
{
  (void)state;
  error err = {0};
  recipe before = defaults();
  before.phases.adversarial = 0;
  recipe now = before;
  now.discriminator.stft_channels = 3;
  assert_int_equal(recipe_match_run(&now, &before, "the run", NULL, &err), STATUS_OK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_field),
      cmocka_unit_test(the_same_is_the_same),
      cmocka_unit_test(switches),
      cmocka_unit_test(without_discriminators),
  };
  return cmocka_run_group_tests_name("recipe match", tests, NULL, NULL);
}
