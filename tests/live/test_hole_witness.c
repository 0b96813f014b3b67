// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The witness sees a CPU that is away, and nothing else: first on made-up records, then on the
// kernel's, of a hole that was dug and of a thread that took the CPU.

#include "tests/live/hole_witness.h"

#include "engine/thread_times.h"
#include "tests/live/hole_digger.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)
#define END UINT64_MAX
#define ME 7 // a thread
#define OTHER 8

static hole_witness *w;

static int make(void **unused)
{
  (void)unused;
  return hole_witness_blank(&w, 2) ? 0 : -1;
}

static int drop(void **unused)
{
  (void)unused;
  hole_witness_close(w);
  w = NULL;
  return 0;
}

// --- made-up records ---

static void say(uint32_t cpu, hole_record kind, uint32_t thread, uint64_t at_ns)
{
  hole_witness_take(w, cpu, kind, thread, at_ns);
}

static void interrupts_in_time_are_no_hole(void **unused)
{
  (void)unused;
  say(0, HOLE_RECORD_ON, ME, 10 * MS);
  say(0, HOLE_RECORD_TICK, ME, 11 * MS); // the timer went on where it had stopped
  say(0, HOLE_RECORD_TICK, ME, 13 * MS + HOLE_TOLERANCE_NS);
  say(0, HOLE_RECORD_TICK, ME, 15 * MS);
  say(0, HOLE_RECORD_OFF, ME, 16 * MS);
  const hole_sum sum = hole_witness_sum(w, ME, 0, END);
  assert_true(sum.complete);
  assert_int_equal(sum.n, 0);
  assert_int_equal(sum.away_ns, 0);
  assert_int_equal(sum.on_ns, 6 * MS);
  assert_int_equal(hole_witness_all(w).n, 0);
}

static void an_overdue_interrupt_is_a_hole(void **unused)
{
  (void)unused;
  say(0, HOLE_RECORD_ON, ME, 10 * MS);
  say(0, HOLE_RECORD_TICK, ME, 12 * MS);
  say(0, HOLE_RECORD_TICK, ME, 54 * MS); // due at 14
  say(0, HOLE_RECORD_TICK, ME, 56 * MS);
  hole_sum sum = hole_witness_sum(w, ME, 0, 58 * MS); // it still has the CPU
  assert_true(sum.complete);
  assert_int_equal(sum.n, 1);
  assert_int_equal(sum.away_ns, 40 * MS);
  assert_int_equal(sum.longest_ns, 40 * MS);
  assert_int_equal(sum.on_ns, 48 * MS);
  say(0, HOLE_RECORD_OFF, ME, 63 * MS); // due at 58
  sum = hole_witness_sum(w, ME, 0, END);
  assert_int_equal(sum.n, 2);
  assert_int_equal(sum.away_ns, 45 * MS);
  assert_int_equal(sum.on_ns, 53 * MS);
  sum = hole_witness_sum(w, ME, 20 * MS, 60 * MS); // parts of both
  assert_int_equal(sum.n, 2);
  assert_int_equal(sum.away_ns, 36 * MS);
  assert_int_equal(sum.longest_ns, 34 * MS);
  assert_int_equal(sum.on_ns, 40 * MS);
  assert_int_equal(hole_witness_all(w).away_ns, 45 * MS);
}

static void what_another_thread_took_is_none(void **unused)
{
  (void)unused;
  say(0, HOLE_RECORD_ON, ME, 10 * MS);
  say(0, HOLE_RECORD_OFF, ME, 11 * MS);
  say(0, HOLE_RECORD_ON, OTHER, 11 * MS);
  say(0, HOLE_RECORD_OFF, OTHER, 30 * MS); // a hole under the other
  say(0, HOLE_RECORD_ON, ME, 40 * MS);     // nobody of ours had it
  say(0, HOLE_RECORD_OFF, ME, 41 * MS);
  const hole_sum sum = hole_witness_sum(w, ME, 0, END);
  assert_true(sum.complete);
  assert_int_equal(sum.n, 0);
  assert_int_equal(sum.on_ns, 2 * MS);
  assert_int_equal(hole_witness_sum(w, OTHER, 0, END).away_ns, 17 * MS);
}

static void a_thread_is_followed_from_cpu_to_cpu(void **unused)
{
  (void)unused;
  say(0, HOLE_RECORD_ON, ME, 10 * MS);
  say(1, HOLE_RECORD_ON, OTHER, 10 * MS);
  say(1, HOLE_RECORD_OFF, OTHER, 11 * MS);
  say(0, HOLE_RECORD_OFF, ME, 20 * MS); // due at 12
  say(1, HOLE_RECORD_ON, ME, 21 * MS);
  say(1, HOLE_RECORD_TICK, ME, 33 * MS); // due at 23
  const hole_sum sum = hole_witness_sum(w, ME, 0, 34 * MS);
  assert_true(sum.complete);
  assert_int_equal(sum.n, 2);
  assert_int_equal(sum.away_ns, 18 * MS);
  assert_int_equal(sum.on_ns, 23 * MS);
}

static void missing_records_are_noticed_and_no_hole(void **unused)
{
  (void)unused;
  say(0, HOLE_RECORD_ON, ME, 10 * MS);
  say(0, HOLE_RECORD_UNKNOWN, ME, 30 * MS); // lost, or the timer was stopped
  say(0, HOLE_RECORD_TICK, ME, 50 * MS);
  say(0, HOLE_RECORD_OFF, ME, 51 * MS);
  assert_int_equal(hole_witness_sum(w, ME, 0, END).n, 0);
  assert_false(hole_witness_sum(w, ME, 0, END).complete);
  assert_false(hole_witness_sum(w, OTHER, 29 * MS, END).complete);
  assert_true(hole_witness_sum(w, ME, 50 * MS, END).complete);
  assert_true(hole_witness_sum(w, ME, 0, 10 * MS).complete);
  say(1, HOLE_RECORD_ON, ME, 60 * MS);
  say(1, HOLE_RECORD_ON, OTHER, 90 * MS); // no word of its going
  say(1, HOLE_RECORD_OFF, ME, 120 * MS);  // nor of this
  assert_int_equal(hole_witness_sum(w, ME, 60 * MS, END).n, 0);
  assert_false(hole_witness_sum(w, ME, 60 * MS, 80 * MS).complete);
  assert_false(hole_witness_sum(w, ME, 100 * MS, END).complete);
  assert_false(hole_witness_all(w).complete);
}

static void what_is_too_old_is_not_known(void **unused)
{
  (void)unused;
  for (uint64_t i = 0; i < 70000; ++i) {
    say(0, HOLE_RECORD_ON, ME, i * MS);
    say(0, HOLE_RECORD_OFF, ME, i * MS + MS / 2);
  }
  assert_false(hole_witness_sum(w, ME, 100 * MS, 110 * MS).complete);
  const hole_sum sum = hole_witness_sum(w, ME, 60000 * MS, 60010 * MS);
  assert_true(sum.complete);
  assert_int_equal(sum.on_ns, 5 * MS);
  assert_false(hole_witness_sum(NULL, ME, 0, END).complete);
}

// --- the kernel's ---

static uint32_t thread_number(void)
{
  return (uint32_t)syscall(SYS_gettid);
}

static void work_until(uint64_t end_ns)
{
  while (clock_wall_ns() < end_ns) {
  }
}

static void a_hole_that_was_dug_is_seen(void **unused)
{
  (void)unused;
  hole_digger *d = NULL;
  hole_witness *live = NULL;
  uint64_t from_ns = 0;
  uint64_t to_ns = 0;
  if (!hole_witness_open(&live)) {
    skip();
  }
  if (!hole_digger_open(&d, thread_number())) {
    hole_witness_close(live);
    skip();
  }
  hole_digger_dig(d, 20);
  while (!hole_digger_dug(d, &from_ns, &to_ns)) {
  }
  work_until(to_ns + 5 * MS);
  hole_witness_read(live);
  const hole_sum sum = hole_witness_sum(live, thread_number(), from_ns, to_ns);
  hole_digger_close(d);
  hole_witness_close(live);
  print_message("dug %.2f ms, saw %.2f\n", 1e-6 * (double)(to_ns - from_ns),
                1e-6 * (double)sum.away_ns);
  assert_true(to_ns - from_ns >= 20 * MS);
  assert_true(sum.complete);
  assert_true(sum.away_ns <= to_ns - from_ns);
  assert_true(sum.away_ns + HOLE_PERIOD_NS + HOLE_TOLERANCE_NS >= to_ns - from_ns);
}

typedef struct hog {
  atomic_ullong from_ns, to_ns;
  atomic_bool refused;
} hog;

// Above everybody, and so at once and to the end.
static void *take_the_cpu(void *user)
{
  hog *h = user;
  const struct sched_param first = {.sched_priority = 90};
  atomic_store(&h->refused, pthread_setschedparam(pthread_self(), SCHED_FIFO, &first) != 0);
  if (!atomic_load(&h->refused)) {
    atomic_store(&h->from_ns, clock_wall_ns());
    work_until(clock_wall_ns() + 20 * MS);
  }
  atomic_store(&h->to_ns, clock_wall_ns());
  return NULL;
}

static void a_thread_that_took_the_cpu_is_no_hole(void **unused)
{
  (void)unused;
  static hog h;
  hole_witness *live = NULL;
  pthread_t thread;
  cpu_set_t before;
  cpu_set_t one;
  if (!hole_witness_open(&live)) {
    skip();
  }
  assert_int_equal(pthread_getaffinity_np(pthread_self(), sizeof before, &before), 0);
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  assert_int_equal(pthread_setaffinity_np(pthread_self(), sizeof one, &one), 0);
  assert_int_equal(pthread_create(&thread, NULL, take_the_cpu, &h), 0);
  while (atomic_load(&h.to_ns) == 0) {
  }
  work_until(atomic_load(&h.to_ns) + 5 * MS);
  pthread_join(thread, NULL);
  pthread_setaffinity_np(pthread_self(), sizeof before, &before);
  hole_witness_read(live);
  const hole_sum sum =
      hole_witness_sum(live, thread_number(), atomic_load(&h.from_ns), atomic_load(&h.to_ns));
  hole_witness_close(live);
  if (atomic_load(&h.refused)) {
    print_message("real-time scheduling is not allowed here\n");
    skip();
  }
  assert_true(sum.complete);
  assert_int_equal(sum.on_ns, 0);
  assert_int_equal(sum.n, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(interrupts_in_time_are_no_hole, make, drop),
      cmocka_unit_test_setup_teardown(an_overdue_interrupt_is_a_hole, make, drop),
      cmocka_unit_test_setup_teardown(what_another_thread_took_is_none, make, drop),
      cmocka_unit_test_setup_teardown(a_thread_is_followed_from_cpu_to_cpu, make, drop),
      cmocka_unit_test_setup_teardown(missing_records_are_noticed_and_no_hole, make, drop),
      cmocka_unit_test_setup_teardown(what_is_too_old_is_not_known, make, drop),
      cmocka_unit_test(a_hole_that_was_dug_is_seen),
      cmocka_unit_test(a_thread_that_took_the_cpu_is_no_hole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
