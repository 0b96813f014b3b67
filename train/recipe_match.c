// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/recipe_match.h"

#include "train/recipe_fields.h"

#include <string.h>

typedef struct field_name {
  const char *section, *key; ///< a null key: all of the section
} field_name;

/// Nothing that a weight depends on.
static const field_name words_of_a_codec[] = {
    {"codec", "name"},
    {"codec", "licence"},
    {"codec", "rate_hz"},
    {"codec", "chunk_samples"},
    {"codec", "chunk_stride_samples"},
    {NULL, NULL},
};

static const field_name codecs[] = {
    {"codec", NULL}, {"encoder", NULL}, {"decoder", NULL}, {NULL, NULL}};

static const field_name discriminators[] = {
    {"discriminator", "stft_windows"},
    {"discriminator", "stft_channels"},
    {"discriminator", "stft_single"},
    {"discriminator", "wave_scales"},
    {"discriminator", "wave_channels"},
    {"discriminator", "periods"},
    {"discriminator", "period_channels"},
    {"discriminator", "weight_norm"},
    {NULL, NULL},
};

/// Kept for every weight, or not at all: only zero is not like the rest.
static const field_name switches[] = {
    {"phases", "adversarial"},
    {"optimiser", "average_decay"},
    {"discriminator_optimiser", "average_decay"},
    {NULL, NULL},
};

static bool is_among(const recipe_field *field, const field_name *names)
{
  for (; names->section; ++names) {
    if (strcmp(field->section, names->section) == 0 &&
        (!names->key || strcmp(field->key, names->key) == 0)) {
      return true;
    }
  }
  return false;
}

static status differs(const recipe_field *field, const char *here, const char *name,
                      const char *there, const char *because, error *err)
{
  return error_set(err, STATUS_USAGE, "%s.%s is %s here, but %s in %s: %s", field->section,
                   field->key, *here ? here : "empty", *there ? there : "empty", name, because);
}

status recipe_match_network(const recipe *here, const seanet_config *there, const char *name,
                            error *err)
{
  char ours[RECIPE_TEXT_BYTES], theirs[RECIPE_TEXT_BYTES];
  const recipe other = {.codec = *there};
  for (int i = 0; i < recipe_n_fields; ++i) {
    const recipe_field *field = &recipe_fields[i];
    if (!is_among(field, codecs) || is_among(field, words_of_a_codec)) {
      continue;
    }
    recipe_field_get(here, field, ours);
    recipe_field_get(&other, field, theirs);
    if (strcmp(ours, theirs) != 0) {
      return differs(field, ours, name, theirs, "another network", err);
    }
  }
  return STATUS_OK;
}

/// Why `now` and `before`, which differ in this field, are no run; null when they are one.
static const char *refusal(const recipe_field *field, const char *now, const char *before,
                           bool judged)
{
  if (is_among(field, codecs) && !is_among(field, words_of_a_codec)) {
    return "a run keeps its network";
  }
  if (judged && is_among(field, discriminators)) {
    return "a run keeps its discriminators";
  }
  if (is_among(field, switches) && (strcmp(now, "0") == 0) != (strcmp(before, "0") == 0)) {
    return "a run keeps to zero, or to more";
  }
  return NULL;
}

status recipe_match_run(const recipe *now, const recipe *before, const char *name,
                        const log_sink *log, error *err)
{
  char ours[RECIPE_TEXT_BYTES], theirs[RECIPE_TEXT_BYTES];
  for (int i = 0; i < recipe_n_fields; ++i) {
    const recipe_field *field = &recipe_fields[i];
    recipe_field_get(now, field, ours);
    recipe_field_get(before, field, theirs);
    if (strcmp(ours, theirs) == 0) {
      continue;
    }
    const char *why = refusal(field, ours, theirs, before->phases.adversarial > 0);
    if (why) {
      return differs(field, ours, name, theirs, why, err);
    }
    log_write(log, LOG_INFO, "%s.%s is %s from here on, it was %s", field->section, field->key,
              *ours ? ours : "empty", *theirs ? theirs : "empty");
  }
  return STATUS_OK;
}
