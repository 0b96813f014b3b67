// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Steps that threads do at the same time are each noted once; those of the main thread are not.
// Under ThreadSanitizer also: no two threads note a step in one place.

#include "tests/live/step_log.h"

#include "base/status.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define N_THREADS 3
#define N_STEPS 20000 // all are kept

typedef struct pipeline pipeline;

// What the wrappers stand in front of.
status __real_pipeline_encode(pipeline *p);
status __real_pipeline_give(pipeline *p, size_t *n_given);
status __wrap_pipeline_encode(pipeline *p);
status __wrap_pipeline_give(pipeline *p, size_t *n_given);

status __real_pipeline_encode(pipeline *p)
{
  (void)p;
  return STATUS_OK;
}

status __real_pipeline_give(pipeline *p, size_t *n_given)
{
  (void)p;
  *n_given = 1;
  return STATUS_OK;
}

static atomic_uint thread_ids[N_THREADS];
static atomic_bool begin;

static void step(void)
{
  size_t n = 0;
  __wrap_pipeline_encode(NULL);
  __wrap_pipeline_give(NULL, &n);
}

static void *work(void *place)
{
  atomic_store((atomic_uint *)place, (unsigned)syscall(SYS_gettid));
  while (!atomic_load(&begin)) {
  }
  for (int i = 0; i < N_STEPS; ++i) {
    step();
  }
  return NULL;
}

static void test_main_thread(void **state)
{
  (void)state;
  step_entry e;
  step();
  assert_int_equal(step_log_count(), 0);
  assert_false(step_log_get(0, &e));
}

static void test_at_the_same_time(void **state)
{
  (void)state;
  pthread_t threads[N_THREADS];
  step_entry e;
  int count[N_THREADS] = {0};
  for (int t = 0; t < N_THREADS; ++t) {
    assert_int_equal(pthread_create(&threads[t], NULL, work, &thread_ids[t]), 0);
  }
  atomic_store(&begin, true);
  for (int t = 0; t < N_THREADS; ++t) {
    pthread_join(threads[t], NULL);
  }
  assert_int_equal(step_log_count(), N_THREADS * N_STEPS);
  for (uint64_t i = 0; i < N_THREADS * N_STEPS; ++i) {
    assert_true(step_log_get(i, &e));
    assert_true(e.from_ns > 0 && e.from_ns <= e.to_ns);
    for (int t = 0; t < N_THREADS; ++t) {
      count[t] += e.thread == atomic_load(&thread_ids[t]);
    }
  }
  for (int t = 0; t < N_THREADS; ++t) {
    assert_int_equal(count[t], N_STEPS);
  }
  assert_false(step_log_get(N_THREADS * N_STEPS, &e));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_main_thread),
      cmocka_unit_test(test_at_the_same_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
