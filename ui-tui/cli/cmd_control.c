// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo set, get, telemetry, mode, do, panic, keep, preset, learn: one request each to a running
// instance. What is wrong in itself is said before any instance is asked.

#include "base/json_writer.h"
#include "engine/control/control_text.h"
#include "engine/control/parameters.h"
#include "ui-tui/cli/commands.h"
#include "ui-tui/cli/instance.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USUAL_TIMEOUT_S 10.0
#define KEEP_TIMEOUT_S 300.0 // ten minutes of sound are written and packed
#define MOST_OPERANDS (2 * CONTROL_BATCH_MAX)

typedef struct request {
  char line[CONTROL_LINE_BYTES];
  const char *name; // of the instance; null: the usual
  double timeout_s;
  status refusal; // what an error of the instance means
  bool values;    // the answer is values, to print
  bool folder;    // the operand is a path, which the instance may see from elsewhere
} request;

static status append(request *r, const char *word, error *err)
{
  const size_t used = strlen(r->line);
  const bool apart = used > 0 && r->line[used - 1] != '/';
  const int n = snprintf(r->line + used, sizeof r->line - used, "%s%s", apart ? " " : "", word);
  return n < (int)(sizeof r->line - used)
             ? STATUS_OK
             : error_set(err, STATUS_USAGE, "too long for one request");
}

// The folder that a relative path begins from.
static status append_here(request *r, error *err)
{
  char here[CONTROL_LINE_BYTES], folder[CONTROL_LINE_BYTES + 1];
  if (!getcwd(here, sizeof here)) {
    return error_set(err, STATUS_IO, "the path of this folder is too long or gone");
  }
  snprintf(folder, sizeof folder, "%s/", here);
  return append(r, folder, err);
}

// getopt takes "-6" for an option; with a blank in front it is a number to everybody.
static void shield_numbers(int argc, char **argv, char (*room)[32], int n_room)
{
  for (int i = 1; i < argc && n_room > 0; ++i) {
    const char *text = argv[i];
    const bool number = text[0] == '-' && (isdigit((unsigned char)text[1]) || text[1] == '.');
    if (number && strlen(text) + 1 < sizeof *room) {
      snprintf(*room, sizeof *room, " %s", text);
      argv[i] = *room++;
      --n_room;
    }
  }
}

// ---- values ------------------------------------------------------------------------------------

typedef struct printer {
  bool as_json, alone; // one value that was asked for by name
  json_writer w;
} printer;

static void print_json(json_writer *w, const char *key, const char *value)
{
  const parameter_info *p = parameter_get(parameter_find(key));
  char *end = NULL;
  const double number = strtod(value, &end);
  if (p && p->kind == PARAMETER_SWITCH) {
    json_write_bool(w, key, strcmp(value, "on") == 0);
  } else if (p && p->kind != PARAMETER_CHOICE && *value && !*end) {
    json_write_number(w, key, number);
  } else {
    json_write_string(w, key, value);
  }
}

static void print_value(void *user, const char *line)
{
  printer *p = user;
  char key[64];
  snprintf(key, sizeof key, "%.*s", (int)strcspn(line, " "), line);
  const char *value = line + strcspn(line, " ");
  value += *value == ' ';
  if (p->as_json) {
    print_json(&p->w, key, value);
  } else if (p->alone) {
    printf("%s\n", value);
  } else {
    printf("%s %s\n", key, value);
  }
}

// ---- asking ------------------------------------------------------------------------------------

static status ask(const request *r, bool as_json, error *err)
{
  instance i;
  text_request parsed;
  status code = control_text_parse(r->line, strlen(r->line), &parsed, err);
  code = code ? code : instance_open(&i, r->name, err);
  if (code) {
    return code;
  }
  printer p = {.as_json = as_json, .alone = parsed.verb == TEXT_GET && parsed.id >= 0};
  if (as_json) {
    json_writer_init(&p.w, stdout);
    json_begin_object(&p.w, NULL);
  }
  code = instance_ask(&i, r->line, r->timeout_s, print_value, &p, err);
  if (as_json) {
    json_end_object(&p.w);
    if (!code) {
      json_writer_finish(&p.w, NULL);
    }
    json_writer_free(&p.w);
  }
  instance_close(&i);
  if (code == STATUS_DEVICE && err) {
    err->code = r->refusal;
    return r->refusal;
  }
  return code;
}

// Parse `-n` and the operands, send "verb operands"; `verb` may differ from the command's name.
static status run_request(const command *self, command_context *context, int argc, char **argv,
                          int least, int most, request *r, error *err)
{
  char numbers[MOST_OPERANDS][32];
  int n_operands = 0;
  bool done = false;
  const option_row rows[] = {{'n', "name", "NAME",
                              "instance to ask (default: continuo, or the only one)", OPTION_STRING,
                              &r->name, 0, 0, NULL},
                             {0}};
  shield_numbers(argc, argv, numbers, MOST_OPERANDS);
  status code = command_parse(self, context, rows, r->values, argc, argv, least, most, &n_operands,
                              &done, err);
  if (code || done) {
    return code;
  }
  code = append(r, self->name, err);
  if (r->folder && n_operands > 0 && argv[1][0] != '/') {
    code = code ? code : append_here(r, err);
  }
  for (int i = 1; i <= n_operands && !code; ++i) {
    code = append(r, argv[i], err);
  }
  return code ? code : ask(r, context->json, err);
}

static status run_plain(const command *self, command_context *context, int argc, char **argv,
                        int least, int most, error *err)
{
  request r = {.timeout_s = USUAL_TIMEOUT_S, .refusal = STATUS_DEVICE};
  return run_request(self, context, argc, argv, least, most, &r, err);
}

static status run_set(const command *self, command_context *context, int argc, char **argv,
                      error *err)
{
  return run_plain(self, context, argc, argv, 2, MOST_OPERANDS, err);
}

static status run_get(const command *self, command_context *context, int argc, char **argv,
                      error *err)
{
  request r = {.timeout_s = USUAL_TIMEOUT_S, .refusal = STATUS_DEVICE, .values = true};
  return run_request(self, context, argc, argv, 0, 1, &r, err);
}

static status run_telemetry(const command *self, command_context *context, int argc, char **argv,
                            error *err)
{
  request r = {.timeout_s = USUAL_TIMEOUT_S, .refusal = STATUS_DEVICE, .values = true};
  return run_request(self, context, argc, argv, 0, 0, &r, err);
}

static status run_one_word(const command *self, command_context *context, int argc, char **argv,
                           error *err)
{
  return run_plain(self, context, argc, argv, 1, 1, err);
}

static status run_panic(const command *self, command_context *context, int argc, char **argv,
                        error *err)
{
  return run_plain(self, context, argc, argv, 0, 0, err);
}

static status run_learn(const command *self, command_context *context, int argc, char **argv,
                        error *err)
{
  return run_plain(self, context, argc, argv, 0, 1, err);
}

static status run_preset(const command *self, command_context *context, int argc, char **argv,
                         error *err)
{
  request r = {.timeout_s = USUAL_TIMEOUT_S, .refusal = STATUS_NOT_FOUND};
  return run_request(self, context, argc, argv, 1, 1, &r, err);
}

static status run_keep(const command *self, command_context *context, int argc, char **argv,
                       error *err)
{
  request r = {.timeout_s = KEEP_TIMEOUT_S, .refusal = STATUS_IO, .folder = true};
  return run_request(self, context, argc, argv, 0, 1, &r, err);
}

const command command_set = {"set", "KEY VALUE [KEY VALUE...]",
                             "Set parameters of a running instance", run_set};
const command command_get = {"get", "[KEY]", "Show parameters of a running instance", run_get};
const command command_telemetry = {"telemetry", "", "Show the figures of a running instance",
                                   run_telemetry};
const command command_mode = {"mode", "NAME", "Change what a running instance plays", run_one_word};
const command command_do = {"do", "ACTION", "Act: continue, again, mark, return, tap, forget ...",
                            run_one_word};
const command command_panic = {"panic", "", "Silence a running instance at once", run_panic};
const command command_keep = {"keep", "[FOLDER]", "Write down what a running instance has played",
                              run_keep};
const command command_preset = {"preset", "NAME", "Give a running instance a preset", run_preset};
const command command_learn = {
    "learn", "[KEY]", "Bind the next MIDI controller that moves to a parameter", run_learn};
