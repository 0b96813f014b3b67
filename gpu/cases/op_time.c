// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/capture.h"
#include "gpu/cases/op_bench.h"

#include <stdlib.h>
#include <time.h>

typedef struct timed_call {
  op_bench *b;
  int batch;
} timed_call;

static void call_batch(run *r, void *user)
{
  const timed_call *t = user;
  const size_t mark = arena_mark(r->memory);
  for (int i = 0; i < t->batch && run_ok(r); ++i) {
    arena_rewind(r->memory, mark);
    op_bench_call(r, t->b);
  }
}

static double now_seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static status time_launches(capture *c, double *each, int launches, error *err)
{
  status code = capture_launch(c, err); // the first one loads and warms
  code = code ? code : capture_wait(c, err);
  for (int i = 0; !code && i < launches; ++i) {
    const double start = now_seconds();
    code = capture_launch(c, err);
    code = code ? code : capture_wait(c, err);
    each[i] = now_seconds() - start;
  }
  qsort(each, (size_t)launches, sizeof *each, by_value);
  return code;
}

status op_bench_time(op_bench *b, int batch, int launches, double *seconds, error *err)
{
  timed_call timed = {b, batch};
  double *each = calloc((size_t)launches, sizeof *each);
  if (!each) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for timing");
  }
  run r;
  capture *c = NULL;
  status code = op_bench_ready(b, &r, err);
  code = code ? code : capture_new(&c, &r, call_batch, &timed, err);
  code = code ? code : time_launches(c, each, launches, err);
  *seconds = each[launches / 2] / (double)batch;
  capture_free(c);
  free(each);
  return code;
}
