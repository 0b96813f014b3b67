// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_aligned_and_apart(void **state)
{
  (void)state;
  static _Alignas(ARENA_ALIGN_BYTES) unsigned char block[4096];
  arena a;
  arena_init(&a, block, sizeof block);
  unsigned char *last = block;
  for (size_t bytes = 0; bytes < 200; bytes += 33) {
    unsigned char *p = arena_alloc(&a, bytes);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % ARENA_ALIGN_BYTES, 0);
    assert_true(p >= last && p + bytes <= block + sizeof block);
    memset(p, 0xff, bytes);
    last = p + bytes;
  }
}

static void test_full(void **state)
{
  (void)state;
  static _Alignas(ARENA_ALIGN_BYTES) unsigned char block[256];
  arena a;
  arena_init(&a, block, sizeof block);
  assert_non_null(arena_alloc(&a, 129)); // takes 192
  assert_null(arena_alloc(&a, 65));
  assert_int_equal(a.used_bytes, 192);
  assert_int_equal(a.peak_bytes, 192 + 128);
  assert_non_null(arena_alloc(&a, 64));
  assert_null(arena_alloc(&a, 1));
}

static void test_rewind(void **state)
{
  (void)state;
  static _Alignas(ARENA_ALIGN_BYTES) unsigned char block[512];
  arena a;
  arena_init(&a, block, sizeof block);
  void *first = arena_alloc(&a, 10);
  const size_t mark = arena_mark(&a);
  void *second = arena_alloc(&a, 100);
  arena_rewind(&a, mark);
  assert_ptr_equal(arena_alloc(&a, 100), second);
  arena_rewind(&a, 0);
  assert_ptr_equal(arena_alloc(&a, 1), first);
  assert_int_equal(a.peak_bytes, 192);
}

// Without memory nothing is handed out, but the peak tells what each request takes.
static void test_measures(void **state)
{
  (void)state;
  const size_t sizes[] = {1, 64, 65, 1000, 0, 63};
  arena a;
  arena_init(&a, NULL, 0);
  size_t needed = 0;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    assert_null(arena_alloc(&a, sizes[i] ? sizes[i] : 1));
    needed += a.peak_bytes;
    arena_init(&a, NULL, 0);
  }
  void *block = aligned_alloc(ARENA_ALIGN_BYTES, needed);
  assert_non_null(block);
  arena_init(&a, block, needed);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    assert_non_null(arena_alloc(&a, sizes[i]));
  }
  free(block);
}

static void test_huge_requests(void **state)
{
  (void)state;
  static _Alignas(ARENA_ALIGN_BYTES) unsigned char block[256];
  arena a;
  arena_init(&a, block, sizeof block);
  assert_non_null(arena_alloc(&a, 64));
  for (size_t less = 0; less < 300; ++less) {
    assert_null(arena_alloc(&a, SIZE_MAX - less));
  }
  assert_int_equal(a.used_bytes, 64);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_aligned_and_apart),
      cmocka_unit_test(test_full),
      cmocka_unit_test(test_rewind),
      cmocka_unit_test(test_measures),
      cmocka_unit_test(test_huge_requests),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
