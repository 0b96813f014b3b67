// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What the backward of several operators needs.
#ifndef CONTINUO_GPU_CUDA_GRADIENT_CUH
#define CONTINUO_GPU_CUDA_GRADIENT_CUH

#include "gpu/cuda/matrix.cuh"

extern "C" {
#include "gpu/tape.h"
}

/// to[i] += factor * from[i] over `count` floats; nothing when either is null.
void gradient_add(run *r, const char *what, float *to, const float *from, float factor,
                  int64_t count);

/// to[c] += sum over rows of x[row, c], times by[row, c] where that is not null. `to` null:
/// nothing. Summed in double, in parts that depend on the number of rows alone.
void gradient_columns(run *r, const char *what, float *to, const float *x, const float *by,
                      int64_t rows, int64_t columns);

/// to[i] = dy[i] times the activation's slope where it was applied to at[i].
void gradient_chain(run *r, const char *what, float *to, const float *dy, const float *at, int act,
                    float slope, int64_t count);

/// The matrix of `w` in f32, row after row `*ld` floats apart: its form, or widened into the arena.
/// int8 fails the run.
const float *gradient_matrix(run *r, const weight *w, int64_t *ld);

#endif
