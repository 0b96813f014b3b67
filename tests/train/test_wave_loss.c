// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/wave_loss.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const float x[4] = {0.5f, -0.25f, 0.125f, 1.0f};
static const float target[4] = {0.25f, 0.25f, 0.125f, -1.0f};

static void values_are_means(void **unused)
{
  (void)unused;
  assert_true(wave_loss_l1(x, target, 4, 3.0f, NULL) == (0.25 + 0.5 + 0.0 + 2.0) / 4.0);
  assert_true(wave_loss_l2(x, target, 4, 3.0f, NULL) == (0.0625 + 0.25 + 0.0 + 4.0) / 4.0);
}

static void gradients_are_weighted_and_added(void **unused)
{
  (void)unused;
  float l1[4] = {1.0f, 1.0f, 1.0f, 1.0f}, l2[4] = {1.0f, 1.0f, 1.0f, 1.0f};
  wave_loss_l1(x, target, 4, 8.0f, l1);
  wave_loss_l2(x, target, 4, 8.0f, l2);
  static const float expected_l1[4] = {3.0f, -1.0f, 1.0f, 3.0f};
  static const float expected_l2[4] = {2.0f, -1.0f, 1.0f, 9.0f};
  for (int i = 0; i < 4; ++i) {
    assert_true(l1[i] == expected_l1[i]);
    assert_true(l2[i] == expected_l2[i]);
  }
}

static void gradients_match_differences(void **unused)
{
  (void)unused;
  double (*const losses[])(const float *, const float *, int64_t, float, float *) = {wave_loss_l1,
                                                                                     wave_loss_l2};
  for (int which = 0; which < 2; ++which) {
    for (int i = 0; i < 4; ++i) {
      float gradient[4] = {0}, moved[4] = {x[0], x[1], x[2], x[3]};
      losses[which](x, target, 4, 1.0f, gradient);
      moved[i] = x[i] + 0.0078125f;
      const double above = losses[which](moved, target, 4, 1.0f, NULL);
      moved[i] = x[i] - 0.0078125f;
      const double below = losses[which](moved, target, 4, 1.0f, NULL);
      assert_true(fabs((above - below) / 0.015625 - (double)gradient[i]) < 1e-6);
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_are_means),
      cmocka_unit_test(gradients_are_weighted_and_added),
      cmocka_unit_test(gradients_match_differences),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
