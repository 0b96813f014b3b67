// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Stands in for picture.c where libpng is missing.

#include "train/picture.h"

status picture_png(const picture *p, uint8_t **png, size_t *size_bytes, error *err)
{
  (void)p;
  *png = NULL;
  *size_bytes = 0;
  return error_set(err, STATUS_UNSUPPORTED, "this build makes no PNG (libpng is missing)");
}
