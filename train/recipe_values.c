// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// A field's value from text and to text.

#include "train/recipe_fields.h"

#include "base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- finding -----------------------------------------------------------------------------------

const recipe_field *recipe_field_find(const char *section, const char *key)
{
  for (int i = 0; i < recipe_n_fields; ++i) {
    if (!strcmp(recipe_fields[i].section, section) && !strcmp(recipe_fields[i].key, key)) {
      return &recipe_fields[i];
    }
  }
  return NULL;
}

#define NAME_BYTES 64

/// Levenshtein's distance: insertions, deletions and changes of one byte.
static int edits(const char *a, const char *b)
{
  int row[NAME_BYTES + 1];
  const int n = (int)strlen(b);
  for (int j = 0; j <= n; ++j) {
    row[j] = j;
  }
  for (int i = 0; a[i]; ++i) {
    int diagonal = row[0];
    row[0] = i + 1;
    for (int j = 0; j < n; ++j) {
      const int change = diagonal + (a[i] != b[j]);
      const int step = 1 + (row[j] < row[j + 1] ? row[j] : row[j + 1]);
      diagonal = row[j + 1];
      row[j + 1] = change < step ? change : step;
    }
  }
  return row[n];
}

const recipe_field *recipe_field_nearest(const char *section, const char *key)
{
  char wanted[2 * NAME_BYTES];
  snprintf(wanted, sizeof wanted, "%s.%s", section, key);
  const recipe_field *nearest = recipe_fields;
  int least = 4 * NAME_BYTES;
  for (int i = 0; i < recipe_n_fields; ++i) {
    const recipe_field *f = &recipe_fields[i];
    char known[NAME_BYTES];
    snprintf(known, sizeof known, "%s.%s", f->section, f->key);
    const int distance = edits(wanted, known);
    if (distance < least) {
      least = distance;
      nearest = f;
    }
  }
  return nearest;
}

// ---- what is possible --------------------------------------------------------------------------

static int64_t list_capacity(const recipe_field *field)
{
  return (int64_t)(field->size / sizeof(int64_t));
}

static void expected_choices(const recipe_field *field, char *text, size_t size_bytes)
{
  size_t used = (size_t)snprintf(text, size_bytes, "one of");
  for (int i = 0; field->choices[i] && used < size_bytes; ++i) {
    used +=
        (size_t)snprintf(text + used, size_bytes - used, "%s %s", i ? "," : "", field->choices[i]);
  }
}

void recipe_field_expected(const recipe_field *field, char *text, size_t size_bytes)
{
  switch (field->kind) {
  case RECIPE_INTEGER:
    snprintf(text, size_bytes, "an integer from %.0f to %.0f", field->least, field->most);
    break;
  case RECIPE_NUMBER:
    snprintf(text, size_bytes, "a number from %.9g to %.9g", field->least, field->most);
    break;
  case RECIPE_BOOL:
    snprintf(text, size_bytes, "true or false");
    break;
  case RECIPE_WORD:
    snprintf(text, size_bytes, "a line of at most %d bytes without ;",
             (int)(field->size < RECIPE_TEXT_BYTES ? field->size : RECIPE_TEXT_BYTES) - 1);
    break;
  case RECIPE_LIST:
    snprintf(text, size_bytes, "at most %d integers from %.0f to %.0f", (int)list_capacity(field),
             field->least, field->most);
    break;
  case RECIPE_CHOICE:
    expected_choices(field, text, size_bytes);
    break;
  }
}

// ---- from text ---------------------------------------------------------------------------------

static bool set_integer(void *place, const recipe_field *field, const char *text)
{
  char *end = NULL;
  errno = 0;
  const int64_t value = strtoll(text, &end, 10);
  if (end == text || *end || errno || (double)value < field->least || (double)value > field->most) {
    return false;
  }
  const uint32_t narrow = (uint32_t)value;
  memcpy(place, field->size == sizeof narrow ? (const void *)&narrow : (const void *)&value,
         field->size);
  return true;
}

static bool set_number(void *place, const recipe_field *field, const char *text)
{
  char *end = NULL;
  const double value = strtod(text, &end);
  // No hexadecimal numbers, infinities and the like.
  if (end == text || *end || strspn(text, "+-.0123456789eE") != strlen(text) ||
      !(value >= field->least && value <= field->most)) {
    return false;
  }
  const float narrow = (float)value;
  memcpy(place, field->size == sizeof narrow ? (const void *)&narrow : (const void *)&value,
         field->size);
  return true;
}

static bool set_bool(void *place, const char *text)
{
  static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
  for (int i = 0; i < (int)(sizeof words / sizeof *words); ++i) {
    if (!strcmp(text, words[i])) {
      const bool value = i % 2 != 0;
      memcpy(place, &value, sizeof value);
      return true;
    }
  }
  return false;
}

static bool set_word(void *place, const recipe_field *field, const char *text)
{
  const size_t length = strlen(text);
  if (length >= field->size || length >= RECIPE_TEXT_BYTES || strchr(text, ';')) {
    return false; // " ;" would begin a comment
  }
  for (size_t i = 0; i < length;) {
    const size_t step = utf8_sequence((const uint8_t *)text + i, length - i);
    if (step == 0 || (unsigned char)text[i] < ' ' || text[i] == 0x7f) {
      return false;
    }
    i += step;
  }
  memset(place, 0, field->size);
  memcpy(place, text, length);
  return true;
}

static bool set_list(recipe *r, const recipe_field *field, const char *text)
{
  int64_t values[RECIPE_MAX_WINDOWS] = {0};
  int64_t n = 0;
  for (const char *at = text + strspn(text, " \t"); *at; ++n) {
    char *end = NULL;
    errno = 0;
    const int64_t value = strtoll(at, &end, 10);
    if (end == at || errno || n == list_capacity(field) || (double)value < field->least ||
        (double)value > field->most) {
      return false;
    }
    values[n] = value;
    const char *next = end + strspn(end, " \t");
    next += *next == ',';
    next += strspn(next, " \t");
    if (next == end && *next) {
      return false; // "12k"
    }
    at = next;
  }
  memcpy((char *)r + field->offset, values, field->size);
  const int short_n = (int)n;
  memcpy((char *)r + field->count_offset,
         field->count_size == sizeof short_n ? (const void *)&short_n : (const void *)&n,
         field->count_size);
  return true;
}

static bool set_choice(void *place, const recipe_field *field, const char *text)
{
  for (int i = 0; field->choices[i]; ++i) {
    if (!strcmp(field->choices[i], text)) {
      memcpy(place, &i, sizeof i);
      return true;
    }
  }
  return false;
}

static bool set_value(recipe *r, const recipe_field *field, const char *text)
{
  void *place = (char *)r + field->offset;
  switch (field->kind) {
  case RECIPE_INTEGER:
    return set_integer(place, field, text);
  case RECIPE_NUMBER:
    return set_number(place, field, text);
  case RECIPE_BOOL:
    return set_bool(place, text);
  case RECIPE_WORD:
    return set_word(place, field, text);
  case RECIPE_LIST:
    return set_list(r, field, text);
  case RECIPE_CHOICE:
    return set_choice(place, field, text);
  }
  return false;
}

status recipe_field_set(recipe *r, const recipe_field *field, const char *text, error *err)
{
  if (set_value(r, field, text)) {
    return STATUS_OK;
  }
  char expected[160];
  recipe_field_expected(field, expected, sizeof expected);
  return error_set(err, STATUS_USAGE, "%s.%s = %.80s: expected %s", field->section, field->key,
                   text, expected);
}

// ---- to text -----------------------------------------------------------------------------------

/// With as few digits as read back the same.
static void get_number(const recipe_field *field, const void *place, char *text)
{
  float narrow = 0.0f;
  double value = 0.0;
  const bool is_float = field->size == sizeof narrow;
  memcpy(is_float ? (void *)&narrow : (void *)&value, place, field->size);
  for (int digits = 6; digits <= 17; ++digits) {
    snprintf(text, RECIPE_TEXT_BYTES, "%.*g", digits, is_float ? (double)narrow : value);
    const double again = strtod(text, NULL);
    if (is_float ? (float)again == narrow : again == value) {
      break;
    }
  }
}

static int64_t get_integer(const void *place, size_t size)
{
  int64_t value = 0;
  uint32_t narrow = 0;
  memcpy(size == sizeof narrow ? (void *)&narrow : (void *)&value, place, size);
  return size == sizeof narrow ? (int64_t)narrow : value;
}

static void get_list(const recipe *r, const recipe_field *field, char *text)
{
  const int64_t n = get_integer((const char *)r + field->count_offset, field->count_size);
  size_t used = 0;
  text[0] = '\0';
  for (int64_t i = 0; i < n && i < list_capacity(field); ++i) {
    int64_t value = 0;
    memcpy(&value, (const char *)r + field->offset + (size_t)i * sizeof value, sizeof value);
    used +=
        (size_t)snprintf(text + used, RECIPE_TEXT_BYTES - used, "%s%" PRId64, i ? ", " : "", value);
  }
}

void recipe_field_get(const recipe *r, const recipe_field *field, char text[RECIPE_TEXT_BYTES])
{
  const char *place = (const char *)r + field->offset;
  switch (field->kind) {
  case RECIPE_INTEGER:
    snprintf(text, RECIPE_TEXT_BYTES, "%" PRId64, get_integer(place, field->size));
    break;
  case RECIPE_NUMBER:
    get_number(field, place, text);
    break;
  case RECIPE_BOOL:
    snprintf(text, RECIPE_TEXT_BYTES, "%s", *place ? "true" : "false");
    break;
  case RECIPE_WORD:
    snprintf(text, RECIPE_TEXT_BYTES, "%.*s", (int)field->size, place);
    break;
  case RECIPE_LIST:
    get_list(r, field, text);
    break;
  case RECIPE_CHOICE:
    snprintf(text, RECIPE_TEXT_BYTES, "%s", field->choices[get_integer(place, field->size)]);
    break;
  }
}
