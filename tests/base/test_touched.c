// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/touched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define BYTES (8u << 20) // so much that it comes straight from the kernel

// Pages of [memory, memory + bytes) that are there, of those that lie within it wholly.
static size_t pages_there(const void *memory, size_t bytes, size_t *n_pages)
{
  static unsigned char there[BYTES / 4096];
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  const uintptr_t first = ((uintptr_t)memory + page - 1) / page * page;
  size_t n = 0;
  *n_pages = ((uintptr_t)memory + bytes - first) / page;
  assert_int_equal(mincore((void *)first, *n_pages * page, there), 0);
  for (size_t i = 0; i < *n_pages; ++i) {
    n += there[i] & 1;
  }
  return n;
}

static void every_page_is_there(void **unused)
{
  (void)unused;
  size_t n_pages = 0;
  unsigned char *touched = touched_new(BYTES);
  assert_non_null(touched);
  const size_t n_there = pages_there(touched, BYTES, &n_pages);
  assert_int_equal(n_there, n_pages);
  for (size_t i = 0; i < BYTES; ++i) {
    assert_true(touched[i] == 0);
  }
  free(touched);
}

// Or the test above would prove nothing.
static void without_it_they_are_not(void **unused)
{
  (void)unused;
  size_t n_pages = 0;
  void *untouched = calloc(1, BYTES);
  assert_non_null(untouched);
  const size_t n_there = pages_there(untouched, BYTES, &n_pages);
  free(untouched);
  if (n_there == n_pages) {
    print_message("here even calloc touches its pages\n");
    skip();
  }
}

static void sizes_of_all_kinds(void **unused)
{
  (void)unused;
  for (size_t bytes = 0; bytes < 10000; bytes += 123) {
    void *touched = touched_new(bytes);
    assert_non_null(touched);
    free(touched);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_page_is_there),
      cmocka_unit_test(without_it_they_are_not),
      cmocka_unit_test(sizes_of_all_kinds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
