// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/adversarial_loss.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

// Exact in binary, so that sums are too; 1 and -1 stand on the hinges' edges.
static const float logits[] = {0.5f, -2.0f, 1.0f, -1.0f, 3.0f, 0.25f, -0.25f, 1.5f, -0.5f, 0.125f};
#define N_LOGITS 10

static void hinges_are_means(void **unused)
{
  (void)unused;
  const double real = 0.5 + 3.0 + 0.0 + 2.0 + 0.0 + 0.75 + 1.25 + 0.0 + 1.5 + 0.875;
  const double fake = 1.5 + 0.0 + 2.0 + 0.0 + 4.0 + 1.25 + 0.75 + 2.5 + 0.5 + 1.125;
  const double sum = 0.5 - 2.0 + 1.0 - 1.0 + 3.0 + 0.25 - 0.25 + 1.5 - 0.5 + 0.125;
  assert_true(adversarial_loss_real(logits, N_LOGITS, 7.0, NULL) == real / 10.0);
  assert_true(adversarial_loss_fake(logits, N_LOGITS, 7.0, NULL) == fake / 10.0);
  assert_true(adversarial_loss_generator(logits, N_LOGITS, true, 7.0, NULL) == real / 10.0);
  assert_true(adversarial_loss_generator(logits, N_LOGITS, false, 7.0, NULL) == -sum / 10.0);
  assert_true(ordered_sum(logits, N_LOGITS) == sum);
}

static void a_hinge_on_its_edge_has_no_gradient(void **unused)
{
  (void)unused;
  float real[N_LOGITS], fake[N_LOGITS], plain[N_LOGITS];
  adversarial_loss_real(logits, N_LOGITS, 20.0, real);
  adversarial_loss_fake(logits, N_LOGITS, 20.0, fake);
  adversarial_loss_generator(logits, N_LOGITS, false, 20.0, plain);
  for (int i = 0; i < N_LOGITS; ++i) {
    assert_true(real[i] == (logits[i] < 1.0f ? -2.0f : 0.0f));
    assert_true(fake[i] == (logits[i] > -1.0f ? 2.0f : 0.0f));
    assert_true(plain[i] == -2.0f);
  }
}

static const float real_features[] = {0.5f, -0.25f, 1.0f, 0.0f, -2.0f, 0.125f, 0.5f, -1.0f, 0.75f};
static const float fake_features[] = {0.25f, 0.25f, 1.0f, 1.0f, -1.0f, -0.125f, 1.5f, -2.0f, 0.5f};
#define N_FEATURES 9

static void features_are_compared_in_mean(void **unused)
{
  (void)unused;
  const double apart = 0.25 + 0.5 + 0.0 + 1.0 + 1.0 + 0.25 + 1.0 + 1.0 + 0.25;
  const double size = 0.5 + 0.25 + 1.0 + 0.0 + 2.0 + 0.125 + 0.5 + 1.0 + 0.75;
  const double absolute = feature_loss(fake_features, real_features, N_FEATURES, false, 1.0, NULL);
  const double relative = feature_loss(fake_features, real_features, N_FEATURES, true, 1.0, NULL);
  assert_true(fabs(absolute - apart / 9.0) < 1e-15);
  assert_true(fabs(relative - apart / size) < 1e-15);
}

static void features_of_silence_are_not_divided_by_nothing(void **unused)
{
  (void)unused;
  const float silence[N_FEATURES] = {0.0f};
  float seed[N_FEATURES];
  const double apart = feature_loss(fake_features, silence, N_FEATURES, false, 1.0, NULL);
  const double relative = feature_loss(fake_features, silence, N_FEATURES, true, 1.0, seed);
  assert_true(fabs(relative - apart / FEATURE_FLOOR) < 1e-9);
  assert_true(fabs((double)seed[0] - 1.0 / (9.0 * FEATURE_FLOOR)) < 1e-3);
}

typedef double (*loss_of)(const float *x, int64_t count, double weight, float *seed);

static double hinge_generator(const float *x, int64_t count, double weight, float *seed)
{
  return adversarial_loss_generator(x, count, true, weight, seed);
}

static double mean_generator(const float *x, int64_t count, double weight, float *seed)
{
  return adversarial_loss_generator(x, count, false, weight, seed);
}

static double relative_features(const float *x, int64_t count, double weight, float *seed)
{
  return feature_loss(x, real_features, count, true, weight, seed);
}

static double absolute_features(const float *x, int64_t count, double weight, float *seed)
{
  return feature_loss(x, real_features, count, false, weight, seed);
}

// All are lines between their edges, where differences over a power of two are exact.
static void gradients_match_differences(void **unused)
{
  (void)unused;
  const loss_of losses[] = {adversarial_loss_real, adversarial_loss_fake, hinge_generator,
                            mean_generator,        relative_features,     absolute_features};
  for (int which = 0; which < 6; ++which) {
    float seed[N_FEATURES], x[N_FEATURES];
    for (int i = 0; i < N_FEATURES; ++i) { // away from the edges
      x[i] = fake_features[i] + 0.0625f;
    }
    losses[which](x, N_FEATURES, 3.0, seed);
    for (int i = 0; i < N_FEATURES; ++i) {
      const float here = x[i];
      x[i] = here + 0.015625f;
      const double above = losses[which](x, N_FEATURES, 3.0, NULL);
      x[i] = here - 0.015625f;
      const double below = losses[which](x, N_FEATURES, 3.0, NULL);
      x[i] = here;
      assert_true(fabs(3.0 * (above - below) / 0.03125 - (double)seed[i]) < 1e-6);
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hinges_are_means),
      cmocka_unit_test(a_hinge_on_its_edge_has_no_gradient),
      cmocka_unit_test(features_are_compared_in_mean),
      cmocka_unit_test(features_of_silence_are_not_divided_by_nothing),
      cmocka_unit_test(gradients_match_differences),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
