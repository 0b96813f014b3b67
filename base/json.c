// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/json.h"

#include "base/c_locale.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct json {
  json_type type;
  bool boolean;
  bool integral; // `integer` holds the number exactly
  uint32_t n_children;
  const char *key; // null outside objects
  const char *string;
  double number;
  int64_t integer;
  const json *first;
  const json *next;
};

/// Two sweeps over the same grammar: the first checks and counts (values and text are null), the
/// second fills one block of exactly that size.
typedef struct parser {
  const uint8_t *at;
  const uint8_t *end;
  const uint8_t *begin;
  const char *source;
  error *err;
  json *values; // null while counting
  size_t n_values;
  char *text; // null while counting
  size_t text_bytes;
  const json **keys; // scratch to find duplicate keys, as many as the largest object has
  size_t most_children;
  int depth;
} parser;

static status fail(const parser *p, status code, const char *what)
{
  return error_set(p->err, code, "%s: JSON: %s at byte %zu", p->source, what,
                   (size_t)(p->at - p->begin));
}

static void skip_space(parser *p)
{
  while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r')) {
    ++p->at;
  }
}

static bool take(parser *p, char c)
{
  if (p->at < p->end && *p->at == (uint8_t)c) {
    ++p->at;
    return true;
  }
  return false;
}

static bool take_word(parser *p, const char *word)
{
  const size_t length = strlen(word);
  if ((size_t)(p->end - p->at) >= length && memcmp(p->at, word, length) == 0) {
    p->at += length;
    return true;
  }
  return false;
}

static void put_text(parser *p, const void *bytes, size_t n)
{
  if (p->text) {
    memcpy(p->text + p->text_bytes, bytes, n);
  }
  p->text_bytes += n;
}

// Four hex digits of a \u escape; -1 when they are not.
static int32_t take_hex4(parser *p)
{
  int32_t value = 0;
  if (p->end - p->at < 4) {
    return -1;
  }
  for (int i = 0; i < 4; ++i) {
    const uint8_t c = *p->at++;
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) {
      return -1;
    }
    value = value * 16 + digit;
  }
  return value;
}

static status take_unicode_escape(parser *p)
{
  int32_t point = take_hex4(p);
  if (point >= 0xd800 && point <= 0xdbff) {
    const int32_t low = take_word(p, "\\u") ? take_hex4(p) : -1;
    point =
        low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00) : -1;
  } else if (point >= 0xdc00 && point <= 0xdfff) {
    point = -1;
  }
  if (point < 0) {
    return fail(p, STATUS_FORMAT, "bad \\u escape");
  }
  if (point == 0) {
    return fail(p, STATUS_FORMAT, "U+0000 in a string");
  }
  char bytes[4];
  put_text(p, bytes, utf8_encode((uint32_t)point, bytes));
  return STATUS_OK;
}

static status take_escape(parser *p)
{
  static const char letters[] = "\"\\/bfnrt";
  static const char meanings[] = "\"\\/\b\f\n\r\t";
  if (take(p, 'u')) {
    return take_unicode_escape(p);
  }
  const char *found = p->at < p->end && *p->at ? strchr(letters, *p->at) : NULL;
  if (!found) {
    return fail(p, STATUS_FORMAT, "bad escape");
  }
  ++p->at;
  put_text(p, &meanings[found - letters], 1);
  return STATUS_OK;
}

// A string after its opening quote, through the closing one.
static status parse_string(parser *p, const char **out)
{
  *out = p->text ? p->text + p->text_bytes : "";
  while (!take(p, '"')) {
    if (p->at == p->end) {
      return fail(p, STATUS_FORMAT, "string without an end");
    }
    if (*p->at < 0x20) {
      return fail(p, STATUS_FORMAT, "control character in a string");
    }
    if (take(p, '\\')) {
      const status s = take_escape(p);
      if (s) {
        return s;
      }
      continue;
    }
    const size_t length = utf8_sequence(p->at, (size_t)(p->end - p->at));
    if (length == 0) {
      return fail(p, STATUS_FORMAT, "invalid UTF-8");
    }
    put_text(p, p->at, length);
    p->at += length;
  }
  put_text(p, "", 1);
  return STATUS_OK;
}

static size_t take_digits(parser *p)
{
  const uint8_t *start = p->at;
  while (p->at < p->end && *p->at >= '0' && *p->at <= '9') {
    ++p->at;
  }
  return (size_t)(p->at - start);
}

// The grammar of RFC 8259, section 6; `*plain` tells that there is no fraction and no exponent.
static bool take_number_text(parser *p, bool *plain)
{
  take(p, '-');
  if (!take(p, '0') && take_digits(p) == 0) {
    return false;
  }
  *plain = true;
  if (take(p, '.')) {
    *plain = false;
    if (take_digits(p) == 0) {
      return false;
    }
  }
  if (take(p, 'e') || take(p, 'E')) {
    *plain = false;
    if (!take(p, '-')) {
      take(p, '+');
    }
    if (take_digits(p) == 0) {
      return false;
    }
  }
  return true;
}

// Exact when the text fits; false past the ends of int64.
static bool exact_integer(const char *text, int64_t *out)
{
  const bool negative = *text == '-';
  int64_t value = 0;
  for (text += negative; *text; ++text) {
    const int digit = *text - '0';
    if (__builtin_mul_overflow(value, 10, &value) ||
        __builtin_sub_overflow(value, digit, &value)) { // counted downwards: INT64_MIN fits
      return false;
    }
  }
  if (!negative && value == INT64_MIN) {
    return false;
  }
  *out = negative ? value : -value;
  return true;
}

static status parse_number(parser *p, json *value)
{
  const uint8_t *start = p->at;
  bool plain = false;
  if (!take_number_text(p, &plain)) {
    return fail(p, STATUS_FORMAT, "bad number");
  }
  char text[JSON_MAX_NUMBER_BYTES + 1];
  const size_t length = (size_t)(p->at - start);
  if (length > JSON_MAX_NUMBER_BYTES) {
    return fail(p, STATUS_UNSUPPORTED, "number too long");
  }
  memcpy(text, start, length);
  text[length] = '\0';
  value->type = JSON_NUMBER;
  value->number = strtod(text, NULL);
  if (!isfinite(value->number)) {
    return fail(p, STATUS_FORMAT, "number too large");
  }
  value->integral = plain && exact_integer(text, &value->integer);
  if (!plain && fabs(value->number) < 0x1p63 && value->number == floor(value->number)) {
    value->integral = true;
    value->integer = (int64_t)value->number;
  }
  return STATUS_OK;
}

static int compare_keys(const void *a, const void *b)
{
  return strcmp((*(const json *const *)a)->key, (*(const json *const *)b)->key);
}

// Sorted rather than each against each: a hostile file must not cost quadratic time.
static status check_keys(const parser *p, const json *object)
{
  size_t n = 0;
  for (const json *member = object->first; member; member = member->next) {
    p->keys[n++] = member;
  }
  qsort(p->keys, n, sizeof *p->keys, compare_keys);
  for (size_t i = 1; i < n; ++i) {
    if (strcmp(p->keys[i - 1]->key, p->keys[i]->key) == 0) {
      return error_set(p->err, STATUS_FORMAT, "%s: JSON: key \"%.100s\" stands twice in one object",
                       p->source, p->keys[i]->key);
    }
  }
  return STATUS_OK;
}

static status parse_value(parser *p, const char *key, json **out);

static status parse_key(parser *p, const char **key)
{
  skip_space(p);
  if (!take(p, '"')) {
    return fail(p, STATUS_FORMAT, "expected a key");
  }
  status s = parse_string(p, key);
  skip_space(p);
  if (!s && !take(p, ':')) {
    s = fail(p, STATUS_FORMAT, "expected ':'");
  }
  return s;
}

// An array or object after its opening bracket, through the closing one.
static status parse_children(parser *p, json *parent, char close)
{
  json *last = NULL;
  if (++p->depth > JSON_MAX_DEPTH) {
    return fail(p, STATUS_UNSUPPORTED, "nested too deeply");
  }
  skip_space(p);
  for (bool more = !take(p, close); more;) {
    const char *key = NULL;
    json *child = NULL;
    status s = parent->type == JSON_OBJECT ? parse_key(p, &key) : STATUS_OK;
    if (!s) {
      s = parse_value(p, key, &child);
    }
    if (s) {
      return s;
    }
    if (p->values) {
      *(last ? &last->next : &parent->first) = child;
      last = child;
    }
    ++parent->n_children;
    skip_space(p);
    more = take(p, ',');
    if (!more && !take(p, close)) {
      return fail(p, STATUS_FORMAT, "expected ',' or the closing bracket");
    }
  }
  --p->depth;
  if (parent->n_children > p->most_children) {
    p->most_children = parent->n_children;
  }
  return parent->type == JSON_OBJECT && p->values ? check_keys(p, parent) : STATUS_OK;
}

static status parse_value(parser *p, const char *key, json **out)
{
  json counted = {0};
  json *value = p->values ? &p->values[p->n_values] : &counted;
  if (++p->n_values > JSON_MAX_VALUES) {
    return fail(p, STATUS_UNSUPPORTED, "too many values");
  }
  *value = (json){.key = key};
  *out = p->values ? value : NULL;
  skip_space(p);
  if (take(p, '{')) {
    value->type = JSON_OBJECT;
    return parse_children(p, value, '}');
  }
  if (take(p, '[')) {
    value->type = JSON_ARRAY;
    return parse_children(p, value, ']');
  }
  if (take(p, '"')) {
    value->type = JSON_STRING;
    return parse_string(p, &value->string);
  }
  if (take_word(p, "null")) {
    return STATUS_OK;
  }
  if (take_word(p, "true") || take_word(p, "false")) {
    value->type = JSON_BOOL;
    value->boolean = p->at[-2] == 'u';
    return STATUS_OK;
  }
  if (p->at < p->end && (*p->at == '-' || (*p->at >= '0' && *p->at <= '9'))) {
    return parse_number(p, value);
  }
  return fail(p, STATUS_FORMAT, "expected a value");
}

static status sweep(parser *p)
{
  json *root = NULL;
  p->at = p->begin;
  p->n_values = 0;
  p->text_bytes = 0;
  p->depth = 0;
  status s = parse_value(p, NULL, &root);
  if (!s) {
    skip_space(p);
    s = p->at == p->end ? STATUS_OK : fail(p, STATUS_FORMAT, "text after the value");
  }
  return s;
}

static status parse_in_c_locale(parser *p, json **root)
{
  status s = sweep(p);
  if (s) {
    return s;
  }
  const size_t values_bytes = p->n_values * sizeof(json);
  const size_t keys_bytes = p->most_children * sizeof(json *);
  unsigned char *block = malloc(values_bytes + keys_bytes + p->text_bytes);
  if (!block) {
    return error_set(p->err, STATUS_NO_MEMORY, "%s: no memory for its JSON", p->source);
  }
  p->values = (json *)(void *)block;
  p->keys = (const json **)(void *)(block + values_bytes);
  p->text = (char *)block + values_bytes + keys_bytes;
  s = sweep(p);
  if (s) {
    free(block);
    return s;
  }
  *root = p->values;
  return STATUS_OK;
}

status json_parse(json **root, const void *text, size_t size_bytes, const char *source, error *err)
{
  *root = NULL;
  static const uint8_t nothing[1] = {0};
  const uint8_t *begin = size_bytes ? text : nothing;
  if (size_bytes > JSON_MAX_BYTES) {
    return error_set(err, STATUS_UNSUPPORTED, "%s: JSON of %zu bytes, at most %zu are read", source,
                     size_bytes, JSON_MAX_BYTES);
  }
  parser p = {.begin = begin, .end = begin + size_bytes, .source = source, .err = err};
  c_locale c;
  if (!c_locale_enter(&c)) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for its JSON", source);
  }
  const status s = parse_in_c_locale(&p, root);
  c_locale_leave(&c);
  return s;
}

void json_free(json *root)
{
  free(root);
}

json_type json_get_type(const json *value)
{
  return value ? value->type : JSON_NULL;
}

const char *json_type_name(json_type type)
{
  switch (type) {
  case JSON_NULL:
    return "null";
  case JSON_BOOL:
    return "bool";
  case JSON_NUMBER:
    return "number";
  case JSON_STRING:
    return "string";
  case JSON_ARRAY:
    return "array";
  case JSON_OBJECT:
    return "object";
  }
  return "?";
}

size_t json_count(const json *value)
{
  return value ? value->n_children : 0;
}

const json *json_first(const json *value)
{
  return value ? value->first : NULL;
}

const json *json_next(const json *value)
{
  return value ? value->next : NULL;
}

const char *json_key(const json *value)
{
  return value ? value->key : NULL;
}

const json *json_member(const json *value, const char *key)
{
  const json *member = value && value->type == JSON_OBJECT ? value->first : NULL;
  while (member && strcmp(member->key, key) != 0) {
    member = member->next;
  }
  return member;
}

const json *json_element(const json *value, size_t index)
{
  const json *element = value && value->type == JSON_ARRAY ? value->first : NULL;
  while (element && index > 0) {
    element = element->next;
    --index;
  }
  return element;
}

bool json_get_string(const json *value, const char **out)
{
  if (!value || value->type != JSON_STRING) {
    return false;
  }
  *out = value->string;
  return true;
}

bool json_get_bool(const json *value, bool *out)
{
  if (!value || value->type != JSON_BOOL) {
    return false;
  }
  *out = value->boolean;
  return true;
}

bool json_get_number(const json *value, double *out)
{
  if (!value || value->type != JSON_NUMBER) {
    return false;
  }
  *out = value->number;
  return true;
}

bool json_get_integer(const json *value, int64_t least, int64_t most, int64_t *out)
{
  if (!value || value->type != JSON_NUMBER || !value->integral || value->integer < least ||
      value->integer > most) {
    return false;
  }
  *out = value->integer;
  return true;
}

static status need_failed(const json *object, const char *key, const char *expected, error *err)
{
  const json *value = json_member(object, key);
  if (!value) {
    return error_set(err, STATUS_FORMAT, "key \"%s\": expected %s, found nothing", key, expected);
  }
  if (value->type == JSON_NUMBER) {
    return error_set(err, STATUS_FORMAT, "key \"%s\": expected %s, found %.17g", key, expected,
                     value->number);
  }
  if (value->type == JSON_STRING) {
    return error_set(err, STATUS_FORMAT, "key \"%s\": expected %s, found \"%.100s\"", key, expected,
                     value->string);
  }
  return error_set(err, STATUS_FORMAT, "key \"%s\": expected %s, found a value of type %s", key,
                   expected, json_type_name(value->type));
}

status json_need_string(const json *object, const char *key, const char **out, error *err)
{
  return json_get_string(json_member(object, key), out) ? STATUS_OK
                                                        : need_failed(object, key, "a string", err);
}

status json_need_bool(const json *object, const char *key, bool *out, error *err)
{
  return json_get_bool(json_member(object, key), out)
             ? STATUS_OK
             : need_failed(object, key, "true or false", err);
}

status json_need_number(const json *object, const char *key, double *out, error *err)
{
  return json_get_number(json_member(object, key), out) ? STATUS_OK
                                                        : need_failed(object, key, "a number", err);
}

status json_need_integer(const json *object, const char *key, int64_t least, int64_t most,
                         int64_t *out, error *err)
{
  if (json_get_integer(json_member(object, key), least, most, out)) {
    return STATUS_OK;
  }
  char expected[96];
  snprintf(expected, sizeof expected, "an integer from %" PRId64 " to %" PRId64, least, most);
  return need_failed(object, key, expected, err);
}
