// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "ui-tui/cli/times.h"

#include <math.h>
#include <stdlib.h>

status times_new(times *t, int64_t capacity, error *err)
{
  *t = (times){.capacity = capacity};
  t->values_us = malloc((size_t)(capacity ? capacity : 1) * sizeof *t->values_us);
  return t->values_us ? STATUS_OK
                      : error_set(err, STATUS_NO_MEMORY, "no memory for %lld durations",
                                  (long long)capacity);
}

void times_free(times *t)
{
  free(t->values_us);
  *t = (times){0};
}

void times_add(times *t, double value_us)
{
  if (t->count < t->capacity) {
    t->values_us[t->count++] = value_us;
  }
}

static int compare(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double at_rank(const times *t, double share)
{
  const int64_t rank = (int64_t)ceil(share * (double)t->count);
  return t->values_us[rank > 0 ? rank - 1 : 0];
}

session_times times_percentiles(times *t)
{
  if (t->count == 0) {
    return (session_times){0};
  }
  qsort(t->values_us, (size_t)t->count, sizeof *t->values_us, compare);
  return (session_times){at_rank(t, 0.5), at_rank(t, 0.99), at_rank(t, 0.999), at_rank(t, 1.0)};
}

void json_write_times(json_writer *w, const char *key, const session_times *t)
{
  json_begin_object(w, key);
  json_write_number(w, "p50", t->p50_us);
  json_write_number(w, "p99", t->p99_us);
  json_write_number(w, "p999", t->p999_us);
  json_write_number(w, "max", t->max_us);
  json_end_object(w);
}
