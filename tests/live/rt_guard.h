// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Watches a real-time callback by three means that overlap:
///
///   allocations  malloc and its family, interposed for the whole process (under a sanitizer: its
///                hooks), count what is called between enter and leave;
///   system calls Syscall User Dispatch (Linux 5.11, x86-64), armed for a thread by its first
///   enter,
///                toggled by a thread-local byte: each system call between enter and leave raises
///                SIGSYS, is counted, then made. Futex wakes are counted apart;
///   rtsan        RealtimeSanitizer's runtime, in builds with CONTINUO_RTSAN: ends the process at
///                the first allocation, lock or blocking call.
///
/// A callback may be entered on any number of threads; a report adds up all of them.
///
///   rt_guard_install();
///   ... in the callback: rt_guard_enter(); work(); rt_guard_leave();
///   rt_guard_read(&report);
#ifndef CONTINUO_TESTS_LIVE_RT_GUARD_H
#define CONTINUO_TESTS_LIVE_RT_GUARD_H

#include <stdint.h>

enum {
  RT_GUARD_ALLOCATIONS = 1,
  RT_GUARD_SYSTEM_CALLS = 2,
  RT_GUARD_RTSAN = 4,
};

typedef struct rt_guard_report {
  uint64_t calls;         ///< enter to leave
  uint64_t allocations;   ///< malloc, calloc, realloc, free, ... within them
  uint64_t system_calls;  ///< but futex wakes
  uint64_t wakes;         ///< FUTEX_WAKE
  uint64_t most_wakes;    ///< in one call
  long first_system_call; ///< number of the first that was no wake; -1: none
} rt_guard_report;

/// Put all means in place that this build and kernel have; returns which, and says on stderr which
/// not. Once, before any thread enters.
int rt_guard_install(void);

void rt_guard_enter(void);
void rt_guard_leave(void);

/// Counters to zero, and SIGSYS back to the guard: cmocka takes it at the start of each of its
/// tests, so call this first in each. Nobody may be between enter and leave.
void rt_guard_reset(void);
void rt_guard_read(rt_guard_report *report);

#endif
