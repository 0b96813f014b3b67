// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/run_folder.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECKPOINT_PATTERN "step-%lld.safetensors"
#define MOST_CHECKPOINTS 256

void run_folder_file(const run_folder *f, const char *name, char path[RUN_PATH_BYTES])
{
  snprintf(path, RUN_PATH_BYTES, "%s/%s", f->path, name);
}

void run_folder_checkpoint(const run_folder *f, int64_t step, char path[RUN_PATH_BYTES])
{
  snprintf(path, RUN_PATH_BYTES, "%s/checkpoints/step-%08lld.safetensors", f->path,
           (long long)step);
}

static status make_folder(const char *path, error *err)
{
  if (mkdir(path, 0777) != 0 && errno != EEXIST) {
    return error_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
  }
  return STATUS_OK;
}

static status take_lock(run_folder *f, error *err)
{
  char path[RUN_PATH_BYTES];
  run_folder_file(f, "lock", path);
  f->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (f->lock < 0) {
    return error_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
  }
  if (flock(f->lock, LOCK_EX | LOCK_NB) != 0) {
    return error_set(err, STATUS_USAGE, "%s: another process trains in it", f->path);
  }
  return STATUS_OK;
}

static status expect_run(const run_folder *f, bool resume, error *err)
{
  char path[RUN_PATH_BYTES];
  run_folder_file(f, "recipe.ini", path);
  const bool there = access(path, F_OK) == 0;
  if (there && !resume) {
    return error_set(err, STATUS_USAGE, "%s: holds a run already (--resume goes on with it)",
                     f->path);
  }
  if (!there && resume) {
    return error_set(err, STATUS_USAGE, "%s: no run to go on with", f->path);
  }
  return STATUS_OK;
}

static status set_path(run_folder *f, const char *path, error *err)
{
  *f = (run_folder){.lock = -1};
  if (strlen(path) >= sizeof f->path) {
    return error_set(err, STATUS_USAGE, "%s: name too long", path);
  }
  snprintf(f->path, sizeof f->path, "%s", path);
  return STATUS_OK;
}

status run_folder_look(run_folder *f, const char *path, error *err)
{
  char recipe[RUN_PATH_BYTES];
  const status code = set_path(f, path, err);
  if (code != STATUS_OK) {
    return code;
  }
  run_folder_file(f, "recipe.ini", recipe);
  return access(recipe, F_OK) == 0 ? STATUS_OK
                                   : error_set(err, STATUS_NOT_FOUND, "%s: no training run", path);
}

status run_folder_open(run_folder *f, const char *path, bool resume, error *err)
{
  status code = set_path(f, path, err);
  if (code != STATUS_OK) {
    return code;
  }
  code = resume ? STATUS_OK : make_folder(path, err);
  code = code ? code : expect_run(f, resume, err);
  code = code ? code : take_lock(f, err);
  if (code == STATUS_OK) {
    char checkpoints[RUN_PATH_BYTES];
    run_folder_file(f, "checkpoints", checkpoints);
    code = make_folder(checkpoints, err);
  }
  if (code != STATUS_OK) {
    run_folder_close(f);
  }
  return code;
}

void run_folder_close(run_folder *f)
{
  if (f->lock >= 0) {
    close(f->lock);
  }
  f->lock = -1;
}

static int latest_first(const void *a, const void *b)
{
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x < y) - (x > y);
}

int run_folder_list(const run_folder *f, int64_t *steps, int capacity)
{
  char path[RUN_PATH_BYTES];
  int n = 0;
  run_folder_file(f, "checkpoints", path);
  DIR *folder = opendir(path);
  for (struct dirent *entry; folder && n < capacity && (entry = readdir(folder));) {
    long long step = 0;
    char again[64];
    if (sscanf(entry->d_name, CHECKPOINT_PATTERN, &step) == 1 && step >= 0) {
      snprintf(again, sizeof again, "step-%08lld.safetensors", step);
      if (strcmp(again, entry->d_name) == 0) { // not ".tmp-..." after it
        steps[n++] = step;
      }
    }
  }
  if (folder) {
    closedir(folder);
  }
  qsort(steps, (size_t)n, sizeof *steps, latest_first);
  return n;
}

static void remove_leftovers(const run_folder *f)
{
  char path[RUN_PATH_BYTES];
  run_folder_file(f, "checkpoints", path);
  DIR *folder = opendir(path);
  for (struct dirent *entry; folder && (entry = readdir(folder));) {
    if (strstr(entry->d_name, ".safetensors.tmp-")) {
      unlinkat(dirfd(folder), entry->d_name, 0);
    }
  }
  if (folder) {
    closedir(folder);
  }
}

void run_folder_prune(const run_folder *f, int64_t keep)
{
  int64_t steps[MOST_CHECKPOINTS];
  const int n = run_folder_list(f, steps, MOST_CHECKPOINTS);
  for (int i = 0; i < n; ++i) {
    if (i >= keep) {
      char path[RUN_PATH_BYTES];
      run_folder_checkpoint(f, steps[i], path);
      unlink(path);
    }
  }
  remove_leftovers(f);
}

status run_folder_write(const run_folder *f, const char *name, const char *text, error *err)
{
  char path[RUN_PATH_BYTES];
  file_save save;
  run_folder_file(f, name, path);
  const status code = file_save_open(&save, path, err);
  if (code != STATUS_OK) {
    return code;
  }
  if (fputs(text, save.stream) < 0) {
    file_save_abort(&save);
    return error_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
  }
  return file_save_commit(&save, err);
}
