// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/import.h"

#include "models/import_encodec.h"
#include "models/import_lyra.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_FILES 256

/// An importer takes files one by one, then imports all that it was given.
typedef struct importer {
  const char *what; ///< for people
  bool (*takes)(const char *path);
  status (*import)(const char *const *paths, int n_paths, const char *destination, error *err);
} importer;

/// One line per importer; the first that takes a file gets them all.
static const importer importers[] = {
    {"Lyra v1.2: its three .tflite files, or their folder", import_lyra_recognises, import_lyra},
    {"EnCodec: a .th file, or a Hugging Face folder", import_encodec_recognises, import_encodec},
};
enum { N_IMPORTERS = sizeof importers / sizeof *importers };

const char *model_import_describe(int index)
{
  return index >= 0 && index < N_IMPORTERS ? importers[index].what : NULL;
}

// ---- which files
// ---------------------------------------------------------------------------------

typedef struct file_list {
  char *paths[MAX_FILES]; ///< owned
  bool named[MAX_FILES];  ///< by the caller, not found in a folder: must not be passed over
  int count;
} file_list;

static void list_free(file_list *list)
{
  for (int i = 0; i < list->count; ++i) {
    free(list->paths[i]);
  }
}

static status list_add(file_list *list, const char *folder, const char *name, error *err)
{
  if (list->count == MAX_FILES) {
    return error_set(err, STATUS_UNSUPPORTED, "%s: more than %d files", folder ? folder : name,
                     MAX_FILES);
  }
  const size_t bytes = (folder ? strlen(folder) + 1 : 0) + strlen(name) + 1;
  char *path = malloc(bytes);
  if (!path) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for its path", name);
  }
  snprintf(path, bytes, "%s%s%s", folder ? folder : "", folder ? "/" : "", name);
  list->named[list->count] = !folder;
  list->paths[list->count++] = path;
  return STATUS_OK;
}

static bool is_regular(const char *path)
{
  struct stat info;
  return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static int compare_paths(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/// The folder's own files, in order of name.
static status list_folder(file_list *list, const char *folder, error *err)
{
  DIR *stream = opendir(folder);
  if (!stream) {
    return error_set(err, STATUS_IO, "%s: cannot list: %s", folder, strerror(errno));
  }
  const int first = list->count;
  status code = STATUS_OK;
  for (struct dirent *entry = readdir(stream); entry && code == STATUS_OK;
       entry = readdir(stream)) {
    if (entry->d_name[0] == '.') {
      continue;
    }
    code = list_add(list, folder, entry->d_name, err);
    if (code == STATUS_OK && !is_regular(list->paths[list->count - 1])) {
      free(list->paths[--list->count]);
    }
  }
  closedir(stream);
  if (list->count > first) {
    qsort(list->paths + first, (size_t)(list->count - first), sizeof *list->paths, compare_paths);
  }
  return code;
}

static status list_sources(file_list *list, const char *const *sources, int n_sources, error *err)
{
  status code = STATUS_OK;
  for (int i = 0; i < n_sources && code == STATUS_OK; ++i) {
    struct stat info;
    if (stat(sources[i], &info) != 0) {
      code = error_set(err, errno == ENOENT || errno == ENOTDIR ? STATUS_NOT_FOUND : STATUS_IO,
                       "%s: cannot open: %s", sources[i], strerror(errno));
    } else {
      code = S_ISDIR(info.st_mode) ? list_folder(list, sources[i], err)
                                   : list_add(list, NULL, sources[i], err);
    }
  }
  return code;
}

// ---- importing
// -----------------------------------------------------------------------------------

static const importer *find_importer(const file_list *list)
{
  for (int k = 0; k < N_IMPORTERS; ++k) {
    for (int i = 0; i < list->count; ++i) {
      if (importers[k].takes(list->paths[i])) {
        return &importers[k];
      }
    }
  }
  return NULL;
}

/// Named files all go to the importer, which refuses what it cannot read; of a folder's files only
/// those that it takes.
static status import_with(const importer *by, const file_list *list, const char *destination,
                          const log_sink *log, error *err)
{
  const char *paths[MAX_FILES];
  int count = 0;
  for (int i = 0; i < list->count; ++i) {
    if (list->named[i] || by->takes(list->paths[i])) {
      paths[count++] = list->paths[i];
      log_write(log, LOG_INFO, "%s: importing", list->paths[i]);
    } else {
      log_write(log, LOG_DEBUG, "%s: passed over", list->paths[i]);
    }
  }
  return by->import(paths, count, destination, err);
}

status model_import(const char *const *sources, int n_sources, const char *destination,
                    const log_sink *log, error *err)
{
  if (n_sources < 1) {
    return error_set(err, STATUS_USAGE, "nothing to import");
  }
  file_list list = {.count = 0};
  status code = list_sources(&list, sources, n_sources, err);
  if (code == STATUS_OK) {
    const importer *by = find_importer(&list);
    code =
        by ? import_with(by, &list, destination, log, err)
           : error_set(err, STATUS_UNSUPPORTED,
                       "%s: not a model that can be imported: no file of it is known", sources[0]);
  }
  list_free(&list);
  return code;
}
