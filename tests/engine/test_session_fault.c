// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Whose fault a miss was, by the kernel's real figures. Each miss here is made to be: the conductor
// is held up within a step until it has what the test is about, however long that takes. What the
// judgement makes of given figures is test_session_late.c's.

#include "engine/session.h"
#include "tests/engine/trial_codec.h"
#include "tests/engine/trial_host.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define RATE_HZ 48000
#define BLOCK 256
#define HOP_US 13333 // of the codec below
#define MS UINT64_C(1000000)

static trial_host h;

static const session_config plain = {.host_rate_hz = RATE_HZ, .block_samples = BLOCK};

static void moment(void)
{
  nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

// The lateness that began last.
static const session_event *last_late(void)
{
  const session_event *last = NULL;
  const session_event *e = NULL;
  for (int i = 0; (e = trial_host_event(&h, EVENT_LATE, i)); ++i) {
    last = e;
  }
  return last;
}

// Play on while the conductor stands, until it is late.
static void miss(void)
{
  session_telemetry t;
  do {
    trial_host_block(&h, BLOCK);
    session_read_telemetry(h.s, &t);
  } while (t.misses == 0);
  assert_true(trial_host_holds(&h));
}

// The step works on and on: no machine could have been in time.
static void a_slow_step_is_our_own_miss(void **unused)
{
  (void)unused;
  codec *model = trial_host_codec(24000, 320, 1, 33);
  session_telemetry t;
  trial_host_open_stepped(&h, model, &plain, 1.0);
  trial_host_run(&h, 0.3, BLOCK);
  h.hold_works = true;
  trial_host_hold(&h, 10.0);
  miss();
  while (atomic_load(&h.held_cpu_ns) < 40 * MS) {
    moment();
  }
  trial_host_release(&h);
  trial_host_run(&h, 1.0, BLOCK);
  session_read_telemetry(h.s, &t);
  const live_verdict v = trial_host_close(&h);
  const session_event *late = last_late();
  assert_int_equal(v.n_different, 0);
  assert_int_equal(v.n_late, 1);
  assert_true(late->own);
  assert_true(late->cpu_us >= 40000);
  assert_int_equal(t.misses, 1);
  assert_int_equal(t.own_misses, 1);
  trial_host_free(&h);
  codec_unref(model);
}

// --- a CPU taken away ---

static atomic_bool hogs_stop;
static atomic_int conductor_thread; // its number, once it has been put where the hogs are
static cpu_set_t hogs_cpu;

static void *hog(void *unused)
{
  volatile unsigned n = 0;
  pthread_setaffinity_np(pthread_self(), sizeof hogs_cpu, &hogs_cpu);
  while (!atomic_load(&hogs_stop)) {
    ++n;
  }
  return unused;
}

// In the conductor: whoever else wants that CPU gets most of it.
static void be_last(void)
{
  pthread_setaffinity_np(pthread_self(), sizeof hogs_cpu, &hogs_cpu);
  setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 10); // Linux: of the thread
  atomic_store(&conductor_thread, (int)syscall(SYS_gettid));
}

static uint64_t run_delay_ns(void)
{
  char path[64];
  uint64_t delay = 0;
  snprintf(path, sizeof path, "/proc/self/task/%d/schedstat", atomic_load(&conductor_thread));
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  assert_int_equal(fscanf(f, "%*u %" SCNu64, &delay), 1);
  fclose(f);
  return delay;
}

static void choose_cpus(cpu_set_t *all)
{
  int first = 0;
  assert_int_equal(pthread_getaffinity_np(pthread_self(), sizeof *all, all), 0);
  if (CPU_COUNT(all) < 2 || access("/proc/thread-self/schedstat", R_OK) != 0) {
    print_message("needs two CPUs and schedstat\n");
    skip();
  }
  for (; !CPU_ISSET(first, all); ++first) {
  }
  CPU_ZERO(&hogs_cpu);
  CPU_SET(first, &hogs_cpu);
  cpu_set_t rest = *all;
  CPU_CLR(first, &rest);
  pthread_setaffinity_np(pthread_self(), sizeof rest, &rest);
}

// The conductor, awake every 0.1 ms, wants the CPU that two others have until it has waited 100 ms
// for it; only then it is late, and may finish.
static void starve(codec *model)
{
  pthread_t hogs[2];
  trial_host_open_stepped(&h, model, &plain, 1.0);
  h.at_step = be_last;
  trial_host_run(&h, 0.3, BLOCK);
  trial_host_hold(&h, 10.0);
  while (!trial_host_holds(&h)) {
    trial_host_block(&h, BLOCK);
  }
  atomic_store(&hogs_stop, false);
  for (int i = 0; i < 2; ++i) {
    assert_int_equal(pthread_create(&hogs[i], NULL, hog, NULL), 0);
  }
  for (const uint64_t begun = run_delay_ns(); run_delay_ns() < begun + 100 * MS;) {
    moment();
  }
  miss();
  trial_host_release(&h);
  atomic_store(&hogs_stop, true);
  for (int i = 0; i < 2; ++i) {
    pthread_join(hogs[i], NULL);
  }
  trial_host_run(&h, 1.0, BLOCK);
}

// In one of five: what a hypervisor takes while the conductor is on the CPU is charged to it.
static void a_cpu_taken_away_is_not_our_own_miss(void **unused)
{
  (void)unused;
  cpu_set_t all;
  bool own = true;
  choose_cpus(&all);
  for (int i = 0; i < 5 && own; ++i) {
    codec *model = trial_host_codec(24000, 320, 1, 33);
    starve(model);
    const live_verdict v = trial_host_close(&h);
    const session_event *late = last_late();
    assert_int_equal(v.n_different, 0);
    assert_int_equal(v.n_late, 1);
    print_message("late by %" PRIu64 " us, run delay %" PRIu64 ", stolen %" PRIu64 ", CPU %" PRIu64
                  "\n",
                  late->value, late->run_delay_us, late->steal_us, late->cpu_us);
    assert_true(late->run_delay_us >= 100000);
    own = late->own;
    assert_int_equal(own,
                     late->cpu_us > HOP_US || late->run_delay_us + late->steal_us < late->value);
    trial_host_free(&h);
    codec_unref(model);
  }
  pthread_setaffinity_np(pthread_self(), sizeof all, &all);
  assert_false(own);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_slow_step_is_our_own_miss),
      cmocka_unit_test(a_cpu_taken_away_is_not_our_own_miss),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
