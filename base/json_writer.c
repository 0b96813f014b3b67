// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/json_writer.h"

#include "base/c_locale.h"
#include "base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void json_writer_init(json_writer *w, FILE *stream)
{
  *w = (json_writer){.stream = stream};
}

static void fail(json_writer *w, status code)
{
  if (!w->failed) {
    w->failed = code;
  }
}

static bool grow(json_writer *w, size_t n)
{
  if (n > SIZE_MAX / 2 - w->size_bytes) {
    return false;
  }
  const size_t needed = w->size_bytes + n;
  if (needed <= w->capacity_bytes) {
    return true;
  }
  const size_t capacity = needed < 256 ? 256 : needed * 2;
  char *data = realloc(w->data, capacity);
  if (!data) {
    return false;
  }
  w->data = data;
  w->capacity_bytes = capacity;
  return true;
}

static void put(json_writer *w, const char *bytes, size_t n)
{
  if (w->failed) {
    return;
  }
  if (w->stream) {
    if (fwrite(bytes, 1, n, w->stream) != n) {
      fail(w, STATUS_IO);
    }
  } else if (!grow(w, n)) {
    fail(w, STATUS_NO_MEMORY);
    return;
  } else {
    memcpy(w->data + w->size_bytes, bytes, n);
  }
  w->size_bytes += n;
}

static void put_string(json_writer *w, const char *text)
{
  size_t left = strlen(text);
  put(w, "\"", 1);
  while (left > 0) {
    const unsigned char c = (unsigned char)*text;
    const size_t length = utf8_sequence((const uint8_t *)text, left);
    char escape[8];
    if (length == 0) {
      put(w, "\xef\xbf\xbd", 3);
    } else if (c == '"' || c == '\\') {
      put(w, (const char[2]){'\\', (char)c}, 2);
    } else if (c < 0x20) {
      snprintf(escape, sizeof escape, "\\u%04x", c);
      put(w, escape, 6);
    } else {
      put(w, text, length);
    }
    text += length ? length : 1;
    left -= length ? length : 1;
  }
  put(w, "\"", 1);
}

// Comma and key before a value; says whether the caller may write it.
static bool begin_value(json_writer *w, const char *key)
{
  const bool in_object = w->depth > 0 && w->close[w->depth] == '}';
  if (in_object != (key != NULL) || (w->depth == 0 && w->has_children[0])) {
    fail(w, STATUS_INTERNAL);
  }
  if (w->failed) {
    return false;
  }
  if (w->has_children[w->depth]) {
    put(w, ",", 1);
  }
  w->has_children[w->depth] = true;
  if (key) {
    put_string(w, key);
    put(w, ":", 1);
  }
  return true;
}

static void begin_bracket(json_writer *w, const char *key, char open, char close)
{
  if (w->depth >= JSON_MAX_DEPTH) {
    fail(w, STATUS_INTERNAL);
  }
  if (begin_value(w, key)) {
    put(w, &open, 1);
    ++w->depth;
    w->close[w->depth] = close;
    w->has_children[w->depth] = false;
  }
}

static void end_bracket(json_writer *w, char close)
{
  if (w->depth == 0 || w->close[w->depth] != close) {
    fail(w, STATUS_INTERNAL);
  }
  if (!w->failed) {
    put(w, &close, 1);
    --w->depth;
  }
}

void json_begin_object(json_writer *w, const char *key)
{
  begin_bracket(w, key, '{', '}');
}

void json_end_object(json_writer *w)
{
  end_bracket(w, '}');
}

void json_begin_array(json_writer *w, const char *key)
{
  begin_bracket(w, key, '[', ']');
}

void json_end_array(json_writer *w)
{
  end_bracket(w, ']');
}

void json_write_string(json_writer *w, const char *key, const char *value)
{
  if (!value) {
    json_write_null(w, key);
  } else if (begin_value(w, key)) {
    put_string(w, value);
  }
}

void json_write_integer(json_writer *w, const char *key, int64_t value)
{
  if (begin_value(w, key)) {
    char text[24];
    const int n = snprintf(text, sizeof text, "%" PRId64, value);
    put(w, text, (size_t)n);
  }
}

// The shortest of 15, 16 and 17 digits that reads back as the same double.
static int format_number(char text[32], double value)
{
  int n = 0;
  for (int digits = 15; digits <= 17; ++digits) {
    n = snprintf(text, 32, "%.*g", digits, value);
    if (strtod(text, NULL) == value) {
      break;
    }
  }
  return n;
}

void json_write_number(json_writer *w, const char *key, double value)
{
  if (!isfinite(value)) {
    json_write_null(w, key);
    return;
  }
  if (!begin_value(w, key)) {
    return;
  }
  c_locale c;
  if (!c_locale_enter(&c)) {
    fail(w, STATUS_NO_MEMORY);
    return;
  }
  char text[32];
  const int n = format_number(text, value);
  c_locale_leave(&c);
  put(w, text, (size_t)n);
}

void json_write_bool(json_writer *w, const char *key, bool value)
{
  if (begin_value(w, key)) {
    put(w, value ? "true" : "false", value ? 4 : 5);
  }
}

void json_write_null(json_writer *w, const char *key)
{
  if (begin_value(w, key)) {
    put(w, "null", 4);
  }
}

status json_writer_finish(json_writer *w, error *err)
{
  if (w->depth != 0 || !w->has_children[0]) {
    fail(w, STATUS_INTERNAL);
  }
  put(w, w->stream ? "\n" : "", 1);
  if (!w->stream && !w->failed) {
    --w->size_bytes; // the NUL is not part of the text
  }
  if (!w->failed && w->stream && fflush(w->stream) != 0) {
    fail(w, STATUS_IO);
  }
  switch (w->failed) {
  case STATUS_OK:
    return STATUS_OK;
  case STATUS_IO:
    return error_set(err, STATUS_IO, "cannot write JSON: %s", strerror(errno));
  case STATUS_NO_MEMORY:
    return error_set(err, STATUS_NO_MEMORY, "no memory to write JSON");
  default:
    return error_set(err, w->failed, "JSON brackets or keys do not match");
  }
}

void json_writer_free(json_writer *w)
{
  free(w->data);
  *w = (json_writer){0};
}
