// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What the parts of a bench share: gpu/cases only.
#ifndef CONTINUO_GPU_CASES_OP_BENCH_H
#define CONTINUO_GPU_CASES_OP_BENCH_H

#include "gpu/cases/op_cases.h"
#include "gpu/tape.h"

#define BENCH_ARENA_BYTES ((size_t)96 << 20)
#define BENCH_MAX_INPUTS 5
#define BENCH_CODEBOOKS 8

struct op_bench {
  const op_case *c;
  device *dev;
  uint64_t seed;
  int64_t n, only;                 // streams here; index of the only stream, or -1
  tensor inputs[BENCH_MAX_INPUTS]; // codes and lengths after the real ones
  const char *input_names[BENCH_MAX_INPUTS];
  int n_inputs;
  weight weights[OP_CASE_MAX_WEIGHTS];
  int n_weights;
  const weight *codebooks[BENCH_CODEBOOKS];
  tensor history, history_v; // [n, rows, channels]; zero at a fresh start
  stream_control control;
  arena memory;
  stft *spectrum;
  tape *record;
  double *result;
  int64_t result_count, result_capacity;
  double *gradients[BENCH_MAX_INPUTS + OP_CASE_MAX_WEIGHTS];
};

/// `value` as the case wants its values.
float op_bench_value(const op_bench *b, float value);

/// A run over the whole arena, streams fresh. Errors: the device's.
status op_bench_ready(op_bench *b, run *r, error *err);

/// The same to sweep back from: a fresh tape, all inputs watched, all weights with gradients.
status op_bench_record(op_bench *b, run *r, error *err);

/// The case's operator over all its rows, in the run's arena.
tensor op_bench_call(run *r, op_bench *b);

#endif
