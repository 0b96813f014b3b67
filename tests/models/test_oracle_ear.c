// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// What codes sound like to an oracle: latents, how unlike they are, and classes of codewords.

#include "models/oracle_classes.h"
#include "models/oracle_ear.h"
#include "tests/failing_alloc.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/models/random_seanet.h"

enum { BOOKS = 6, SIZE = 64, DIM = 12 };

static codec *open_codec(device *dev)
{
  seanet_config config = seanet_config_encodec_24khz();
  config.n_strides = 2;
  config.latent_dim = DIM; // no multiple of the lanes
  config.n_codebooks = BOOKS;
  config.codebook_size = SIZE;
  config.encoder.width = config.decoder.width = 2;
  return random_seanet_codec(&config, dev, DTYPE_F32, 4);
}

static void latents_are_sums_of_codewords(void **unused)
{
  (void)unused;
  device *dev = NULL;
  const device_options cpu = {.kind = COMPUTE_CPU, .n_threads = 1};
  assert_int_equal(device_open(&dev, &cpu, NULL), STATUS_OK);
  codec *c = open_codec(dev);
  oracle_ear ear;
  oracle_latent a, b, nothing;
  oracle_ear_init(&ear, c, BOOKS);
  assert_int_equal(ear.n_codebooks, 6); // 64 to the power of 6 is 36 bits
  oracle_ear_init(&ear, c, 3);
  assert_int_equal(ear.n_codebooks, 3);
  const int32_t codes[3] = {7, -1, 63}, strange[3] = {64, INT32_MIN, 7}, none[3] = {-1, -1, -1};
  oracle_ear_hear(&ear, codes, &a);
  oracle_ear_hear(&ear, strange, &b);
  oracle_ear_hear(&ear, none, &nothing);
  int64_t size, dim;
  float energy = 0.0f, apart = 0.0f, b_energy = 0.0f;
  for (int i = 0; i < DIM; ++i) {
    const float first = codec_codebook(c, 0, &size, &dim)[7 * DIM + i];
    const float third = codec_codebook(c, 2, &size, &dim)[63 * DIM + i];
    const float other = codec_codebook(c, 2, &size, &dim)[7 * DIM + i];
    assert_true(a.values[i] == first + third && b.values[i] == other);
    energy += a.values[i] * a.values[i];
    b_energy += b.values[i] * b.values[i];
    apart += (a.values[i] - b.values[i]) * (a.values[i] - b.values[i]);
  }
  assert_true(fabsf(a.energy - energy) < 1e-4f * energy && nothing.energy == 0.0f);
  const float found = oracle_ear_difference(&ear, &a, &b);
  assert_true(fabsf(found - apart / (energy + b_energy)) < 1e-4f);
  assert_true(oracle_ear_difference(&ear, &a, &a) == 0.0f);
  assert_true(oracle_ear_difference(&ear, &nothing, &nothing) == 0.0f);
  assert_true(fabsf(oracle_ear_difference(&ear, &a, &nothing) - 1.0f) < 1e-5f);
  codec_unref(c);
  device_unref(dev);
}

static void a_codec_without_latents_is_not_heard(void **unused)
{
  (void)unused;
  codec *c = NULL;
  oracle_ear ear;
  oracle_latent latent;
  const int32_t codes[2] = {1, 2};
  assert_int_equal(codec_open_bypass(&c, 8000, 2, 1, NULL), STATUS_OK);
  oracle_ear_init(&ear, c, 2);
  assert_int_equal(ear.n_codebooks, 0);
  oracle_ear_hear(&ear, codes, &latent);
  assert_true(latent.energy == 0.0f && oracle_ear_difference(&ear, &latent, &latent) == 0.0f);
  codec_unref(c);
}

/// Four heaps of points far apart: each becomes a class, whatever order they come in.
static void what_lies_together_is_a_class(void **unused)
{
  (void)unused;
  enum { POINTS = 40 };
  float points[POINTS][2];
  uint16_t classes[POINTS], again[POINTS];
  for (int i = 0; i < POINTS; ++i) {
    const int heap = i * 7 % 4;
    points[i][0] = (heap % 2 ? 10.0f : -10.0f) + (float)(i * 13 % 5) * 0.3f;
    points[i][1] = (heap / 2 ? 10.0f : -10.0f) + (float)(i * 11 % 7) * 0.2f;
  }
  assert_int_equal(oracle_classes_make(classes, *points, POINTS, 2, 4, NULL), STATUS_OK);
  assert_int_equal(oracle_classes_make(again, *points, POINTS, 2, 4, NULL), STATUS_OK);
  assert_memory_equal(classes, again, sizeof classes);
  for (int i = 0; i < POINTS; ++i) {
    assert_in_range(classes[i], 0, 3);
    for (int k = 0; k < POINTS; ++k) {
      assert_int_equal(classes[i] == classes[k], i * 7 % 4 == k * 7 % 4);
    }
  }
  assert_int_equal(oracle_classes_make(classes, *points, 3, 2, 99, NULL), STATUS_OK);
  assert_true(classes[0] != classes[1] && classes[1] != classes[2] && classes[0] != classes[2]);
  assert_int_equal(oracle_classes_make(classes, *points, POINTS, 2, 1, NULL), STATUS_OK);
  assert_int_equal(classes[POINTS - 1], 0);
}

static status make_classes(void *user, error *err)
{
  const float points[6] = {0.0f, 1.0f, 2.0f, 3.0f, 4.0f, 5.0f};
  uint16_t classes[3];
  (void)user;
  return oracle_classes_make(classes, points, 3, 2, 2, err);
}

static void every_allocation_may_fail(void **unused)
{
  (void)unused;
  assert_int_equal(failing_alloc_each(make_classes, NULL), 3);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(latents_are_sums_of_codewords),
      cmocka_unit_test(a_codec_without_latents_is_not_heard),
      cmocka_unit_test(what_lies_together_is_a_class),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("oracle_ear", tests, NULL, NULL);
}
