// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// codes [rows] i32, table [entries, D] -> y [rows, D]. One thread per element.
#include "gpu/cuda/gradient.cuh"

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

// One thread per element of the table's gradient walks all codes in order: sums that cannot race.
// Floor: dy once; but every row of the table reads all codes, which is little while they are few.
__global__ void embed_backward_kernel(float *grad, const float *dy, const int32_t *codes,
                                      int64_t rows, int64_t entries, int64_t dim)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= entries * dim) {
    return;
  }
  const int64_t entry = i / dim;
  float sum = 0.0f;
  for (int64_t row = 0; row < rows; ++row) {
    if (codes[row] == entry) {
      sum += dy[row * dim + i % dim];
    }
  }
  grad[i] += sum;
}

// ---------------------------------------------------------------------------------------------
// launchers

void cuda_embed(run *r, tensor *y, const tensor *codes, const weight *table, bool accumulate)
{
  const cuda_matrix entries = cuda_matrix_of(table);
  const int64_t rows = tensor_count(codes);
  cuda_launch(r, "embed", embed_kernel, dim3(cuda_blocks(rows * entries.columns, EMBED_THREADS)),
              EMBED_THREADS, 0, cuda_floats(y), (const int32_t *)codes->data, entries, rows,
              accumulate);
}

void cuda_embed_backward(run *r, const tape_node *node)
{
  const weight *table = node->weights[0];
  const tensor dy = tape_gradient(r, &node->out);
  const int64_t count = weight_count(table);
  if (table->grad) {
    cuda_launch(r, "embed backward", embed_backward_kernel, dim3(cuda_blocks(count, EMBED_THREADS)),
                EMBED_THREADS, 0, (float *)table->grad, cuda_floats(&dy),
                (const int32_t *)node->in[0].data, tensor_count(&node->in[0]), table->dims[0],
                table->dims[1]);
  }
}
