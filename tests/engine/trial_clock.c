// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/engine/trial_clock.h"

#include "engine/thread_times.h"

#include <stdatomic.h>
#include <string.h>

#define LOOK_NS 1000 // of CPU time

static atomic_ullong wall = 1; // 0 would be before everything
static atomic_ullong cpu;
static atomic_ullong run_delay;
static atomic_ullong steal;

void trial_clock_pass(uint64_t wall_ns)
{
  atomic_fetch_add(&wall, wall_ns);
}

void trial_clock_charge(uint64_t cpu_ns)
{
  atomic_fetch_add(&cpu, cpu_ns);
}

void trial_clock_delay(uint64_t run_delay_ns)
{
  atomic_fetch_add(&run_delay, run_delay_ns);
}

void trial_clock_steal(uint64_t steal_ns)
{
  atomic_fetch_add(&steal, steal_ns);
}

// --- engine/thread_times.h ---

uint64_t clock_wall_ns(void)
{
  return atomic_load(&wall);
}

uint64_t clock_thread_cpu_ns(void)
{
  return atomic_fetch_add(&cpu, LOOK_NS);
}

void thread_times_open(thread_times *t)
{
  *t = (thread_times){-1, -1, 0};
}

void thread_times_close(thread_times *t)
{
  (void)t;
}

void thread_times_read(const thread_times *t, thread_times_mark *mark)
{
  (void)t;
  memset(mark, 0, sizeof *mark);
  mark->wall_ns = clock_wall_ns();
  mark->cpu_ns = clock_thread_cpu_ns();
  mark->run_delay_ns = atomic_load(&run_delay);
  mark->steal_ns[0] = atomic_load(&steal);
}

uint64_t thread_times_steal_ns(const thread_times_mark *since, const thread_times_mark *now)
{
  return now->steal_ns[0] - since->steal_ns[0];
}
