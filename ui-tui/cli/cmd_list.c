// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo list: the presets and models that can be named, and what they can run on.

#include "base/json_writer.h"
#include "base/safetensors.h"
#include "engine/preset_path.h"
#include "models/model_path.h"
#include "ui-tui/cli/commands.h"
#include "ui-tui/cli/list.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEVICES 32

static int is_model(const struct dirent *entry)
{
  const size_t length = strlen(entry->d_name), ending = strlen(MODEL_ENDING);
  return length > ending && strcmp(entry->d_name + length - ending, MODEL_ENDING) == 0;
}

static void list_model(json_writer *w, bool as_json, const char *folder, const char *file)
{
  char path[2 * PATH_BYTES];
  snprintf(path, sizeof path, "%s/%s", folder, file);
  char name[256];
  snprintf(name, sizeof name, "%.*s", (int)(strlen(file) - strlen(MODEL_ENDING)), file);
  safetensors st = {0};
  json *config = NULL;
  error err = {0};
  const char *kind = NULL;
  int64_t rate_hz = 0;
  if (safetensors_open(&st, path, &err) == STATUS_OK &&
      safetensors_config(&st, &config, &err) == STATUS_OK) {
    json_get_string(json_member(config, "kind"), &kind);
    json_get_integer(json_member(config, "rate_hz"), 1, UINT32_MAX, &rate_hz);
  }
  if (kind && strcmp(kind, "discriminators") == 0) {
    // only training goes on with them
  } else if (as_json) {
    json_begin_object(w, NULL);
    json_write_string(w, "name", name);
    json_write_string(w, "path", path);
    json_write_string(w, "kind", kind);
    json_write_integer(w, "rate_hz", rate_hz);
    json_write_string(w, "problem", kind ? NULL : err.message);
    json_end_object(w);
  } else if (kind) {
    printf("%-20s %-8s %6lld Hz  %s\n", name, kind, (long long)rate_hz, path);
  } else {
    printf("%-20s unusable: %s\n", name, err.message[0] ? err.message : "no kind in its config");
  }
  json_free(config);
  safetensors_close(&st);
}

static void list_models(bool as_json)
{
  json_writer w;
  json_writer_init(&w, stdout);
  if (as_json) {
    json_begin_array(&w, NULL);
  }
  char folder[PATH_BYTES];
  for (int i = 0; model_folder(i, folder); ++i) {
    struct dirent **entries = NULL;
    const int count = scandir(folder, &entries, is_model, alphasort);
    for (int k = 0; k < count; ++k) {
      list_model(&w, as_json, folder, entries[k]->d_name);
      free(entries[k]);
    }
    free(entries);
  }
  if (as_json) {
    json_end_array(&w);
    json_writer_finish(&w, NULL);
  }
  json_writer_free(&w);
}

// ---- presets -----------------------------------------------------------------------------------

static void preset_json(json_writer *w, const preset_entry *entry, int number, const preset *p,
                        const char *problem)
{
  char mode[40];
  parameter_format(PARAMETER_MODE, p->values[PARAMETER_MODE], mode, sizeof mode);
  json_begin_object(w, NULL);
  if (number) {
    json_write_integer(w, "number", number);
  } else {
    json_write_null(w, "number");
  }
  json_write_string(w, "preset", entry->name);
  json_write_string(w, "layer", preset_layer_name(entry->layer));
  json_write_bool(w, "hides_factory", entry->hides);
  json_write_string(w, "path", entry->path);
  json_write_string(w, "name", p->name);
  json_write_string(w, "author", p->author);
  json_write_string(w, "tags", p->tags);
  json_write_string(w, "comment", p->comment);
  json_write_string(w, "model", p->model);
  json_write_string(w, "mode", problem ? NULL : mode);
  json_write_string(w, "problem", problem);
  json_end_object(w);
}

static void preset_line(const preset_entry *entry, int number, const preset *p, const char *problem)
{
  const char *layer = entry->hides ? "user, hides" : preset_layer_name(entry->layer);
  if (number) {
    printf("%4d  ", number);
  } else {
    printf("      ");
  }
  if (problem) {
    printf("%-16s %-11s unusable: %s\n", entry->name, layer, problem);
    return;
  }
  char mode[40];
  parameter_format(PARAMETER_MODE, p->values[PARAMETER_MODE], mode, sizeof mode);
  printf("%-16s %-11s %-9s %s%s%s\n", entry->name, layer, mode, p->name, *p->tags ? ": " : "",
         p->tags);
}

static status list_presets(bool as_json, error *err)
{
  preset_list list;
  status code = preset_list_read(&list, err);
  if (code) {
    return code;
  }
  json_writer w;
  json_writer_init(&w, stdout);
  if (as_json) {
    json_begin_array(&w, NULL);
  }
  for (int i = 0; i < list.n; ++i) {
    const preset_entry *entry = &list.entries[i];
    const int number = i < list.n_numbered ? i + 1 : 0;
    preset p;
    error bad = {0};
    const char *problem = preset_load(&p, entry->path, &bad) ? bad.message : NULL;
    if (as_json) {
      preset_json(&w, entry, number, &p, problem);
    } else {
      preset_line(entry, number, &p, problem);
    }
    preset_free(&p);
  }
  if (as_json) {
    json_end_array(&w);
    code = json_writer_finish(&w, err);
  }
  json_writer_free(&w);
  preset_list_free(&list);
  return code;
}

// ---- devices -----------------------------------------------------------------------------------

static void list_devices(bool as_json)
{
  char names[MAX_DEVICES][128];
  const int found = device_list(names, MAX_DEVICES);
  const int count = found < MAX_DEVICES ? found : MAX_DEVICES;
  json_writer w;
  json_writer_init(&w, stdout);
  if (as_json) {
    json_begin_array(&w, NULL);
  }
  for (int i = 0; i < count; ++i) {
    if (as_json) {
      json_write_string(&w, NULL, names[i]);
    } else {
      printf("%s\n", names[i]);
    }
  }
  if (as_json) {
    json_end_array(&w);
    json_writer_finish(&w, NULL);
  }
  json_writer_free(&w);
}

static status run_list(const command *self, command_context *context, int argc, char **argv,
                       error *err)
{
  int n_operands = 0;
  bool done = false;
  const status code =
      command_parse(self, context, NULL, true, argc, argv, 1, 1, &n_operands, &done, err);
  if (code || done) {
    return code;
  }
  if (strcmp(argv[1], "presets") == 0) {
    return list_presets(context->json, err);
  }
  if (strcmp(argv[1], "midi") == 0) {
    return list_midi(context->json, err);
  }
  if (strcmp(argv[1], "models") == 0) {
    list_models(context->json);
  } else if (strcmp(argv[1], "devices") == 0) {
    list_devices(context->json);
  } else if (strcmp(argv[1], "parameters") == 0) {
    list_parameters(context->json);
  } else if (strcmp(argv[1], "actions") == 0) {
    list_actions(context->json);
  } else {
    return error_set(err, STATUS_USAGE, "%s expected, found \"%s\"", self->arguments, argv[1]);
  }
  return STATUS_OK;
}

const command command_list = {"list", "presets|models|devices|midi|parameters|actions",
                              "List presets, models, devices, what can be set or done", run_list};
