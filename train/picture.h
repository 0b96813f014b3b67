// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A small picture of 8 bits a pixel and its PNG (libpng). Any thread.
#ifndef CONTINUO_TRAIN_PICTURE_H
#define CONTINUO_TRAIN_PICTURE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct picture {
  int width, height;       ///< pixels, 1 to 16384
  uint8_t *pixels;         ///< [height, width], the top row first
  bool coloured;           ///< by the palette; else grey, 255 is white
  uint8_t palette[256][3]; ///< red, green, blue
} picture;

/// As PNG; the caller frees it. STATUS_USAGE: its size; STATUS_UNSUPPORTED: built without libpng;
/// STATUS_NO_MEMORY.
status picture_png(const picture *p, uint8_t **png, size_t *size_bytes, error *err);

#endif
