// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/step_log.h"

#include "engine/pipeline.h"
#include "engine/thread_times.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct place {
  step_entry step;
  atomic_ullong done; // its number and one; else still in a writer's hands
} place;

static place kept[STEP_LOG_KEPT];
static atomic_ullong n_taken; // places given out: sessions may have steps at the same time
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
  const uint64_t number = atomic_fetch_add(&n_taken, 1);
  place *own = &kept[number % STEP_LOG_KEPT];
  atomic_store(&own->done, 0);
  present.to_ns = clock_wall_ns();
  present.cpu_ns = clock_thread_cpu_ns() - present.cpu_ns;
  own->step = present;
  atomic_store(&own->done, number + 1);
  return st;
}

static bool is_done(uint64_t number)
{
  return atomic_load(&kept[number % STEP_LOG_KEPT].done) == number + 1;
}

uint64_t step_log_count(void)
{
  uint64_t n = atomic_load(&n_taken);
  for (int i = 0; n > 0 && i < STEP_LOG_WRITERS && !is_done(n - 1); i++) {
    n--;
  }
  return n;
}

bool step_log_get(uint64_t number, step_entry *e)
{
  if (number >= atomic_load(&n_taken) || !is_done(number)) {
    return false;
  }
  *e = kept[number % STEP_LOG_KEPT].step;
  return is_done(number); // else it was overwritten meanwhile
}
