// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// What the backward of several operators needs. All of it is bound by memory: the floor of each is
// its arrays, read and written once, over the card's bandwidth.
#include "gpu/cuda/gradient.cuh"

#define GRADIENT_THREADS 256
#define COLUMN_LANES 32                                // columns of a block
#define COLUMN_LINES (GRADIENT_THREADS / COLUMN_LANES) // rows that it reads at once
#define COLUMN_ROWS 1024                               // of a part, at least
#define COLUMN_PARTS 256                               // at most

__global__ void gradient_add_kernel(float *to, const float *from, float factor, int64_t count)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) {
    to[i] += factor * from[i];
  }
}

__global__ void gradient_chain_kernel(float *to, const float *dy, const float *at, int act,
                                      float slope, int64_t count)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) {
    to[i] = dy[i] * activate_slope(at[i], act, slope);
  }
}

// Blocks: x over columns, y over parts of the rows. partials [parts, columns].
__global__ void gradient_columns_kernel(double *partials, const float *x, const float *by,
                                        int64_t rows, int64_t columns, int64_t per_part)
{
  __shared__ double sums[COLUMN_LINES][COLUMN_LANES];
  const int lane = threadIdx.x % COLUMN_LANES, line = threadIdx.x / COLUMN_LANES;
  const int64_t c = (int64_t)blockIdx.x * COLUMN_LANES + lane;
  const int64_t first = (int64_t)blockIdx.y * per_part;
  const int64_t end = first + per_part < rows ? first + per_part : rows;
  double sum = 0.0;
  for (int64_t row = first + line; c < columns && row < end; row += COLUMN_LINES) {
    const float value = x[row * columns + c];
    sum += by ? value * by[row * columns + c] : value;
  }
  sums[line][lane] = sum;
  __syncthreads();
  if (line == 0 && c < columns) {
    for (int i = 1; i < COLUMN_LINES; ++i) {
      sum += sums[i][lane];
    }
    partials[(int64_t)blockIdx.y * columns + c] = sum;
  }
}

__global__ void gradient_columns_finish_kernel(float *to, const double *partials, int64_t columns,
                                               int parts)
{
  const int64_t c = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (c < columns) {
    double sum = 0.0;
    for (int i = 0; i < parts; ++i) {
      sum += partials[i * columns + c];
    }
    to[c] += (float)sum;
  }
}

// One thread per element of the matrix in f32 [rows, columns].
template <typename Loader> __global__ void gradient_widen_kernel(float *to, const cuda_matrix w)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < (int64_t)w.rows * w.columns) {
    to[i] = Loader::at(matrix_row<Loader>(w, (int)(i / w.columns)), (int)(i % w.columns));
  }
}

// ---------------------------------------------------------------------------------------------
// launchers

void gradient_add(run *r, const char *what, float *to, const float *from, float factor,
                  int64_t count)
{
  if (to && from) {
    cuda_launch(r, what, gradient_add_kernel, dim3(cuda_blocks(count, GRADIENT_THREADS)),
                GRADIENT_THREADS, 0, to, from, factor, count);
  }
}

void gradient_chain(run *r, const char *what, float *to, const float *dy, const float *at, int act,
                    float slope, int64_t count)
{
  cuda_launch(r, what, gradient_chain_kernel, dim3(cuda_blocks(count, GRADIENT_THREADS)),
              GRADIENT_THREADS, 0, to, dy, at, act, slope, count);
}

void gradient_columns(run *r, const char *what, float *to, const float *x, const float *by,
                      int64_t rows, int64_t columns)
{
  if (!to || rows == 0 || columns == 0) {
    return;
  }
  const unsigned wanted = cuda_blocks(rows, COLUMN_ROWS);
  const unsigned most = wanted < COLUMN_PARTS ? wanted : COLUMN_PARTS;
  const int64_t per_part = (rows + most - 1) / most;
  const unsigned parts = cuda_blocks(rows, per_part);
  const size_t mark = arena_mark(r->memory);
  double *partials = (double *)run_scratch(r, (size_t)(parts * columns) * sizeof(double));
  cuda_launch(r, what, gradient_columns_kernel, dim3(cuda_blocks(columns, COLUMN_LANES), parts),
              GRADIENT_THREADS, 0, partials, x, by, rows, columns, per_part);
  cuda_launch(r, what, gradient_columns_finish_kernel, dim3(cuda_blocks(columns, GRADIENT_THREADS)),
              GRADIENT_THREADS, 0, to, partials, columns, (int)parts);
  arena_rewind(r->memory, mark); // later work is queued behind this
}

const float *gradient_matrix(run *r, const weight *w, int64_t *ld)
{
  const cuda_matrix m = cuda_matrix_of(w);
  *ld = m.stride;
  if (m.type == DTYPE_F32) {
    return (const float *)(const void *)m.data;
  }
  if (m.type == DTYPE_I8) {
    run_fail(r, STATUS_UNSUPPORTED, "%s: int8 weights have no gradient", w->name);
    return nullptr;
  }
  *ld = m.columns;
  const int64_t count = (int64_t)m.rows * m.columns;
  float *to = (float *)run_scratch(r, (size_t)count * sizeof(float));
  const dim3 grid(cuda_blocks(count, GRADIENT_THREADS));
  if (m.type == DTYPE_F16) {
    cuda_launch(r, w->name, gradient_widen_kernel<load_f16>, grid, GRADIENT_THREADS, 0, to, m);
  } else {
    cuda_launch(r, w->name, gradient_widen_kernel<load_bf16>, grid, GRADIENT_THREADS, 0, to, m);
  }
  return to;
}
