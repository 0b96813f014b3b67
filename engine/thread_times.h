// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What the kernel accounts for the calling thread: CPU time, time spent ready but waiting for a
/// CPU (run delay), and time the hypervisor kept each CPU to itself (steal). Together they tell a
/// late result of our own from one that the machine made late.
///
/// Sources: clock_gettime(2); /proc/<pid>/task/<tid>/schedstat, second field, nanoseconds
/// (Documentation/scheduler/sched-stats.rst); /proc/stat, eighth field of each CPU's line, in
/// clock ticks (proc(5)). Where a file cannot be read its figures stay 0, so that nothing is
/// excused.
#ifndef CONTINUO_ENGINE_THREAD_TIMES_H
#define CONTINUO_ENGINE_THREAD_TIMES_H

#include <stdint.h>

#define THREAD_TIMES_MAX_CPUS 256 ///< steal of further CPUs is not looked at

typedef struct thread_times {
  int schedstat; ///< file descriptors kept open, -1: cannot be read
  int stat;
  uint64_t tick_ns;
} thread_times;

typedef struct thread_times_mark {
  uint64_t wall_ns;      ///< CLOCK_MONOTONIC
  uint64_t cpu_ns;       ///< of this thread
  uint64_t run_delay_ns; ///< of this thread
  uint64_t steal_ns[THREAD_TIMES_MAX_CPUS];
} thread_times_mark;

uint64_t clock_wall_ns(void); ///< CLOCK_MONOTONIC; no system call where the kernel has a fast clock
uint64_t clock_thread_cpu_ns(void);

/// For the calling thread, which alone may use it from here on.
void thread_times_open(thread_times *t);
void thread_times_close(thread_times *t);

/// Everything up to now. About 10 us, most of it the steal.
void thread_times_read(const thread_times *t, thread_times_mark *mark);

/// Steal since `mark` on the CPU that the thread runs on now.
uint64_t thread_times_steal_ns(const thread_times_mark *since, const thread_times_mark *now);

#endif
