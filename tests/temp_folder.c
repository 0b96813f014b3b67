// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/temp_folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int temp_folder_make(void **state)
{
  temp_folder *folder = calloc(1, sizeof *folder);
  if (!folder) {
    return -1;
  }
  *state = folder;
  const char *parent = getenv("TMPDIR");
  snprintf(folder->path, sizeof folder->path, "%s/continuo-test-XXXXXX",
           parent ? parent : P_tmpdir);
  if (!mkdtemp(folder->path)) {
    return -1;
  }
  snprintf(folder->file, sizeof folder->file, "%s/file", folder->path);
  return 0;
}

static int each_file(const temp_folder *folder, bool remove_it)
{
  int n = 0;
  DIR *dir = opendir(folder->path);
  if (!dir) {
    return -1;
  }
  for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
    char path[1024];
    if (entry->d_name[0] == '.') {
      continue;
    }
    ++n;
    snprintf(path, sizeof path, "%s/%s", folder->path, entry->d_name);
    if (remove_it) {
      unlink(path);
    }
  }
  closedir(dir);
  return n;
}

int temp_folder_remove(void **state)
{
  temp_folder *folder = *state;
  const int n = each_file(folder, true);
  rmdir(folder->path);
  free(folder);
  return n < 0 ? -1 : 0;
}

int temp_folder_count(const temp_folder *folder)
{
  return each_file(folder, false);
}

const char *source_path(const char *relative)
{
  static char path[1024];
  const char *source = getenv("CONTINUO_SOURCE");
  snprintf(path, sizeof path, "%s/%s", source ? source : ".", relative);
  return path;
}
