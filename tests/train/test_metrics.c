// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// What the metrics say of waves whose distance is known. Values: test_spectra_golden.c.
#include "train/metrics.h"

#include "gpu/stft.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/failing_alloc.h"

#define RATE_HZ 24000.0
#define N_SAMPLES 9000

typedef struct waves {
  float x[N_SAMPLES], target[N_SAMPLES];
} waves;

static float draw(uint32_t *state)
{
  *state = *state * 1664525u + 1013904223u;
  return (float)(*state >> 8) / 8388608.0f - 1.0f;
}

// Noise, and noise with a tone of `tone_hz` on it.
static waves *make_waves(double tone_hz)
{
  waves *w = malloc(sizeof *w);
  assert_non_null(w);
  uint32_t state = 5;
  for (int i = 0; i < N_SAMPLES; ++i) {
    w->target[i] = 0.1f * draw(&state);
    w->x[i] = w->target[i] + (float)(0.5 * sin(6.283185307 * tone_hz * i / RATE_HZ));
  }
  return w;
}

static mel_distances distances(const float *x, const float *target, int64_t piece)
{
  mel_distance *m = NULL;
  assert_int_equal(mel_distance_new(&m, RATE_HZ, NULL), STATUS_OK);
  for (int64_t at = 0; at < N_SAMPLES; at += piece) {
    mel_distance_push(m, x + at, target + at, at + piece < N_SAMPLES ? piece : N_SAMPLES - at);
  }
  const mel_distances d = mel_distance_end(m);
  mel_distance_free(m);
  return d;
}

static void si_snr_is_the_ratio_of_what_was_added(void **unused)
{
  (void)unused;
  float x[1000], target[1000];
  for (int i = 0; i < 1000; ++i) { // orthogonal, whole periods: half the size, a gain and an offset
    target[i] = (float)sin(6.283185307179586 * 10.0 * i / 1000.0);
    x[i] = 3.0f * (target[i] + 0.1f * (float)cos(6.283185307179586 * 10.0 * i / 1000.0)) + 0.25f;
  }
  si_snr s = {0};
  si_snr_push(&s, x, target, 600);
  si_snr_push(&s, x + 600, target + 600, 400);
  assert_true(fabs(si_snr_db(&s) - 20.0) < 1e-4);
}

static void si_snr_has_its_limits(void **unused)
{
  (void)unused;
  const float ramp[4] = {1.0f, 2.0f, 3.0f, 4.0f}, flat[4] = {1.0f, 1.0f, 1.0f, 1.0f};
  const float even[4] = {1.0f, -1.0f, -1.0f, 1.0f};
  si_snr same = {0}, other = {0}, constant = {0}, silent = {0}, nothing = {0};
  si_snr_push(&same, ramp, ramp, 4);
  si_snr_push(&other, even, ramp, 4);
  si_snr_push(&constant, ramp, flat, 4);
  si_snr_push(&silent, flat, ramp, 4);
  assert_true(si_snr_db(&same) == (double)INFINITY);
  assert_true(si_snr_db(&other) == -(double)INFINITY);
  assert_true(si_snr_db(&silent) == -(double)INFINITY);
  assert_true(isnan(si_snr_db(&constant)));
  assert_true(isnan(si_snr_db(&nothing)));
}

static void equal_waves_have_no_distance(void **unused)
{
  (void)unused;
  waves *w = make_waves(500.0);
  const mel_distances d = distances(w->x, w->x, 1000);
  assert_true(d.whole == 0.0 && d.low == 0.0);
  free(w);
}

static void a_tenth_of_the_size_is_a_distance_of_one(void **unused)
{
  (void)unused;
  waves *w = make_waves(500.0);
  for (int i = 0; i < N_SAMPLES; ++i) {
    w->x[i] = 0.1f * w->target[i];
  }
  const mel_distances d = distances(w->x, w->target, 1000);
  assert_true(fabs(d.whole - 1.0) < 1e-4 && fabs(d.low - 1.0) < 1e-4);
  free(w);
}

static void the_floor_holds_in_silence(void **unused)
{
  (void)unused;
  static const float silence[N_SAMPLES];
  float faint[N_SAMPLES];
  uint32_t state = 9;
  for (int i = 0; i < N_SAMPLES; ++i) {
    faint[i] = 1e-8f * draw(&state);
  }
  const mel_distances d = distances(faint, silence, 1000);
  assert_true(d.whole == 0.0 && d.low == 0.0);
}

static void the_lower_distance_does_not_hear_above_7_khz(void **unused)
{
  (void)unused;
  waves *high = make_waves(10500.0), *low = make_waves(1000.0);
  const mel_distances above = distances(high->x, high->target, 1000);
  const mel_distances below = distances(low->x, low->target, 1000);
  assert_true(above.low < 0.01 && above.whole > 5.0 * above.low);
  assert_true(below.low > below.whole && below.whole > 0.1);
  free(high);
  free(low);
}

static void pieces_do_not_matter_and_clips_do_not_touch(void **unused)
{
  (void)unused;
  waves *w = make_waves(3000.0);
  const mel_distances whole = distances(w->x, w->target, N_SAMPLES);
  static const int64_t pieces[] = {1, 37, 2048, 4096, 8000};
  for (int i = 0; i < 5; ++i) {
    const mel_distances d = distances(w->x, w->target, pieces[i]);
    assert_true(d.whole == whole.whole && d.low == whole.low);
  }
  mel_distance *m = NULL;
  assert_int_equal(mel_distance_new(&m, RATE_HZ, NULL), STATUS_OK);
  for (int i = 0; i < 3; ++i) {
    mel_distance_push(m, w->x, w->target, N_SAMPLES);
    const mel_distances d = mel_distance_end(m);
    assert_true(d.whole == whole.whole && d.low == whole.low);
    mel_distance_push(m, w->target, w->x, 100 * i);
    assert_true(isnan(mel_distance_end(m).whole) == (i == 0));
  }
  mel_distance_free(m);
  free(w);
}

static void one_sample_is_a_clip(void **unused)
{
  (void)unused;
  const float x = 0.1f, target = 0.01f;
  mel_distance *m = NULL;
  assert_int_equal(mel_distance_new(&m, RATE_HZ, NULL), STATUS_OK);
  mel_distance_push(m, &x, &target, 1);
  const mel_distances d = mel_distance_end(m);
  // Of four rows the first begins with the sample's own hop at its end; the last gives it no
  // weight.
  assert_true(d.whole > 0.5 && d.whole <= 1.0);
  mel_distance_free(m);
}

static void entropy_is_one_for_even_use(void **unused)
{
  (void)unused;
  int64_t counts[8] = {0};
  const int32_t codes[12] = {0, 9, 1, 9, 2, 9, 3, 9, -1, 9, 8, 9};
  assert_true(code_entropy(counts, 8) == 0.0);
  code_tally(counts, 8, codes, 6, 2); // the last two lie outside
  assert_int_equal(counts[0] + counts[1] + counts[2] + counts[3], 4);
  assert_true(fabs(code_entropy(counts, 8) - 2.0 / 3.0) < 1e-12);
  assert_true(fabs(code_entropy(counts, 4) - 1.0) < 1e-12);
  assert_true(code_entropy(counts, 1) == 0.0);
}

static status make_and_free(void *user, error *err)
{
  (void)user;
  mel_distance *m = NULL;
  const status made = mel_distance_new(&m, RATE_HZ, err);
  mel_distance_free(m);
  return made;
}

static void failed_allocations_are_reported(void **unused)
{
  (void)unused;
  mel_distance *m = NULL;
  assert_true(failing_alloc_each(make_and_free, NULL) > 40);
  assert_int_equal(mel_distance_new(&m, -1.0, NULL), STATUS_USAGE);
}

int main(void)
{
  if (!stft_available()) {
    return 77;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(si_snr_is_the_ratio_of_what_was_added),
      cmocka_unit_test(si_snr_has_its_limits),
      cmocka_unit_test(equal_waves_have_no_distance),
      cmocka_unit_test(a_tenth_of_the_size_is_a_distance_of_one),
      cmocka_unit_test(the_floor_holds_in_silence),
      cmocka_unit_test(the_lower_distance_does_not_hear_above_7_khz),
      cmocka_unit_test(pieces_do_not_matter_and_clips_do_not_touch),
      cmocka_unit_test(one_sample_is_a_clip),
      cmocka_unit_test(entropy_is_one_for_even_use),
      cmocka_unit_test(failed_allocations_are_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
