// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Stands in for recipe_ini.c where libinih is missing.

#include "train/recipe_ini.h"

status recipe_ini_read(const char *text, size_t size_bytes, const char *name, recipe_ini_take take,
                       void *user, error *err)
{
  (void)text;
  (void)size_bytes;
  (void)take;
  (void)user;
  return error_set(err, STATUS_UNSUPPORTED, "%s: this build reads no recipes (libinih is missing)",
                   name);
}
