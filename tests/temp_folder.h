// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A fresh folder for a test's files: cmocka setup and teardown functions. `*state` is a
/// `temp_folder *` in between.
#ifndef CONTINUO_TESTS_TEMP_FOLDER_H
#define CONTINUO_TESTS_TEMP_FOLDER_H

#include <stdbool.h>

typedef struct temp_folder {
  char path[512];
  char file[600]; ///< "<path>/file", which the test may make
} temp_folder;

int temp_folder_make(void **state);
int temp_folder_remove(void **state); ///< with everything in it

/// Number of files in it.
int temp_folder_count(const temp_folder *folder);

/// A committed test file: `relative` under the source tree. Static buffer.
const char *source_path(const char *relative);

#endif
