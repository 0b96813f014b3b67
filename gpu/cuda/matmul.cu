// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// y [n, M, O] = a [n, M, C] times b [n, C, O], or b [n, O, C] transposed. cuBLAS, one product per
// stream. Floor of a product: 2 M O C operations at the card's f32 rate, or its three matrices once
// over the memory.
#include "gpu/cuda/gradient.cuh"

// ---------------------------------------------------------------------------------------------
// launchers

// cuBLAS counts columns first, so to it a matrix of ours is its transpose, and c' = b' a'.
void cuda_multiply_matrices(run *r, const char *what, const cuda_product *p)
{
  const float one = 1.0f, keep = p->add ? 1.0f : 0.0f;
  if (!run_ok(r) || r->measuring || p->n * p->rows * p->columns == 0) {
    return;
  }
  if (p->rows > INT32_MAX || p->columns > INT32_MAX || p->length > INT32_MAX ||
      p->a.ld > INT32_MAX || p->b.ld > INT32_MAX || p->n > INT32_MAX) {
    run_fail(r, STATUS_UNSUPPORTED, "%s: more rows or columns than cuBLAS counts", what);
    return;
  }
  const cublasComputeType_t type = p->exact ? CUBLAS_COMPUTE_32F : cuda_compute_type(r);
  const int ld_a = p->a.ld > 0 ? (int)p->a.ld : 1, ld_b = p->b.ld > 0 ? (int)p->b.ld : 1;
  cuda_blas_passed(r,
                   cublasGemmStridedBatchedEx(
                       cuda_queue_of(r)->blas, p->b.transposed ? CUBLAS_OP_T : CUBLAS_OP_N,
                       p->a.transposed ? CUBLAS_OP_T : CUBLAS_OP_N, (int)p->columns, (int)p->rows,
                       (int)p->length, &one, p->b.data, CUDA_R_32F, ld_b, p->b.stride, p->a.data,
                       CUDA_R_32F, ld_a, p->a.stride, &keep, p->c, CUDA_R_32F, (int)p->columns,
                       p->rows * p->columns, (int)p->n, type, CUBLAS_GEMM_DEFAULT),
                   what);
}

void cuda_matmul(run *r, tensor *y, const tensor *a, const tensor *b, bool transpose_b)
{
  const int64_t rows = y->dims[1], outputs = y->dims[2], length = a->dims[2];
  const cuda_product p = {
      cuda_floats(y),
      {cuda_floats(a), length, rows * length, false},
      {cuda_floats(b), transpose_b ? length : outputs, length * outputs, transpose_b},
      y->dims[0],
      rows,
      length,
      outputs,
      false};
  cuda_multiply_matrices(r, "matmul", &p);
}

// da += dy b', db += a' dy (or, transposed, dy' a).
void cuda_matmul_backward(run *r, const tape_node *node)
{
  const tensor *a = &node->in[0], *b = &node->in[1];
  const tensor dy = tape_gradient(r, &node->out), da = tape_gradient(r, a);
  const tensor db = tape_gradient(r, b);
  const int64_t rows = dy.dims[1], outputs = dy.dims[2], length = a->dims[2], n = dy.dims[0];
  const bool turned = node->args.transpose_b;
  const cuda_factor of_dy = {cuda_floats(&dy), outputs, rows * outputs, false};
  const cuda_factor of_a = {cuda_floats(a), length, rows * length, false};
  if (da.data) {
    const cuda_product p = {cuda_floats(&da),
                            of_dy,
                            {cuda_floats(b), turned ? length : outputs, length * outputs, !turned},
                            n,
                            rows,
                            outputs,
                            length,
                            true};
    cuda_multiply_matrices(r, "matmul backward", &p);
  }
  if (db.data) {
    cuda_product p = {cuda_floats(&db), of_a, of_dy, n, length, rows, outputs, true};
    if (turned) {
      p.a = of_dy;
      p.b = of_a;
      p.rows = outputs;
      p.columns = length;
    }
    p.a.transposed = true;
    cuda_multiply_matrices(r, "matmul backward", &p);
  }
}
