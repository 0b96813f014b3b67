// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/model_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DATA_DIRS "/usr/local/share:/usr/share"

// The `index`-th part of a colon-separated list; empty and relative ones do not count (XDG).
static bool list_part(const char *list, int index, char path[PATH_BYTES])
{
  while (*list) {
    const size_t size = strcspn(list, ":");
    if (*list == '/' && size < PATH_BYTES && index-- == 0) {
      memcpy(path, list, size);
      path[size] = '\0';
      return true;
    }
    list += size + (list[size] == ':');
  }
  return false;
}

static bool home_folder(char path[PATH_BYTES])
{
  const char *data = getenv("XDG_DATA_HOME");
  if (data && *data == '/') {
    return snprintf(path, PATH_BYTES, "%s/continuo/models", data) < PATH_BYTES;
  }
  const char *home = getenv("HOME");
  return home && *home &&
         snprintf(path, PATH_BYTES, "%s/.local/share/continuo/models", home) < PATH_BYTES;
}

// build/PRESET/bin/continuo -> presets/models beside build/.
static bool source_folder(char path[PATH_BYTES])
{
  char program[PATH_BYTES];
  const ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
  if (size <= 0) {
    return false;
  }
  program[size] = '\0';
  for (int up = 0; up < 4; ++up) {
    char *slash = strrchr(program, '/');
    if (!slash) {
      return false;
    }
    *slash = '\0';
  }
  return snprintf(path, PATH_BYTES, "%s/presets/models", program) < PATH_BYTES &&
         access(path, F_OK) == 0;
}

bool model_folder(int index, char path[PATH_BYTES])
{
  const bool has_home = home_folder(path);
  if (has_home && index-- == 0) {
    return true;
  }
  const char *dirs = getenv("XDG_DATA_DIRS");
  if (!dirs || !*dirs) {
    dirs = DATA_DIRS;
  }
  int count = 0;
  for (char part[PATH_BYTES]; list_part(dirs, count, part); ++count) {
    if (count == index) {
      return snprintf(path, PATH_BYTES, "%s/continuo/models", part) < PATH_BYTES;
    }
  }
  return index == count && source_folder(path);
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
