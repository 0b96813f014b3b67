// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Codebooks as the host sees them, and steps whose latents lie between two steps' codes.

#include "models/codec_seanet.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/models/random_seanet.h"

enum { SEED = 11, BOOKS = 3, SIZE = 16, DIM = 8, HOP = 24, STEPS = 6 };

static seanet_config config_of_test(void)
{
  seanet_config config = seanet_config_encodec_24khz();
  config.n_strides = 3;
  config.strides[0] = 2;
  config.strides[1] = 3;
  config.strides[2] = 4;
  config.latent_dim = DIM;
  config.n_codebooks = BOOKS;
  config.codebook_size = SIZE;
  config.encoder.width = config.decoder.width = 6;
  return config;
}

static device *open_device(void)
{
  device *dev = NULL;
  const device_options options = {.kind = COMPUTE_CPU, .n_threads = 1};
  assert_int_equal(device_open(&dev, &options, NULL), STATUS_OK);
  return dev;
}

/// Of the first codebook, codeword 2 lies a quarter of the way from codeword 0 to codeword 1.
static codec *open_codec(device *dev, float *first)
{
  const seanet_config config = config_of_test();
  const codec_options options = {.dev = dev, .storage = DTYPE_F32};
  seanet *net = random_seanet(&config, SEED);
  float *rows = net->quantiser.codebooks[0].master;
  for (int i = 0; i < DIM; ++i) {
    rows[2 * DIM + i] = 0.75f * rows[i] + 0.25f * rows[DIM + i];
  }
  if (first) {
    memcpy(first, rows, SIZE * DIM * sizeof *first);
  }
  codec *c = NULL;
  assert_int_equal(codec_open_seanet(&c, net, &options, NULL), STATUS_OK);
  return c;
}

static codec_state *open_state(codec *c)
{
  codec_state *s = NULL;
  assert_int_equal(codec_state_new(&s, c, 1, 1, NULL), STATUS_OK);
  return s;
}

static const int32_t steps[STEPS][BOOKS] = {
    {3, 1, 4}, {1, 5, 9}, {2, 6, 5}, {3, 5, 8}, {9, 7, 9}, {3, -1, 8},
};

static void codebooks_are_the_files(void **unused)
{
  (void)unused;
  float first[SIZE * DIM];
  device *dev = open_device();
  codec *c = open_codec(dev, first);
  int64_t size = 0, dim = 0;
  assert_memory_equal(codec_codebook(c, 0, &size, &dim), first, sizeof first);
  assert_int_equal(size, SIZE);
  assert_int_equal(dim, DIM);
  const float *second = codec_codebook(c, 1, &size, &dim);
  assert_non_null(second);
  assert_memory_not_equal(second, first, sizeof first);
  assert_null(codec_codebook(c, BOOKS, &size, &dim));
  assert_null(codec_codebook(c, -1, &size, &dim));
  assert_int_equal(size, 0);
  codec_unref(c);
  device_unref(dev);
}

/// At its ends, and when there is nothing to choose between, a blend is codec_decode.
static void ends_are_plain_steps(void **unused)
{
  (void)unused;
  device *dev = open_device();
  codec *c = open_codec(dev, NULL);
  codec_state *plain = open_state(c), *blended = open_state(c);
  float expected[HOP], found[HOP];
  for (int t = 0; t < STEPS; ++t) {
    const int32_t *other = steps[(t + 1) % STEPS];
    assert_int_equal(codec_decode(plain, steps[t], 1, BOOKS, expected), STATUS_OK);
    const float blend = t % 3 == 0 ? 0.0f : t % 3 == 1 ? 1.0f : 0.5f;
    const int32_t *from = t % 3 == 1 ? other : steps[t];
    const int32_t *to = t % 3 == 0 ? other : steps[t];
    assert_int_equal(codec_decode_blend(blended, from, to, blend, BOOKS, found), STATUS_OK);
    assert_memory_equal(found, expected, sizeof found);
  }
  codec_state_free(plain);
  codec_state_free(blended);
  codec_unref(c);
  device_unref(dev);
}

static double distance(const float *a, const float *b)
{
  double sum = 0.0;
  for (int i = 0; i < HOP; ++i) {
    sum += pow((double)a[i] - (double)b[i], 2.0);
  }
  return sqrt(sum);
}

static void latents_lie_between(void **unused)
{
  (void)unused;
  device *dev = open_device();
  codec *c = open_codec(dev, NULL);
  codec_state *plain = open_state(c), *blended = open_state(c), *other_way = open_state(c);
  assert_int_equal(codec_state_prepare(plain, 1, NULL), STATUS_OK); // captured steps between
  assert_int_equal(codec_state_prepare(blended, 1, NULL), STATUS_OK);
  const int32_t zero = 0, one = 1, between = 2;
  float expected[HOP], found[HOP], mirrored[HOP];
  for (int t = 0; t < STEPS; ++t) {
    if (t % 2) {
      assert_int_equal(codec_decode(plain, &between, 1, 1, expected), STATUS_OK);
      assert_int_equal(codec_decode_blend(blended, &zero, &one, 0.25f, 1, found), STATUS_OK);
      assert_int_equal(codec_decode_blend(other_way, &one, &zero, 0.75f, 1, mirrored), STATUS_OK);
    } else {
      assert_int_equal(codec_decode(plain, steps[t], 1, 1, expected), STATUS_OK);
      assert_int_equal(codec_decode(blended, steps[t], 1, 1, found), STATUS_OK);
      assert_int_equal(codec_decode(other_way, steps[t], 1, 1, mirrored), STATUS_OK);
    }
    assert_true(distance(found, expected) < 1e-4 * distance(expected, (float[HOP]){0}));
    assert_memory_equal(found, mirrored, sizeof found);
  }
  codec_state_free(plain);
  codec_state_free(blended);
  codec_state_free(other_way);
  codec_unref(c);
  device_unref(dev);
}

static void samples_of_a_bypass_are_its_latents(void **unused)
{
  (void)unused;
  codec *c = NULL;
  codec_state *s = NULL;
  int64_t size = 7, dim = 7;
  assert_int_equal(codec_open_bypass(&c, 8000, 2, 1, NULL), STATUS_OK);
  assert_null(codec_codebook(c, 0, &size, &dim));
  assert_int_equal(codec_state_new(&s, c, 1, 1, NULL), STATUS_OK);
  const float from[2] = {1.0f, -2.0f}, to[2] = {3.0f, 6.0f};
  int32_t codes[2], other[2];
  float out[2];
  memcpy(codes, from, sizeof codes);
  memcpy(other, to, sizeof other);
  assert_int_equal(codec_decode_blend(s, codes, other, 0.25f, 2, out), STATUS_OK);
  assert_true(out[0] == 1.5f && out[1] == 0.0f);
  assert_int_equal(codec_decode_blend(s, codes, other, 0.0f, 2, out), STATUS_OK);
  assert_memory_equal(out, from, sizeof out);
  assert_int_equal(codec_decode_blend(s, codes, other, 0.5f, 3, out), STATUS_USAGE);
  assert_int_equal(codec_decode_blend(s, codes, other, NAN, 2, out), STATUS_USAGE);
  codec_state_free(s);
  codec_unref(c);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(codebooks_are_the_files),
      cmocka_unit_test(ends_are_plain_steps),
      cmocka_unit_test(latents_lie_between),
      cmocka_unit_test(samples_of_a_bypass_are_its_latents),
  };
  return cmocka_run_group_tests_name("codec_blend", tests, NULL, NULL);
}
