// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// x [rows, C] -> y. Layer and RMS norm: one warp per row; each lane writes only what it alone
// reads, so y may be x. Group norm, over time and channels of x [n, T, C]: three kernels of up to
// GROUP_BLOCKS blocks per group: sums, squares about the mean, result. Partial sums are doubles,
// added in a fixed order.
#include "gpu/cuda/common.cuh"

#define NORM_WARPS 4
#define GROUP_THREADS 256
#define GROUP_BLOCKS 64

struct norm_call {
  const float *x;
  float *y;
  const float *scale, *shift;         // [C] or null
  const float *row_scale, *row_shift; // [rows, C] or null
  int64_t rows, channels;
  int kind;
  float epsilon;
  // group norm: [n, T, groups, per_group]
  int64_t time, groups, per_group;
  double *sums, *squares; // [n * groups, blocks]
};

static __device__ float finish_value(const norm_call &a, float value, int64_t row, int64_t c)
{
  const float scale = a.scale ? a.scale[c] : a.row_scale ? a.row_scale[row * a.channels + c] : 1.0f;
  const float shift = a.shift ? a.shift[c] : a.row_shift ? a.row_shift[row * a.channels + c] : 0.0f;
  return value * scale + shift;
}

__global__ void norm_row_kernel(const norm_call a)
{
  const int64_t row = (int64_t)blockIdx.x * NORM_WARPS + threadIdx.x / WARP_LANES;
  const int lane = threadIdx.x % WARP_LANES;
  if (row >= a.rows) {
    return;
  }
  const float *x = a.x + row * a.channels;
  float sum = 0.0f, squares = 0.0f;
  for (int64_t c = lane; c < a.channels; c += WARP_LANES) {
    sum += x[c];
  }
  const float mean = a.kind == NORM_RMS ? 0.0f : warp_sum(sum) / (float)a.channels;
  for (int64_t c = lane; c < a.channels; c += WARP_LANES) {
    squares += (x[c] - mean) * (x[c] - mean);
  }
  const float inverse = 1.0f / sqrtf(warp_sum(squares) / (float)a.channels + a.epsilon);
  for (int64_t c = lane; c < a.channels; c += WARP_LANES) {
    a.y[row * a.channels + c] = finish_value(a, (x[c] - mean) * inverse, row, c);
  }
}

// Element i of group (stream, g): where it lies.
static __device__ int64_t group_offset(const norm_call &a, int64_t group, int64_t i)
{
  const int64_t n = group / a.groups, g = group % a.groups;
  return (n * a.time + i / a.per_group) * a.channels + g * a.per_group + i % a.per_group;
}

static __device__ double partials_total(const double *partials, int64_t group, int count)
{
  double total = 0.0;
  for (int i = 0; i < count; ++i) {
    total += partials[group * count + i];
  }
  return total;
}

// Sum of one value per thread, in thread 0; every thread of the block calls.
static __device__ double block_sum(double value, double *shared)
{
  shared[threadIdx.x] = value;
  for (int half = GROUP_THREADS / 2; half > 0; half /= 2) {
    __syncthreads();
    if ((int)threadIdx.x < half) {
      shared[threadIdx.x] += shared[threadIdx.x + half];
    }
  }
  return threadIdx.x == 0 ? shared[0] : 0.0;
}

// Blocks: x over parts, y over groups. First pass: sums. Second: squares about the mean.
__global__ void norm_group_sum_kernel(const norm_call a, bool second)
{
  __shared__ double shared[GROUP_THREADS];
  const int64_t count = a.time * a.per_group, group = blockIdx.y;
  const int parts = gridDim.x;
  const float mean = second ? (float)(partials_total(a.sums, group, parts) / (double)count) : 0.0f;
  double sum = 0.0;
  for (int64_t i = (int64_t)blockIdx.x * GROUP_THREADS + threadIdx.x; i < count;
       i += (int64_t)parts * GROUP_THREADS) {
    const float off = a.x[group_offset(a, group, i)] - mean;
    sum += second ? off * off : off;
  }
  sum = block_sum(sum, shared);
  if (threadIdx.x == 0) {
    (second ? a.squares : a.sums)[group * parts + blockIdx.x] = sum;
  }
}

__global__ void norm_group_finish_kernel(const norm_call a)
{
  const int64_t count = a.time * a.per_group, group = blockIdx.y;
  const int parts = gridDim.x;
  const float mean = (float)(partials_total(a.sums, group, parts) / (double)count);
  const double variance = partials_total(a.squares, group, parts) / (double)count;
  const float inverse = 1.0f / sqrtf((float)variance + a.epsilon);
  for (int64_t i = (int64_t)blockIdx.x * GROUP_THREADS + threadIdx.x; i < count;
       i += (int64_t)parts * GROUP_THREADS) {
    const int64_t at = group_offset(a, group, i);
    a.y[at] = finish_value(a, (a.x[at] - mean) * inverse, at / a.channels, at % a.channels);
  }
}

// ---------------------------------------------------------------------------------------------
// launcher

static void norm_groups(run *r, norm_call *a, const tensor *x, const norm_args *args)
{
  a->time = x->dims[1];
  a->groups = args->groups;
  a->per_group = a->channels / args->groups;
  const unsigned wanted = cuda_blocks(a->time * a->per_group, GROUP_THREADS);
  const unsigned parts = wanted < GROUP_BLOCKS ? wanted : GROUP_BLOCKS;
  const int64_t groups = x->dims[0] * a->groups;
  const size_t mark = arena_mark(r->memory);
  a->sums = (double *)run_scratch(r, (size_t)(groups * parts) * sizeof(double));
  a->squares = (double *)run_scratch(r, (size_t)(groups * parts) * sizeof(double));
  const dim3 grid(parts, (unsigned)groups);
  cuda_launch(r, "norm", norm_group_sum_kernel, grid, GROUP_THREADS, 0, *a, false);
  cuda_launch(r, "norm", norm_group_sum_kernel, grid, GROUP_THREADS, 0, *a, true);
  cuda_launch(r, "norm", norm_group_finish_kernel, grid, GROUP_THREADS, 0, *a);
  arena_rewind(r->memory, mark);
}

void cuda_norm(run *r, tensor *y, const tensor *x, const weight *scale, const weight *shift,
               const tensor *row_scale, const tensor *row_shift, const norm_args *args)
{
  norm_call a = {};
  a.x = cuda_floats(x);
  a.y = cuda_floats(y);
  a.scale = cuda_vector(scale);
  a.shift = cuda_vector(shift);
  a.row_scale = cuda_floats(row_scale);
  a.row_shift = cuda_floats(row_shift);
  a.rows = tensor_rows(x);
  a.channels = tensor_channels(x);
  a.kind = args->kind;
  a.epsilon = args->epsilon;
  if (!run_ok(r) || tensor_count(x) == 0) {
    return;
  }
  if (args->kind == NORM_GROUP) {
    norm_groups(r, &a, x, args);
  } else {
    cuda_launch(r, "norm", norm_row_kernel, dim3(cuda_blocks(a.rows, NORM_WARPS)),
                NORM_WARPS * WARP_LANES, 0, a);
  }
}
