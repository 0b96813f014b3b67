// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The judge's arithmetic, on made-up misses. Times are in ms from when the conductor last had
// nothing to do; a hop is 13 ms, a block 5, and process missed the result at 30.

#include "tests/live/blame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)
#define START (1000 * MS)
#define HOP_NS (13 * MS)
#define BLOCK_NS (5 * MS)
#define DUE 30
#define CONDUCTOR 7

static hole_witness *w;
static step_entry steps[8];
static unsigned n_steps;

// In place of step_log.c.
uint64_t step_log_count(void)
{
  return n_steps;
}

bool step_log_get(uint64_t number, step_entry *e)
{
  *e = steps[number < n_steps ? number : 0];
  return number < n_steps;
}

static int make(void **unused)
{
  (void)unused;
  n_steps = 0;
  return hole_witness_blank(&w, 1) ? 0 : -1;
}

static int drop(void **unused)
{
  (void)unused;
  hole_witness_close(w);
  return 0;
}

static void say(hole_record kind, uint64_t at_ms)
{
  hole_witness_take(w, 0, kind, CONDUCTOR, START + at_ms * MS);
}

// A step that had the CPU from one time to another, was charged `cpu_ms` and, if `hole_ms`, lost
// the CPU for that long from 2 ms after its beginning on.
static void a_step(uint64_t from_ms, uint64_t to_ms, uint64_t cpu_ms, uint64_t hole_ms)
{
  say(HOLE_RECORD_ON, from_ms);
  uint64_t at_ms = from_ms + 2 + hole_ms;
  for (; at_ms < to_ms; at_ms += 2) {
    say(HOLE_RECORD_TICK, at_ms);
  }
  say(HOLE_RECORD_OFF, to_ms);
  steps[n_steps++] = (step_entry){START + from_ms * MS, START + to_ms * MS, cpu_ms * MS, CONDUCTOR};
}

static blame judge(uint64_t done_ms, uint64_t run_delay_ms, uint64_t steal_ms)
{
  const session_event e = {
      .kind = EVENT_LATE,
      .value = (done_ms - DUE) * 1000,
      .run_delay_us = run_delay_ms * 1000,
      .steal_us = steal_ms * 1000,
      .own = true,
      .since_ns = START,
      .due_ns = START + DUE * MS,
      .done_ns = START + done_ms * MS,
  };
  return blame_late(&e, w, HOP_NS, BLOCK_NS);
}

static void a_hole_that_covers_the_overshoot_excuses(void **unused)
{
  (void)unused;
  a_step(1, 48, 47, 44);
  const blame b = judge(48, 1, 0);
  assert_false(b.ours);
  assert_int_equal(b.overshoot_ns, 18 * MS);
  assert_int_equal(b.stolen_ns, 44 * MS);
  assert_int_equal(b.charged_ns, 47 * MS);
  assert_int_equal(b.own_ns, 3 * MS);
  assert_int_equal(b.holes.n, 1);
}

static void without_a_hole_it_is_ours(void **unused)
{
  (void)unused;
  a_step(1, 48, 47, 0);
  assert_true(judge(48, 1, 0).ours);
  assert_int_equal(judge(48, 1, 0).own_ns, 47 * MS);
}

static void a_hole_that_is_too_short_does_not(void **unused)
{
  (void)unused;
  a_step(1, 12, 11, 0);
  a_step(12, 24, 12, 0);
  a_step(24, 48, 24, 16);
  assert_true(judge(48, 1, 0).ours); // 17 of 18
  assert_int_equal(judge(48, 1, 0).own_ns, 12 * MS);
  assert_false(judge(48, 2, 0).ours);
}

static void a_step_longer_than_a_hop_is_ours_whatever_else(void **unused)
{
  (void)unused;
  a_step(1, 48, 47, 33); // 14 ms were used
  assert_true(judge(48, 10, 0).ours);
  n_steps = 0;
  a_step(50, 64, 14, 0); // an innocent hole beside it
  a_step(64, 90, 26, 24);
  assert_true(judge(91, 80, 0).ours);
}

static void a_hole_beside_the_steps_counts_but_for_a_block(void **unused)
{
  (void)unused;
  a_step(1, 3, 2, 0);
  say(HOLE_RECORD_ON, 4);
  say(HOLE_RECORD_OFF, 26); // due at 6
  say(HOLE_RECORD_ON, 27);
  say(HOLE_RECORD_OFF, 40); // due at 29
  a_step(41, 45, 4, 0);
  const blame b = judge(46, 0, 0);
  assert_int_equal(b.holes.away_ns, 31 * MS);
  assert_int_equal(b.stolen_ns, 21 * MS); // each may have begun a block too early
  assert_false(b.ours);
  assert_true(judge(52, 0, 0).ours); // by 22
}

static void holes_before_and_after_do_not_count(void **unused)
{
  (void)unused;
  steps[n_steps++] = (step_entry){START - 20 * MS, START - MS, 19 * MS, CONDUCTOR};
  a_step(1, 12, 11, 0);
  a_step(12, 24, 12, 0);
  a_step(24, 36, 12, 0);
  a_step(37, 80, 40, 38);
  assert_true(judge(36, 1, 0).ours);
  assert_int_equal(judge(36, 1, 0).stolen_ns, 0);
}

static void what_the_kernel_reports_counts_once(void **unused)
{
  (void)unused;
  a_step(1, 21, 11, 7); // 9 of 20 ms were not charged, 7 of them seen
  blame b = judge(31, 0, 0);
  assert_int_equal(b.own_ns, 11 * MS);
  assert_int_equal(b.stolen_ns, 9 * MS);
  b = judge(31, 0, 10); // in ticks, roughly the same
  assert_int_equal(b.stolen_ns, 10 * MS);
}

static void missing_records_excuse_nothing(void **unused)
{
  (void)unused;
  a_step(1, 48, 47, 44);
  say(HOLE_RECORD_UNKNOWN, 49);
  assert_false(judge(48, 1, 0).ours);
  assert_true(judge(49, 1, 0).ours);
  assert_false(judge(49, 1, 0).complete);
  steps[0].cpu_ns = 60 * MS; // more than it had a CPU
  assert_true(judge(48, 1, 0).ours);
}

static void without_a_witness_nothing_is_excused(void **unused)
{
  (void)unused;
  a_step(1, 48, 47, 44);
  const session_event e = {.kind = EVENT_LATE,
                           .value = 18000,
                           .since_ns = START,
                           .due_ns = START + 30 * MS,
                           .done_ns = START + 48 * MS};
  assert_true(blame_late(&e, NULL, HOP_NS, BLOCK_NS).ours);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_hole_that_covers_the_overshoot_excuses, make, drop),
      cmocka_unit_test_setup_teardown(without_a_hole_it_is_ours, make, drop),
      cmocka_unit_test_setup_teardown(a_hole_that_is_too_short_does_not, make, drop),
      cmocka_unit_test_setup_teardown(a_step_longer_than_a_hop_is_ours_whatever_else, make, drop),
      cmocka_unit_test_setup_teardown(a_hole_beside_the_steps_counts_but_for_a_block, make, drop),
      cmocka_unit_test_setup_teardown(holes_before_and_after_do_not_count, make, drop),
      cmocka_unit_test_setup_teardown(what_the_kernel_reports_counts_once, make, drop),
      cmocka_unit_test_setup_teardown(missing_records_excuse_nothing, make, drop),
      cmocka_unit_test_setup_teardown(without_a_witness_nothing_is_excused, make, drop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
