// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// x [rows, C] -> y. Layer and RMS norm: one warp per row; each lane writes only what it alone
// reads, so y may be x. Group norm, over time and channels of x [n, T, C]: three kernels of up to
// GROUP_BLOCKS blocks per group: sums, squares about the mean, result. Partial sums are doubles,
// added in a fixed order.
#include "gpu/cuda/gradient.cuh"
#include "gpu/cuda/sum.cuh"

#define NORM_WARPS 4
#define GROUP_THREADS SUM_THREADS
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

// Blocks: x over parts, y over groups. First pass: sums. Second: squares about the mean.
__global__ void norm_group_sum_kernel(const norm_call a, bool second)
{
  __shared__ double shared[GROUP_THREADS];
  const int64_t count = a.time * a.per_group, group = blockIdx.y;
  const int parts = gridDim.x;
  const float mean =
      second ? (float)(parts_sum(a.sums + group * parts, parts) / (double)count) : 0.0f;
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
  const float mean = (float)(parts_sum(a.sums + group * parts, parts) / (double)count);
  const double variance = parts_sum(a.squares + group * parts, parts) / (double)count;
  const float inverse = 1.0f / sqrtf((float)variance + a.epsilon);
  for (int64_t i = (int64_t)blockIdx.x * GROUP_THREADS + threadIdx.x; i < count;
       i += (int64_t)parts * GROUP_THREADS) {
    const int64_t at = group_offset(a, group, i);
    a.y[at] = finish_value(a, (a.x[at] - mean) * inverse, at / a.channels, at % a.channels);
  }
}

// What the way back needs beside; what is null takes none.
struct norm_gradient {
  const float *dy;
  float *dx, *row_dscale, *row_dshift;
  float *products;         // [rows, C] dy times the normalised value, for the scale's gradient
  double *levels, *alongs; // [n * groups, blocks] group norm: sums of d and of d u
};

static __device__ float scaled_gradient(const norm_call &a, const norm_gradient &g, int64_t at)
{
  const float scale = a.scale ? a.scale[at % a.channels] : a.row_scale ? a.row_scale[at] : 1.0f;
  return g.dy[at] * scale;
}

// Element `at`, whose normalised value is u: dx = inverse (d - level - u along), d = dy scale.
static __device__ void finish_gradient(const norm_call &a, const norm_gradient &g, int64_t at,
                                       float u, float inverse, float level, float along)
{
  if (g.dx) {
    g.dx[at] += inverse * (scaled_gradient(a, g, at) - level - u * along);
  }
  if (g.products) {
    g.products[at] = g.dy[at] * u;
  }
  if (g.row_dscale) {
    g.row_dscale[at] += g.dy[at] * u;
  }
  if (g.row_dshift) {
    g.row_dshift[at] += g.dy[at];
  }
}

__global__ void norm_row_backward_kernel(const norm_call a, const norm_gradient g)
{
  const int64_t row = (int64_t)blockIdx.x * NORM_WARPS + threadIdx.x / WARP_LANES;
  const int lane = threadIdx.x % WARP_LANES;
  if (row >= a.rows) {
    return;
  }
  const int64_t first = row * a.channels;
  const float *x = a.x + first, count = (float)a.channels;
  float sum = 0.0f, squares = 0.0f, level = 0.0f, along = 0.0f;
  for (int64_t c = lane; c < a.channels; c += WARP_LANES) {
    sum += x[c];
  }
  const float mean = a.kind == NORM_RMS ? 0.0f : warp_sum(sum) / count;
  for (int64_t c = lane; c < a.channels; c += WARP_LANES) {
    squares += (x[c] - mean) * (x[c] - mean);
  }
  const float inverse = 1.0f / sqrtf(warp_sum(squares) / count + a.epsilon);
  for (int64_t c = lane; c < a.channels; c += WARP_LANES) {
    const float d = scaled_gradient(a, g, first + c);
    level += d;
    along += d * (x[c] - mean) * inverse;
  }
  level = a.kind == NORM_RMS ? 0.0f : warp_sum(level) / count;
  along = warp_sum(along) / count;
  for (int64_t c = lane; c < a.channels; c += WARP_LANES) {
    finish_gradient(a, g, first + c, (x[c] - mean) * inverse, inverse, level, along);
  }
}

// Mean and 1 / deviation of a group, from the sums of the forward's two passes.
static __device__ void group_moments(const norm_call &a, int64_t group, int parts, float *mean,
                                     float *inverse)
{
  const int64_t count = a.time * a.per_group;
  *mean = (float)(parts_sum(a.sums + group * parts, parts) / (double)count);
  const double variance = parts_sum(a.squares + group * parts, parts) / (double)count;
  *inverse = 1.0f / sqrtf((float)variance + a.epsilon);
}

// Blocks as norm_group_sum_kernel's: sums of d and of d u.
__global__ void norm_group_backward_sum_kernel(const norm_call a, const norm_gradient g)
{
  __shared__ double shared[GROUP_THREADS];
  const int64_t count = a.time * a.per_group, group = blockIdx.y;
  const int parts = gridDim.x;
  float mean, inverse;
  group_moments(a, group, parts, &mean, &inverse);
  double level = 0.0, along = 0.0;
  for (int64_t i = (int64_t)blockIdx.x * GROUP_THREADS + threadIdx.x; i < count;
       i += (int64_t)parts * GROUP_THREADS) {
    const int64_t at = group_offset(a, group, i);
    const float d = scaled_gradient(a, g, at);
    level += d;
    along += d * (a.x[at] - mean) * inverse;
  }
  level = block_sum(level, shared);
  __syncthreads();
  along = block_sum(along, shared);
  if (threadIdx.x == 0) {
    g.levels[group * parts + blockIdx.x] = level;
    g.alongs[group * parts + blockIdx.x] = along;
  }
}

__global__ void norm_group_backward_kernel(const norm_call a, const norm_gradient g)
{
  const int64_t count = a.time * a.per_group, group = blockIdx.y;
  const int parts = gridDim.x;
  float mean, inverse;
  group_moments(a, group, parts, &mean, &inverse);
  const float level = (float)(parts_sum(g.levels + group * parts, parts) / (double)count);
  const float along = (float)(parts_sum(g.alongs + group * parts, parts) / (double)count);
  for (int64_t i = (int64_t)blockIdx.x * GROUP_THREADS + threadIdx.x; i < count;
       i += (int64_t)parts * GROUP_THREADS) {
    const int64_t at = group_offset(a, group, i);
    finish_gradient(a, g, at, (a.x[at] - mean) * inverse, inverse, level, along);
  }
}

// ---------------------------------------------------------------------------------------------
// launchers

// Split the work over groups; the grid of its kernels.
static dim3 split_groups(run *r, norm_call *a, const tensor *x, const norm_args *args)
{
  a->time = x->dims[1];
  a->groups = args->groups;
  a->per_group = a->channels / args->groups;
  const unsigned wanted = cuda_blocks(a->time * a->per_group, GROUP_THREADS);
  const unsigned parts = wanted < GROUP_BLOCKS ? wanted : GROUP_BLOCKS;
  const int64_t groups = x->dims[0] * a->groups;
  a->sums = (double *)run_scratch(r, (size_t)(groups * parts) * sizeof(double));
  a->squares = (double *)run_scratch(r, (size_t)(groups * parts) * sizeof(double));
  return dim3(parts, (unsigned)groups);
}

static void sum_groups(run *r, const norm_call *a, dim3 grid)
{
  cuda_launch(r, "norm", norm_group_sum_kernel, grid, GROUP_THREADS, 0, *a, false);
  cuda_launch(r, "norm", norm_group_sum_kernel, grid, GROUP_THREADS, 0, *a, true);
}

static void norm_groups(run *r, norm_call *a, const tensor *x, const norm_args *args)
{
  const size_t mark = arena_mark(r->memory);
  const dim3 grid = split_groups(r, a, x, args);
  sum_groups(r, a, grid);
  cuda_launch(r, "norm", norm_group_finish_kernel, grid, GROUP_THREADS, 0, *a);
  arena_rewind(r->memory, mark);
}

static norm_call norm_call_of(const tensor *x, const weight *scale, const weight *shift,
                              const tensor *row_scale, const tensor *row_shift,
                              const norm_args *args)
{
  norm_call a = {};
  a.x = cuda_floats(x);
  a.scale = cuda_vector(scale);
  a.shift = cuda_vector(shift);
  a.row_scale = cuda_floats(row_scale);
  a.row_shift = cuda_floats(row_shift);
  a.rows = tensor_rows(x);
  a.channels = tensor_channels(x);
  a.kind = args->kind;
  a.epsilon = args->epsilon;
  return a;
}

void cuda_norm(run *r, tensor *y, const tensor *x, const weight *scale, const weight *shift,
               const tensor *row_scale, const tensor *row_shift, const norm_args *args)
{
  norm_call a = norm_call_of(x, scale, shift, row_scale, row_shift, args);
  a.y = cuda_floats(y);
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

// dx +=, dscale +=, dshift += (weights or per row). Floor: x, dy and dx, each moved once.
void cuda_norm_backward(run *r, const tape_node *node)
{
  const tensor *x = &node->in[0], dy = tape_gradient(r, &node->out);
  const weight *scale = node->weights[0], *shift = node->weights[1];
  const norm_args *args = &node->args.norm;
  const tensor dx = tape_gradient(r, x), row_dscale = tape_gradient(r, &node->in[1]);
  const tensor row_dshift = tape_gradient(r, &node->in[2]);
  norm_call a = norm_call_of(x, scale, shift, &node->in[1], &node->in[2], args);
  norm_gradient g = {};
  g.dy = cuda_floats(&dy);
  g.dx = cuda_floats(&dx);
  g.row_dscale = cuda_floats(&row_dscale);
  g.row_dshift = cuda_floats(&row_dshift);
  const size_t mark = arena_mark(r->memory);
  if (scale && scale->grad) {
    g.products = (float *)run_scratch(r, tensor_bytes(x));
  }
  if (args->kind == NORM_GROUP) {
    const dim3 grid = split_groups(r, &a, x, args);
    g.levels = (double *)run_scratch(r, (size_t)(grid.x * grid.y) * sizeof(double));
    g.alongs = (double *)run_scratch(r, (size_t)(grid.x * grid.y) * sizeof(double));
    sum_groups(r, &a, grid);
    cuda_launch(r, "norm backward", norm_group_backward_sum_kernel, grid, GROUP_THREADS, 0, a, g);
    cuda_launch(r, "norm backward", norm_group_backward_kernel, grid, GROUP_THREADS, 0, a, g);
  } else {
    cuda_launch(r, "norm backward", norm_row_backward_kernel, dim3(cuda_blocks(a.rows, NORM_WARPS)),
                NORM_WARPS * WARP_LANES, 0, a, g);
  }
  gradient_columns(r, "norm backward", scale ? (float *)scale->grad : nullptr, g.products, nullptr,
                   a.rows, a.channels);
  gradient_columns(r, "norm backward", shift ? (float *)shift->grad : nullptr, g.dy, nullptr,
                   a.rows, a.channels);
  arena_rewind(r->memory, mark);
}
