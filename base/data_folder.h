// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Where files of ours lie, after the XDG Base Directory Specification 0.8: what a user makes or
/// fetches (models, presets) below $XDG_DATA_HOME, what an installation brings below each of
/// $XDG_DATA_DIRS, what a program leaves for its next start below $XDG_STATE_HOME. Reads the
/// environment: any thread while no other changes it.
#ifndef CONTINUO_BASE_DATA_FOLDER_H
#define CONTINUO_BASE_DATA_FOLDER_H

#include "base/status.h"

#include <stdbool.h>

#define PATH_BYTES 4096

/// $XDG_DATA_HOME/continuo/`kind`; false where there is neither that variable nor HOME.
bool data_home_folder(const char *kind, char path[PATH_BYTES]);

/// $XDG_STATE_HOME/continuo/`kind`; false as above.
bool state_home_folder(const char *kind, char path[PATH_BYTES]);

/// The `index`-th folder below an installation: continuo/`kind` in each of $XDG_DATA_DIRS, then
/// `in_source` of the source tree that the program was built in, if it runs there. False after the
/// last.
bool data_system_folder(const char *kind, const char *in_source, int index, char path[PATH_BYTES]);

/// Make the folder and those above it that are missing, for the user alone (mode 0700). STATUS_IO,
/// STATUS_NOT_FOUND naming it.
status data_folder_make(const char *path, error *err);

#endif
