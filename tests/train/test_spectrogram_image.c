// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Tones stand where they belong, as loud as they are.

#include "train/spectrogram_image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/failing_alloc.h"

#include <math.h>
#include <stdlib.h>

#define PI 3.14159265358979323846
#define RATE 24000

static float *tone(int64_t n, double hz, double amplitude)
{
  float *x = malloc((size_t)n * sizeof *x);
  assert_non_null(x);
  for (int64_t i = 0; i < n; ++i) {
    x[i] = (float)(amplitude * sin(2.0 * PI * hz * (double)i / RATE));
  }
  return x;
}

/// A tone stands at its pitch with its level, one clip below the other.
static void test_tones(void **state)
{
  (void)state;
  const int64_t n = 12000;
  float *low = tone(n, 46.875 * 20, 1.0), *high = tone(n, 46.875 * 200, 0.001); // whole rows
  const float *clips[] = {low, high};
  picture p;
  error err = {0};
  assert_int_equal(spectrogram_image(&p, clips, 2, n, &err), STATUS_OK);
  assert_int_equal(p.height, 2 * SPECTROGRAM_ROWS + SPECTROGRAM_GAP);
  assert_int_equal(p.width, 1 + 12000 / 128);
  const int x = p.width / 2;
  const uint8_t *top = p.pixels + x;
  const uint8_t *below = top + (ptrdiff_t)(SPECTROGRAM_ROWS + SPECTROGRAM_GAP) * p.width;
  assert_int_equal(top[(ptrdiff_t)(255 - 20) * p.width], 255);        // 0 dB
  assert_in_range(below[(ptrdiff_t)(255 - 200) * p.width], 101, 103); // -60 dB
  assert_int_equal(top[(ptrdiff_t)(255 - 200) * p.width], 0);
  assert_int_equal(below[(ptrdiff_t)(255 - 20) * p.width], 0);
  assert_int_equal(top[(ptrdiff_t)SPECTROGRAM_ROWS * p.width], 255); // the gap
  free(p.pixels);
  free(low);
  free(high);
}

static void test_lengths(void **state)
{
  (void)state;
  static const int64_t lengths[] = {1, 127, 128, 128000, 127999, 1000001};
  for (int i = 0; i < 6; ++i) {
    float *x = tone(lengths[i], 1000.0, 0.5);
    const float *clips[] = {x};
    picture p;
    error err = {0};
    if (spectrogram_image(&p, clips, 1, lengths[i], &err)) {
      fail_msg("%s", err.message);
    }
    assert_in_range(p.width, lengths[i] > 100000 ? 900 : 1, SPECTROGRAM_COLUMNS);
    free(p.pixels);
    free(x);
  }
  picture p;
  error err = {0};
  assert_int_equal(spectrogram_image(&p, NULL, 0, 100, &err), STATUS_USAGE);
  assert_int_equal(spectrogram_image(&p, NULL, 1, 0, &err), STATUS_USAGE);
  assert_null(p.pixels);
}

/// Lighter all the way.
static void test_palette_rises(void **state)
{
  (void)state;
  const float x = 0.0f;
  const float *clips[] = {&x};
  picture p;
  assert_int_equal(spectrogram_image(&p, clips, 1, 1, NULL), STATUS_OK);
  double before = -1.0;
  for (int i = 0; i < 256; ++i) {
    const double light =
        0.299 * p.palette[i][0] + 0.587 * p.palette[i][1] + 0.114 * p.palette[i][2];
    assert_true(light >= before);
    before = light;
  }
  assert_true(before > 240.0 && p.palette[0][0] + p.palette[0][1] + p.palette[0][2] == 0);
  free(p.pixels);
}

static status draw(void *user, error *err)
{
  (void)user;
  const float x[64] = {0};
  const float *clips[] = {x};
  picture p;
  const status code = spectrogram_image(&p, clips, 1, 64, err);
  free(p.pixels);
  return code;
}

static void test_no_memory(void **state)
{
  (void)state;
  assert_true(failing_alloc_each(draw, NULL) >= 4);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_tones),
      cmocka_unit_test(test_lengths),
      cmocka_unit_test(test_palette_rises),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
