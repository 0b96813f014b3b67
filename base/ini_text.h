// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// INI text, line by line (libinih). Where that is missing a stand-in refuses every text.
#ifndef CONTINUO_BASE_INI_TEXT_H
#define CONTINUO_BASE_INI_TEXT_H

#include "base/status.h"

#include <stddef.h>

/// One value; what it returns but STATUS_OK ends the reading, its message prefixed "name:line".
typedef status (*ini_text_take)(void *user, int line, const char *section, const char *key,
                                const char *value, error *err);

/// Give every value of `text` to `take`. Comments begin with # or ; at the start of a line or with
/// " ;" behind a value; blanks around names and values do not count, nor does indentation.
/// STATUS_USAGE: a line that is too long, is no UTF-8 text or is neither heading nor value.
status ini_text_read(const char *text, size_t size_bytes, const char *name, ini_text_take take,
                     void *user, error *err);

#endif
