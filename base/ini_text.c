// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/ini_text.h"

#include "base/utf8.h"

#include <ini.h>
#include <stdint.h>
#include <string.h>

/// What libinih reads from and hands to.
typedef struct ini_source {
  const char *at, *end;
  const char *name;
  int line; ///< the one given out last, from 1
  ini_text_take take;
  void *user;
  status code;
  error *err;
} ini_source;

static bool is_text(const char *line, size_t length)
{
  for (size_t i = 0; i < length;) {
    const unsigned char c = (unsigned char)line[i];
    const size_t step = utf8_sequence((const uint8_t *)line + i, length - i);
    if (step == 0 || (c < ' ' && c != '\t') || c == 0x7f) {
      return false;
    }
    i += step;
  }
  return true;
}

/// fgets over the text. Takes the indentation away, which libinih would read as "goes on from the
/// line before", and ends early at what it would silently cut.
static char *next_line(char *out, int capacity, void *stream)
{
  ini_source *s = stream;
  if (s->at == s->end || s->code != STATUS_OK) {
    return NULL;
  }
  const char *begin = s->at;
  const char *newline = memchr(begin, '\n', (size_t)(s->end - begin));
  const char *end = newline ? newline : s->end;
  s->at = newline ? newline + 1 : s->end;
  ++s->line;
  if (end > begin && end[-1] == '\r') {
    --end;
  }
  while (begin < end && (*begin == ' ' || *begin == '\t')) {
    ++begin;
  }
  const size_t length = (size_t)(end - begin);
  if (length + 2 > (size_t)capacity) {
    s->code = error_set(s->err, STATUS_USAGE, "%s:%d: a line of %zu bytes, at most %d are read",
                        s->name, s->line, length, capacity - 2);
    return NULL;
  }
  if (!is_text(begin, length)) {
    s->code = error_set(s->err, STATUS_USAGE, "%s:%d: no text", s->name, s->line);
    return NULL;
  }
  memcpy(out, begin, length);
  memcpy(out + length, "\n", 2);
  return out;
}

static int take_value(void *user, const char *section, const char *key, const char *value)
{
  ini_source *s = user;
  if (s->code == STATUS_OK) {
    s->code = s->take(s->user, s->line, section, key, value, s->err);
    if (s->code != STATUS_OK) {
      error_prefix(s->err, "%s:%d", s->name, s->line);
    }
  }
  return s->code == STATUS_OK;
}

status ini_text_read(const char *text, size_t size_bytes, const char *name, ini_text_take take,
                     void *user, error *err)
{
  ini_source s = {.at = text,
                  .end = text + size_bytes,
                  .name = name,
                  .take = take,
                  .user = user,
                  .code = STATUS_OK,
                  .err = err};
  const int first_bad = ini_parse_stream(next_line, &s, take_value, &s);
  // A line that libinih cannot read does not stop it; what stopped us may stand further down.
  if (first_bad > 0 && (s.code == STATUS_OK || first_bad < s.line)) {
    return error_set(err, STATUS_USAGE, "%s:%d: expected [section] or key = value", name,
                     first_bad);
  }
  return first_bad < 0 ? error_set(err, STATUS_NO_MEMORY, "%s: no memory to read it", name)
                       : s.code;
}
