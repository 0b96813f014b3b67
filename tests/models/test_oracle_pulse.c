// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The pulse that an oracle hears: its period, its changes, its sums straight from the definition.

#include "base/random.h"
#include "models/oracle_pulse.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const oracle_pulse_shape shape = {
    .capacity = 700, .rewind_steps = 50, .least_lag = 10, .n_lags = 253, .keeps = 0.9983f};

typedef struct fixture {
  oracle_pulse p;
  void *block;
} fixture;

static int setup(void **state)
{
  fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  f->block = calloc(1, oracle_pulse_bytes(&shape));
  assert_non_null(f->block);
  oracle_pulse_init(&f->p, &shape, f->block);
  oracle_pulse_clear(&f->p);
  *state = f;
  return 0;
}

static int teardown(void **state)
{
  fixture *f = *state;
  free(f->block);
  free(f);
  return 0;
}

/// A norm that jumps up at each beat and dies away, with noise.
static float beaten(uint64_t step, double period, uint64_t seed)
{
  const double since = fmod((double)step, period);
  return (float)(1.0 + 4.0 * exp(-0.3 * since)) + 0.5f * random_uniform(seed, 1, step);
}

static void finds_the_period(void **state)
{
  fixture *f = *state;
  const double periods[] = {17.0, 33.3, 61.5, 96.25};
  for (int i = 0; i < 4; ++i) {
    oracle_pulse_clear(&f->p);
    for (uint64_t t = 0; t < 1500; ++t) {
      oracle_pulse_add(&f->p, t, beaten(t, periods[i], 3));
    }
    const double found = (double)oracle_pulse_period(&f->p, 1500);
    const double beats = round(found / periods[i]); // a bar is as good as a beat
    assert_true(beats >= 1.0 && fabs(found - beats * periods[i]) < 0.35);
  }
}

static void follows_a_new_pulse(void **state)
{
  fixture *f = *state;
  for (uint64_t t = 0; t < 5000; ++t) {
    oracle_pulse_add(&f->p, t, t < 2500 ? beaten(t, 40.0, 4) : beaten(t, 47.0, 4));
  }
  const double found = (double)oracle_pulse_period(&f->p, 5000);
  assert_true(fabs(found - 47.0 * round(found / 47.0)) < 0.5);
}

static void where_nothing_beats_there_is_none(void **state)
{
  fixture *f = *state;
  assert_true(oracle_pulse_period(&f->p, 0) == 0.0f);
  for (uint64_t t = 0; t < 800; ++t) {
    oracle_pulse_add(&f->p, t, 2.5f);
  }
  assert_true(oracle_pulse_period(&f->p, 800) == 0.0f);
  assert_true(oracle_pulse_likeness(&f->p, 800, 20) == 0.0f);
}

/// Sums over all steps, as one would write them down.
static void sums_are_what_they_should_be(void **state)
{
  enum { COUNT = 600 };
  fixture *f = *state;
  double onsets[COUNT];
  for (uint64_t t = 0; t < COUNT; ++t) {
    oracle_pulse_add(&f->p, t, beaten(t, 25.0, 5));
    onsets[t] = (double)oracle_pulse_onset(&f->p, t);
  }
  double sums[2] = {0};
  const uint32_t lag = 25;
  for (int t = 0; t < COUNT; ++t) {
    const double share = pow((double)shape.keeps, COUNT - 1 - t);
    sums[0] += share * onsets[t] * onsets[t];
    sums[1] += t >= (int)lag ? share * onsets[t] * onsets[t - (int)lag] : 0.0;
  }
  const double found = (double)oracle_pulse_likeness(&f->p, COUNT, lag);
  assert_true(fabs(found - sums[1] / sums[0]) < 1e-4);
  assert_true(found > 0.5);
}

static void onsets_come_in_order_across_the_ring(void **state)
{
  fixture *f = *state;
  float some[100];
  for (uint64_t t = 0; t < 1000; ++t) {
    oracle_pulse_add(&f->p, t, beaten(t, 31.0, 6));
  }
  oracle_pulse_onsets(&f->p, 650, 100, some); // 700 lies in the middle
  for (uint64_t i = 0; i < 100; ++i) {
    assert_true(some[i] == oracle_pulse_onset(&f->p, 650 + i));
  }
}

static void taken_back_is_never_heard(void **state)
{
  fixture *f = *state;
  fixture *other = NULL;
  setup((void **)&other);
  uint64_t end = 0;
  for (uint64_t round = 0; round < 30; ++round) {
    for (uint64_t i = 0; i < 40; ++i, ++end) {
      oracle_pulse_add(&f->p, end, beaten(end, 29.0, 7));
      oracle_pulse_add(&other->p, end, beaten(end, 29.0, 7));
    }
    for (uint64_t i = 0; i < 1 + round % shape.rewind_steps; ++i) {
      oracle_pulse_add(&other->p, end + i, beaten(end + i, 11.0, 8)); // taken back by the next add
    }
    assert_true(oracle_pulse_period(&f->p, end) == oracle_pulse_period(&other->p, end));
    for (uint32_t lag = 0; lag < shape.n_lags; ++lag) {
      assert_true(oracle_pulse_likeness(&f->p, end, lag) ==
                  oracle_pulse_likeness(&other->p, end, lag));
    }
  }
  teardown((void **)&other);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(finds_the_period),
      TEST(follows_a_new_pulse),
      TEST(where_nothing_beats_there_is_none),
      TEST(sums_are_what_they_should_be),
      TEST(onsets_come_in_order_across_the_ring),
      TEST(taken_back_is_never_heard),
  };
  return cmocka_run_group_tests_name("oracle_pulse", tests, NULL, NULL);
}
