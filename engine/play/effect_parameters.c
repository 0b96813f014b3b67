// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/play/effect_parameters.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST (PARAMETER_MAX - N_OWN_PARAMETERS)
#define LAST_PLACE 99

/// The words of one parameter; `info` points to them.
typedef struct effect_parameter {
  parameter_info info;
  char key[48], name[48], help[160];
} effect_parameter;

/// Written once, const from then on.
static struct {
  effect_parameter all[MOST];
  int first[CODE_N_EFFECTS]; ///< index of each effect's fader; its settings follow, then its place
  int n;
} table;
static pthread_once_t made = PTHREAD_ONCE_INIT;

/// The number that was meant by a float constant: 0.1 and not 0.10000000149.
static double meant(float x)
{
  char text[40];
  for (int digits = 1; digits < 9; ++digits) {
    snprintf(text, sizeof text, "%.*g", digits, (double)x);
    if (strtof(text, NULL) == x) {
      return strtod(text, NULL);
    }
  }
  return (double)x;
}

/// Another parameter of `effect`; `more_key` and `more_name` are null for the fader. The table's
/// names are in lower case.
static parameter_info *add(const code_effect_info *effect, const char *more_key,
                           const char *more_name)
{
  if (table.n == MOST) {
    abort(); // PARAMETER_MAX is too small: every start and every test says so
  }
  effect_parameter *p = &table.all[table.n++];
  snprintf(p->key, sizeof p->key, more_key ? "%s_%s" : "%s", effect->key, more_key);
  snprintf(p->name, sizeof p->name, more_name ? "%s %s" : "%s", effect->name, more_name);
  for (char *c = p->name; *c; ++c) {
    *c = (char)tolower((unsigned char)*c);
  }
  p->info = (parameter_info){.key = p->key, .name = p->name, .unit = "", .help = p->help};
  return &p->info;
}

static void add_effect(const code_effect_info *effect, int kind)
{
  table.first[kind] = table.n;
  parameter_info *fader = add(effect, NULL, NULL);
  snprintf(table.all[table.n - 1].help, sizeof table.all->help, "%s (%s)", effect->help,
           effect->fader);
  fader->kind = PARAMETER_REAL;
  fader->most = 1.0;
  for (int i = 0; i < effect->n_settings; ++i) {
    const code_effect_setting *setting = &effect->settings[i];
    parameter_info *info = add(effect, setting->key, setting->name);
    info->help = setting->help;
    info->unit = setting->unit;
    info->kind = setting->whole ? PARAMETER_WHOLE : PARAMETER_REAL;
    info->least = meant(setting->least);
    info->most = meant(setting->most);
    info->standard = meant(setting->standard);
  }
  parameter_info *place = add(effect, "place", "place");
  place->help = "its turn among the effects";
  place->kind = PARAMETER_WHOLE;
  place->least = 1.0;
  place->most = LAST_PLACE;
  place->standard = kind + 1;
}

static void make_table(void)
{
  for (int kind = 0; kind < CODE_N_EFFECTS; ++kind) {
    add_effect(code_effect_get_info((code_effect_kind)kind), kind);
  }
}

int effect_parameter_count(void)
{
  pthread_once(&made, make_table);
  return table.n;
}

const parameter_info *effect_parameter_get(int index)
{
  return index >= 0 && index < effect_parameter_count() ? &table.all[index].info : NULL;
}

int parameter_of_effect(code_effect_kind kind, int setting)
{
  pthread_once(&made, make_table);
  const int n_settings = code_effect_get_info(kind)->n_settings;
  const int fader = N_OWN_PARAMETERS + table.first[kind];
  return setting == EFFECT_FADER                  ? fader
         : setting == EFFECT_PLACE                ? fader + n_settings + 1
         : (setting >= 0 && setting < n_settings) ? fader + 1 + setting
                                                  : -1;
}

void effect_parameters_fill(code_effects_settings *s, const double values[PARAMETER_MAX])
{
  code_effects_settings_init(s);
  s->seed = (uint64_t)values[PARAMETER_SEED];
  for (int kind = 0; kind < CODE_N_EFFECTS; ++kind) {
    const double *own = &values[parameter_of_effect((code_effect_kind)kind, EFFECT_FADER)];
    const int n_settings = code_effect_get_info((code_effect_kind)kind)->n_settings;
    code_effect_knobs *knobs = &s->knobs[kind];
    knobs->fader = (float)own[0];
    for (int i = 0; i < n_settings; ++i) {
      knobs->values[i] = (float)own[1 + i];
    }
    knobs->place = (int32_t)own[1 + n_settings] - 1;
  }
}

void effect_parameters_off(double values[PARAMETER_MAX])
{
  for (int kind = 0; kind < CODE_N_EFFECTS; ++kind) {
    values[parameter_of_effect((code_effect_kind)kind, EFFECT_FADER)] = 0.0;
  }
}
