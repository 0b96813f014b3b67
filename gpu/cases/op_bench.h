// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What the parts of a bench share: gpu/cases only.
#ifndef CONTINUO_GPU_CASES_OP_BENCH_H
#define CONTINUO_GPU_CASES_OP_BENCH_H

#include "gpu/cases/op_cases.h"

/// A run over the whole arena, streams fresh. Errors: the device's.
status op_bench_ready(op_bench *b, run *r, error *err);

/// The case's operator over all its rows, in the run's arena.
void op_bench_call(run *r, op_bench *b);

#endif
