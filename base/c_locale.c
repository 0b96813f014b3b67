// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/c_locale.h"

bool c_locale_enter(c_locale *l)
{
  l->own = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  l->before = l->own ? uselocale(l->own) : (locale_t)0;
  return l->own != (locale_t)0;
}

void c_locale_leave(const c_locale *l)
{
  uselocale(l->before);
  freelocale(l->own);
}
