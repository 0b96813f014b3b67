// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A folder of its own for tests that write files, and the few file operations they share.
#ifndef CONTINUO_TESTS_MODELS_SCRATCH_H
#define CONTINUO_TESTS_MODELS_SCRATCH_H

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct scratch {
  char folder[256];
  char path[512]; ///< of the last scratch_path
} scratch;

static inline int scratch_open(scratch *s)
{
  const char *base = getenv("TMPDIR");
  if (!base) {
    base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; // in memory, fsync costs nothing
  }
  snprintf(s->folder, sizeof s->folder, "%s/continuo-XXXXXX", base);
  return mkdtemp(s->folder) ? 0 : -1;
}

/// Path of `name` in the folder; valid until the next call.
static inline const char *scratch_path(scratch *s, const char *name)
{
  snprintf(s->path, sizeof s->path, "%s/%s", s->folder, name);
  return s->path;
}

/// Files in the folder, removing them when `remove_them`.
static inline int scratch_count(scratch *s, int remove_them)
{
  DIR *dir = opendir(s->folder);
  int n = 0;
  for (const struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
    if (e->d_name[0] != '.') {
      ++n;
      if (remove_them) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", s->folder, e->d_name);
        unlink(path);
      }
    }
  }
  if (dir) {
    closedir(dir);
  }
  return n;
}

static inline void scratch_close(scratch *s)
{
  scratch_count(s, 1);
  rmdir(s->folder);
}

/// The folder of a group of tests, whose setup and teardown in cmocka are these; `*state` is it
/// too.
static scratch scratch_dir;

static inline int scratch_setup(void **state)
{
  *state = &scratch_dir;
  return scratch_open(&scratch_dir);
}

static inline int scratch_teardown(void **state)
{
  (void)state;
  scratch_close(&scratch_dir);
  return 0;
}

static inline int scratch_write(const char *path, const void *data, size_t size)
{
  FILE *f = fopen(path, "wb");
  const int bad = !f || fwrite(data, 1, size, f) != size;
  return (f && fclose(f) != 0) || bad ? -1 : 0;
}

/// The whole file, to be freed; null when it cannot be read.
static inline uint8_t *scratch_read(const char *path, size_t *size)
{
  FILE *f = fopen(path, "rb");
  if (!f) {
    return NULL;
  }
  fseek(f, 0, SEEK_END);
  const long length = ftell(f);
  rewind(f);
  uint8_t *data = length >= 0 ? malloc((size_t)length + 1) : NULL;
  *size = data ? fread(data, 1, (size_t)length, f) : 0;
  fclose(f);
  return data;
}

#endif
