// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void samples_come_back_bit_for_bit(void **unused)
{
  (void)unused;
  codec *c = NULL;
  codec_state *s = NULL;
  assert_int_equal(codec_open_bypass(&c, 24000, 5, 2, NULL), STATUS_OK);
  const codec_info *info = codec_get_info(c);
  assert_int_equal(info->n_codebooks, 10);
  assert_true(info->streamable);
  assert_int_equal(codec_state_new(&s, c, 2, 3, NULL), STATUS_OK);
  codec_unref(c); // the state holds its own reference

  float audio[2 * 3 * 10];
  float back[2 * 3 * 10];
  int32_t codes[2 * 3 * 10];
  for (size_t i = 0; i < 60; ++i) {
    audio[i] = (float)i * 0.37f - 11.0f;
  }
  assert_int_equal(codec_encode(s, audio, 3, 10, codes), STATUS_OK);
  assert_int_equal(codec_decode(s, codes, 3, 10, back), STATUS_OK);
  assert_memory_equal(audio, back, sizeof audio);
  assert_int_equal(codec_encode(s, audio, 0, 10, NULL), STATUS_OK);
  assert_int_equal(codec_encode(s, audio, 4, 10, codes), STATUS_USAGE);
  assert_int_equal(codec_encode(s, audio, 1, 11, codes), STATUS_USAGE);
  assert_int_equal(codec_state_bytes(s), 0);
  codec_state_free(s);
}

static void codebooks_left_out_are_silent(void **unused)
{
  (void)unused;
  codec *c = NULL;
  codec_state *s = NULL;
  assert_int_equal(codec_open_bypass(&c, 8000, 4, 1, NULL), STATUS_OK);
  assert_int_equal(codec_state_new(&s, c, 1, 2, NULL), STATUS_OK);
  const float audio[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  const float expected[8] = {1, 2, 0, 0, 5, 6, 0, 0};
  int32_t codes[4];
  float back[8];
  assert_int_equal(codec_encode(s, audio, 2, 2, codes), STATUS_OK);
  assert_int_equal(codec_decode(s, codes, 2, 2, back), STATUS_OK);
  assert_memory_equal(back, expected, sizeof expected);
  codec_state_free(s);
  codec_unref(c);
}

// -1 says nothing, in every codec; as bits it would be not a number.
static void no_code_is_silent(void **unused)
{
  (void)unused;
  codec *c = NULL;
  codec_state *s = NULL;
  assert_int_equal(codec_open_bypass(&c, 8000, 2, 1, NULL), STATUS_OK);
  assert_int_equal(codec_state_new(&s, c, 1, 1, NULL), STATUS_OK);
  const float audio[2] = {1, -2}, expected[2] = {1, 0}, half[2] = {1, -1};
  int32_t codes[2], other[2];
  float back[2];
  assert_int_equal(codec_encode(s, audio, 1, 2, codes), STATUS_OK);
  memcpy(other, codes, sizeof codes);
  codes[1] = -1;
  assert_int_equal(codec_decode(s, codes, 1, 2, back), STATUS_OK);
  assert_memory_equal(back, expected, sizeof expected);
  assert_int_equal(codec_decode_blend(s, codes, other, 0.5f, 2, back), STATUS_OK);
  assert_memory_equal(back, half, sizeof half);
  codec_state_free(s);
  codec_unref(c);
}

static void the_last_step_is_padded_with_zeros(void **unused)
{
  (void)unused;
  codec *c = NULL;
  codec_state *s = NULL;
  assert_int_equal(codec_open_bypass(&c, 8000, 4, 1, NULL), STATUS_OK);
  assert_int_equal(codec_state_new(&s, c, 1, 2, NULL), STATUS_OK);
  const float audio[5] = {1, 2, 3, 4, 5};
  const float expected[8] = {1, 2, 3, 4, 5, 0, 0, 0};
  int32_t codes[8];
  float back[8];
  assert_int_equal(codec_encode_final(s, audio, 5, 4, codes), STATUS_OK);
  assert_int_equal(codec_decode(s, codes, 2, 4, back), STATUS_OK);
  assert_memory_equal(back, expected, sizeof expected);
  assert_int_equal(codec_encode_final(s, audio, 9, 4, codes), STATUS_USAGE);
  codec_state_free(s);
  codec_unref(c);
}

static void impossible_shapes_are_refused(void **unused)
{
  (void)unused;
  codec *c = NULL;
  error err = {0};
  assert_int_equal(codec_open_bypass(&c, 0, 4, 1, &err), STATUS_USAGE);
  assert_null(c);
  assert_non_null(strstr(err.message, "0 Hz"));
  assert_int_equal(codec_open_bypass(&c, 8000, 4, 64, &err), STATUS_USAGE);
  codec_unref(NULL);
  codec_state_free(NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(samples_come_back_bit_for_bit),
      cmocka_unit_test(codebooks_left_out_are_silent),
      cmocka_unit_test(no_code_is_silent),
      cmocka_unit_test(the_last_step_is_padded_with_zeros),
      cmocka_unit_test(impossible_shapes_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
