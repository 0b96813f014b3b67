// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/model_path.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool model_folder(int index, char path[PATH_BYTES])
{
  if (data_home_folder("models", path) && index-- == 0) {
    return true;
  }
  return data_system_folder("models", "presets/models", index, path);
}

status model_find(const char *name, char path[PATH_BYTES], error *err)
{
  const char *wanted = name ? name : "default";
  const size_t length = strlen(wanted), ending = strlen(MODEL_ENDING);
  const bool has_ending = length > ending && strcmp(wanted + length - ending, MODEL_ENDING) == 0;
  if (strchr(wanted, '/') || has_ending) {
    if (snprintf(path, PATH_BYTES, "%s", wanted) >= PATH_BYTES) {
      return error_set(err, STATUS_USAGE, "the model's path is too long");
    }
    return STATUS_OK;
  }
  char first[PATH_BYTES] = "";
  char folder[PATH_BYTES];
  for (int i = 0; model_folder(i, folder); ++i) {
    if (i == 0) {
      memcpy(first, folder, sizeof first);
    }
    if (snprintf(path, PATH_BYTES, "%s/%s%s", folder, wanted, MODEL_ENDING) < PATH_BYTES &&
        access(path, R_OK) == 0) {
      return STATUS_OK;
    }
  }
  return error_set(err, STATUS_NOT_FOUND,
                   "no model called \"%.60s\": make one with \"continuo import SRC... "
                   "%.300s/%.60s.safetensors\", or name a file with -m",
                   wanted, first, wanted);
}
