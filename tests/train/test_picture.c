// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Pictures read back with libpng.

#include "train/picture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/failing_alloc.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

/// As RGB, three bytes a pixel; the caller frees it.
static uint8_t *decode(const picture *p)
{
  uint8_t *png = NULL;
  size_t size_bytes = 0;
  error err = {0};
  if (picture_png(p, &png, &size_bytes, &err)) {
    fail_msg("%s", err.message);
  }
  png_image image = {.version = PNG_IMAGE_VERSION};
  assert_true(png_image_begin_read_from_memory(&image, png, size_bytes));
  assert_int_equal(image.width, p->width);
  assert_int_equal(image.height, p->height);
  image.format = PNG_FORMAT_RGB;
  uint8_t *rgb = malloc(PNG_IMAGE_SIZE(image));
  assert_true(png_image_finish_read(&image, NULL, rgb, 0, NULL));
  free(png);
  return rgb;
}

static void test_grey_and_palette(void **state)
{
  (void)state;
  uint8_t pixels[6] = {0, 1, 2, 3, 254, 255};
  picture p = {.width = 3, .height = 2, .pixels = pixels};
  for (int i = 0; i < 256; ++i) {
    p.palette[i][0] = (uint8_t)(255 - i);
    p.palette[i][1] = (uint8_t)(i / 2);
    p.palette[i][2] = 7;
  }
  for (int coloured = 0; coloured < 2; ++coloured) {
    p.coloured = coloured != 0;
    uint8_t *rgb = decode(&p);
    for (int i = 0; i < 6; ++i) {
      const uint8_t grey[3] = {pixels[i], pixels[i], pixels[i]};
      assert_memory_equal(rgb + 3 * i, p.coloured ? p.palette[pixels[i]] : grey, 3);
    }
    free(rgb);
  }
}

static void test_size(void **state)
{
  (void)state;
  static const int sizes[][2] = {{0, 1}, {1, 0}, {-1, 1}, {16385, 1}, {1, 16385}};
  for (int i = 0; i < 5; ++i) {
    const picture p = {.width = sizes[i][0], .height = sizes[i][1]};
    uint8_t *png = NULL;
    size_t size_bytes = 0;
    error err = {0};
    assert_int_equal(picture_png(&p, &png, &size_bytes, &err), STATUS_USAGE);
    assert_null(png);
  }
}

static status encode(void *user, error *err)
{
  uint8_t *png = NULL;
  size_t size_bytes = 0;
  const status code = picture_png(user, &png, &size_bytes, err);
  free(png);
  return code;
}

static void test_no_memory(void **state)
{
  (void)state;
  uint8_t pixels[6] = {0};
  picture p = {.width = 3, .height = 2, .pixels = pixels};
  assert_int_equal(failing_alloc_each(encode, &p), 1); // libpng's own are not ours to fail
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_grey_and_palette),
      cmocka_unit_test(test_size),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
