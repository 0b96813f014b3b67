// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/ring.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void capacity_is_a_power_of_two(void **unused)
{
  (void)unused;
  ring r = {0};
  assert_int_equal(ring_init(&r, 100, 12, "ring", NULL), STATUS_OK);
  assert_int_equal(r.capacity, 128);
  assert_int_equal(ring_bytes(&r), 128 * 12);
  ring_destroy(&r);
  ring_destroy(&r);
}

static void writes_and_reads_wrap(void **unused)
{
  (void)unused;
  ring r = {0};
  uint16_t from[6];
  uint16_t to[6];
  assert_int_equal(ring_init(&r, 8, sizeof *from, "ring", NULL), STATUS_OK);
  for (uint64_t at = 0; at < 40; at += 3) {
    for (uint16_t i = 0; i < 6; ++i) {
      from[i] = (uint16_t)(at * 100 + i);
    }
    ring_write(&r, at, from, 6);
    ring_publish(&r, at + 6);
    assert_int_equal(ring_head(&r), at + 6);
    ring_read(&r, at, to, 6);
    assert_memory_equal(from, to, sizeof from);
    assert_int_equal(*(uint16_t *)ring_at(&r, at + 5), from[5]);
    ring_release(&r, at + 3);
    assert_int_equal(ring_tail(&r), at + 3);
  }
  ring_destroy(&r);
}

static void positions_do_not_wrap(void **unused)
{
  (void)unused;
  ring r = {0};
  const uint64_t far = UINT64_C(0xffffffff0) + 5; // past 32 bits
  const float from[3] = {1, 2, 3};
  float to[3];
  assert_int_equal(ring_init(&r, 4, sizeof *from, "ring", NULL), STATUS_OK);
  ring_write(&r, far, from, 3);
  ring_publish(&r, far + 3);
  ring_read(&r, far, to, 3);
  assert_memory_equal(from, to, sizeof from);
  ring_destroy(&r);
}

static void push_stops_when_full_and_pull_when_empty(void **unused)
{
  (void)unused;
  ring r = {0};
  int value = 0;
  assert_int_equal(ring_init(&r, 4, sizeof value, "ring", NULL), STATUS_OK);
  assert_false(ring_pull(&r, &value));
  for (int i = 0; i < 4; ++i) {
    assert_true(ring_push(&r, &i));
  }
  assert_false(ring_push(&r, &value));
  for (int i = 0; i < 4; ++i) {
    assert_true(ring_pull(&r, &value));
    assert_int_equal(value, i);
  }
  assert_false(ring_pull(&r, &value));
  ring_destroy(&r);
}

#define MANY 200000

static void *push_many(void *user)
{
  ring *r = user;
  for (uint64_t i = 0; i < MANY; ++i) {
    const uint64_t element[3] = {i, ~i, i * 3};
    while (!ring_push(r, element)) {
      sched_yield();
    }
  }
  return NULL;
}

static void two_threads_see_whole_elements_in_order(void **unused)
{
  (void)unused;
  ring r = {0};
  pthread_t writer;
  assert_int_equal(ring_init(&r, 16, 3 * sizeof(uint64_t), "ring", NULL), STATUS_OK);
  assert_int_equal(pthread_create(&writer, NULL, push_many, &r), 0);
  for (uint64_t i = 0; i < MANY; ++i) {
    uint64_t element[3];
    while (!ring_pull(&r, element)) {
      sched_yield();
    }
    assert_true(element[0] == i && element[1] == ~i && element[2] == i * 3);
  }
  pthread_join(writer, NULL);
  ring_destroy(&r);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(capacity_is_a_power_of_two),
      cmocka_unit_test(writes_and_reads_wrap),
      cmocka_unit_test(positions_do_not_wrap),
      cmocka_unit_test(push_stops_when_full_and_pull_when_empty),
      cmocka_unit_test(two_threads_see_whole_elements_in_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
