// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/preset_path.h"

#include "base/utf8.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER "presets"    // of the data folders and of the source tree
#define LAST "last"         // of the state folder, and what it is called by
#define INSTANCE "continuo" // where none is named

const char *preset_layer_name(preset_layer layer)
{
  static const char *const names[] = {"factory", "user", "session"};
  return names[layer];
}

// ---- names -------------------------------------------------------------------------------------

static bool has_ending(const char *text)
{
  const size_t length = strlen(text), ending = strlen(PRESET_ENDING);
  return length >= ending && strcmp(text + length - ending, PRESET_ENDING) == 0;
}

static bool is_file_name(const char *name)
{
  const size_t length = strlen(name);
  if (length == 0 || length >= PRESET_NAME_BYTES || name[0] == '.' || strpbrk(name, "/:")) {
    return false;
  }
  for (size_t i = 0; i < length;) {
    const size_t step = utf8_sequence((const uint8_t *)name + i, length - i);
    if (step == 0 || (unsigned char)name[i] < ' ' || name[i] == 0x7f) {
      return false;
    }
    i += step;
  }
  return true;
}

bool preset_is_name(const char *name)
{
  return is_file_name(name) && !has_ending(name) && strcmp(name, LAST) != 0;
}

/// An instance is called as JACK calls its client: that may hold anything.
static void instance_name(const char *instance, char name[PRESET_NAME_BYTES])
{
  size_t used = 0;
  for (; instance[used] && used < PRESET_NAME_BYTES - 1; ++used) {
    const unsigned char c = (unsigned char)instance[used];
    const bool plain = c > ' ' && c < 0x7f && c != '/' && c != ':' && (used > 0 || c != '.');
    name[used] = plain ? instance[used] : '_';
  }
  name[used] = '\0';
  if (used == 0) {
    memcpy(name, INSTANCE, sizeof INSTANCE);
  }
}

static bool file_in(const char *folder, const char *name, char path[PATH_BYTES])
{
  return snprintf(path, PATH_BYTES, "%s/%s%s", folder, name, PRESET_ENDING) < PATH_BYTES;
}

// ---- saving ------------------------------------------------------------------------------------

status preset_store(const preset *p, preset_layer layer, const char *name, char path[PATH_BYTES],
                    error *err)
{
  char folder[PATH_BYTES], file[PRESET_NAME_BYTES];
  path[0] = '\0';
  if (layer == PRESET_SESSION) {
    instance_name(name, file);
  } else if (layer == PRESET_USER && preset_is_name(name)) {
    snprintf(file, sizeof file, "%s", name);
  } else {
    return error_set(
        err, STATUS_USAGE,
        "no preset can be called \"%.80s\": expected a name without / and :, no dot in "
        "front, not last, at most %d bytes",
        name, PRESET_NAME_BYTES - 1);
  }
  const bool has_home =
      layer == PRESET_USER ? data_home_folder(FOLDER, folder) : state_home_folder(LAST, folder);
  if (!has_home || !file_in(folder, file, path)) {
    return error_set(err, STATUS_NOT_FOUND,
                     "no place for presets: neither HOME nor XDG_%s_HOME is set",
                     layer == PRESET_USER ? "DATA" : "STATE");
  }
  const status code = data_folder_make(folder, err);
  return code ? code : preset_save(p, path, err);
}

// ---- finding -----------------------------------------------------------------------------------

static status find_last(const char *name, char path[PATH_BYTES], error *err)
{
  char folder[PATH_BYTES], file[PRESET_NAME_BYTES];
  instance_name(name[strlen(LAST)] == ':' ? name + strlen(LAST) + 1 : INSTANCE, file);
  if (state_home_folder(LAST, folder) && file_in(folder, file, path) && access(path, R_OK) == 0) {
    return STATUS_OK;
  }
  return error_set(err, STATUS_NOT_FOUND, "nothing is known of what %.100s played last", file);
}

status preset_find(const char *name, char path[PATH_BYTES], error *err)
{
  char folder[PATH_BYTES];
  path[0] = '\0';
  if (strcmp(name, LAST) == 0 || strncmp(name, LAST ":", sizeof LAST) == 0) {
    return find_last(name, path, err);
  }
  if (strchr(name, '/') || has_ending(name)) {
    return snprintf(path, PATH_BYTES, "%s", name) < PATH_BYTES
               ? STATUS_OK
               : error_set(err, STATUS_USAGE, "the preset's path is too long");
  }
  if (is_file_name(name)) {
    if (data_home_folder(FOLDER, folder) && file_in(folder, name, path) &&
        access(path, R_OK) == 0) {
      return STATUS_OK;
    }
    for (int i = 0; data_system_folder(FOLDER, FOLDER, i, folder); ++i) {
      if (file_in(folder, name, path) && access(path, R_OK) == 0) {
        return STATUS_OK;
      }
    }
  }
  path[0] = '\0';
  return error_set(err, STATUS_NOT_FOUND,
                   "no preset is called \"%.100s\": \"continuo list presets\" shows what there is",
                   name);
}

// ---- listing -----------------------------------------------------------------------------------

static int compare_names(const void *a, const void *b)
{
  return strcmp(((const preset_entry *)a)->name, ((const preset_entry *)b)->name);
}

static preset_entry *find_entry(const preset_list *list, const char *name)
{
  for (int i = 0; i < list->n; ++i) {
    if (strcmp(list->entries[i].name, name) == 0) {
      return &list->entries[i];
    }
  }
  return NULL;
}

/// Add a file, or put it in the place of the factory's when the user's has the same name.
static status add_file(preset_list *list, preset_layer layer, const char *folder, const char *file,
                       error *err)
{
  preset_entry entry = {.layer = layer};
  const int length = (int)(strlen(file) - strlen(PRESET_ENDING));
  if (length >= PRESET_NAME_BYTES ||
      snprintf(entry.path, sizeof entry.path, "%s/%s", folder, file) >= PATH_BYTES) {
    return STATUS_OK;
  }
  snprintf(entry.name, sizeof entry.name, "%.*s", length, file);
  if (layer == PRESET_SESSION ? !is_file_name(entry.name) : !preset_is_name(entry.name)) {
    return STATUS_OK;
  }
  if (layer == PRESET_SESSION) {
    snprintf(entry.name, sizeof entry.name, "%s:%.*s", LAST, length, file);
  }
  preset_entry *same = find_entry(list, entry.name);
  if (same) {
    if (layer == PRESET_USER) { // of two factory presets the first folder's counts
      entry.hides = true;
      *same = entry;
    }
    return STATUS_OK;
  }
  preset_entry *more = realloc(list->entries, (size_t)(list->n + 1) * sizeof *more);
  if (!more) {
    return error_set(err, STATUS_NO_MEMORY, "no memory to list presets");
  }
  list->entries = more;
  list->entries[list->n++] = entry;
  return STATUS_OK;
}

static status add_folder(preset_list *list, preset_layer layer, const char *folder, error *err)
{
  status code = STATUS_OK;
  DIR *dir = opendir(folder);
  for (const struct dirent *f = dir ? readdir(dir) : NULL; f && !code; f = readdir(dir)) {
    if (has_ending(f->d_name)) {
      code = add_file(list, layer, folder, f->d_name, err);
    }
  }
  if (dir) {
    closedir(dir);
  }
  return code;
}

/// Those from `first` on by name. Not scandir's alphasort: it follows the locale.
static void sort_from(preset_list *list, int first)
{
  if (list->n - first > 1) {
    qsort(list->entries + first, (size_t)(list->n - first), sizeof *list->entries, compare_names);
  }
}

status preset_list_read(preset_list *list, error *err)
{
  *list = (preset_list){0};
  char folder[PATH_BYTES];
  status code = STATUS_OK;
  for (int i = 0; !code && data_system_folder(FOLDER, FOLDER, i, folder); ++i) {
    code = add_folder(list, PRESET_FACTORY, folder, err);
  }
  sort_from(list, 0);
  int first = list->n;
  if (!code && data_home_folder(FOLDER, folder)) {
    code = add_folder(list, PRESET_USER, folder, err);
  }
  sort_from(list, first);
  list->n_numbered = first = list->n;
  if (!code && state_home_folder(LAST, folder)) {
    code = add_folder(list, PRESET_SESSION, folder, err);
  }
  sort_from(list, first);
  if (code) {
    preset_list_free(list);
  }
  return code;
}

void preset_list_free(preset_list *list)
{
  free(list->entries);
  *list = (preset_list){0};
}

status preset_find_program(int bank, int program, preset_entry *found, error *err)
{
  preset_list list;
  status code = preset_list_read(&list, err);
  if (code) {
    return code;
  }
  const int i = bank * 128 + program;
  if (i >= 0 && i < list.n_numbered) {
    *found = list.entries[i];
  } else {
    code = error_set(err, STATUS_NOT_FOUND,
                     "no preset has the number %d (bank %d, program %d): there are %d", i + 1, bank,
                     program, list.n_numbered);
  }
  preset_list_free(&list);
  return code;
}
