// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/touched.h"

#include <stdlib.h>

#define LEAST_PAGE_BYTES 4096

void *touched_new(size_t bytes)
{
  volatile unsigned char *made = calloc(1, bytes ? bytes : 1);
  for (size_t i = 0; made && i < bytes; i += LEAST_PAGE_BYTES) {
    made[i] = 0; // volatile: the compiler may not know that it is 0 already
  }
  if (made && bytes) {
    made[bytes - 1] = 0;
  }
  return (void *)made;
}
