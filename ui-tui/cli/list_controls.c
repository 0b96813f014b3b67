// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo list parameters, continuo list actions: what can be set and done.

#include "base/json_writer.h"
#include "engine/control/control.h"
#include "engine/control/parameters.h"
#include "ui-tui/cli/list.h"

#include <stdio.h>

static const char *words_of(const parameter_info *p)
{
  return p->kind == PARAMETER_SWITCH ? "off|on" : p->words;
}

static void print_parameter(int id)
{
  const parameter_info *p = parameter_get(id);
  char standard[64], range[160];
  parameter_format(id, p->standard, standard, sizeof standard);
  if (words_of(p)) {
    snprintf(range, sizeof range, "%s", words_of(p));
  } else {
    snprintf(range, sizeof range, "%.16g to %.16g%s%s", p->least, p->most, p->unit[0] ? " " : "",
             p->unit);
  }
  printf("%-24s %-8s %s (%s)\n", p->key, standard, p->help, range);
}

static void write_parameter(json_writer *w, int id)
{
  const parameter_info *p = parameter_get(id);
  char standard[64];
  parameter_format(id, p->standard, standard, sizeof standard);
  json_begin_object(w, NULL);
  json_write_string(w, "key", p->key);
  json_write_string(w, "name", p->name);
  json_write_string(w, "help", p->help);
  if (words_of(p)) {
    json_write_string(w, "words", words_of(p));
    json_write_string(w, "standard", standard);
  } else {
    json_write_string(w, "unit", p->unit);
    json_write_number(w, "least", p->least);
    json_write_number(w, "most", p->most);
    json_write_number(w, "standard", p->standard);
    json_write_bool(w, "whole", p->kind == PARAMETER_WHOLE);
  }
  json_end_object(w);
}

void list_parameters(bool as_json)
{
  if (!as_json) {
    for (int id = 0; id < parameter_count(); ++id) {
      print_parameter(id);
    }
    return;
  }
  json_writer w;
  json_writer_init(&w, stdout);
  json_begin_array(&w, NULL);
  for (int id = 0; id < parameter_count(); ++id) {
    write_parameter(&w, id);
  }
  json_end_array(&w);
  json_writer_finish(&w, NULL);
  json_writer_free(&w);
}

void list_actions(bool as_json)
{
  json_writer w;
  json_writer_init(&w, stdout);
  if (as_json) {
    json_begin_array(&w, NULL);
  }
  for (int i = 0; i < N_CONTROL_ACTIONS; ++i) {
    const char *name = control_action_name((control_action)i);
    const char *help = control_action_help((control_action)i);
    if (as_json) {
      json_begin_object(&w, NULL);
      json_write_string(&w, "name", name);
      json_write_string(&w, "help", help);
      json_end_object(&w);
    } else {
      printf("%-16s %s\n", name, help);
    }
  }
  if (as_json) {
    json_end_array(&w);
    json_writer_finish(&w, NULL);
  }
  json_writer_free(&w);
}
