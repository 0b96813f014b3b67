// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The reading half of engine/preset.h.

#include "base/c_locale.h"
#include "base/ini_text.h"
#include "engine/preset_words.h"

#include <stdlib.h>
#include <string.h>

/// A file being read. Lines are those where a value was given, 0: not yet.
typedef struct reader {
  preset *p;
  bool newer; ///< than this program
  bool begun; ///< the format has been read
  int word_lines[PRESET_N_WORDS];
  int parameter_lines[PARAMETER_MAX];
  int bound_lines[PRESET_N_CONTROLLERS];
} reader;

static status twice(const char *key, int line, error *err)
{
  return error_set(err, STATUS_FORMAT, "%.50s has a value already, in line %d", key, line);
}

// ---- what is not known here --------------------------------------------------------------------

static bool is_name(const char *text, size_t capacity)
{
  const size_t length = strlen(text);
  return length > 0 && length < capacity &&
         strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
             length;
}

static status keep(reader *r, const char *section, const char *key, const char *value, error *err)
{
  preset *p = r->p;
  const preset_kept *any = NULL;
  if (!is_name(section, sizeof any->section) || !is_name(key, sizeof any->key) ||
      strlen(value) >= sizeof any->value) {
    return error_set(err, STATUS_FORMAT,
                     "[%.50s] %.50s: expected names of letters, digits and _ . -", section, key);
  }
  if (p->n_kept == PRESET_MAX_KEPT) {
    return error_set(err, STATUS_FORMAT, "more than %d values that are not known here",
                     PRESET_MAX_KEPT);
  }
  preset_kept *more = realloc(p->kept, (size_t)(p->n_kept + 1) * sizeof *more);
  if (!more) {
    return error_set(err, STATUS_NO_MEMORY, "no memory to keep it");
  }
  p->kept = more;
  preset_kept *kept = &p->kept[p->n_kept++];
  memset(kept, 0, sizeof *kept);
  memcpy(kept->section, section, strlen(section));
  memcpy(kept->key, key, strlen(key));
  memcpy(kept->value, value, strlen(value));
  return STATUS_OK;
}

// ---- sections ----------------------------------------------------------------------------------

static status take_format(reader *r, const char *section, const char *key, const char *value,
                          error *err)
{
  char *end = NULL;
  const long format = strtol(value, &end, 10);
  if (strcmp(section, "preset") != 0 || strcmp(key, "format") != 0) {
    return error_set(err, STATUS_FORMAT, "no preset: expected [preset] and format = %d first",
                     PRESET_FORMAT);
  }
  if (end == value || *end || format < 1 || format > 1000000) {
    return error_set(err, STATUS_FORMAT, "format = %.50s: expected a number from 1, this is %d",
                     value, PRESET_FORMAT);
  }
  r->p->format = format > PRESET_FORMAT ? (int)format : PRESET_FORMAT;
  r->newer = format > PRESET_FORMAT;
  return STATUS_OK;
}

static status take_parameter(reader *r, int line, const char *key, const char *value, error *err)
{
  const int id = parameter_find(key);
  const char *section = id == PARAMETER_MODE ? "preset" : "parameters"; // where it is written
  if (id < 0) {
    return r->newer ? keep(r, section, key, value, err)
                    : error_set(err, STATUS_FORMAT, "no parameter is called %.50s", key);
  }
  if (r->parameter_lines[id]) {
    return twice(key, r->parameter_lines[id], err);
  }
  r->parameter_lines[id] = line;
  double read = 0.0;
  if (parameter_parse(id, value, &read, r->newer ? NULL : err) == STATUS_OK) {
    r->p->values[id] = read + 0.0; // never -0, which no word has
    return STATUS_OK;
  }
  return r->newer ? keep(r, section, key, value, err) : STATUS_FORMAT;
}

static status take_comment(reader *r, int i, int line, const char *value, error *err)
{
  char *comment = r->p->comment;
  const size_t length = strlen(comment), more = strlen(value);
  const bool first = r->word_lines[i] == 0;
  r->word_lines[i] = line;
  if (length + 1 + more >= PRESET_COMMENT_BYTES) {
    return error_set(err, STATUS_FORMAT, "a comment of more than %d bytes",
                     PRESET_COMMENT_BYTES - 2);
  }
  if (!first) {
    comment[length] = '\n';
  }
  memcpy(comment + length + !first, value, more + 1);
  return STATUS_OK;
}

static status take_word(reader *r, int line, int i, const char *value, error *err)
{
  const preset_word *word = &preset_words[i];
  if (!preset_word_takes(word, value)) {
    return error_set(err, STATUS_FORMAT,
                     word->size == SHA256_HEX_BYTES
                         ? "%s = %.50s: expected 64 digits of 0 to 9 and a to f"
                         : "%s = %.50s: expected a line of text, at most %d bytes",
                     word->key, value, PRESET_WORD_BYTES - 1);
  }
  if (word->size == PRESET_COMMENT_BYTES) {
    return take_comment(r, i, line, value, err);
  }
  if (r->word_lines[i]) {
    return twice(word->key, r->word_lines[i], err);
  }
  r->word_lines[i] = line;
  memcpy(preset_word_text(r->p, word), value, strlen(value) + 1);
  return STATUS_OK;
}

static status take_head(reader *r, int line, const char *key, const char *value, error *err)
{
  for (int i = 0; i < PRESET_N_WORDS; ++i) {
    if (strcmp(key, preset_words[i].key) == 0) {
      return take_word(r, line, i, value, err);
    }
  }
  if (strcmp(key, "mode") == 0) {
    return take_parameter(r, line, key, value, err);
  }
  if (strcmp(key, "format") == 0) {
    return error_set(err, STATUS_FORMAT, "format has a value already");
  }
  return r->newer ? keep(r, "preset", key, value, err)
                  : error_set(err, STATUS_FORMAT,
                              "nothing in [preset] is called %.50s: expected name, author, tags, "
                              "comment, model, model_sha256, codec or mode",
                              key);
}

static status take_controller(reader *r, int line, const char *key, const char *value, error *err)
{
  int16_t bound = PRESET_BOUND_NONE;
  const int cc = preset_controller_find(key);
  const bool has_target = preset_bound_find(value, &bound);
  if (cc >= 0 && r->bound_lines[cc]) {
    return twice(key, r->bound_lines[cc], err);
  }
  if (cc >= 0) {
    r->bound_lines[cc] = line;
  }
  if (cc >= 0 && has_target) {
    r->p->bound[cc] = bound;
    return STATUS_OK;
  }
  if (r->newer) {
    return keep(r, "midi", key, value, err);
  }
  return cc < 0 ? error_set(err, STATUS_FORMAT, "%.50s: expected a controller, cc0 to cc127", key)
                : error_set(err, STATUS_FORMAT, "%.50s = %.50s: expected a parameter or none", key,
                            value);
}

static status take_value(void *user, int line, const char *section, const char *key,
                         const char *value, error *err)
{
  reader *r = user;
  if (!r->begun) {
    r->begun = true;
    return take_format(r, section, key, value, err);
  }
  if (strcmp(section, "preset") == 0) {
    return take_head(r, line, key, value, err);
  }
  if (strcmp(section, "parameters") == 0) {
    return take_parameter(r, line, key, value, err);
  }
  if (strcmp(section, "midi") == 0) {
    return take_controller(r, line, key, value, err);
  }
  return r->newer ? keep(r, section, key, value, err)
                  : error_set(err, STATUS_FORMAT,
                              "[%.50s]: expected [preset], [parameters] or [midi]", section);
}

// ---- a whole text ------------------------------------------------------------------------------

static status read_text(reader *r, const char *text, size_t size_bytes, const char *source,
                        error *err)
{
  if (size_bytes > PRESET_MAX_BYTES) {
    return error_set(err, STATUS_FORMAT, "%s: no preset: %zu bytes, at most %zu are read", source,
                     size_bytes, PRESET_MAX_BYTES);
  }
  const status code = ini_text_read(text, size_bytes, source, take_value, r, err);
  if (code == STATUS_OK && !r->begun) {
    return error_set(err, STATUS_FORMAT,
                     "%s: no preset: nothing in it, expected [preset] and format = %d first",
                     source, PRESET_FORMAT);
  }
  if (code == STATUS_USAGE) { // a mistake in a recipe; here the file is to blame, not the player
    return STATUS_FORMAT;
  }
  return code;
}

status preset_parse(preset *p, const char *text, size_t size_bytes, const char *source, error *err)
{
  preset_init(p);
  c_locale c;
  if (!c_locale_enter(&c)) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to read it", source);
  }
  reader r = {.p = p};
  const status code = read_text(&r, size_bytes ? text : "", size_bytes, source, err);
  c_locale_leave(&c);
  if (code) {
    preset_free(p);
  }
  if (err && code) {
    err->code = code;
  }
  return code;
}
