// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// x [rows, C] -> y [rows, O] = act(bias + x w^T) + residual. Parallelised as gpu/cuda/dense.cu has
// it: one warp per output while rows are few.
#include "gpu/cuda/dense.cuh"

// ---------------------------------------------------------------------------------------------
// launcher

void cuda_linear(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                 const tensor *residual, activation act)
{
  dense_call d = dense_linear(cuda_floats(x), tensor_rows(x), w);
  d.act_out = act;
  d.bias = cuda_vector(bias);
  d.y = cuda_floats(y);
  d.residual = cuda_floats(residual);
  dense_run(r, "linear", &d);
}
