// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/cli/command.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ROWS 40
#define FIRST_LONG 1000 // getopt values of rows without a letter start here

// The rows of a command and the common ones, in one list.
typedef struct row_list {
  option_row rows[MAX_ROWS];
  int count;
  bool help;
} row_list;

static void collect_rows(row_list *list, command_context *context, const option_row *rows,
                         bool has_json)
{
  *list = (row_list){0};
  for (; rows && rows->name && list->count < MAX_ROWS - 4; ++rows) {
    list->rows[list->count++] = *rows;
  }
  if (has_json) {
    list->rows[list->count++] = (option_row){
        0, "json", NULL, "print one JSON object on standard output", OPTION_FLAG, &context->json,
        0, 0,      NULL};
  }
  list->rows[list->count++] = (option_row){
      'q', "quiet", NULL, "only warnings and errors", OPTION_FLAG, &context->quiet, 0, 0, NULL};
  list->rows[list->count++] =
      (option_row){'v', "verbose", NULL, "say more", OPTION_FLAG, &context->verbose, 0, 0, NULL};
  list->rows[list->count++] =
      (option_row){'h', "help", NULL, "show this and exit", OPTION_FLAG, &list->help, 0, 0, NULL};
}

static void print_help(const command *self, const command_context *context, const row_list *list)
{
  printf("usage: %s [OPTION...] %s\n%s.\n\n", context->program, self->arguments, self->summary);
  for (int i = 0; i < list->count; ++i) {
    const option_row *row = &list->rows[i];
    char left[64];
    snprintf(left, sizeof left, "%c%c%s --%s%s%s", row->letter ? '-' : ' ',
             row->letter ? row->letter : ' ', row->letter ? "," : " ", row->name,
             row->argument ? " " : "", row->argument ? row->argument : "");
    printf("  %-30s  %s\n", left, row->help);
  }
  printf("\nExit codes and files: see man %.*s(1).\n", (int)strcspn(context->program, " "),
         context->program);
}

static status parse_choice(const option_row *row, const char *text, error *err)
{
  const size_t length = strlen(text);
  int index = 0;
  for (const char *word = row->argument; word; ++index) {
    const size_t size = strcspn(word, "|");
    if (size == length && strncmp(word, text, size) == 0) {
      *(int *)row->target = index;
      return STATUS_OK;
    }
    word = word[size] ? word + size + 1 : NULL;
  }
  return error_set(err, STATUS_USAGE, "--%s: %s expected, found \"%s\"", row->name, row->argument,
                   text);
}

static status parse_number(const option_row *row, const char *text, error *err)
{
  char *end = NULL;
  errno = 0;
  const bool whole = row->kind == OPTION_INTEGER;
  const long long integer = whole ? strtoll(text, &end, 10) : 0;
  const double number = whole ? (double)integer : strtod(text, &end);
  if (errno || end == text || *end || !isfinite(number)) {
    return error_set(err, STATUS_USAGE, "--%s: a %s expected, found \"%s\"", row->name,
                     whole ? "whole number" : "number", text);
  }
  if (number < row->least || number > row->most) {
    return error_set(err, STATUS_USAGE, "--%s: %g to %g expected, found %s", row->name, row->least,
                     row->most, text);
  }
  if (whole) {
    *(int64_t *)row->target = integer;
  } else {
    *(double *)row->target = number;
  }
  return STATUS_OK;
}

static status take_value(const option_row *row, const char *text, error *err)
{
  if (row->given) {
    *row->given = true;
  }
  switch (row->kind) {
  case OPTION_FLAG:
    *(bool *)row->target = true;
    return STATUS_OK;
  case OPTION_NOT:
    *(bool *)row->target = false;
    return STATUS_OK;
  case OPTION_STRING:
    *(const char **)row->target = text;
    return STATUS_OK;
  case OPTION_CHOICE:
    return parse_choice(row, text, err);
  case OPTION_INTEGER:
  case OPTION_NUMBER:
    break;
  }
  return parse_number(row, text, err);
}

// getopt's own tables for the rows.
static void getopt_tables(const row_list *list, struct option *longs, char *shorts)
{
  char *s = shorts;
  *s++ = ':'; // report a missing argument apart
  for (int i = 0; i < list->count; ++i) {
    const option_row *row = &list->rows[i];
    longs[i] = (struct option){row->name, row->argument ? required_argument : no_argument, NULL,
                               row->letter ? row->letter : FIRST_LONG + i};
    if (row->letter) {
      *s++ = row->letter;
      if (row->argument) {
        *s++ = ':';
      }
    }
  }
  *s = '\0';
  longs[list->count] = (struct option){0};
}

static const option_row *row_of(const row_list *list, int value)
{
  for (int i = 0; i < list->count; ++i) {
    if (value == list->rows[i].letter || value == FIRST_LONG + i) {
      return &list->rows[i];
    }
  }
  return NULL;
}

static status parse_options(const row_list *list, int argc, char **argv, error *err)
{
  struct option longs[MAX_ROWS + 1];
  char shorts[2 * MAX_ROWS + 2];
  getopt_tables(list, longs, shorts);
  opterr = 0;
  optind = 0; // 0 starts GNU getopt afresh
  for (;;) {
    const int value = getopt_long(argc, argv, shorts, longs, NULL);
    if (value == -1) {
      return STATUS_OK;
    }
    if (value == '?' || value == ':') {
      return error_set(err, STATUS_USAGE,
                       value == ':' ? "%s: needs an argument" : "%s: no such option (see --help)",
                       argv[optind - 1]);
    }
    const status code = take_value(row_of(list, value), optarg, err);
    if (code) {
      return code;
    }
  }
}

status command_parse(const command *self, command_context *context, const option_row *rows,
                     bool has_json, int argc, char **argv, int least_operands, int most_operands,
                     int *n_operands, bool *done, error *err)
{
  row_list list;
  collect_rows(&list, context, rows, has_json);
  *done = false;
  const status code = parse_options(&list, argc, argv, err);
  if (code) {
    return code;
  }
  if (list.help) {
    print_help(self, context, &list);
    *done = true;
    return STATUS_OK;
  }
  if (context->quiet || context->verbose) {
    context->log.least = context->quiet ? LOG_WARNING : LOG_DEBUG;
  }
  *n_operands = argc - optind;
  if (*n_operands < least_operands || *n_operands > most_operands) {
    return error_set(err, STATUS_USAGE, "expected: %s [OPTION...] %s", context->program,
                     self->arguments);
  }
  memmove(argv + 1, argv + optind, (size_t)*n_operands * sizeof *argv);
  return STATUS_OK;
}
