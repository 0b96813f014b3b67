// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// x [rows, C] -> y [rows, O] = act(bias + x w^T) + residual. Parallelised as gpu/cuda/dense.cu has
// it: one warp per output while rows are few.
#include "gpu/cuda/dense.cuh"
#include "gpu/cuda/gradient.cuh"

// ---------------------------------------------------------------------------------------------
// launchers

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

// dy before the activation: itself where there is none, else the sums are made again.
static const float *before_activation(run *r, const tape_node *node, const tensor *dy)
{
  const activation act = node->args.activate.act;
  if (act == ACT_NONE) {
    return cuda_floats(dy);
  }
  tensor sums = *dy;
  sums.data = run_scratch(r, tensor_bytes(dy));
  if (run_ok(r)) {
    cuda_linear(r, &sums, &node->in[0], node->weights[0], node->weights[1], nullptr, ACT_NONE);
  }
  float *to = cuda_floats(&sums);
  gradient_chain(r, "linear backward", to, cuda_floats(dy), to, act, 1.0f, tensor_count(dy));
  return to;
}

// dx +=, dw +=, dbias +=, dresidual +=. Two plain products, so cuBLAS; floor: 4 rows O C
// operations.
void cuda_linear_backward(run *r, const tape_node *node)
{
  const tensor *x = &node->in[0], dy = tape_gradient(r, &node->out), dx = tape_gradient(r, x);
  const tensor dresidual = tape_gradient(r, &node->in[1]);
  const weight *w = node->weights[0], *bias = node->weights[1];
  const int64_t rows = tensor_rows(x), length = w->dims[1], outputs = w->dims[0];
  const size_t mark = arena_mark(r->memory);
  int64_t ld = 0;
  const float *matrix = gradient_matrix(r, w, &ld);
  const float *d = before_activation(r, node, &dy);
  const cuda_factor of_d = {d, outputs, 0, false};
  if (dx.data) {
    const cuda_product p = {cuda_floats(&dx), of_d, {matrix, ld, 0, false}, 1, rows, outputs,
                            length,           true};
    cuda_multiply_matrices(r, "linear backward", &p);
  }
  if (w->grad) {
    cuda_product p = {(float *)w->grad, of_d, {cuda_floats(x), length, 0, false}, 1, outputs, rows,
                      length,           true};
    p.a.transposed = true;
    cuda_multiply_matrices(r, "linear backward", &p);
  }
  gradient_columns(r, "linear backward", bias ? (float *)bias->grad : nullptr, d, nullptr, rows,
                   outputs);
  gradient_add(r, "linear backward", cuda_floats(&dresidual), cuda_floats(&dy), 1.0f,
               tensor_count(&dy));
  arena_rewind(r->memory, mark);
}
