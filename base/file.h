// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Files: read-only maps, and writes that appear under their final name whole or not at all.
/// Any thread but the audio thread.
#ifndef CONTINUO_BASE_FILE_H
#define CONTINUO_BASE_FILE_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/// A whole file mapped read-only.
typedef struct file_map {
  const uint8_t *data; ///< null when the file is empty
  size_t size_bytes;
} file_map;

/// Map `path`. Errors: STATUS_NOT_FOUND, STATUS_IO (unreadable, a folder), STATUS_FORMAT never.
status file_map_open(file_map *map, const char *path, error *err);
void file_map_close(file_map *map);

/// A file being written under a temporary name beside its final one.
typedef struct file_save {
  FILE *stream; ///< write here
  char *path;   ///< final name
  char *temp;   ///< name until commit
} file_save;

/// Create `<path>.tmp-<pid>-<n>`. Errors: STATUS_NOT_FOUND (its folder), STATUS_IO (also when
/// `path` is there and no regular file), STATUS_NO_MEMORY.
status file_save_open(file_save *save, const char *path, error *err);

/// Flush, fsync, rename over the final name, fsync the folder. On failure the temporary file is
/// removed and whatever stood under the final name is untouched.
status file_save_commit(file_save *save, error *err);

/// Give up: close and remove the temporary file. Harmless after commit.
void file_save_abort(file_save *save);

#endif
