// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// x [rows, C] -> y [rows, O] = act(bias + norm(x) w^T). While rows are few, each block of
// gpu/cuda/dense.cu normalises the rows it has staged (cheaper than a kernel between); else the
// norm is written out once.
#include "gpu/cuda/dense.cuh"

// ---------------------------------------------------------------------------------------------
// launcher

void cuda_norm_linear(run *r, tensor *y, const tensor *x, const weight *norm_scale,
                      const weight *norm_shift, const norm_args *norm, const weight *w,
                      const weight *bias, activation act)
{
  const int64_t rows = tensor_rows(x);
  const bool fused = norm->kind != NORM_GROUP && rows <= DENSE_FEW_WINDOWS &&
                     tensor_channels(x) <= DENSE_MAX_NORMED;
  if (!fused) {
    const size_t mark = arena_mark(r->memory);
    tensor normed = *x;
    normed.data = run_scratch(r, tensor_bytes(x));
    if (run_ok(r)) {
      cuda_norm(r, &normed, x, norm_scale, norm_shift, nullptr, nullptr, norm);
      cuda_linear(r, y, &normed, w, bias, nullptr, act);
    }
    arena_rewind(r->memory, mark);
    return;
  }
  dense_call d = dense_linear(cuda_floats(x), rows, w);
  d.act_out = act;
  d.bias = cuda_vector(bias);
  d.y = cuda_floats(y);
  d.norm = norm->kind;
  d.epsilon = norm->epsilon;
  d.norm_scale = cuda_vector(norm_scale);
  d.norm_shift = cuda_vector(norm_shift);
  dense_run(r, "norm_linear", &d);
}
