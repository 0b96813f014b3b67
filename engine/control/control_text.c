// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/control/control_text.h"

#include "base/utf8.h"
#include "engine/control/parameters.h"

#include <stdio.h>
#include <string.h>

#define BLANKS " \t\r"

// The next word of `*rest`, which moves behind it; "" at the end. Writes an end into the text.
static char *next_word(char **rest)
{
  char *word = *rest + strspn(*rest, BLANKS);
  char *end = word + strcspn(word, BLANKS);
  *rest = *end ? end + 1 : end;
  *end = '\0';
  return word;
}

static status find_parameter(const char *key, int *id, error *err)
{
  *id = parameter_find(key);
  return *id >= 0 ? STATUS_OK
                  : error_set(err, STATUS_USAGE, "there is no parameter called \"%s\"", key);
}

static status no_more(const char *verb, const char *wanted, char **rest, error *err)
{
  const char *more = next_word(rest);
  return *more ? error_set(err, STATUS_USAGE, "expected: %s%s", verb, wanted) : STATUS_OK;
}

static status parse_pair(text_request *r, char **rest, error *err)
{
  const char *key = next_word(rest);
  const char *text = next_word(rest);
  int id = -1;
  double value = 0.0;
  if (!*text) {
    return error_set(err, STATUS_USAGE, "expected: set KEY VALUE [KEY VALUE ...]");
  }
  if (r->n_controls == CONTROL_BATCH_MAX) {
    return error_set(err, STATUS_USAGE, "at most %d parameters at once", CONTROL_BATCH_MAX);
  }
  status code = find_parameter(key, &id, err);
  code = code ? code : parameter_parse(id, text, &value, err);
  r->controls[r->n_controls++] = (control){.kind = CONTROL_SET, .id = (uint16_t)id, .value = value};
  return code;
}

static status parse_set(text_request *r, char *rest, error *err)
{
  status code = STATUS_OK;
  r->verb = TEXT_SEND;
  do {
    code = parse_pair(r, &rest, err);
    rest += strspn(rest, BLANKS);
  } while (!code && *rest);
  return code;
}

static status parse_mode(text_request *r, char *rest, error *err)
{
  const char *name = next_word(&rest);
  double value = 0.0;
  r->verb = TEXT_SEND;
  status code = *name ? parameter_parse(PARAMETER_MODE, name, &value, err)
                      : error_set(err, STATUS_USAGE, "expected: mode NAME");
  code = code ? code : no_more("mode", " NAME", &rest, err);
  r->controls[r->n_controls++] =
      (control){.kind = CONTROL_SET, .id = PARAMETER_MODE, .value = value};
  return code;
}

static status parse_action(text_request *r, const char *name, error *err)
{
  const int action = control_action_find(name);
  r->verb = TEXT_SEND;
  if (action < 0) {
    return error_set(err, STATUS_USAGE, "there is no action called \"%s\"", name);
  }
  r->controls[r->n_controls++] = (control){.kind = CONTROL_ACTION, .id = (uint16_t)action};
  return STATUS_OK;
}

static status parse_do(text_request *r, char *rest, error *err)
{
  const char *name = next_word(&rest);
  const status code =
      *name ? parse_action(r, name, err) : error_set(err, STATUS_USAGE, "expected: do ACTION");
  return code ? code : no_more("do", " ACTION", &rest, err);
}

static status parse_panic(text_request *r, char *rest, error *err)
{
  const status code = parse_action(r, control_action_name(ACTION_PANIC), err);
  return code ? code : no_more("panic", "", &rest, err);
}

static status parse_key(text_request *r, const char *verb, char *rest, error *err)
{
  const char *key = next_word(&rest);
  r->id = -1;
  const status code = *key ? find_parameter(key, &r->id, err) : STATUS_OK;
  return code ? code : no_more(verb, " [KEY]", &rest, err);
}

static status parse_get(text_request *r, char *rest, error *err)
{
  r->verb = TEXT_GET;
  return parse_key(r, "get", rest, err);
}

static status parse_learn(text_request *r, char *rest, error *err)
{
  r->verb = TEXT_LEARN;
  return parse_key(r, "learn", rest, err);
}

// The rest of the line without blanks at its ends.
static void take_rest(text_request *r, const char *rest)
{
  rest += strspn(rest, BLANKS);
  size_t n = strlen(rest);
  while (n > 0 && strchr(BLANKS, rest[n - 1])) {
    --n;
  }
  memcpy(r->argument, rest, n);
  r->argument[n] = '\0';
}

static status parse_keep(text_request *r, char *rest, error *err)
{
  (void)err;
  r->verb = TEXT_KEEP;
  take_rest(r, rest);
  return STATUS_OK;
}

static status parse_preset(text_request *r, char *rest, error *err)
{
  r->verb = TEXT_PRESET;
  take_rest(r, rest);
  return *r->argument ? STATUS_OK : error_set(err, STATUS_USAGE, "expected: preset NAME");
}

static status parse_telemetry(text_request *r, char *rest, error *err)
{
  r->verb = TEXT_TELEMETRY;
  return no_more("telemetry", "", &rest, err);
}

static const struct {
  const char *verb;
  status (*parse)(text_request *r, char *rest, error *err);
} verbs[] = {
    {"set", parse_set},       {"get", parse_get},     {"mode", parse_mode},
    {"do", parse_do},         {"panic", parse_panic}, {"keep", parse_keep},
    {"preset", parse_preset}, {"learn", parse_learn}, {"telemetry", parse_telemetry},
};

static bool is_plain_text(const char *line, size_t n_bytes)
{
  for (size_t i = 0; i < n_bytes;) {
    const size_t n = utf8_sequence((const uint8_t *)line + i, n_bytes - i);
    const unsigned char c = (unsigned char)line[i];
    if (n == 0 || (c < 0x20 && !(c && strchr(BLANKS, c))) || c == 0x7f) {
      return false;
    }
    i += n;
  }
  return true;
}

status control_text_parse(const char *line, size_t n_bytes, text_request *r, error *err)
{
  char text[CONTROL_LINE_BYTES];
  r->n_controls = 0;
  r->id = -1;
  r->argument[0] = '\0';
  if (n_bytes >= sizeof text) {
    return error_set(err, STATUS_USAGE, "a line has at most %d bytes", CONTROL_LINE_BYTES - 1);
  }
  if (!is_plain_text(line, n_bytes)) {
    return error_set(err, STATUS_USAGE, "a line is UTF-8 text without control characters");
  }
  memcpy(text, line, n_bytes);
  text[n_bytes] = '\0';
  char *rest = text;
  const char *verb = next_word(&rest);
  for (size_t i = 0; i < sizeof verbs / sizeof *verbs; ++i) {
    if (strcmp(verbs[i].verb, verb) == 0) {
      return verbs[i].parse(r, rest, err);
    }
  }
  return error_set(err, STATUS_USAGE,
                   "expected set, get, mode, do, panic, keep, preset, learn or telemetry, found "
                   "\"%s\"",
                   verb);
}

const char *control_text_value(int id, double value, char text[CONTROL_VALUE_BYTES])
{
  const parameter_info *p = parameter_get(id);
  char words[CONTROL_VALUE_BYTES / 2];
  parameter_format(id, value, words, sizeof words);
  snprintf(text, CONTROL_VALUE_BYTES, "%s %s", p ? p->key : "?", words);
  return text;
}
