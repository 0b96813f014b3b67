// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

// The published generator started at 0: its state advances by the constant that random_mix adds.
static void test_splitmix64(void **state)
{
  (void)state;
  const uint64_t step = 0x9e3779b97f4a7c15u;
  assert_true(random_mix(0) == 0xe220a8397b1dcdafu);
  assert_true(random_mix(step) == 0x6e789e6aa1b965f4u);
  assert_true(random_mix(2 * step) == 0x06c45d188009454fu);
}

static void test_fnv(void **state)
{
  (void)state;
  assert_true(random_name_key("") == 0xcbf29ce484222325u);
  assert_true(random_name_key("a") == 0xaf63dc4c8601ec8cu);
  assert_true(random_name_key("foobar") == 0x85944171f73967e8u);
  assert_true(random_name_key("\xff") != random_name_key("\x7f"));
}

static void test_keys_are_apart(void **state)
{
  (void)state;
  const uint64_t bits = random_bits(1, 2, 3);
  assert_true(bits == random_bits(1, 2, 3));
  assert_true(bits == random_mix(random_mix(random_mix(1) ^ 2) ^ 3));
  assert_true(bits != random_bits(2, 2, 3) && bits != random_bits(1, 3, 3));
  assert_true(bits != random_bits(1, 2, 4) && bits != random_bits(3, 2, 1));
}

// 64 000 values in 64 boxes: chi-square with 63 degrees of freedom stays below 120 (p about 2e-5
// above it); neighbours are uncorrelated within 4 standard deviations.
static void test_uniform(void **state)
{
  (void)state;
  enum { COUNT = 64000, BOXES = 64 };
  int boxes[BOXES] = {0};
  double product = 0.0;
  float last = 0.5f;
  for (uint64_t i = 0; i < COUNT; ++i) {
    const float u = random_uniform(7, 1, i);
    assert_true(u >= 0.0f && u < 1.0f);
    assert_true(u * 0x1p24f == floorf(u * 0x1p24f));
    ++boxes[(int)(u * BOXES)];
    product += ((double)u - 0.5) * ((double)last - 0.5);
    last = u;
  }
  double chi_square = 0.0;
  for (int i = 0; i < BOXES; ++i) {
    const double off = boxes[i] - (double)COUNT / BOXES;
    chi_square += off * off * BOXES / COUNT;
  }
  assert_true(chi_square > 25.0 && chi_square < 120.0);
  assert_true(fabs(product / COUNT) < 4.0 / 12.0 / sqrt(COUNT));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_splitmix64),
      cmocka_unit_test(test_fnv),
      cmocka_unit_test(test_keys_are_apart),
      cmocka_unit_test(test_uniform),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
