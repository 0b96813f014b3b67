// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo list: the models that can be named, and what they can run on.

#include "base/json_writer.h"
#include "base/safetensors.h"
#include "models/model_path.h"
#include "ui-tui/cli/commands.h"

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
  if (as_json) {
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
  if (strcmp(argv[1], "models") == 0) {
    list_models(context->json);
  } else if (strcmp(argv[1], "devices") == 0) {
    list_devices(context->json);
  } else {
    return error_set(err, STATUS_USAGE, "models or devices expected, found \"%s\"", argv[1]);
  }
  return STATUS_OK;
}

const command command_list = {"list", "models|devices", "List models or compute devices", run_list};
