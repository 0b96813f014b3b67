// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Durations of many steps and their exact percentiles.
#ifndef CONTINUO_UI_TUI_CLI_TIMES_H
#define CONTINUO_UI_TUI_CLI_TIMES_H

#include "base/json_writer.h"
#include "base/status.h"
#include "engine/session.h"

typedef struct times {
  double *values_us;
  int64_t count, capacity;
} times;

/// Room for `capacity` durations. STATUS_NO_MEMORY.
status times_new(times *t, int64_t capacity, error *err);
void times_free(times *t);

/// Beyond the capacity a duration is dropped.
void times_add(times *t, double value_us);

/// Sorts; all zero when empty. Percentile p is the value at rank ceil(p * count).
session_times times_percentiles(times *t);

/// Member `key`: {"p50": ..., "p99": ..., "p999": ..., "max": ...}, microseconds.
void json_write_times(json_writer *w, const char *key, const session_times *t);

#endif
