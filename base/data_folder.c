// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/data_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

static bool home_folder(const char *variable, const char *otherwise, const char *kind,
                        char path[PATH_BYTES])
{
  const char *base = getenv(variable);
  if (base && *base == '/') {
    return snprintf(path, PATH_BYTES, "%s/continuo/%s", base, kind) < PATH_BYTES;
  }
  const char *home = getenv("HOME");
  return home && *home &&
         snprintf(path, PATH_BYTES, "%s/%s/continuo/%s", home, otherwise, kind) < PATH_BYTES;
}

bool data_home_folder(const char *kind, char path[PATH_BYTES])
{
  return home_folder("XDG_DATA_HOME", ".local/share", kind, path);
}

bool state_home_folder(const char *kind, char path[PATH_BYTES])
{
  return home_folder("XDG_STATE_HOME", ".local/state", kind, path);
}

// build/PRESET/bin/continuo -> `in_source` beside build/.
static bool source_folder(const char *in_source, char path[PATH_BYTES])
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
  return snprintf(path, PATH_BYTES, "%s/%s", program, in_source) < PATH_BYTES &&
         access(path, F_OK) == 0;
}

bool data_system_folder(const char *kind, const char *in_source, int index, char path[PATH_BYTES])
{
  const char *dirs = getenv("XDG_DATA_DIRS");
  if (!dirs || !*dirs) {
    dirs = DATA_DIRS;
  }
  int count = 0;
  for (char part[PATH_BYTES]; list_part(dirs, count, part); ++count) {
    if (count == index) {
      return snprintf(path, PATH_BYTES, "%s/continuo/%s", part, kind) < PATH_BYTES;
    }
  }
  return index == count && source_folder(in_source, path);
}

status data_folder_make(const char *path, error *err)
{
  char part[PATH_BYTES];
  if (snprintf(part, sizeof part, "%s", path) >= PATH_BYTES) {
    return error_set(err, STATUS_USAGE, "the folder's path is too long");
  }
  for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    (void)mkdir(part, 0700); // what fails here fails below, too
    *slash = '/';
  }
  if (mkdir(part, 0700) != 0 && errno != EEXIST) {
    const int code = errno;
    return error_set(err, code == ENOENT || code == ENOTDIR ? STATUS_NOT_FOUND : STATUS_IO,
                     "%s: cannot make this folder: %s", path, strerror(code));
  }
  return STATUS_OK;
}
