// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// When each codec step of a session's conductor began and ended, and what CPU time the kernel
/// charged for it. The linker puts our wrappers in front of pipeline_encode and pipeline_give
/// (-Wl,--wrap), so nothing of this is in the program itself. Steps of several sessions may be
/// noted at the same time, and stand between each other.
#ifndef CONTINUO_TESTS_LIVE_STEP_LOG_H
#define CONTINUO_TESTS_LIVE_STEP_LOG_H

#include <stdbool.h>
#include <stdint.h>

#define STEP_LOG_KEPT 65536 ///< the newest; a quarter of an hour of EnCodec
#define STEP_LOG_WRITERS 16 ///< sessions that may have a step at the same time, at most

typedef struct step_entry {
  uint64_t from_ns, to_ns; ///< CLOCK_MONOTONIC
  uint64_t cpu_ns;         ///< charged to the thread
  uint32_t thread;         ///< as gettid(2)
} step_entry;

/// Steps done so far. Those of the main thread, which warm a codec up or make an offline result,
/// do not count, nor do the newest while they are being noted. Any thread, as below.
uint64_t step_log_count(void);

/// Step `number` (0: the first ever); false when it is not there yet or not kept any more.
bool step_log_get(uint64_t number, step_entry *e);

#endif
