// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// y [n, M, O] = a [n, M, C] times b [n, C, O], or b [n, O, C] transposed. cuBLAS, one product per
// stream; it counts columns first, so to it each product is O x M.
#include "gpu/cuda/common.cuh"

// ---------------------------------------------------------------------------------------------
// launcher

void cuda_matmul(run *r, tensor *y, const tensor *a, const tensor *b, bool transpose_b)
{
  const int64_t rows = y->dims[1], outputs = y->dims[2], length = a->dims[2];
  if (!run_ok(r) || tensor_count(y) == 0) {
    return;
  }
  if (rows > INT32_MAX || outputs > INT32_MAX || length > INT32_MAX) {
    run_fail(r, STATUS_UNSUPPORTED, "matmul: more rows or columns than cuBLAS counts");
    return;
  }
  const float one = 1.0f, zero = 0.0f;
  const int ld_a = length ? (int)length : 1;
  const int ld_b = transpose_b ? ld_a : (int)outputs;
  cuda_blas_passed(r,
                   cublasSgemmStridedBatched(
                       cuda_queue_of(r)->blas, transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N, CUBLAS_OP_N,
                       (int)outputs, (int)rows, (int)length, &one, cuda_floats(b), ld_b,
                       length * outputs, cuda_floats(a), ld_a, rows * length, &zero, cuda_floats(y),
                       (int)outputs, rows * outputs, (int)y->dims[0]),
                   "matmul");
}
