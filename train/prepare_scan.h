// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The audio files of some folders, in an order that does not depend on the file system, and which
/// of them are kept aside for validation. Any thread.
#ifndef CONTINUO_TRAIN_PREPARE_SCAN_H
#define CONTINUO_TRAIN_PREPARE_SCAN_H

#include "base/log.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/// Where a file's kind of sound comes from.
typedef enum scan_kind {
  SCAN_KIND_AUTO,   ///< BELOW for one folder, FOLDER for several
  SCAN_KIND_FOLDER, ///< the name of the folder that was given
  SCAN_KIND_BELOW,  ///< the folder right below it; for files right in it its own name
} scan_kind;

typedef struct scanned_file {
  char *file;      ///< to open it
  char *path;      ///< its name in the set: the kind, then the path below it
  char *kind;      ///< of sound
  bool validation; ///< kept aside
} scanned_file;

typedef struct scan {
  scanned_file *files; ///< in the byte order of `path`
  size_t n_files, capacity;
  size_t n_ignored; ///< whose ending is not that of an audio file
} scan;

/// All files below `folders` whose ending is one of the audio formats'; links are followed, names
/// that begin with a dot are passed over. STATUS_NOT_FOUND (no such folder, no audio file in one),
/// STATUS_USAGE (no folder, two files of one name), STATUS_IO, STATUS_NO_MEMORY. `scan_free` in any
/// case.
status scan_folders(scan *s, const char *const *folders, int n_folders, scan_kind kind,
                    const log_sink *log, error *err);
void scan_free(scan *s);

/// Keep `share` (0 to 1) of the clips aside, by name alone: a clip's group is what the POSIX
/// extended regular expression `pattern` matches of its path (null, "" or no match: the whole
/// path), and a group is kept aside when random_bits(0, FNV-1a of it, 0) / 2^64 < share. A kind
/// without any such group gives the one of least number, if it has two groups or more and share is
/// not 0. STATUS_USAGE (the expression), STATUS_NO_MEMORY.
status scan_split(scan *s, double share, const char *pattern, error *err);

#endif
