// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/offline.h"
#include "tests/engine/trial_codec.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define N_SAMPLES 9600
#define RATE_HZ 48000

static float in[N_SAMPLES], out[N_SAMPLES], again[N_SAMPLES];

static void make_tone(void)
{
  for (int i = 0; i < N_SAMPLES; ++i) {
    in[i] = 0.5f * (float)sin(2.0 * 3.14159265358979 * 440.0 * i / RATE_HZ);
  }
}

static codec *open_trial(uint32_t rate_hz, uint32_t delay)
{
  codec *c = NULL;
  const trial_options options = {rate_hz, 320, 1, delay};
  assert_int_equal(trial_codec_open(&c, &options), STATUS_OK);
  return c;
}

static void go(codec *model, float *to)
{
  error err = {0};
  if (offline_roundtrip(model, 0, RATE_HZ, in, N_SAMPLES, to, &err) != STATUS_OK) {
    fail_msg("%s", err.message);
  }
}

static void bypass_at_its_own_rate_is_the_input(void **unused)
{
  (void)unused;
  codec *model = NULL;
  make_tone();
  assert_int_equal(codec_open_bypass(&model, RATE_HZ, 777, 1, NULL), STATUS_OK);
  go(model, out);
  assert_memory_equal(in, out, sizeof in);
  codec_unref(model);
}

// Through half the rate and a codec that delays by 100 samples a tone comes back where it was.
static void delays_are_trimmed(void **unused)
{
  (void)unused;
  codec *model = open_trial(24000, 100);
  make_tone();
  go(model, out);
  for (int i = 500; i < N_SAMPLES - 500; ++i) {
    assert_true(fabsf(out[i] - in[i]) < 0.01f);
  }
  codec_unref(model);
}

static void not_a_number_counts_as_zero(void **unused)
{
  (void)unused;
  codec *model = open_trial(24000, 0);
  make_tone();
  in[1000] = in[3000] = 0.0f;
  go(model, out);
  in[1000] = NAN;
  in[3000] = INFINITY;
  go(model, again);
  assert_memory_equal(out, again, sizeof out);
  codec_unref(model);
}

static void nothing_gives_nothing(void **unused)
{
  (void)unused;
  codec *model = open_trial(24000, 0);
  assert_int_equal(offline_roundtrip(model, 0, RATE_HZ, in, 0, out, NULL), STATUS_OK);
  codec_unref(model);
}

static void failures_are_named(void **unused)
{
  (void)unused;
  codec *model = open_trial(24000, 0);
  error err = {0};
  assert_int_equal(offline_roundtrip(model, 0, 0, in, N_SAMPLES, out, &err), STATUS_USAGE);
  assert_int_equal(offline_roundtrip(model, 999, RATE_HZ, in, N_SAMPLES, out, &err), STATUS_USAGE);
  trial_codec_fail(model);
  assert_int_equal(offline_roundtrip(model, 0, RATE_HZ, in, N_SAMPLES, out, &err), STATUS_DEVICE);
  assert_non_null(strstr(err.message, "trial codec"));
  codec_unref(model);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bypass_at_its_own_rate_is_the_input),
      cmocka_unit_test(delays_are_trimmed),
      cmocka_unit_test(not_a_number_counts_as_zero),
      cmocka_unit_test(nothing_gives_nothing),
      cmocka_unit_test(failures_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
