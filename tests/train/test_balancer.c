// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/balancer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void near(double found, double expected)
{
  if (!(fabs(found - expected) <= 1e-9 * fabs(expected))) {
    fail_msg("found %.17g, expected %.17g", found, expected);
  }
}

static void norms_are_taken_over_each_example(void **unused)
{
  (void)unused;
  const float gradient[] = {3.0f, 0.0f, -4.0f, 0.0f, 5.0f, 12.0f};
  near(balancer_norms(gradient, 2, 3), 5.0 + 13.0);
  near(balancer_norms(gradient, 1, 6), sqrt(9.0 + 16.0 + 25.0 + 144.0));
}

// Worked by hand: decay 1/2, losses of weight 1 and 3 with norms 2, 4 and then 8, 1.
static void factors_follow_the_running_norms(void **unused)
{
  (void)unused;
  const double weights[] = {1.0, 3.0}, first[] = {2.0, 4.0}, second[] = {8.0, 1.0};
  double factors[2];
  balancer b;
  balancer_init(&b, 0.5);
  balancer_step(&b, 2, weights, first, factors);
  near(factors[0], 0.25 / 2.0); // the first step's mean is its own norm
  near(factors[1], 0.75 / 4.0);
  balancer_step(&b, 2, weights, second, factors);
  near(factors[0], 0.25 / ((0.5 * 2.0 + 8.0) / 1.5)); // means 6 and 2
  near(factors[1], 0.75 / ((0.5 * 4.0 + 1.0) / 1.5));
}

static void a_loss_that_is_not_taken_moves_nothing(void **unused)
{
  (void)unused;
  const double both[] = {1.0, 3.0}, alone[] = {1.0, 0.0}, norms[] = {2.0, 4.0};
  const double garbage[] = {2.0, (double)NAN};
  double factors[2];
  balancer b;
  balancer_init(&b, 0.5);
  balancer_step(&b, 2, alone, garbage, factors);
  near(factors[0], 0.5);
  assert_true(factors[1] == 0.0);
  balancer_step(&b, 2, both, norms, factors); // the other's mean starts only now
  near(factors[1], 0.75 / 4.0);
}

static void a_loss_without_gradient_stays_finite(void **unused)
{
  (void)unused;
  const double weights[] = {1.0}, norms[] = {0.0};
  double factor;
  balancer b;
  balancer_init(&b, 0.999);
  balancer_step(&b, 1, weights, norms, &factor);
  assert_true(isfinite(factor));
}

// What a checkpoint keeps is all there is: the same bits follow.
static void a_copy_goes_on_alike(void **unused)
{
  (void)unused;
  const double weights[] = {0.1, 2.0, 4.0}, norms[] = {0.37, 1.9, 0.002};
  double factors[3], again[3];
  balancer b, copy;
  balancer_init(&b, 0.999);
  balancer_step(&b, 3, weights, norms, factors);
  copy = b;
  balancer_step(&b, 3, weights, norms, factors);
  balancer_step(&copy, 3, weights, norms, again);
  assert_memory_equal(factors, again, sizeof factors);
  assert_memory_equal(&b, &copy, sizeof b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(norms_are_taken_over_each_example),
      cmocka_unit_test(factors_follow_the_running_norms),
      cmocka_unit_test(a_loss_that_is_not_taken_moves_nothing),
      cmocka_unit_test(a_loss_without_gradient_stays_finite),
      cmocka_unit_test(a_copy_goes_on_alike),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
