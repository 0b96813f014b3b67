// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/recipe.h"

#include "base/c_locale.h"
#include "base/file.h"
#include "base/ini_text.h"
#include "train/recipe_fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- checking ----------------------------------------------------------------------------------

static status check_data(const recipe *r, error *err)
{
  const int64_t hop = seanet_hop_samples(&r->codec);
  const recipe_data *data = &r->data;
  if (data->crop_samples % hop != 0) {
    return error_set(err, STATUS_USAGE,
                     "data.crop_samples is %lld, expected a multiple of the hop, %lld (the product "
                     "of codec.strides)",
                     (long long)data->crop_samples, (long long)hop);
  }
  if (*data->kind_weights && !data->balance_kinds) {
    return error_set(err, STATUS_USAGE,
                     "data.kind_weights is \"%.80s\", expected nothing without data.balance_kinds",
                     data->kind_weights);
  }
  if (data->gain_low_db > data->gain_high_db) {
    return error_set(err, STATUS_USAGE, "data.gain_low_db is %g, expected at most gain_high_db, %g",
                     data->gain_low_db, data->gain_high_db);
  }
  if (r->batch.size % r->batch.micro_batches != 0) {
    return error_set(err, STATUS_USAGE,
                     "batch.size is %lld, expected a multiple of batch.micro_batches, %lld",
                     (long long)r->batch.size, (long long)r->batch.micro_batches);
  }
  return STATUS_OK;
}

static status check_windows(const recipe *r, const char *key, const recipe_list *list, error *err)
{
  for (int i = 0; i < list->n; ++i) {
    if (list->values[i] % 4 != 0) {
      return error_set(err, STATUS_USAGE,
                       "%s has %lld, expected multiples of 4: the hop is a quarter", key,
                       (long long)list->values[i]);
    }
    if (list->values[i] > r->data.crop_samples) {
      return error_set(err, STATUS_USAGE, "%s has %lld, expected at most data.crop_samples, %lld",
                       key, (long long)list->values[i], (long long)r->data.crop_samples);
    }
  }
  return STATUS_OK;
}

static status check_optimiser(const char *section, const recipe_optimiser *o, error *err)
{
  if (o->schedule == SCHEDULE_COSINE && o->rate_final > o->rate) {
    return error_set(err, STATUS_USAGE, "%s.rate_final is %g, expected at most rate, %g", section,
                     o->rate_final, o->rate);
  }
  return STATUS_OK;
}

/// Each is a discriminator of its own, and its name in a checkpoint.
static status check_once(const char *key, const recipe_list *list, error *err)
{
  for (int i = 0; i < list->n; ++i) {
    for (int j = 0; j < i; ++j) {
      if (list->values[i] == list->values[j]) {
        return error_set(err, STATUS_USAGE, "%s has %lld twice, expected each once", key,
                         (long long)list->values[i]);
      }
    }
  }
  return STATUS_OK;
}

static status check_discriminator(const recipe *r, error *err)
{
  const recipe_discriminator *d = &r->discriminator;
  const bool none = d->stft_windows.n == 0 && d->wave_scales == 0 && d->periods.n == 0;
  if (d->stft_single && d->stft_windows.n != 1) {
    return error_set(err, STATUS_USAGE,
                     "discriminator.stft_windows has %d windows, expected one with "
                     "discriminator.stft_single",
                     d->stft_windows.n);
  }
  if (none && r->phases.adversarial > 0 && (r->loss.adversarial > 0 || r->loss.feature > 0)) {
    return error_set(err, STATUS_USAGE,
                     "loss.adversarial is %g and loss.feature %g, but no discriminator is asked "
                     "for: expected discriminator.stft_windows, wave_scales or periods, or "
                     "phases.adversarial = 0",
                     r->loss.adversarial, r->loss.feature);
  }
  if (d->every % d->heard_every != 0) {
    return error_set(err, STATUS_USAGE,
                     "discriminator.every is %lld, expected a multiple of heard_every, %lld",
                     (long long)d->every, (long long)d->heard_every);
  }
  const status code = check_once("discriminator.stft_windows", &d->stft_windows, err);
  return code ? code : check_once("discriminator.periods", &d->periods, err);
}

static status check_losses(const recipe *r, error *err)
{
  const recipe_loss *l = &r->loss;
  const bool mel = l->mel > 0 || l->mel_warmup > 0 || l->mel_adversarial > 0;
  if (mel && l->mel_windows.n == 0) {
    return error_set(err, STATUS_USAGE,
                     "loss.mel_windows is empty, expected windows while loss.mel, mel_warmup or "
                     "mel_adversarial is above 0");
  }
  if (r->phases.unquantised > 0 && l->wave_l1_warmup + l->mel_warmup + l->wave_l2 <= 0) {
    return error_set(err, STATUS_USAGE,
                     "loss.wave_l1_warmup, mel_warmup and wave_l2 are all 0, expected one above 0 "
                     "while phases.unquantised is %lld",
                     (long long)r->phases.unquantised);
  }
  if (r->phases.reconstruction > 0 && l->wave_l1 + l->wave_l2 + l->mel <= 0) {
    return error_set(err, STATUS_USAGE,
                     "loss.wave_l1, wave_l2 and mel are all 0, expected one above 0 while "
                     "phases.reconstruction is %lld",
                     (long long)r->phases.reconstruction);
  }
  return STATUS_OK;
}

static status check_run(const recipe *r, error *err)
{
  const recipe_phases *p = &r->phases;
  if (p->unquantised + p->reconstruction + p->adversarial == 0) {
    return error_set(err, STATUS_USAGE,
                     "phases.unquantised, reconstruction and adversarial are all 0, expected one "
                     "step at least");
  }
  if (r->quantiser.start_vectors < r->codec.codebook_size) {
    return error_set(err, STATUS_USAGE,
                     "quantiser.start_vectors is %lld, expected at least codec.codebook_size, %lld",
                     (long long)r->quantiser.start_vectors, (long long)r->codec.codebook_size);
  }
  return STATUS_OK;
}

status recipe_check(const recipe *in, error *err)
{
  status code = seanet_config_check(&in->codec, err);
  if (code == STATUS_OK) {
    code = check_data(in, err);
  }
  if (code == STATUS_OK) {
    code = check_windows(in, "loss.mel_windows", &in->loss.mel_windows, err);
  }
  if (code == STATUS_OK) {
    code = check_windows(in, "discriminator.stft_windows", &in->discriminator.stft_windows, err);
  }
  if (code == STATUS_OK) {
    code = check_optimiser("optimiser", &in->optimiser, err);
  }
  if (code == STATUS_OK) {
    code = check_optimiser("discriminator_optimiser", &in->discriminator_optimiser, err);
  }
  if (code == STATUS_OK) {
    code = check_discriminator(in, err);
  }
  if (code == STATUS_OK) {
    code = check_losses(in, err);
  }
  return code == STATUS_OK ? check_run(in, err) : code;
}

// ---- reading -----------------------------------------------------------------------------------

/// A file being read; one value per field and file.
typedef struct reader {
  recipe *out;
  int *given; ///< line of each field's value, 0 while it has none
} reader;

static status unknown(const char *section, const char *key, error *err)
{
  const recipe_field *nearest = recipe_field_nearest(section, key);
  return error_set(err, STATUS_USAGE, "nothing is called %.50s.%.50s, the nearest is %s.%s",
                   section, key, nearest->section, nearest->key);
}

static status take_value(void *user, int line, const char *section, const char *key,
                         const char *value, error *err)
{
  reader *r = user;
  const recipe_field *field = recipe_field_find(section, key);
  if (!field) {
    return unknown(section, key, err);
  }
  int *given = &r->given[field - recipe_fields];
  if (*given) {
    return error_set(err, STATUS_USAGE, "%s.%s has a value already, in line %d", section, key,
                     *given);
  }
  *given = line;
  return recipe_field_set(r->out, field, value, err);
}

static status read_text(recipe *out, const char *text, size_t size_bytes, const char *name,
                        error *err)
{
  reader r = {out, calloc((size_t)recipe_n_fields, sizeof *r.given)};
  if (!r.given) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to read it", name);
  }
  const status code = ini_text_read(text, size_bytes, name, take_value, &r, err);
  free(r.given);
  return code;
}

static status read_file(recipe *out, const char *path, error *err)
{
  file_map map;
  const status code = file_map_open(&map, path, err);
  if (code != STATUS_OK) {
    return code;
  }
  const status read = read_text(out, (const char *)map.data, map.size_bytes, path, err);
  file_map_close(&map);
  return read;
}

/// Copy `size` bytes of `text` without the blanks around them; false when they do not fit.
static bool copy_trimmed(char *out, size_t capacity, const char *text, size_t size)
{
  while (size > 0 && strchr(" \t", text[0])) {
    ++text;
    --size;
  }
  while (size > 0 && strchr(" \t", text[size - 1])) {
    --size;
  }
  if (size >= capacity) {
    return false;
  }
  memcpy(out, text, size);
  out[size] = '\0';
  return true;
}

/// "section.key=value", blanks around each allowed.
static status apply_override(recipe *out, const char *text, error *err)
{
  char section[64], key[64], value[256];
  const char *equals = strchr(text, '=');
  const char *dot = strchr(text, '.');
  if (!equals || !dot || dot > equals ||
      !copy_trimmed(section, sizeof section, text, (size_t)(dot - text)) ||
      !copy_trimmed(key, sizeof key, dot + 1, (size_t)(equals - dot - 1)) ||
      !copy_trimmed(value, sizeof value, equals + 1, strlen(equals + 1))) {
    return error_set(err, STATUS_USAGE, "%.80s: expected section.key=value", text);
  }
  const recipe_field *field = recipe_field_find(section, key);
  return field ? recipe_field_set(out, field, value, err) : unknown(section, key, err);
}

static void set_defaults(recipe *out)
{
  memset(out, 0, sizeof *out);
  for (int i = 0; i < recipe_n_fields; ++i) {
    (void)recipe_field_set(out, &recipe_fields[i], recipe_fields[i].initial, NULL);
  }
}

status recipe_load(recipe *out, const char *path, const char *const *overrides, int n_overrides,
                   error *err)
{
  c_locale c;
  if (!c_locale_enter(&c)) {
    return error_set(err, STATUS_NO_MEMORY, "no memory to read a recipe");
  }
  set_defaults(out);
  status code = path ? read_file(out, path, err) : STATUS_OK;
  for (int i = 0; i < n_overrides && code == STATUS_OK; ++i) {
    code = apply_override(out, overrides[i], err);
  }
  if (code == STATUS_OK) {
    code = recipe_check(out, err);
    if (code != STATUS_OK) {
      error_prefix(err, "%s", path ? path : "recipe");
    }
  }
  c_locale_leave(&c);
  return code;
}

status recipe_parse(recipe *out, const char *text, const char *name, error *err)
{
  c_locale c;
  if (!c_locale_enter(&c)) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to read it", name);
  }
  set_defaults(out);
  status code = read_text(out, text, strlen(text), name, err);
  if (code == STATUS_OK) {
    code = recipe_check(out, err);
    if (code != STATUS_OK) {
      error_prefix(err, "%s", name);
    }
  }
  c_locale_leave(&c);
  return code;
}

// ---- writing -----------------------------------------------------------------------------------

/// Longest text of a field with its heading and help; a test holds every field to it.
#define FIELD_BYTES 640

static size_t write_field(char *text, const recipe *in, int i)
{
  const recipe_field *field = &recipe_fields[i];
  char value[RECIPE_TEXT_BYTES], expected[160] = "";
  size_t used = 0;
  if (i == 0 || strcmp(field->section, field[-1].section) != 0) {
    used = (size_t)snprintf(text, FIELD_BYTES, "%s[%s]\n", i ? "\n" : "", field->section);
  }
  recipe_field_get(in, field, value);
  recipe_field_expected(field, expected, sizeof expected);
  used += (size_t)snprintf(text + used, FIELD_BYTES - used, "# %s; %s\n%s = %s\n", field->help,
                           expected, field->key, value);
  return used;
}

status recipe_write(const recipe *in, char **text, error *err)
{
  *text = NULL;
  char *out = malloc((size_t)recipe_n_fields * FIELD_BYTES + 1);
  c_locale c;
  if (!out || !c_locale_enter(&c)) {
    free(out);
    return error_set(err, STATUS_NO_MEMORY, "no memory to write a recipe");
  }
  size_t used = 0;
  for (int i = 0; i < recipe_n_fields; ++i) {
    used += write_field(out + used, in, i);
  }
  c_locale_leave(&c);
  *text = out;
  return STATUS_OK;
}
