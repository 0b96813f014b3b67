// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The CPU device's worker threads: they share one operator at a time. Workers spin 50 us for the
/// next piece of work, then sleep, so that a team costs nothing between steps.
#ifndef CONTINUO_GPU_CPU_TEAM_H
#define CONTINUO_GPU_CPU_TEAM_H

#include "base/status.h"

#include <stdint.h>

typedef struct team team;

/// Work of one member: index 0 is the calling thread, up to n - 1.
typedef void (*team_work)(void *user, int index, int n);

/// `n_threads` members, the caller included: n_threads - 1 threads are started. 1 to 256.
status team_new(team **t, int n_threads, error *err);
void team_free(team *t); ///< joins the workers; null is fine

/// Members, the caller included; 1 for null.
int team_size(const team *t);

/// Call `work` once on each member and wait for all. A null team calls it once. One caller at a
/// time. Does not allocate.
void team_run(team *t, team_work work, void *user);

/// The part [*begin, *end) of `count` items that member `index` of `n` takes, in multiples of
/// `grain` items.
void team_slice(int64_t count, int64_t grain, int index, int n, int64_t *begin, int64_t *end);

#endif
