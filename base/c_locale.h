// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The C locale for a while, in this thread alone: strtod and printf follow the locale, and a host
/// may have set one with a decimal comma. Any thread but the audio thread.
#ifndef CONTINUO_BASE_C_LOCALE_H
#define CONTINUO_BASE_C_LOCALE_H

#include <locale.h>
#include <stdbool.h>

typedef struct c_locale {
  locale_t before, own;
} c_locale;

/// False when there is no memory; then nothing has changed.
bool c_locale_enter(c_locale *l);
void c_locale_leave(const c_locale *l);

#endif
