// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The guard catches what it is there to catch.

#include "tests/live/rt_guard.h"

#include <linux/futex.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static int means;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *volatile kept; // so that no allocation is optimised away

static void plant_allocation(void)
{
  kept = malloc(100);
  free(kept);
}

static void plant_lock(void)
{
  pthread_mutex_lock(&lock);
  pthread_mutex_unlock(&lock);
}

static void plant_write(void)
{
  if (write(STDERR_FILENO, "", 0) != 0) {
    abort();
  }
}

static void plant_wake(void)
{
  static uint32_t word;
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void plant_nothing(void) {}

static rt_guard_report watch(void (*work)(void))
{
  rt_guard_report report;
  rt_guard_reset();
  rt_guard_enter();
  work();
  rt_guard_leave();
  rt_guard_read(&report);
  return report;
}

static void nothing_is_seen_where_nothing_is(void **unused)
{
  (void)unused;
  plant_allocation();
  plant_write();
  const rt_guard_report r = watch(plant_nothing);
  plant_allocation();
  plant_write();
  assert_int_equal(r.calls, 1);
  assert_int_equal(r.allocations, 0);
  assert_int_equal(r.system_calls, 0);
  assert_int_equal(r.wakes, 0);
  assert_int_equal(r.first_system_call, -1);
}

static void an_allocation_is_seen(void **unused)
{
  (void)unused;
  if (!(means & RT_GUARD_ALLOCATIONS)) {
    skip();
  }
  assert_int_equal(watch(plant_allocation).allocations, 2);
}

static void a_write_is_seen_and_made(void **unused)
{
  (void)unused;
  if (!(means & RT_GUARD_SYSTEM_CALLS)) {
    skip();
  }
  const rt_guard_report r = watch(plant_write);
  assert_int_equal(r.system_calls, 1);
  assert_int_equal(r.first_system_call, SYS_write);
}

static void *hold_lock(void *unused)
{
  const struct timespec moment = {.tv_nsec = 50000000};
  pthread_mutex_lock(&lock);
  nanosleep(&moment, NULL);
  pthread_mutex_unlock(&lock);
  return unused;
}

static void a_lock_that_waits_is_seen(void **unused)
{
  (void)unused;
  if (!(means & RT_GUARD_SYSTEM_CALLS) || means & RT_GUARD_RTSAN) {
    skip();
  }
  pthread_t holder;
  const struct timespec moment = {.tv_nsec = 10000000};
  assert_int_equal(pthread_create(&holder, NULL, hold_lock, NULL), 0);
  nanosleep(&moment, NULL);
  const rt_guard_report r = watch(plant_lock);
  pthread_join(holder, NULL);
  assert_true(r.system_calls >= 1);
  assert_int_equal(r.first_system_call, SYS_futex);
}

static void two_wakes(void)
{
  plant_wake();
  plant_wake();
}

static void wakes_are_counted_apart(void **unused)
{
  (void)unused;
  if (!(means & RT_GUARD_SYSTEM_CALLS)) {
    skip();
  }
  const rt_guard_report r = watch(two_wakes);
  assert_int_equal(r.system_calls, 0);
  assert_int_equal(r.wakes, 2);
  assert_int_equal(r.most_wakes, 2);
}

static void *watch_write_elsewhere(void *report)
{
  *(rt_guard_report *)report = watch(plant_write);
  return NULL;
}

static void other_threads_are_watched_too(void **unused)
{
  (void)unused;
  rt_guard_report r;
  pthread_t thread;
  if (!(means & RT_GUARD_SYSTEM_CALLS)) {
    skip();
  }
  assert_int_equal(pthread_create(&thread, NULL, watch_write_elsewhere, &r), 0);
  pthread_join(thread, NULL);
  assert_int_equal(r.system_calls, 1);
}

// RealtimeSanitizer ends the process: does a child that does `work` under the guard die of it?
static int child_dies(void (*work)(void))
{
  const pid_t child = fork();
  if (child == 0) {
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    rt_guard_enter();
    work();
    rt_guard_leave();
    _exit(0);
  }
  int state = 0;
  assert_int_equal(waitpid(child, &state, 0), child);
  return !WIFEXITED(state) || WEXITSTATUS(state) != 0;
}

static void rtsan_ends_what_allocates_or_locks(void **unused)
{
  (void)unused;
  if (!(means & RT_GUARD_RTSAN)) {
    skip();
  }
  assert_false(child_dies(plant_nothing));
  assert_true(child_dies(plant_allocation));
  assert_true(child_dies(plant_lock));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_seen_where_nothing_is),
      cmocka_unit_test(an_allocation_is_seen),
      cmocka_unit_test(a_write_is_seen_and_made),
      cmocka_unit_test(a_lock_that_waits_is_seen),
      cmocka_unit_test(wakes_are_counted_apart),
      cmocka_unit_test(other_threads_are_watched_too),
      cmocka_unit_test(rtsan_ends_what_allocates_or_locks),
  };
  means = rt_guard_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
