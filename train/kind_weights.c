// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/kind_weights.h"

#include "base/c_locale.h"
#include "train/recipe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t"

// Blanks at both ends go.
static char *trimmed(char *text)
{
  text += strspn(text, BLANKS);
  for (size_t n = strlen(text); n > 0 && strchr(BLANKS, text[n - 1]); --n) {
    text[n - 1] = '\0';
  }
  return text;
}

static int kind_called(const dataset *set, const char *name)
{
  for (int i = 0; i < dataset_n_kinds(set); ++i) {
    if (strcmp(dataset_kind_name(set, i), name) == 0) {
      return i;
    }
  }
  return -1;
}

// One entry, trimmed; it is cut into name and number.
static status read_entry(double *weights, const dataset *set, char *entry, error *err)
{
  size_t at = strlen(entry);
  while (at > 0 && !strchr(BLANKS, entry[at - 1])) {
    --at;
  }
  char *end = NULL;
  const double number = strtod(entry + at, &end);
  if (at == 0 || end == entry + at || *end || !(number >= 0.0) || !isfinite(number)) {
    return error_set(
        err, STATUS_USAGE,
        "data.kind_weights: a kind and a number of 0 or more expected, found \"%.80s\"", entry);
  }
  entry[at - 1] = '\0';
  const int kind = kind_called(set, trimmed(entry));
  if (kind < 0) {
    return error_set(
        err, STATUS_USAGE,
        "data.kind_weights: the set has no kind called \"%.80s\"; its first is \"%.80s\"", entry,
        dataset_kind_name(set, 0));
  }
  if (weights[kind] >= 0.0) {
    return error_set(err, STATUS_USAGE, "data.kind_weights: \"%.80s\" is named twice", entry);
  }
  weights[kind] = number;
  return STATUS_OK;
}

status kind_weights_read(double *weights, const dataset *set, const char *text, error *err)
{
  char copy[RECIPE_WORD_BYTES], *rest = copy;
  c_locale locale;
  if (!c_locale_enter(&locale)) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a locale");
  }
  for (int i = 0; i < dataset_n_kinds(set); ++i) {
    weights[i] = -1.0; // not named yet
  }
  strncpy(copy, text, sizeof copy - 1);
  copy[sizeof copy - 1] = '\0';
  status code = STATUS_OK;
  for (char *entry; code == STATUS_OK && (entry = strtok_r(rest, ",", &rest));) {
    code = read_entry(weights, set, trimmed(entry), err);
  }
  for (int i = 0; i < dataset_n_kinds(set); ++i) {
    weights[i] = weights[i] < 0.0 ? 1.0 : weights[i];
  }
  c_locale_leave(&locale);
  return code;
}
