// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// What processes tell each other. Runs alone, and by test_processes.sh under mpirun, every process
// with the same expectations. Built a second time against the stand-in for MPI.

#include "train/lane_sums.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Three pieces, the last one not whole.
#define BLOCK_BYTES (((size_t)9 << 20) + 12)

static processes group;

static void gathers_large_blocks(void **state)
{
  (void)state;
  uint8_t *all = calloc((size_t)group.count, BLOCK_BYTES);
  assert_non_null(all);
  uint8_t *own = all + (size_t)group.rank * BLOCK_BYTES;
  for (size_t i = 0; i < BLOCK_BYTES; ++i) {
    own[i] = (uint8_t)(i * 31 + i / 4096 + (size_t)group.rank);
  }
  processes_gather(&group, all, BLOCK_BYTES);
  size_t wrong = 0;
  for (int r = 0; r < group.count; ++r) {
    for (size_t i = 0; i < BLOCK_BYTES; ++i) {
      wrong += all[(size_t)r * BLOCK_BYTES + i] != (uint8_t)(i * 31 + i / 4096 + (size_t)r);
    }
  }
  assert_int_equal(wrong, 0);
  free(all);
}

// The last process fails alone, then the first two both: the first one's sentence is everybody's.
static void agrees_on_the_first_failure(void **state)
{
  (void)state;
  const int last = group.count - 1;
  error err = {0};
  assert_int_equal(processes_agree(&group, STATUS_OK, &err), STATUS_OK);
  status mine = group.rank == last ? error_set(&err, STATUS_IO, "by %d", last) : STATUS_OK;
  assert_int_equal(processes_agree(&group, mine, &err), STATUS_IO);
  assert_int_equal(err.message[3], '0' + last);
  mine = error_set(&err, group.rank == 0 ? STATUS_FORMAT : STATUS_IO, "by %d", group.rank);
  assert_int_equal(processes_agree(&group, mine, &err), STATUS_FORMAT);
  assert_string_equal(err.message, "by 0");
}

static void any_one_is_enough(void **state)
{
  (void)state;
  assert_false(processes_any(&group, false));
  assert_true(processes_any(&group, true));
  assert_true(processes_any(&group, group.rank == group.count - 1));
}

// The difference lies behind what one message carries.
static void another_is_named(void **state)
{
  (void)state;
  error err = {0};
  char text[1500] = {0};
  assert_int_equal(processes_expect_same(&group, "text", text, sizeof text, &err), STATUS_OK);
  text[1400] = (char)(group.rank == group.count - 1);
  const status code = processes_expect_same(&group, "text", text, sizeof text, &err);
  assert_int_equal(code, group.count > 1 ? STATUS_USAGE : STATUS_OK);
  if (group.count > 1) {
    char expected[64];
    snprintf(expected, sizeof expected, "process %d has another text than process 0",
             group.count - 1);
    assert_string_equal(err.message, expected);
  }
}

// Floats of which every order of summing gives another sum.
static float uneven(int64_t lane, int64_t i)
{
  return (lane % 2 ? -1.0f : 1.0f) * (float)(1 << (5 * lane)) / (3.0f + (float)i);
}

static void sums_in_the_lanes_order(void **state)
{
  (void)state;
  enum { COUNT = 7 };
  error err = {0};
  lane_arrays a;
  const int64_t n = 2 * group.count;
  assert_int_equal(lane_arrays_init(&a, &group, n, COUNT, &err), STATUS_OK);
  for (int64_t l = 2 * group.rank; l < 2 * group.rank + 2; ++l) {
    for (int64_t i = 0; i < COUNT; ++i) {
      lane_arrays_of(&a, l)[i] = uneven(l, i);
    }
  }
  lane_arrays_gather(&a, &group);
  for (int more = 0; more < 2; ++more) {
    float found[COUNT], expected[COUNT];
    for (int64_t i = 0; i < COUNT; ++i) {
      found[i] = 0.3f;
      expected[i] = more ? 0.3f : 0.0f;
      for (int64_t l = 0; l < n; ++l) {
        expected[i] += uneven(l, i);
      }
    }
    lane_arrays_sum(&a, found, more == 1);
    assert_memory_equal(found, expected, sizeof expected);
  }
  lane_arrays_free(&a);
}

#ifdef CONTINUO_TEST_NO_MPI
static void several_are_refused(void **state)
{
  (void)state;
  error err = {0};
  processes p;
  setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
  assert_int_equal(processes_open(&p, &err), STATUS_UNSUPPORTED);
  assert_non_null(strstr(err.message, "2 processes"));
  setenv("OMPI_COMM_WORLD_SIZE", "1", 1);
  assert_int_equal(processes_open(&p, &err), STATUS_OK);
  assert_int_equal(p.count, 1);
}
#endif

int main(int argc, char **argv)
{
  error err = {0};
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gathers_large_blocks),    cmocka_unit_test(agrees_on_the_first_failure),
      cmocka_unit_test(any_one_is_enough),       cmocka_unit_test(another_is_named),
      cmocka_unit_test(sums_in_the_lanes_order),
#ifdef CONTINUO_TEST_NO_MPI
      cmocka_unit_test(several_are_refused),
#endif
  };
  if (processes_open(&group, &err) != STATUS_OK) {
    fprintf(stderr, "%s\n", err.message);
    return 1;
  }
  if (group.count != (argc > 1 ? atoi(argv[1]) : 1)) {
    fprintf(stderr, "found %d processes\n", group.count);
    return 1;
  }
  const int failed = cmocka_run_group_tests_name("processes", tests, NULL, NULL);
  processes_close(&group);
  return failed;
}
