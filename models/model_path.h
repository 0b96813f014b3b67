// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Where models lie, after the XDG Base Directory Specification: $XDG_DATA_HOME/continuo/models,
/// then continuo/models in each of $XDG_DATA_DIRS, then presets/models of the source tree that the
/// program was built in.
#ifndef CONTINUO_MODELS_MODEL_PATH_H
#define CONTINUO_MODELS_MODEL_PATH_H

#include "base/data_folder.h"
#include "base/status.h"

#include <stdbool.h>

#define MODEL_ENDING ".safetensors"

/// The `index`-th folder that may hold models, in the order above; false after the last.
bool model_folder(int index, char path[PATH_BYTES]);

/// The file that `-m name` means: a path when it has a slash or the ending, else NAME.safetensors
/// in the first model folder that has it. Null name: "default". STATUS_NOT_FOUND says where was
/// looked and how to get a model.
status model_find(const char *name, char path[PATH_BYTES], error *err);

#endif
