// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/step_log.h"

#include "engine/pipeline.h"
#include "engine/thread_times.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

static step_entry kept[STEP_LOG_KEPT];
static atomic_ullong n_done;
static _Thread_local step_entry present;

// The linker's names for the wrappers and what they wrap.
status __real_pipeline_encode(pipeline *p);
status __wrap_pipeline_encode(pipeline *p);
status __real_pipeline_give(pipeline *p, size_t *n_given);
status __wrap_pipeline_give(pipeline *p, size_t *n_given);

status __wrap_pipeline_encode(pipeline *p)
{
  present.cpu_ns = clock_thread_cpu_ns();
  present.from_ns = clock_wall_ns();
  return __real_pipeline_encode(p);
}

status __wrap_pipeline_give(pipeline *p, size_t *n_given)
{
  const status st = __real_pipeline_give(p, n_given);
  present.thread = (uint32_t)syscall(SYS_gettid);
  if (present.thread == (uint32_t)getpid()) {
    return st;
  }
  const uint64_t number = atomic_load_explicit(&n_done, memory_order_relaxed);
  present.to_ns = clock_wall_ns();
  present.cpu_ns = clock_thread_cpu_ns() - present.cpu_ns;
  kept[number % STEP_LOG_KEPT] = present;
  atomic_store(&n_done, number + 1);
  return st;
}

uint64_t step_log_count(void)
{
  return atomic_load(&n_done);
}

bool step_log_get(uint64_t number, step_entry *e)
{
  // The oldest place may be in the writer's hands.
  const uint64_t done = step_log_count();
  if (number >= done || number + STEP_LOG_KEPT <= done) {
    return false;
  }
  *e = kept[number % STEP_LOG_KEPT];
  return number + STEP_LOG_KEPT > step_log_count();
}
