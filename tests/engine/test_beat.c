// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/control/beat.h"

#include "base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RATE_HZ 48000

static void assert_near(double found, double expected, double tolerance)
{
  if (!(fabs(found - expected) <= tolerance)) {
    fail_msg("%.12g, expected %.12g within %g", found, expected, tolerance);
  }
}

static void test_no_clock(void **state)
{
  (void)state;
  beat_clock b;
  beat_clock_init(&b, RATE_HZ);
  assert_false(beat_clock_runs(&b));
  assert_near(beat_clock_bpm(&b), 0.0, 0.0);
  assert_near(beat_clock_at(&b, 12345), 0.0, 0.0);
  assert_int_equal(beat_clock_next(&b, 777, false), 777);
  assert_int_equal(beat_clock_next(&b, 777, true), 777);
}

static void test_own_tempo(void **state)
{
  (void)state;
  beat_clock b;
  beat_clock_init(&b, RATE_HZ);
  beat_clock_set_tempo(&b, 120.0, 1000);
  assert_near(beat_clock_bpm(&b), 120.0, 1e-9);
  assert_near(beat_clock_at(&b, 1000 + 36000), 1.5, 1e-12);
  assert_int_equal(beat_clock_next(&b, 1000, false), 1000);
  assert_int_equal(beat_clock_next(&b, 1001, false), 25000);
  assert_int_equal(beat_clock_next(&b, 1001, true), 97000);
  beat_clock_set_bar(&b, 3);
  assert_int_equal(beat_clock_next(&b, 1001, true), 73000);
  beat_clock_set_tempo(&b, 60.0, 1000 + 36000); // its beats go on: the next is half a beat away
  assert_near(beat_clock_at(&b, 1000 + 36000), 1.5, 1e-12);
  assert_int_equal(beat_clock_next(&b, 1000 + 36000, false), 1000 + 36000 + 24000);
  beat_clock_set_tempo(&b, 0.0, 90000);
  assert_false(beat_clock_runs(&b));
}

static void test_taps_make_a_tempo(void **state)
{
  (void)state;
  beat_clock b;
  beat_clock_init(&b, RATE_HZ);
  for (uint64_t i = 0; i < 12; ++i) { // 100 BPM, 200 samples to either side
    beat_clock_tap(&b, 5000 + 28800 * i + (i % 2) * 200);
    assert_int_equal(beat_clock_runs(&b), i > 0);
  }
  assert_near(beat_clock_bpm(&b), 100.0, 0.15);
  const uint64_t last = 5000 + UINT64_C(28800) * 11 + 200;
  assert_int_equal(beat_clock_next(&b, last, false), last);
  beat_clock_tap(&b, last + 300); // bounced
  assert_near(beat_clock_bpm(&b), 100.0, 0.15);
  beat_clock_tap(&b, last + UINT64_C(5) * RATE_HZ); // a new beginning
  assert_near(beat_clock_bpm(&b), 100.0, 0.15);
  beat_clock_tap(&b, last + UINT64_C(5) * RATE_HZ + 24000);
  assert_near(beat_clock_bpm(&b), 120.0, 1e-9);
}

static void test_a_tap_twice_at_once_is_one(void **state)
{
  (void)state;
  beat_clock b;
  beat_clock_init(&b, RATE_HZ);
  beat_clock_tap(&b, 0);
  beat_clock_tap(&b, 0);
  beat_clock_tap(&b, 24000);
  assert_near(beat_clock_bpm(&b), 120.0, 1e-9);
}

static void test_the_outer_clock_goes_first(void **state)
{
  (void)state;
  beat_clock b;
  beat_clock_init(&b, RATE_HZ);
  beat_clock_set_tempo(&b, 60.0, 0);
  beat_clock_follow(&b, 7.25, 2.0, 48000);
  assert_near(beat_clock_bpm(&b), 120.0, 1e-9);
  assert_near(beat_clock_at(&b, 48000 + 6000), 7.5, 1e-12);
  assert_int_equal(beat_clock_next(&b, 48000, false), 48000 + 18000);
  beat_clock_set_tempo(&b, 90.0, 50000); // kept for later
  beat_clock_tap(&b, 60000);
  beat_clock_tap(&b, 100000);
  assert_near(beat_clock_bpm(&b), 120.0, 1e-9);
  const double stood = beat_clock_at(&b, 144000);
  beat_clock_follow(&b, stood, 0.0, 144000); // stopped: the own clock takes over where it stood
  assert_near(beat_clock_bpm(&b), 60.0 * RATE_HZ / 40000, 1e-9);
  assert_near(beat_clock_at(&b, 144000), stood, 1e-12);
  beat_clock_follow(&b, 0.0, 0.0, 150000); // stopped twice is stopped once
  assert_near(beat_clock_at(&b, 144000), stood, 1e-12);
}

static void test_clocks_that_cannot_be(void **state)
{
  (void)state;
  static const double odd[] = {1e-310, 1e-300, 1e300, 0.0, -1.0, (double)NAN, (double)INFINITY};
  for (size_t i = 0; i < sizeof odd / sizeof *odd; ++i) {
    beat_clock b;
    beat_clock_init(&b, RATE_HZ);
    beat_clock_set_tempo(&b, odd[i], 10);
    assert_true(beat_clock_next(&b, 5000, false) >= 5000);
    beat_clock_follow(&b, 0.25, odd[i], 10);
    assert_true(beat_clock_next(&b, 5000, true) >= 5000);
    assert_false(isnan(beat_clock_bpm(&b)));
    beat_clock_follow(&b, odd[i], 2.0, 20);
    assert_false(isnan(beat_clock_at(&b, 30)));
  }
}

// The boundary is at or after the position, less than one unit away, on a whole unit to within a
// sample; and it is its own next one.
static void test_next_is_on_the_beat(void **state)
{
  (void)state;
  for (uint64_t i = 0; i < 2000; ++i) {
    beat_clock b;
    beat_clock_init(&b, i % 2 ? 44100 : RATE_HZ);
    beat_clock_set_bar(&b, 1 + (int)(random_bits(3, 0, i) % 7));
    const double bpm = 20.0 + (double)(random_bits(3, 1, i) % 380000) / 1000.0;
    beat_clock_follow(&b, (double)(random_bits(3, 2, i) % 1000000) / 997.0, bpm / 60.0,
                      random_bits(3, 3, i) % 1000000);
    const uint64_t from = 1000000 + random_bits(3, 4, i) % 1000000000;
    const bool bar = random_bits(3, 5, i) % 2;
    const double unit = bar ? b.beats_per_bar : 1.0;
    const uint64_t next = beat_clock_next(&b, from, bar);
    assert_true(next >= from);
    assert_true((double)(next - from) <= unit * b.samples_per_beat + 1.0);
    const double beat = beat_clock_at(&b, next);
    const double over = beat - floor(beat / unit + 1e-9) * unit;
    assert_true(over * b.samples_per_beat < 1.0 + 1e-3);
    assert_int_equal(beat_clock_next(&b, next, bar), next);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_no_clock),
      cmocka_unit_test(test_own_tempo),
      cmocka_unit_test(test_taps_make_a_tempo),
      cmocka_unit_test(test_a_tap_twice_at_once_is_one),
      cmocka_unit_test(test_the_outer_clock_goes_first),
      cmocka_unit_test(test_clocks_that_cannot_be),
      cmocka_unit_test(test_next_is_on_the_beat),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
