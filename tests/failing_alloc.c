// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/failing_alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static atomic_long left = -1; // allocations until the one that fails; below 0: none will
static atomic_long count = 0;

void failing_alloc_arm(long nth)
{
  atomic_store(&count, 0);
  atomic_store(&left, nth);
}

long failing_alloc_count(void)
{
  return atomic_load(&count);
}

static bool fails(void)
{
  atomic_fetch_add(&count, 1);
  if (atomic_load(&left) < 0 || atomic_fetch_sub(&left, 1) != 0) {
    return false;
  }
  errno = ENOMEM;
  return true;
}

// The linker's names: __wrap_x is what callers reach, __real_x the C library's x.
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t most);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **out, size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t most);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **out, size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
  return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
  return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
  return fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
  return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t most)
{
  return fails() ? NULL : __real_strndup(text, most);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
  return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t size)
{
  return fails() ? ENOMEM : __real_posix_memalign(out, alignment, size);
}

long failing_alloc_each(status (*operation)(void *user, error *err), void *user)
{
  for (long nth = 0;; ++nth) {
    error err = {0};
    failing_alloc_arm(nth);
    const status s = operation(user, &err);
    const bool met = atomic_load(&left) < 0;
    failing_alloc_arm(-1);
    if (!met) {
      assert_int_equal(s, STATUS_OK);
      return nth;
    }
    assert_int_equal(s, STATUS_NO_MEMORY);
    assert_int_equal(err.code, STATUS_NO_MEMORY);
    assert_true(err.message[0] != '\0');
    assert_true(nth < 1000000);
  }
}
