// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/output/ramp.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_ramp_is_straight_and_exact_at_its_end(void **unused)
{
  (void)unused;
  ramp r = {0};
  assert_true(ramp_rests(&r) && ramp_next(&r) == 0.0f);
  ramp_set(&r, 0.25f);
  assert_true(ramp_value(&r) == 0.25f && ramp_next(&r) == 0.25f);
  ramp_aim(&r, 0.75f, 8);
  for (int i = 1; i <= 8; ++i) {
    assert_false(ramp_rests(&r));
    assert_true(ramp_next(&r) == 0.25f + 0.5f * (float)i / 8.0f);
  }
  assert_true(ramp_rests(&r));
  assert_true(ramp_next(&r) == 0.75f);
}

// Awkward lengths and targets: never beyond either end, never back, the last value the target.
static void no_value_lies_outside_or_goes_back(void **unused)
{
  (void)unused;
  const float ends[] = {0.0f, 0.1f, 0.3f, 1.0f, 0.99999994f, 3.3333333f, -0.7f};
  const uint32_t lengths[] = {1, 2, 3, 7, 240, 441, 4801};
  for (unsigned a = 0; a < 7; ++a) {
    for (unsigned b = 0; b < 7; ++b) {
      for (unsigned n = 0; n < 7; ++n) {
        ramp r = {0};
        ramp_set(&r, ends[a]);
        ramp_aim(&r, ends[b], lengths[n]);
        const float sign = ends[b] < ends[a] ? -1.0f : 1.0f;
        float last = ends[a];
        for (uint32_t i = 0; i < lengths[n]; ++i) {
          const float value = ramp_next(&r);
          assert_true(sign * value >= sign * last && sign * value <= sign * ends[b]);
          last = value;
        }
        assert_true(last == ends[b] && ramp_rests(&r));
      }
    }
  }
}

static void a_new_aim_starts_from_where_it_stands(void **unused)
{
  (void)unused;
  ramp r = {0};
  ramp_aim(&r, 1.0f, 100);
  for (int i = 0; i < 50; ++i) {
    ramp_next(&r);
  }
  assert_true(ramp_value(&r) == 0.5f);
  ramp_aim(&r, 0.0f, 2);
  assert_true(ramp_value(&r) == 0.5f);
  assert_true(ramp_next(&r) == 0.25f);
  ramp_aim(&r, 0.125f, 0);
  assert_true(ramp_next(&r) == 0.125f);
}

static void what_is_not_finite_changes_nothing(void **unused)
{
  (void)unused;
  ramp r = {0};
  ramp_aim(&r, 1.0f, 4);
  ramp_next(&r);
  ramp_aim(&r, NAN, 4);
  ramp_set(&r, INFINITY);
  assert_true(ramp_next(&r) == 0.5f);
}

static void a_rest_of_days_does_not_begin_again(void **unused)
{
  (void)unused;
  ramp r = {.from = 0.0f, .to = 1.0f, .at = UINT32_MAX, .n_samples = 4};
  assert_true(ramp_next(&r) == 1.0f);
  assert_true(ramp_next(&r) == 1.0f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_ramp_is_straight_and_exact_at_its_end),
      cmocka_unit_test(no_value_lies_outside_or_goes_back),
      cmocka_unit_test(a_new_aim_starts_from_where_it_stands),
      cmocka_unit_test(a_rest_of_days_does_not_begin_again),
      cmocka_unit_test(what_is_not_finite_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
