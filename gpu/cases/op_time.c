// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/capture.h"
#include "gpu/cases/op_bench.h"
#include "gpu/tape.h"

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

typedef struct timed_sweep {
  op_bench *b;
  int batch;
  tape_targets targets; // 0: the call alone
} timed_sweep;

static void sweep_batch(run *r, void *user)
{
  const timed_sweep *t = user;
  const size_t mark = arena_mark(r->memory);
  r->record = t->b->record;
  for (int i = 0; i < t->batch && run_ok(r); ++i) {
    arena_rewind(r->memory, mark);
    tape_reset(r->record);
    for (int k = 0; k < t->b->n_inputs; ++k) {
      t->b->inputs[k].grad = 0;
      tape_watch(r, &t->b->inputs[k]);
    }
    const tensor y = op_bench_call(r, t->b);
    if (t->targets && run_ok(r)) {
      tape_set_targets(r->record, t->targets);
      tape_backward(r, &y, &y);
    }
  }
}

static status time_targets(op_bench *b, tape_targets targets, int batch, int launches,
                           double *seconds, error *err)
{
  timed_sweep timed = {b, batch, targets};
  double *each = calloc((size_t)launches, sizeof *each);
  if (!each) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for timing");
  }
  run r;
  capture *c = NULL;
  status code = op_bench_record(b, &r, err);
  code = code ? code : capture_new(&c, &r, sweep_batch, &timed, err);
  code = code ? code : time_launches(c, each, launches, err);
  *seconds = each[launches / 2] / (double)batch;
  capture_free(c);
  free(each);
  return code;
}

status op_bench_time_back(op_bench *b, int batch, int launches, op_sweep_times *found, error *err)
{
  double inputs = 0.0, weights = 0.0;
  status code = time_targets(b, 0, batch, launches, &found->forward, err);
  code = code ? code : time_targets(b, TAPE_TENSORS, batch, launches, &inputs, err);
  code = code ? code : time_targets(b, TAPE_WEIGHTS, batch, launches, &weights, err);
  found->to_inputs = inputs - found->forward;
  found->to_weights = weights - found->forward;
  return code;
}

// Of this thread: neighbours on a busy machine do not count.
static double spent_seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// One call and its sweeps back: toward the inputs alone, then toward the weights alone.
static status time_sweeps(op_bench *b, double each[3], error *err)
{
  run r;
  status code = op_bench_record(b, &r, err);
  if (code) {
    return code;
  }
  double start = spent_seconds();
  const tensor y = op_bench_call(&r, b);
  each[0] = spent_seconds() - start;
  for (int i = 1; i < 3 && run_ok(&r); ++i) {
    tape_clear_gradients(r.record);
    tape_set_targets(r.record, i == 1 ? TAPE_TENSORS : TAPE_WEIGHTS);
    tape_seed(&r, &y, &y);
    start = spent_seconds();
    tape_sweep(&r, 0, tape_position(r.record));
    each[i] = spent_seconds() - start;
  }
  return run_ok(&r) ? STATUS_OK : error_set(err, r.failure.code, "%s", r.failure.message);
}

status op_bench_time_sweeps(op_bench *b, int sweeps, op_sweep_times *found, error *err)
{
  double *each = calloc((size_t)sweeps * 3, sizeof *each), once[3] = {0};
  status code = each ? time_sweeps(b, once, err) // warms
                     : error_set(err, STATUS_NO_MEMORY, "no memory for timing");
  for (int i = 0; !code && i < sweeps; ++i) {
    code = time_sweeps(b, once, err);
    for (int k = 0; k < 3; ++k) {
      each[k * sweeps + i] = once[k];
    }
  }
  for (int k = 0; !code && k < 3; ++k) {
    qsort(each + k * sweeps, (size_t)sweeps, sizeof *each, by_value);
  }
  if (!code) {
    *found = (op_sweep_times){each[sweeps / 2], each[sweeps + sweeps / 2],
                              each[2 * sweeps + sweeps / 2]};
  }
  free(each);
  return code;
}
