// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/wav_folder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_BYTES 4096

/// No empty or dotted step: a set's index is a file like any other and not trusted.
static bool stays_inside(const char *path)
{
  while (*path) {
    const size_t length = strcspn(path, "/");
    if (length == 0 || (length == 1 && path[0] == '.') ||
        (length == 2 && path[0] == '.' && path[1] == '.')) {
      return false;
    }
    path += length;
    path += *path == '/';
  }
  return true;
}

/// Every folder on the way to the file.
static status make_folders(char *path, error *err)
{
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    const bool made = mkdir(path, 0777) == 0 || errno == EEXIST;
    if (!made) {
      return error_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
    }
    *slash = '/';
  }
  return STATUS_OK;
}

status wav_folder_open(audio_writer **w, const char *folder, const char *part, const char *path,
                       uint32_t rate_hz, uint64_t expected_samples, error *err)
{
  char full[PATH_BYTES];
  const size_t length = strlen(path);
  const bool named = length > 4 && strcmp(path + length - 4, ".wav") == 0;
  *w = NULL;
  if (!*path || !stays_inside(path)) {
    return error_set(err, STATUS_FORMAT, "%s: not a name for a file in a folder", path);
  }
  const int n = snprintf(full, sizeof full, "%s/%s/%s%s", folder, part, path, named ? "" : ".wav");
  if (n < 0 || (size_t)n >= sizeof full) {
    return error_set(err, STATUS_USAGE, "%s: name too long", path);
  }
  const status code = make_folders(full, err);
  return code ? code
              : audio_writer_open(w, full, rate_hz, 1, AUDIO_ENCODING_F32, expected_samples, err);
}
