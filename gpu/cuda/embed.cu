// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// codes [rows] i32, table [entries, D] -> y [rows, D]. One thread per element.
#include "gpu/cuda/matrix.cuh"

#define EMBED_THREADS 256

__global__ void embed_kernel(float *y, const int32_t *codes, const cuda_matrix table, int64_t rows,
                             bool accumulate)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= rows * table.columns) {
    return;
  }
  const int32_t code = codes[i / table.columns];
  const bool inside = code >= 0 && code < table.rows;
  const float value =
      inside ? load_f32::at(matrix_row<load_f32>(table, code), (int)(i % table.columns)) : 0.0f;
  y[i] = accumulate ? y[i] + value : value;
}

// ---------------------------------------------------------------------------------------------
// launcher

void cuda_embed(run *r, tensor *y, const tensor *codes, const weight *table, bool accumulate)
{
  const cuda_matrix entries = cuda_matrix_of(table);
  const int64_t rows = tensor_count(codes);
  cuda_launch(r, "embed", embed_kernel, dim3(cuda_blocks(rows * entries.columns, EMBED_THREADS)),
              EMBED_THREADS, 0, cuda_floats(y), (const int32_t *)codes->data, entries, rows,
              accumulate);
}
