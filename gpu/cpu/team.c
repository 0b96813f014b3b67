// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/cpu/team.h"

#include "gpu/device.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SPIN_US 50

struct team {
  int n_threads;
  int n_started;
  pthread_t *threads;
  atomic_uint round;    // raised for each piece of work: workers wait for it to change
  atomic_uint sleepers; // workers that went to sleep on `round`
  atomic_int pending;   // members still at work
  atomic_int next_index;
  atomic_bool stop;
  team_work work;
  void *user;
};

static void futex_wait(atomic_uint *word, unsigned expected)
{
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

static void futex_wake(atomic_uint *word)
{
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static int64_t now_ns(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline void pause_hint(void)
{
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Wait until the round differs from `seen`; spin first, then sleep.
static unsigned wait_for_round(team *t, unsigned seen)
{
  const int64_t give_up_ns = now_ns() + SPIN_US * 1000;
  for (int i = 0;; ++i) {
    const unsigned round = atomic_load_explicit(&t->round, memory_order_acquire);
    if (round != seen) {
      return round;
    }
    pause_hint();
    if ((i & 63) == 63 && now_ns() > give_up_ns) {
      break;
    }
  }
  unsigned round = seen;
  while (round == seen) {
    atomic_fetch_add(&t->sleepers, 1);
    futex_wait(&t->round, seen);
    atomic_fetch_sub(&t->sleepers, 1);
    round = atomic_load_explicit(&t->round, memory_order_acquire);
  }
  return round;
}

static void *worker_main(void *arg)
{
  team *t = arg;
  const int index = atomic_fetch_add(&t->next_index, 1);
  unsigned seen = 0;
  device_flush_denormals();
  for (;;) {
    seen = wait_for_round(t, seen);
    if (atomic_load(&t->stop)) {
      return NULL;
    }
    t->work(t->user, index, t->n_threads);
    atomic_fetch_sub_explicit(&t->pending, 1, memory_order_release);
  }
}

status team_new(team **out, int n_threads, error *err)
{
  *out = NULL;
  if (n_threads < 1 || n_threads > 256) {
    return error_set(err, STATUS_USAGE, "threads: 1 to 256 expected, found %d", n_threads);
  }
  team *t = calloc(1, sizeof *t);
  if (!t) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for the worker threads");
  }
  t->threads = calloc((size_t)n_threads, sizeof *t->threads);
  if (!t->threads) {
    free(t);
    return error_set(err, STATUS_NO_MEMORY, "no memory for the worker threads");
  }
  t->n_threads = n_threads;
  atomic_init(&t->next_index, 1);
  for (int i = 1; i < n_threads; ++i) {
    const int code = pthread_create(&t->threads[t->n_started], NULL, worker_main, t);
    if (code != 0) {
      team_free(t);
      return error_set(err, STATUS_DEVICE, "cannot start worker thread %d of %d: %s", i,
                       n_threads - 1, strerror(code));
    }
    ++t->n_started;
  }
  *out = t;
  return STATUS_OK;
}

static void start_round(team *t)
{
  atomic_fetch_add(&t->round, 1);
  if (atomic_load(&t->sleepers) > 0) {
    futex_wake(&t->round);
  }
}

void team_free(team *t)
{
  if (!t) {
    return;
  }
  atomic_store(&t->stop, true);
  start_round(t);
  for (int i = 0; i < t->n_started; ++i) {
    pthread_join(t->threads[i], NULL);
  }
  free(t->threads);
  free(t);
}

int team_size(const team *t)
{
  return t ? t->n_threads : 1;
}

void team_run(team *t, team_work work, void *user)
{
  if (team_size(t) == 1) {
    work(user, 0, 1);
    return;
  }
  t->work = work;
  t->user = user;
  atomic_store_explicit(&t->pending, t->n_threads - 1, memory_order_relaxed);
  start_round(t);
  work(user, 0, t->n_threads);
  while (atomic_load_explicit(&t->pending, memory_order_acquire) > 0) {
    pause_hint();
  }
}

void team_slice(int64_t count, int64_t grain, int index, int n, int64_t *begin, int64_t *end)
{
  const int64_t grains = (count + grain - 1) / grain;
  const int64_t first = grains * index / n * grain;
  const int64_t last = grains * (index + 1) / n * grain;
  *begin = first < count ? first : count;
  *end = last < count ? last : count;
}
