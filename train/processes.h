// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The processes that train together, and what they tell each other. All sums are taken by every
/// process from the same gathered numbers in the same order: nothing is reduced on the way, so that
/// how many processes there are changes no bit.
///
/// Every call but opening alone is collective: all processes make the same calls in the same order.
/// Where the connection breaks, MPI ends all of them: nothing can be agreed on any more, and the
/// last checkpoint stays. Main thread only.
#ifndef CONTINUO_TRAIN_PROCESSES_H
#define CONTINUO_TRAIN_PROCESSES_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct processes {
  int rank, count; ///< 0 of 1: alone
  error *words;    ///< [count] room for processes_agree, null when alone
} processes;

#define PROCESSES_ALONE ((processes){0, 1, NULL})

/// Join the processes that mpirun started; alone, MPI is not touched. STATUS_UNSUPPORTED (several
/// processes and a build without MPI), STATUS_NO_MEMORY, STATUS_DEVICE. `p` is alone on failure.
status processes_open(processes *p, error *err);
void processes_close(processes *p); ///< harmless when alone

/// Give all processes each other's blocks: `all` [count, block_bytes] holds this process's block at
/// its rank, and everybody's afterwards. Nothing moves when alone.
void processes_gather(const processes *p, void *all, size_t block_bytes);

/// The failure of the first process that has one becomes everybody's: `err` (not null) comes in
/// with this process's outcome and leaves with that of all. Returns its code.
status processes_agree(const processes *p, status mine, error *err);

/// Whether any process says so.
bool processes_any(const processes *p, bool mine);

/// STATUS_USAGE, naming the first process whose `size_bytes` bytes at `mine` are not those of
/// process 0: "process 2 has another WHAT than process 0".
status processes_expect_same(const processes *p, const char *what, const void *mine,
                             size_t size_bytes, error *err);

#endif
