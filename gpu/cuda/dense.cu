// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Windows [n, U, taps * C / groups] times matrix [phases * O, taps * C / groups].
//
// Four ways, by size:
//  direct  one thread per output: short windows (first layer) and narrow groups (depthwise)
//  rows    one warp per output, DENSE_ROWS windows staged in shared memory, 16-byte weight loads:
//          the live step, where reading the weights is all the work
//  tile    32 x 32 outputs per block through shared memory: the fast-rate layers of a step
//  cuBLAS  whole sequences, in chunks: rows unfolded in scratch, weights widened to f32
#include "gpu/cuda/dense.cuh"
#include "gpu/cuda/pad.cuh"

#define DENSE_THREADS 256
#define DENSE_WARPS (DENSE_THREADS / WARP_LANES)
#define DENSE_ROWS 4              // windows that one pass over a weight row serves
#define DENSE_CHUNK 2048          // elements of a window staged at a time
#define DENSE_TILE 32             // outputs, windows and elements of one tile
#define DENSE_TILE_LINES 4        // windows of a tile that one thread sums
#define DENSE_SHORT 32            // windows up to this length go the direct way
#define DENSE_BLAS_WORK (1 << 24) // multiplications from which cuBLAS pays
#define DENSE_BLAS_WINDOWS 4096   // windows unfolded at a time

// Activated channel c of row t of stream n: input, history or padding. Right padding that mirrors
// short input reaches into the history of a stream that has one.
static __device__ float row_value(const dense_call &d, int n, int t, int c)
{
  const bool goes_on = d.history && d.reset && !d.reset[n];
  const int mirror = t >= d.rows_in && d.pad == PAD_REFLECT ? 2 * (d.rows_in - 1) - t : t;
  if (goes_on && mirror < 0 && mirror >= -d.left) {
    return d.history[((int64_t)n * d.left + d.left + mirror) * d.channels + c];
  }
  const int from = pad_row(t, d.rows_in, goes_on ? 0 : d.reach, d.pad);
  if (from < 0) {
    return 0.0f;
  }
  return activate_value(d.x[((int64_t)n * d.rows_in + from) * d.channels + c], d.act_in, d.slope);
}

// Where window m (over all streams) begins: its stream and the input row of its first tap.
static __device__ void window_start(const dense_call &d, int m, int *n, int *first)
{
  *n = m / d.windows;
  *first = (m - *n * d.windows) * d.stride - d.left;
}

// Element j of the window of stream n that begins at row `first`, for group g.
static __device__ float window_value(const dense_call &d, int n, int first, int g, int j)
{
  const int in = d.channels / d.groups, tap = j / in;
  return row_value(d, n, first + tap * d.dilation, g * in + j - tap * in);
}

// Matrix row of output i of group g; i counts (phase, output of the group).
static __device__ int matrix_row_of(const dense_call &d, int g, int i)
{
  const int out = d.outputs / d.groups;
  return i / out * d.outputs + g * out + i % out;
}

// Finish the sum of window m and matrix row `row`: bias, activation, residual, place in y.
static __device__ void store_output(const dense_call &d, int m, int row, float sum)
{
  const int o = row % d.outputs, phase = row / d.outputs;
  const int at = m % d.windows * d.phases + phase - d.trim;
  if (at < 0 || at >= d.rows_y) {
    return;
  }
  const int64_t i = ((int64_t)(m / d.windows) * d.rows_y + at) * d.outputs + o;
  const float result = activate_value(sum + (d.bias ? d.bias[o] : 0.0f), d.act_out, d.slope);
  d.y[i] = d.residual ? result + d.residual[i] : result;
}

template <typename Loader> __global__ void dense_direct_kernel(const dense_call d)
{
  const int per_group = d.outputs / d.groups * d.phases;
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  const int row = (int)(i % (per_group * d.groups));
  const int64_t m = i / (per_group * d.groups);
  if (m >= (int64_t)d.streams * d.windows) {
    return;
  }
  const int g = row % d.outputs / (d.outputs / d.groups);
  const unsigned char *w = matrix_row<Loader>(d.w, row);
  int n, first;
  window_start(d, (int)m, &n, &first);
  float sum = 0.0f;
  for (int j = 0; j < d.w.columns; ++j) {
    sum += Loader::at(w, j) * window_value(d, n, first, g, j);
  }
  store_output(d, (int)m, row, sum * matrix_scale(d.w, row));
}

// Normalise one staged row of `count` elements in place; the whole warp calls.
static __device__ void normalise_row(float *row, int count, const dense_call &d, int lane)
{
  float sum = 0.0f, squares = 0.0f;
  for (int j = lane; j < count; j += WARP_LANES) {
    sum += row[j];
  }
  const float mean = d.norm == NORM_RMS ? 0.0f : warp_sum(sum) / (float)count;
  for (int j = lane; j < count; j += WARP_LANES) {
    squares += (row[j] - mean) * (row[j] - mean);
  }
  const float inverse = 1.0f / sqrtf(warp_sum(squares) / (float)count + d.epsilon);
  for (int j = lane; j < count; j += WARP_LANES) {
    const float scale = d.norm_scale ? d.norm_scale[j] : 1.0f;
    row[j] = (row[j] - mean) * inverse * scale + (d.norm_shift ? d.norm_shift[j] : 0.0f);
  }
}

// Blocks: x over DENSE_ROWS windows, y over DENSE_WARPS outputs of a group, z over groups.
template <typename Loader>
__global__ void __launch_bounds__(DENSE_THREADS) dense_rows_kernel(const dense_call d)
{
  __shared__ __align__(16) float window[DENSE_ROWS][DENSE_CHUNK];
  const int warp = threadIdx.x / WARP_LANES, lane = threadIdx.x % WARP_LANES;
  const int g = blockIdx.z, i = blockIdx.y * DENSE_WARPS + warp;
  const bool live = i < d.outputs / d.groups * d.phases;
  const int row = live ? matrix_row_of(d, g, i) : 0;
  const int first = blockIdx.x * DENSE_ROWS;
  const int rows = min(DENSE_ROWS, d.streams * d.windows - first);
  const unsigned char *w = matrix_row<Loader>(d.w, row);
  float sum[DENSE_ROWS] = {};
  for (int base = 0; base < d.w.stride; base += DENSE_CHUNK) {
    const int count = min(DENSE_CHUNK, d.w.stride - base);
    __syncthreads(); // the chunk before has been used
    for (int m = 0; m < DENSE_ROWS; ++m) {
      int n = 0, start = 0;
      window_start(d, min(first + m, d.streams * d.windows - 1), &n, &start);
#pragma unroll 4
      for (int j = threadIdx.x; j < count; j += DENSE_THREADS) {
        const bool inside = m < rows && base + j < d.w.columns;
        window[m][j] = inside ? window_value(d, n, start, g, base + j) : 0.0f;
      }
    }
    __syncthreads();
    if (d.norm >= 0) { // the row is whole: columns <= DENSE_MAX_NORMED = DENSE_CHUNK
      if (warp < rows) {
        normalise_row(window[warp], d.w.columns, d, lane);
      }
      __syncthreads();
    }
#pragma unroll 4 // loads in flight
    for (int j = lane * Loader::UNIT; live && j < count; j += WARP_LANES * Loader::UNIT) {
      float v[Loader::UNIT];
      Loader::load(w, base + j, v);
#pragma unroll
      for (int m = 0; m < DENSE_ROWS; ++m) {
        sum[m] += dot_unit<Loader>(v, &window[m][j]);
      }
    }
  }
#pragma unroll
  for (int m = 0; m < DENSE_ROWS; ++m) {
    const float whole = warp_sum(sum[m]);
    if (live && lane == m && m < rows) {
      store_output(d, first + m, row, whole * matrix_scale(d.w, row));
    }
  }
}

// Blocks: x over DENSE_TILE windows, y over DENSE_TILE outputs of a group, z over groups. Thread
// (tx, ty) sums output tx for windows ty, ty + 8, ty + 16, ty + 24.
template <typename Loader>
__global__ void __launch_bounds__(DENSE_THREADS) dense_tile_kernel(const dense_call d)
{
  __shared__ float windows[DENSE_TILE][DENSE_TILE + 1], weights[DENSE_TILE][DENSE_TILE + 1];
  const int tx = threadIdx.x % DENSE_TILE, ty = threadIdx.x / DENSE_TILE;
  const int lines = DENSE_TILE / DENSE_TILE_LINES;
  const int g = blockIdx.z, per_group = d.outputs / d.groups * d.phases;
  const int first = blockIdx.x * DENSE_TILE, first_out = blockIdx.y * DENSE_TILE;
  const int total = d.streams * d.windows;
  float sum[DENSE_TILE_LINES] = {};
  int n[DENSE_TILE_LINES], start[DENSE_TILE_LINES];
#pragma unroll
  for (int i = 0; i < DENSE_TILE_LINES; ++i) {
    window_start(d, min(first + ty + i * lines, total - 1), &n[i], &start[i]);
  }
  for (int base = 0; base < d.w.columns; base += DENSE_TILE) {
    const int j = base + tx;
#pragma unroll
    for (int i = 0; i < DENSE_TILE_LINES; ++i) {
      const int line = ty + i * lines;
      const bool in_window = first + line < total && j < d.w.columns;
      windows[line][tx] = in_window ? window_value(d, n[i], start[i], g, j) : 0.0f;
      const bool in_matrix = first_out + line < per_group && j < d.w.columns;
      const int row = in_matrix ? matrix_row_of(d, g, first_out + line) : 0;
      weights[line][tx] = in_matrix ? Loader::at(matrix_row<Loader>(d.w, row), j) : 0.0f;
    }
    __syncthreads();
#pragma unroll 8
    for (int k = 0; k < DENSE_TILE; ++k) {
#pragma unroll
      for (int i = 0; i < DENSE_TILE_LINES; ++i) {
        sum[i] += weights[tx][k] * windows[ty + i * lines][k];
      }
    }
    __syncthreads();
  }
  if (first_out + tx >= per_group) {
    return;
  }
  const int row = matrix_row_of(d, g, first_out + tx);
#pragma unroll
  for (int i = 0; i < DENSE_TILE_LINES; ++i) {
    if (first + ty + i * lines < total) {
      store_output(d, first + ty + i * lines, row, sum[i] * matrix_scale(d.w, row));
    }
  }
}

// Rows [begin, begin + rows) of stream n as windows see them: position 0 is `left` rows before the
// input. One thread per element.
__global__ void dense_unfold_kernel(float *to, const dense_call d, int n, int begin, int rows)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < (int64_t)rows * d.channels) {
    to[i] = row_value(d, n, begin + (int)(i / d.channels) - d.left, (int)(i % d.channels));
  }
}

// Matrix in f32 [rows, columns], scales multiplied in. One thread per element.
template <typename Loader> __global__ void dense_widen_kernel(float *to, const cuda_matrix w)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < (int64_t)w.rows * w.columns) {
    const int row = (int)(i / w.columns);
    to[i] = Loader::at(matrix_row<Loader>(w, row), (int)(i % w.columns)) * matrix_scale(w, row);
  }
}

// Finish products [count, phases * O] of windows first, first + 1, ... (over all streams).
__global__ void dense_finish_kernel(const dense_call d, const float *products, int first, int count)
{
  const int rows = d.outputs * d.phases;
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < (int64_t)count * rows) {
    store_output(d, first + (int)(i / rows), (int)(i % rows), products[i]);
  }
}

// One thread per stream and channel walks the rows in order: row i reads row i + T of the same
// column, which is only overwritten later. A stream's reset flag makes it read padding instead.
__global__ void dense_keep_kernel(float *history, const dense_call d)
{
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= d.streams * d.channels) {
    return;
  }
  const int n = i / d.channels, c = i % d.channels;
  for (int row = 0; row < d.left; ++row) {
    history[((int64_t)n * d.left + row) * d.channels + c] =
        row_value(d, n, d.rows_in - d.left + row, c);
  }
}

// ---------------------------------------------------------------------------------------------
// launchers

dense_call dense_linear(const float *x, int64_t rows, const weight *w)
{
  dense_call d = {};
  d.w = cuda_matrix_of(w);
  d.x = x;
  d.streams = 1;
  d.rows_in = d.windows = d.rows_y = (int)(rows < INT32_MAX ? rows : INT32_MAX);
  d.channels = d.w.columns;
  d.taps = d.stride = d.dilation = d.groups = d.phases = 1;
  d.outputs = d.w.rows;
  d.act_in = d.act_out = ACT_NONE;
  d.slope = 1.0f;
  d.norm = -1;
  return d;
}

// f32 matrix with `ld` elements from row to row: the form itself, or widened into the arena.
static const float *widened(run *r, const char *what, const cuda_matrix *w, int *ld)
{
  *ld = w->stride;
  if (w->type == DTYPE_F32) {
    return (const float *)(const void *)w->data;
  }
  *ld = w->columns;
  const int64_t count = (int64_t)w->rows * w->columns;
  float *to = (float *)run_scratch(r, (size_t)count * sizeof(float));
  CUDA_WITH_LOADER(w->type,
                   cuda_launch(r, what, dense_widen_kernel<Loader>,
                               dim3(cuda_blocks(count, DENSE_THREADS)), DENSE_THREADS, 0, to, *w));
  return to;
}

// products [count, R] = windows over `rows` times matrix [R, taps * C], as many neighbouring taps
// at a time as lie within one stride: cuBLAS wants columns that do not overlap. It counts columns
// first, so to it this is R x count.
static bool multiply_windows(run *r, const char *what, const dense_call *d, const float *rows,
                             const float *matrix, int ld, float *products, int count)
{
  const cublasHandle_t blas = cuda_queue_of(r)->blas;
  const int together = d->dilation == 1 ? d->stride : 1;
  const float one = 1.0f, zero = 0.0f;
  for (int k = 0; k < d->taps && !r->measuring; k += together) {
    const int length = min(together, d->taps - k) * d->channels;
    const cublasStatus_t code =
        cublasGemmEx(blas, CUBLAS_OP_T, CUBLAS_OP_N, d->w.rows, count, length, &one,
                     matrix + (size_t)k * d->channels, CUDA_R_32F, ld,
                     rows + (size_t)k * d->dilation * d->channels, CUDA_R_32F,
                     d->stride * d->channels, k == 0 ? &zero : &one, products, CUDA_R_32F,
                     d->w.rows, cuda_compute_type(r), CUBLAS_GEMM_DEFAULT);
    if (!cuda_blas_passed(r, code, what)) {
      return false;
    }
  }
  return true;
}

// The cuBLAS way.
static void run_blas(run *r, const char *what, const dense_call *d)
{
  const size_t mark = arena_mark(r->memory);
  const int chunk = min(d->windows, DENSE_BLAS_WINDOWS);
  const int span = (chunk - 1) * d->stride + (d->taps - 1) * d->dilation + 1;
  float *rows = (float *)run_scratch(r, (size_t)span * (size_t)d->channels * sizeof(float));
  float *products = (float *)run_scratch(r, (size_t)chunk * (size_t)d->w.rows * sizeof(float));
  int ld = 0;
  const float *matrix = widened(r, what, &d->w, &ld);
  for (int n = 0; n < d->streams; ++n) {
    for (int u = 0; u < d->windows && run_ok(r); u += chunk) {
      const int count = min(chunk, d->windows - u);
      const int height = (count - 1) * d->stride + (d->taps - 1) * d->dilation + 1;
      cuda_launch(r, what, dense_unfold_kernel,
                  dim3(cuda_blocks((int64_t)height * d->channels, DENSE_THREADS)), DENSE_THREADS, 0,
                  rows, *d, n, u * d->stride, height);
      if (run_ok(r) && multiply_windows(r, what, d, rows, matrix, ld, products, count)) {
        cuda_launch(r, what, dense_finish_kernel,
                    dim3(cuda_blocks((int64_t)count * d->w.rows, DENSE_THREADS)), DENSE_THREADS, 0,
                    *d, products, n * d->windows + u, count);
      }
    }
  }
  arena_rewind(r->memory, mark); // later work is queued behind this
}

// Kernels count windows, rows and elements of one row in int; offsets are 64 bits wide.
static bool countable(run *r, const char *what, const dense_call *d)
{
  const int64_t most = (int64_t)d->streams * max(d->windows, d->rows_in);
  const int64_t rows = (int64_t)d->windows * max(d->stride, d->phases);
  if (most > INT32_MAX / 2 || rows > INT32_MAX / 2) {
    run_fail(r, STATUS_UNSUPPORTED, "%s: %lld rows at once, more than the device counts", what,
             (long long)(most > rows ? most : rows));
  }
  return run_ok(r);
}

void dense_run(run *r, const char *what, const dense_call *d)
{
  if (!run_ok(r) || !countable(r, what, d)) {
    return;
  }
  const int64_t windows = (int64_t)d->streams * d->windows;
  const int per_group = d->outputs / d->groups * d->phases;
  const int64_t work = windows * d->w.rows * d->w.columns;
  if (windows == 0 || per_group == 0) {
    return;
  }
  if (d->groups == 1 && d->norm < 0 && d->windows > DENSE_FEW_WINDOWS && work >= DENSE_BLAS_WORK) {
    run_blas(r, what, d);
    return;
  }
  const unsigned groups = (unsigned)d->groups;
  if (d->norm < 0 && (d->w.columns <= DENSE_SHORT || (groups > 1 && per_group < DENSE_WARPS))) {
    CUDA_WITH_LOADER(d->w.type, cuda_launch(r, what, dense_direct_kernel<Loader>,
                                            dim3(cuda_blocks(windows * d->w.rows, DENSE_THREADS)),
                                            DENSE_THREADS, 0, *d));
  } else if (d->norm >= 0 || windows <= DENSE_FEW_WINDOWS || per_group < DENSE_WARPS) {
    const dim3 grid(cuda_blocks(windows, DENSE_ROWS), cuda_blocks(per_group, DENSE_WARPS), groups);
    CUDA_WITH_LOADER(d->w.type,
                     cuda_launch(r, what, dense_rows_kernel<Loader>, grid, DENSE_THREADS, 0, *d));
  } else {
    const dim3 grid(cuda_blocks(windows, DENSE_TILE), cuda_blocks(per_group, DENSE_TILE), groups);
    CUDA_WITH_LOADER(d->w.type,
                     cuda_launch(r, what, dense_tile_kernel<Loader>, grid, DENSE_THREADS, 0, *d));
  }
}

void dense_keep(run *r, const char *what, const dense_call *d, float *history)
{
  if (d->rows_in > 0 && d->left > 0) {
    cuda_launch(r, what, dense_keep_kernel,
                dim3(cuda_blocks((int64_t)d->streams * d->channels, DENSE_THREADS)), DENSE_THREADS,
                0, history, *d);
  }
}
