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

#define CHECKPOINT_PREFIX "step-"
#define MOST_CHECKPOINTS 1024 // more than a recipe can ask for

void run_folder_file(const run_folder *f, const char *name, char path[RUN_PATH_BYTES])
{
  snprintf(path, RUN_PATH_BYTES, "%s/%s", f->path, name);
}

void run_folder_checkpoint(const run_folder *f, int64_t step, char path[RUN_PATH_BYTES])
{
  snprintf(path, RUN_PATH_BYTES, "%s/checkpoints/step-%08lld.safetensors", f->path,
           (long long)step);
}

/// `*made` (may be null): it was not there before.
static status make_folder(const char *path, bool *made, error *err)
{
  const bool done = mkdir(path, 0777) == 0;
  if (!done && errno != EEXIST) {
    return error_set(err, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, "%s: %s", path,
                     strerror(errno));
  }
  if (made) {
    *made = done;
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
    run_folder_close(f);
    return error_set(err, STATUS_USAGE, "%s: another process trains in it", f->path);
  }
  return STATUS_OK;
}

static status expect_run(const run_folder *f, bool resume, error *err)
{
  char path[RUN_PATH_BYTES];
  run_folder_file(f, "recipe.ini", path);
  const bool there = access(path, F_OK) == 0;
  int64_t latest = 0;
  if (!there && !resume && run_folder_list(f, &latest, 1) > 0 && latest > 0) {
    return error_set(err, STATUS_USAGE, "%s: holds checkpoints, but no recipe.ini", f->path);
  }
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

/// Only what file_save_open calls so: nobody else's files.
static bool is_leftover(const char *name)
{
  static const char *const saved[] = {"recipe.ini.tmp-", "set.json.tmp-", ".safetensors.tmp-"};
  for (size_t i = 0; i < sizeof saved / sizeof *saved; ++i) {
    if (strstr(name, saved[i])) {
      return true;
    }
  }
  return false;
}

static void remove_leftovers(const char *path)
{
  DIR *folder = opendir(path);
  for (struct dirent *entry; folder && (entry = readdir(folder));) {
    if (is_leftover(entry->d_name)) {
      unlinkat(dirfd(folder), entry->d_name, 0);
    }
  }
  if (folder) {
    closedir(folder);
  }
}

status run_folder_open(run_folder *f, const char *path, bool resume, error *err)
{
  char checkpoints[RUN_PATH_BYTES];
  status code = set_path(f, path, err);
  if (code != STATUS_OK) {
    return code;
  }
  run_folder_file(f, "checkpoints", checkpoints);
  code = resume ? STATUS_OK : make_folder(path, &f->made, err);
  code = code ? code : expect_run(f, resume, err);
  code = code ? code : take_lock(f, err);
  if (code != STATUS_OK) {
    return code;
  }
  remove_leftovers(f->path);
  remove_leftovers(checkpoints);
  code = make_folder(checkpoints, NULL, err);
  if (code != STATUS_OK) {
    run_folder_forget(f);
  }
  return code;
}

void run_folder_forget(run_folder *f)
{
  char path[RUN_PATH_BYTES];
  run_folder_file(f, "recipe.ini", path);
  if (f->lock >= 0 && access(path, F_OK) != 0) {
    run_folder_checkpoint(f, 0, path);
    unlink(path);
    run_folder_file(f, "checkpoints", path);
    rmdir(path);
    run_folder_file(f, "set.json", path);
    unlink(path);
    run_folder_file(f, "lock", path);
    unlink(path);
    if (f->made) {
      rmdir(f->path);
    }
  }
  run_folder_close(f);
}

void run_folder_close(run_folder *f)
{
  if (f->lock >= 0) {
    close(f->lock);
  }
  f->lock = -1;
}

/// Put `step` where it belongs among the `n` latest, latest first; returns how many there are then.
static int insert_step(int64_t *steps, int n, int capacity, int64_t step)
{
  int at = n;
  while (at > 0 && steps[at - 1] < step) {
    --at;
  }
  if (at == capacity) {
    return n;
  }
  const int kept = n < capacity ? n : capacity - 1;
  memmove(steps + at + 1, steps + at, (size_t)(kept - at) * sizeof *steps);
  steps[at] = step;
  return kept + 1;
}

/// Step of the checkpoint that `entry` is; -1: it is none.
static int64_t step_of(DIR *folder, const struct dirent *entry)
{
  char again[64];
  struct stat info;
  if (strncmp(entry->d_name, CHECKPOINT_PREFIX, strlen(CHECKPOINT_PREFIX)) != 0) {
    return -1;
  }
  const long long step = strtoll(entry->d_name + strlen(CHECKPOINT_PREFIX), NULL, 10);
  if (step < 0) {
    return -1;
  }
  snprintf(again, sizeof again, "step-%08lld.safetensors", step); // not ".tmp-..." after it
  return strcmp(again, entry->d_name) == 0 && fstatat(dirfd(folder), again, &info, 0) == 0 &&
                 S_ISREG(info.st_mode)
             ? step
             : -1;
}

int run_folder_list(const run_folder *f, int64_t *steps, int capacity)
{
  char path[RUN_PATH_BYTES];
  int n = 0;
  run_folder_file(f, "checkpoints", path);
  DIR *folder = opendir(path);
  for (struct dirent *entry; folder && (entry = readdir(folder));) {
    const int64_t step = step_of(folder, entry);
    n = step >= 0 ? insert_step(steps, n, capacity, step) : n;
  }
  if (folder) {
    closedir(folder);
  }
  return n;
}

void run_folder_prune(const run_folder *f, int64_t keep)
{
  int64_t steps[MOST_CHECKPOINTS] = {0};
  for (int n; (n = run_folder_list(f, steps, MOST_CHECKPOINTS)) > keep;) {
    for (int i = n - 1; i >= keep; --i) {
      char path[RUN_PATH_BYTES];
      run_folder_checkpoint(f, steps[i], path);
      if (unlink(path) != 0) {
        return; // it would only be found again
      }
    }
  }
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
