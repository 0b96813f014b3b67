// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/thread_times.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STAT_BYTES 32768 // 256 lines of CPUs

static uint64_t clock_ns(clockid_t clock)
{
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clock_wall_ns(void)
{
  return clock_ns(CLOCK_MONOTONIC);
}

uint64_t clock_thread_cpu_ns(void)
{
  return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

void thread_times_open(thread_times *t)
{
  t->schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  t->stat = open("/proc/stat", O_RDONLY | O_CLOEXEC);
  const long ticks = sysconf(_SC_CLK_TCK);
  t->tick_ns = 1000000000u / (uint64_t)(ticks > 0 ? ticks : 100);
}

void thread_times_close(thread_times *t)
{
  if (t->schedstat >= 0) {
    close(t->schedstat);
  }
  if (t->stat >= 0) {
    close(t->stat);
  }
  t->schedstat = t->stat = -1;
}

// The file from its beginning, as text; "" when it cannot be read.
static void read_text(int file, char *text, size_t size)
{
  const ssize_t n = file >= 0 ? pread(file, text, size - 1, 0) : 0;
  text[n > 0 ? n : 0] = '\0';
}

// The nth number (0: first) of a line of numbers parted by blanks; 0 where there are fewer.
static uint64_t nth_number(const char *text, int nth)
{
  for (;; --nth) {
    char *end = NULL;
    const uint64_t number = strtoull(text, &end, 10);
    if (end == text || nth == 0) {
      return end == text ? 0 : number;
    }
    text = end;
  }
}

static uint64_t read_run_delay_ns(int schedstat)
{
  char text[128];
  read_text(schedstat, text, sizeof text);
  return nth_number(text, 1);
}

// Lines "cpu<n> user nice system idle iowait irq softirq steal ...".
static void read_steal_ns(const thread_times *t, uint64_t *steal_ns)
{
  char text[STAT_BYTES];
  read_text(t->stat, text, sizeof text);
  memset(steal_ns, 0, THREAD_TIMES_MAX_CPUS * sizeof *steal_ns);
  for (const char *line = strchr(text, '\n'); line; line = strchr(line + 1, '\n')) {
    if (strncmp(line, "\ncpu", 4) != 0) {
      return;
    }
    const uint64_t cpu = nth_number(line + 4, 0);
    if (cpu < THREAD_TIMES_MAX_CPUS) {
      steal_ns[cpu] = nth_number(line + 4, 8) * t->tick_ns;
    }
  }
}

void thread_times_read(const thread_times *t, thread_times_mark *mark)
{
  mark->wall_ns = clock_wall_ns();
  mark->cpu_ns = clock_thread_cpu_ns();
  mark->run_delay_ns = read_run_delay_ns(t->schedstat);
  read_steal_ns(t, mark->steal_ns);
}

uint64_t thread_times_steal_ns(const thread_times_mark *since, const thread_times_mark *now)
{
  const int cpu = sched_getcpu();
  if (cpu < 0 || cpu >= THREAD_TIMES_MAX_CPUS || now->steal_ns[cpu] < since->steal_ns[cpu]) {
    return 0;
  }
  return now->steal_ns[cpu] - since->steal_ns[cpu];
}
