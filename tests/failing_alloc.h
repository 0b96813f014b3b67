// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// "Every allocation failed in turn." A test that calls continuo_failing_alloc(TARGET) in CMake has
/// malloc, calloc, realloc, strdup, strndup, aligned_alloc and posix_memalign of all code linked
/// into it statically go through here (linker --wrap); the C library's own calls do not.
#ifndef CONTINUO_TESTS_FAILING_ALLOC_H
#define CONTINUO_TESTS_FAILING_ALLOC_H

#include "base/status.h"

/// Let allocation `nth` from now (0: the next) fail, once; -1: none. Resets the count.
void failing_alloc_arm(long nth);

/// Allocations asked for since the last arm.
long failing_alloc_count(void);

/// Run `operation`, which must clean up after itself, with its first, second, ... allocation
/// failing, until one run meets no failure. Asserts (cmocka) that each failed run returns
/// STATUS_NO_MEMORY with a message and the last one STATUS_OK. Returns how many runs failed.
long failing_alloc_each(status (*operation)(void *user, error *err), void *user);

#endif
