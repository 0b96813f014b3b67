// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/thread_times.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static void burn_ms(uint64_t ms)
{
  const uint64_t end = clock_thread_cpu_ns() + ms * 1000000;
  while (clock_thread_cpu_ns() < end) {
  }
}

static void cpu_and_wall_time_go_on(void **unused)
{
  (void)unused;
  thread_times t;
  static thread_times_mark a;
  static thread_times_mark b;
  const struct timespec pause = {.tv_nsec = 20000000};
  thread_times_open(&t);
  thread_times_read(&t, &a);
  burn_ms(10);
  nanosleep(&pause, NULL);
  thread_times_read(&t, &b);
  thread_times_close(&t);
  assert_true(b.cpu_ns - a.cpu_ns >= 10000000);
  assert_true(b.wall_ns - a.wall_ns >= 30000000);
  // Sleeping is no CPU time, however long the machine was held up.
  assert_true(b.cpu_ns - a.cpu_ns <= b.wall_ns - a.wall_ns - 20000000);
}

static void *burn_beside(void *cpu)
{
  pthread_setaffinity_np(pthread_self(), sizeof(cpu_set_t), cpu);
  burn_ms(100);
  return NULL;
}

// Two threads on one CPU: what one works, the other waits, and says so.
static void waiting_for_the_cpu_is_run_delay(void **unused)
{
  (void)unused;
  thread_times t;
  static thread_times_mark a;
  static thread_times_mark b;
  cpu_set_t before;
  cpu_set_t one;
  pthread_t other;
  if (access("/proc/thread-self/schedstat", R_OK) != 0) {
    print_message("this kernel has no schedstat\n");
    skip();
  }
  assert_int_equal(pthread_getaffinity_np(pthread_self(), sizeof before, &before), 0);
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  assert_int_equal(pthread_setaffinity_np(pthread_self(), sizeof one, &one), 0);
  thread_times_open(&t);
  thread_times_read(&t, &a);
  assert_int_equal(pthread_create(&other, NULL, burn_beside, &one), 0);
  burn_ms(100);
  thread_times_read(&t, &b);
  pthread_join(other, NULL);
  thread_times_close(&t);
  pthread_setaffinity_np(pthread_self(), sizeof before, &before);
  assert_true(b.run_delay_ns - a.run_delay_ns > 20000000);
  assert_true(b.run_delay_ns - a.run_delay_ns <= b.wall_ns - a.wall_ns);
}

// The kernel's own sum over all CPUs is the judge.
static void steal_is_read_for_each_cpu(void **unused)
{
  (void)unused;
  thread_times t;
  static thread_times_mark mark;
  uint64_t ticks_before = 0;
  uint64_t ticks_after = 0;
  const char *form = "cpu %*u %*u %*u %*u %*u %*u %*u %" SCNu64;
  FILE *f = fopen("/proc/stat", "r");
  if (!f || fscanf(f, form, &ticks_before) != 1) {
    print_message("no steal in /proc/stat\n");
    skip();
  }
  fclose(f);
  thread_times_open(&t);
  thread_times_read(&t, &mark);
  f = fopen("/proc/stat", "r");
  assert_non_null(f);
  assert_int_equal(fscanf(f, form, &ticks_after), 1);
  fclose(f);
  uint64_t sum_ns = 0;
  for (int i = 0; i < THREAD_TIMES_MAX_CPUS; ++i) {
    sum_ns += mark.steal_ns[i];
  }
  // The kernel rounds each CPU and the sum apart: one tick each.
  const uint64_t rounding = t.tick_ns * (uint64_t)sysconf(_SC_NPROCESSORS_CONF);
  assert_true(sum_ns + rounding >= ticks_before * t.tick_ns);
  assert_true(sum_ns <= ticks_after * t.tick_ns + rounding);
  thread_times_close(&t);
}

static void steal_is_counted_from_a_mark_on(void **unused)
{
  (void)unused;
  static thread_times_mark since;
  static thread_times_mark now;
  for (int i = 0; i < THREAD_TIMES_MAX_CPUS; ++i) {
    since.steal_ns[i] = 1000;
    now.steal_ns[i] = 51000;
  }
  assert_int_equal(thread_times_steal_ns(&since, &now), 50000);
  assert_int_equal(thread_times_steal_ns(&now, &since), 0); // the kernel's figure can fall back
}

static void files_that_cannot_be_read_excuse_nothing(void **unused)
{
  (void)unused;
  const thread_times t = {.schedstat = -1, .stat = -1, .tick_ns = 10000000};
  static thread_times_mark mark;
  memset(&mark, 1, sizeof mark);
  thread_times_read(&t, &mark);
  assert_int_equal(mark.run_delay_ns, 0);
  assert_int_equal(mark.steal_ns[0], 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cpu_and_wall_time_go_on),
      cmocka_unit_test(waiting_for_the_cpu_is_run_delay),
      cmocka_unit_test(steal_is_read_for_each_cpu),
      cmocka_unit_test(steal_is_counted_from_a_mark_on),
      cmocka_unit_test(files_that_cannot_be_read_excuse_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
