// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Activations of every variant, value by value against libm in double: the list of operators
// compares whole tensors, where a small value's error is lost among large ones.

#include "gpu/apply.h"
#include "gpu/cpu/device_cpu.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define N_VALUES 40001
#define SLOPE 0.75

static double truth(double x, activation act)
{
  switch (act) {
  case ACT_ELU:
    return x > 0 ? x : SLOPE * expm1(x);
  case ACT_LEAKY_RELU:
    return x > 0 ? x : SLOPE * x;
  case ACT_RELU:
    return x > 0 ? x : 0;
  case ACT_GELU:
    return 0.5 * x * erfc(-x * sqrt(0.5));
  case ACT_SILU:
    return x / (1 + exp(-x));
  case ACT_TANH:
    return tanh(x);
  case ACT_SIGMOID:
    return 1 / (1 + exp(-x));
  case ACT_NONE:
    break;
  }
  return x;
}

// Both signs, from 1e-30 to 30, evenly spread in their logarithm; zero in the middle.
static float value_at(int i)
{
  const int half = N_VALUES / 2;
  const double magnitude =
      i == half ? 0.0 : 30.0 * pow(10.0, -31.0 * (1.0 - abs(i - half) / (double)half));
  return (float)(i < half ? -magnitude : magnitude);
}

static device *open_variant(const char *name)
{
  error err = {0};
  device *dev = NULL;
  const device_options options = {.kind = COMPUTE_CPU, .n_threads = 1, .variant = name};
  if (device_open(&dev, &options, &err) != STATUS_OK) {
    fail_msg("%s", err.message);
  }
  return dev;
}

static void activate(device *dev, float *y, const float *x, int64_t count, activation act)
{
  arena memory;
  arena_init(&memory, NULL, 0);
  run r;
  run_init(&r, dev, &memory);
  const tensor from = tensor_view((void *)x, DTYPE_F32, 1, count, 1, 1, 1);
  tensor to = tensor_view(y, DTYPE_F32, 1, count, 1, 1, 1);
  dev->table.activate(&r, &to, &from, act, (float)SLOPE);
  assert_true(run_ok(&r));
}

// Relative to the value itself where that can be had; GELU and SiLU vanish to the left, where an
// error of 1e-7 of what comes in is as good as none.
static double allowed(double x, double y, activation act)
{
  const double floor = act == ACT_GELU || act == ACT_SILU ? 1e-7 * fabs(x) : 1e-37;
  return 1e-6 * fabs(y) + floor;
}

static void check_variant(device *dev)
{
  static float x[N_VALUES], y[N_VALUES];
  for (int i = 0; i < N_VALUES; ++i) {
    x[i] = value_at(i);
  }
  for (activation act = ACT_NONE; act <= ACT_SIGMOID; ++act) {
    activate(dev, y, x, N_VALUES, act);
    for (int i = 0; i < N_VALUES; ++i) {
      const double wanted = truth((double)x[i], act);
      if (!(fabs((double)y[i] - wanted) <= allowed((double)x[i], wanted, act))) {
        fail_msg("%s, activation %d of %g: %.9g, expected %.9g", dev->name, (int)act, (double)x[i],
                 (double)y[i], wanted);
      }
    }
  }
}

static void each_value_is_near_libm(void **state)
{
  (void)state;
  int count = 0;
  const cpu_variant *variants = cpu_variants(&count);
  for (int v = 0; v < count; ++v) {
    if (variants[v].supported()) {
      device *dev = open_variant(variants[v].name);
      check_variant(dev);
      device_unref(dev);
    }
  }
}

// A defect in a network must show, not sound like silence; and an overflow must not become one.
static void not_a_number_stays_and_large_values_saturate(void **state)
{
  (void)state;
  int count = 0;
  const cpu_variant *variants = cpu_variants(&count);
  const activation smooth[] = {ACT_ELU, ACT_GELU, ACT_SILU, ACT_TANH, ACT_SIGMOID};
  for (int v = 0; v < count; ++v) {
    if (!variants[v].supported()) {
      continue;
    }
    device *dev = open_variant(variants[v].name);
    const float x[3] = {NAN, 1e4f, -1e4f};
    float y[3];
    for (int i = 0; i < 5; ++i) {
      activate(dev, y, x, 3, smooth[i]);
      assert_true(isnan(y[0]));
      assert_true(fabs((double)y[1] - truth(1e4, smooth[i])) <= 1e-2);
      assert_true(fabs((double)y[2] - truth(-1e4, smooth[i])) <= 1e-6);
    }
    device_unref(dev);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_value_is_near_libm),
      cmocka_unit_test(not_a_number_stays_and_large_values_saturate),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
