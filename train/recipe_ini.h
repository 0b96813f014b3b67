// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// INI text, line by line (libinih). Where that is missing a stand-in refuses every text.
#ifndef CONTINUO_TRAIN_RECIPE_INI_H
#define CONTINUO_TRAIN_RECIPE_INI_H

#include "base/status.h"

#include <stddef.h>

/// One value; what it returns but STATUS_OK ends the reading, its message prefixed "name:line".
typedef status (*recipe_ini_take)(void *user, int line, const char *section, const char *key,
                                  const char *value, error *err);

/// Give every value of `text` to `take`. Comments begin with # or ; at the start of a line or with
/// " ;" behind a value; blanks around names and values do not count, nor does indentation.
/// STATUS_USAGE: a line that is too long, is no UTF-8 text or is neither heading nor value.
status recipe_ini_read(const char *text, size_t size_bytes, const char *name, recipe_ini_take take,
                       void *user, error *err);

#endif
