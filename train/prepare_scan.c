// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/prepare_scan.h"

#include "base/random.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

// Folders from the one given down to the one being read; a link back up to one is not followed.
typedef struct open_folder {
  dev_t device;
  ino_t node;
  const struct open_folder *above;
} open_folder;

typedef struct scanner {
  scan *out;
  const log_sink *log;
  const char *root;   // as given
  const char *name;   // its own name
  bool kind_is_below; // else the root's name
} scanner;

static bool is_audio_name(const char *name)
{
  static const char *const endings[] = {
      ".wav",  ".wave", ".flac", ".ogg", ".oga",  ".opus", ".mp3",   ".mp2",  ".mp1",
      ".aif",  ".aiff", ".aifc", ".au",  ".snd",  ".caf",  ".w64",   ".rf64", ".voc",
      ".8svx", ".svx",  ".iff",  ".sph", ".nist", ".sf",   ".ircam", ".paf",  ".avr",
      ".pvf",  ".xi",   ".htk",  ".sds", ".sd2",  ".mat",  ".wve",
  };
  const char *dot = strrchr(name, '.');
  for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; ++i) {
    if (strcasecmp(dot, endings[i]) == 0) {
      return true;
    }
  }
  return false;
}

static status no_memory(const scanner *s, error *err)
{
  return error_set(err, STATUS_NO_MEMORY, "%s: no memory for its list of files", s->root);
}

static char *join(const char *a, const char *b)
{
  const size_t size = strlen(a) + strlen(b) + 2;
  char *out = malloc(size);
  if (out) {
    snprintf(out, size, "%s%s%s", a, *a ? "/" : "", b);
  }
  return out;
}

// `below` is the file's path below the root.
static status add_file(const scanner *s, const char *below, error *err)
{
  scan *out = s->out;
  if (out->n_files == out->capacity) {
    const size_t capacity = out->capacity ? 2 * out->capacity : 256;
    scanned_file *more = realloc(out->files, capacity * sizeof *more);
    if (!more) {
      return no_memory(s, err);
    }
    out->files = more;
    out->capacity = capacity;
  }
  const bool own = s->kind_is_below && strchr(below, '/');
  scanned_file *f = &out->files[out->n_files++]; // freed with the list whatever it holds
  *f = (scanned_file){.file = join(s->root, below),
                      .path = own ? strdup(below) : join(s->name, below)};
  f->kind = f->path ? strndup(f->path, strcspn(f->path, "/")) : NULL;
  return f->file && f->path && f->kind ? STATUS_OK : no_memory(s, err);
}

static status read_folder(const scanner *s, const char *below, const open_folder *above,
                          error *err);

static status take_entry(const scanner *s, const char *below, const char *name,
                         const open_folder *here, error *err)
{
  char *inner = join(below, name);
  char *file = inner ? join(s->root, inner) : NULL;
  struct stat info;
  status code = STATUS_OK;
  if (!file) {
    code = no_memory(s, err);
  } else if (stat(file, &info) != 0) {
    log_write(s->log, LOG_WARNING, "%s: passed over: %s", file, strerror(errno));
  } else if (S_ISDIR(info.st_mode)) {
    code = read_folder(s, inner, here, err);
  } else if (S_ISREG(info.st_mode) && is_audio_name(name)) {
    code = add_file(s, inner, err);
  } else {
    log_write(s->log, LOG_DEBUG, "%s: not audio by its name, passed over", file);
    ++s->out->n_ignored;
  }
  free(file);
  free(inner);
  return code;
}

static bool is_above(const open_folder *f, const struct stat *info)
{
  for (; f; f = f->above) {
    if (f->device == info->st_dev && f->node == info->st_ino) {
      return true;
    }
  }
  return false;
}

static status read_folder(const scanner *s, const char *below, const open_folder *above, error *err)
{
  char *path = *below ? join(s->root, below) : strdup(s->root);
  if (!path) {
    return no_memory(s, err);
  }
  status code = STATUS_OK;
  struct stat info;
  DIR *dir = opendir(path);
  if (!dir || fstat(dirfd(dir), &info) != 0) {
    const bool absent = errno == ENOENT || errno == ENOTDIR;
    code = error_set(err, absent ? STATUS_NOT_FOUND : STATUS_IO, "%s: cannot look into it: %s",
                     path, strerror(errno));
  } else if (is_above(above, &info)) {
    log_write(s->log, LOG_WARNING, "%s: leads back to a folder above it, passed over", path);
  } else {
    const open_folder here = {info.st_dev, info.st_ino, above};
    for (const struct dirent *e = readdir(dir); e && !code; e = readdir(dir)) {
      if (e->d_name[0] != '.') {
        code = take_entry(s, below, e->d_name, &here, err);
      }
    }
  }
  if (dir) {
    closedir(dir);
  }
  free(path);
  return code;
}

static int compare_paths(const void *a, const void *b)
{
  return strcmp(((const scanned_file *)a)->path, ((const scanned_file *)b)->path);
}

static status check_names(const scan *s, error *err)
{
  for (size_t i = 1; i < s->n_files; ++i) {
    if (strcmp(s->files[i - 1].path, s->files[i].path) == 0) {
      return error_set(err, STATUS_USAGE, "%.180s and %.180s would both be called %.100s",
                       s->files[i - 1].file, s->files[i].file, s->files[i].path);
    }
  }
  return STATUS_OK;
}

static status scan_one(scan *s, const char *folder, bool kind_is_below, const log_sink *log,
                       error *err)
{
  char *real = realpath(folder, NULL); // "." and "data/.." have names too
  if (!real) {
    const bool absent = errno == ENOENT || errno == ENOTDIR;
    return error_set(err, absent ? STATUS_NOT_FOUND : STATUS_IO, "%s: cannot look into it: %s",
                     folder, strerror(errno));
  }
  const size_t before = s->n_files;
  const char *slash = strrchr(real, '/');
  const scanner one = {.out = s,
                       .log = log,
                       .root = folder,
                       .name = slash && slash[1] ? slash + 1 : "root",
                       .kind_is_below = kind_is_below};
  status code = read_folder(&one, "", NULL, err);
  if (!code && s->n_files == before) {
    code = error_set(err, STATUS_NOT_FOUND, "%s: no audio files in it", folder);
  }
  free(real);
  return code;
}

status scan_folders(scan *s, const char *const *folders, int n_folders, scan_kind kind,
                    const log_sink *log, error *err)
{
  *s = (scan){0};
  if (n_folders < 1) {
    return error_set(err, STATUS_USAGE, "no folder to prepare");
  }
  const bool below = kind == SCAN_KIND_BELOW || (kind == SCAN_KIND_AUTO && n_folders == 1);
  status code = STATUS_OK;
  for (int i = 0; i < n_folders && !code; ++i) {
    code = scan_one(s, folders[i], below, log, err);
  }
  if (code) {
    return code;
  }
  qsort(s->files, s->n_files, sizeof *s->files, compare_paths);
  return check_names(s, err);
}

void scan_free(scan *s)
{
  for (size_t i = 0; i < s->n_files; ++i) {
    free(s->files[i].file);
    free(s->files[i].path);
    free(s->files[i].kind);
  }
  free(s->files);
  *s = (scan){0};
}

// The number that decides about the group of a path.
static status group_number(const char *path, const regex_t *pattern, uint64_t *number, error *err)
{
  regmatch_t match;
  if (!pattern || regexec(pattern, path, 1, &match, 0) != 0 || match.rm_eo == match.rm_so) {
    *number = random_bits(0, random_name_key(path), 0);
    return STATUS_OK;
  }
  char *group = strndup(path + match.rm_so, (size_t)(match.rm_eo - match.rm_so));
  if (!group) {
    return error_set(err, STATUS_NO_MEMORY, "no memory to split the clips");
  }
  *number = random_bits(0, random_name_key(group), 0);
  free(group);
  return STATUS_OK;
}

// Files of one kind that have none kept aside give the group of least number, if not all are it.
static void keep_one_aside(scan *s, const uint64_t *numbers, const char *kind)
{
  uint64_t least = UINT64_MAX, most = 0;
  for (size_t i = 0; i < s->n_files; ++i) {
    if (strcmp(s->files[i].kind, kind) == 0) {
      if (s->files[i].validation) {
        return;
      }
      least = numbers[i] < least ? numbers[i] : least;
      most = numbers[i] > most ? numbers[i] : most;
    }
  }
  for (size_t i = 0; least < most && i < s->n_files; ++i) {
    s->files[i].validation |= strcmp(s->files[i].kind, kind) == 0 && numbers[i] == least;
  }
}

static status split_all(scan *s, double share, const regex_t *pattern, error *err)
{
  uint64_t *numbers = malloc((s->n_files + 1) * sizeof *numbers);
  if (!numbers) {
    return error_set(err, STATUS_NO_MEMORY, "no memory to split the clips");
  }
  status code = STATUS_OK;
  for (size_t i = 0; i < s->n_files && !code; ++i) {
    numbers[i] = 0;
    code = group_number(s->files[i].path, pattern, &numbers[i], err);
    s->files[i].validation = (double)numbers[i] * 0x1p-64 < share;
  }
  for (size_t i = 0; i < s->n_files && !code && share > 0.0; ++i) { // kinds stand together
    if (i == 0 || strcmp(s->files[i].kind, s->files[i - 1].kind) != 0) {
      keep_one_aside(s, numbers, s->files[i].kind);
    }
  }
  free(numbers);
  return code;
}

status scan_split(scan *s, double share, const char *pattern, error *err)
{
  if (!pattern || !*pattern) {
    return split_all(s, share, NULL, err);
  }
  regex_t compiled;
  const int failed = regcomp(&compiled, pattern, REG_EXTENDED);
  if (failed) {
    char why[128];
    regerror(failed, &compiled, why, sizeof why);
    return error_set(err, failed == REG_ESPACE ? STATUS_NO_MEMORY : STATUS_USAGE,
                     "--group: \"%.200s\": %s", pattern, why);
  }
  const status code = split_all(s, share, &compiled, err);
  regfree(&compiled);
  return code;
}
