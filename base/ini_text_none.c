// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Stands in for ini_text.c where libinih is missing.

#include "base/ini_text.h"

status ini_text_read(const char *text, size_t size_bytes, const char *name, ini_text_take take,
                     void *user, error *err)
{
  (void)text;
  (void)size_bytes;
  (void)take;
  (void)user;
  return error_set(err, STATUS_UNSUPPORTED,
                   "%s: this build reads no INI files (libinih is missing)", name);
}
