// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/random.h"
#include "engine/play/code_grid.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

// The clock at step `now` of beats that begin at 0, as a session would tell it.
static code_clock clock_at(double beat_steps, uint64_t now)
{
  const int64_t beat = (int64_t)floor((double)now / beat_steps);
  const int64_t first = (int64_t)ceil((double)beat * beat_steps);
  return (code_clock){beat_steps, (int32_t)((int64_t)now - first), beat};
}

static void expect_begins(double beat_steps, double length, const uint64_t *begins, size_t n)
{
  code_grid g = {0};
  size_t found = 0;
  for (uint64_t now = 0; found < n; ++now) {
    const code_clock clock = beat_steps >= 1 ? clock_at(beat_steps, now) : (code_clock){0};
    if (code_grid_step(&g, &clock, length, now)) {
      assert_int_equal(now, begins[found]);
      assert_int_equal(g.start, now);
      assert_int_equal(g.previous, found ? begins[found - 1] : 0);
      ++found;
    }
    assert_true(now <= begins[n - 1]);
  }
}

static void without_a_clock_segments_have_the_length(void **unused)
{
  (void)unused;
  expect_begins(0, 7, (const uint64_t[]){0, 7, 14, 21}, 4);
  expect_begins(0, 1, (const uint64_t[]){0, 1, 2, 3}, 4);
}

static void with_a_clock_they_are_parts_of_a_beat(void **unused)
{
  (void)unused;
  expect_begins(16, 4, (const uint64_t[]){0, 4, 8, 12, 16, 20}, 6);
  expect_begins(16, 5, (const uint64_t[]){0, 6, 11, 16, 22, 27, 32}, 7); // thirds: 5.33 steps
  expect_begins(12.5, 6, (const uint64_t[]){0, 7, 13, 20, 25, 32}, 6);   // halves: 6.25 steps
  expect_begins(16, 16, (const uint64_t[]){0, 16, 32}, 3);
  expect_begins(16, 13, (const uint64_t[]){0, 16, 32}, 3);
}

static void or_a_number_of_beats(void **unused)
{
  (void)unused;
  expect_begins(10, 21, (const uint64_t[]){0, 20, 40, 60}, 4);
  expect_begins(10, 35, (const uint64_t[]){0, 40, 80}, 3);
  expect_begins(12.5, 25, (const uint64_t[]){0, 25, 50, 75}, 4);
}

static void fives_and_sevens_are_avoided(void **unused)
{
  (void)unused;
  const code_clock clock = {30, 0, 0};
  assert_true(code_grid_snap(&clock, 6) == 30.0 / 4);
  assert_true(code_grid_snap(&clock, 7) == 30.0 / 4);
  assert_true(code_grid_snap(&clock, 30.0 / 7) == 30.0 / 8);
  assert_true(code_grid_snap(&clock, 10) == 30.0 / 3);
  assert_true(code_grid_snap(&clock, 5.5) == 30.0 / 6);
  assert_true(code_grid_snap(&clock, 0.5) == 1); // never below a step, thirds of nothing
  assert_true(code_grid_snap(&clock, 100) == 120);
  assert_true(code_grid_snap(&clock, 1000) == 240);
}

static void a_clock_that_starts_midway_begins_at_its_next_part(void **unused)
{
  (void)unused;
  code_grid g = {0};
  assert_true(code_grid_step(&g, &(code_clock){20, 7, 3}, 10, 0)); // step 0 always
  for (uint64_t now = 1; now < 3; ++now) {
    assert_false(code_grid_step(&g, &(code_clock){20, 7 + (int32_t)now, 3}, 10, now));
  }
  assert_true(code_grid_step(&g, &(code_clock){20, 10, 3}, 10, 3));
}

// Whatever clock and length do, a segment ends in time and time goes forward.
static void no_segment_is_too_long(void **unused)
{
  (void)unused;
  code_grid g = {0};
  for (uint64_t now = 0; now < 100000; ++now) {
    const float what = random_uniform(1, 1, now / 300);
    const code_clock clock = {
        .beat_steps = what < 0.3f ? 0.0 : (double)random_uniform(1, 2, now / 300) * 2000,
        .beat_step = (int32_t)(random_bits(1, 3, now) % (what < 0.7f ? 3000 : 3)),
        .beat_number = (int64_t)random_bits(1, 4, now),
    };
    const code_grid before = g;
    const bool begins = code_grid_step(&g, &clock, 1 + 255 * (double)what, now);
    assert_true(now - g.start < CODE_GRID_MAX_STEPS);
    assert_true(g.start - g.previous <= CODE_GRID_MAX_STEPS);
    assert_int_equal(g.start, begins ? now : before.start);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_a_clock_segments_have_the_length),
      cmocka_unit_test(with_a_clock_they_are_parts_of_a_beat),
      cmocka_unit_test(or_a_number_of_beats),
      cmocka_unit_test(fives_and_sevens_are_avoided),
      cmocka_unit_test(a_clock_that_starts_midway_begins_at_its_next_part),
      cmocka_unit_test(no_segment_is_too_long),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
