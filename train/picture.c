// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/picture.h"

#include <png.h>
#include <stdlib.h>

#define MOST_PIXELS 16384

status picture_png(const picture *p, uint8_t **png, size_t *size_bytes, error *err)
{
  *png = NULL;
  *size_bytes = 0;
  if (p->width < 1 || p->width > MOST_PIXELS || p->height < 1 || p->height > MOST_PIXELS) {
    return error_set(err, STATUS_USAGE, "a picture of %d x %d pixels, expected 1 to %d each",
                     p->width, p->height, MOST_PIXELS);
  }
  png_image image = {.version = PNG_IMAGE_VERSION,
                     .width = (png_uint_32)p->width,
                     .height = (png_uint_32)p->height,
                     .format = p->coloured ? PNG_FORMAT_RGB_COLORMAP : PNG_FORMAT_GRAY,
                     .colormap_entries = p->coloured ? 256 : 0};
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  uint8_t *data = malloc(size);
  if (!data) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a PNG of %zu bytes", (size_t)size);
  }
  if (!png_image_write_to_memory(&image, data, &size, 0, p->pixels, p->width, p->palette)) {
    free(data);
    return error_set(err, STATUS_NO_MEMORY, "PNG: %s", image.message);
  }
  *png = data;
  *size_bytes = size;
  return STATUS_OK;
}
