// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The three products of a convolution; gpu/cuda/window.cuh says which.
//
// Each is tiles of WINDOW_TILE x 8, 32 or 64 sums, WINDOW_DEPTH terms at a time through shared
// memory, 4 x 1, 4 or 8 sums a thread; gpu/cuda/window_tiles.cuh has the inner product. The input
// is padded and activated once in scratch, so that the products' inner loads are an address and
// nothing else.
//
// Floors: a product is 2 * windows * matrix operations over the card's f32 rate (tiles narrower
// than the product leave part of that unused: one output fills 1/8 of a tile); around them the
// input, its padded copy and the result are each moved once. Where a layer has few channels the
// bytes are the larger: 24 in, 24 out and 7 taps are 84 operations a byte, and an H200 does
// 67e12 / 4.3e12 = 16 in the time of one byte, so arithmetic rules from about 5 channels on.
#include "gpu/cuda/gradient.cuh"
#include "gpu/cuda/pad.cuh"
#include "gpu/cuda/window.cuh"
#include "gpu/cuda/window_tiles.cuh"

#define WINDOW_AT_LEAST 256     // windows that make it worth while
#define SPLIT_WINDOWS 1024      // that a sum over windows takes at least
#define SPLITS 256              // of it, at most
#define SPLIT_FLOATS (16 << 20) // of scratch for them

// What the kernels see of a call.
struct window_plan {
  const float *x; // padded and activated: [n, padded_h, padded_w, channels]
  const float *w; // [phases * outputs, columns], ld apart
  int64_t ld;
  window_axis height, width;
  int padded_h, padded_w;
  int streams, channels, groups, in, columns; // in: channels of a group
  int outputs, out, phases, rows_y, trim;     // out: outputs of a group
};

// Matrix row, and so (phase, output), of the r-th of group g.
static __device__ int matrix_row_of(const window_plan &p, int g, int r)
{
  return r / p.out * p.outputs + g * p.out + r % p.out;
}

// Offset in the padded input of window m, without the channel.
static __device__ int64_t window_start(const window_plan &p, int64_t m)
{
  const int64_t v = m % p.width.windows, u = m / p.width.windows % p.height.windows;
  const int64_t n = m / p.width.windows / p.height.windows;
  return ((n * p.padded_h + u * p.height.stride) * p.padded_w + v * p.width.stride) * p.channels;
}

// Offset of element j of group g from there.
static __device__ int64_t window_element(const window_plan &p, int g, int j)
{
  const int tap = j / p.in, c = j - tap * p.in;
  const int h = tap / p.width.taps, v = tap - h * p.width.taps;
  const int64_t place = (int64_t)h * p.height.dilation * p.padded_w + v * p.width.dilation;
  return place * p.channels + g * p.in + c;
}

// Where y has window (n, u, v), row r of group g; -1: nowhere.
static __device__ int64_t place_in_y(const window_plan &p, int64_t n, int u, int v, int g, int r)
{
  const int phase = p.phases > 1 ? r / p.out : 0;
  const int at = v * p.phases + phase - p.trim;
  if (at < 0 || at >= p.rows_y) {
    return -1;
  }
  return ((n * p.height.windows + u) * p.rows_y + at) * p.outputs + g * p.out + r - phase * p.out;
}

struct window_epilogue {
  float *y;
  const float *bias, *residual;
  int act;
  float slope;
};

// Blocks: x over windows, y over outputs of a group, z over groups.
template <typename Product>
__global__ void __launch_bounds__(WINDOW_THREADS)
    window_forward_kernel(const window_plan p, const window_epilogue e)
{
  __shared__ __align__(32) typename Product::tiles tiles;
  const int narrow = Product::COLUMNS, tm = threadIdx.x / 8, tn = threadIdx.x % 8;
  const int k = threadIdx.x % WINDOW_DEPTH, line = threadIdx.x / WINDOW_DEPTH; // of loads
  const int g = blockIdx.z, rows = p.out * p.phases, first_r = blockIdx.y * narrow;
  const int64_t total = (int64_t)p.streams * p.height.windows * p.width.windows;
  const int64_t first = (int64_t)blockIdx.x * WINDOW_TILE;
  Product product;
  product.begin();
  const float *from[WINDOW_TILE / 16];
#pragma unroll
  for (int i = 0; i < WINDOW_TILE / 16; ++i) {
    const int64_t m = first + line + 16 * i;
    from[i] = m < total ? p.x + window_start(p, m) : nullptr;
  }
  for (int base = 0; base < p.columns; base += WINDOW_DEPTH) {
    const int j = base + k;
    const int64_t offset = j < p.columns ? window_element(p, g, j) : 0;
#pragma unroll
    for (int i = 0; i < WINDOW_TILE / 16; ++i) {
      tiles.a[k][line + 16 * i] =
          Product::operand(j < p.columns && from[i] ? from[i][offset] : 0.0f);
    }
    for (int i = line; i < narrow; i += 16) {
      const int r = first_r + i;
      const bool inside = j < p.columns && r < rows;
      tiles.b[k][i] =
          Product::operand(inside ? p.w[(int64_t)matrix_row_of(p, g, r) * p.ld + j] : 0.0f);
    }
    __syncthreads();
    product.multiply(&tiles, tm, tn);
    __syncthreads();
  }
  product.finish(&tiles);
#pragma unroll
  for (int i = 0; i < WINDOW_MINE; ++i) {
    const int64_t m = first + tm * WINDOW_MINE + i, n = m / p.width.windows / p.height.windows;
    const int u = (int)(m / p.width.windows % p.height.windows), v = (int)(m % p.width.windows);
#pragma unroll
    for (int j = 0; j < Product::PER; ++j) {
      const int r = first_r + tn * Product::PER + j;
      const int64_t at = m < total && r < rows ? place_in_y(p, n, u, v, g, r) : -1;
      if (at >= 0) {
        const float start = e.bias ? e.bias[at % p.outputs] : 0.0f;
        const float value =
            activate_value(product.at(&tiles, tm, tn, i, j) + start, e.act, e.slope);
        e.y[at] = e.residual ? value + e.residual[at] : value;
      }
    }
  }
}

// Blocks: x over elements of a window and over rows, y over splits of the windows, z over groups.
// partials [splits, groups, columns, rows].
template <typename Product>
__global__ void __launch_bounds__(WINDOW_THREADS)
    window_to_weights_kernel(float *partials, const float *dy, const window_plan p,
                             int64_t per_split, int tiles_j)
{
  __shared__ __align__(32) typename Product::tiles tiles;
  __shared__ int64_t start[WINDOW_DEPTH];
  __shared__ int at_n[WINDOW_DEPTH], at_u[WINDOW_DEPTH], at_v[WINDOW_DEPTH];
  const int narrow = Product::COLUMNS, tm = threadIdx.x / 8, tn = threadIdx.x % 8;
  const int g = blockIdx.z, rows = p.out * p.phases;
  const int first_j = (int)blockIdx.x % tiles_j * WINDOW_TILE;
  const int first_r = (int)blockIdx.x / tiles_j * narrow;
  const int64_t total = (int64_t)p.streams * p.height.windows * p.width.windows;
  const int64_t begin = blockIdx.y * per_split;
  const int64_t end = begin + per_split < total ? begin + per_split : total;
  const int j = first_j + threadIdx.x % WINDOW_TILE;
  const int64_t offset = j < p.columns ? window_element(p, g, j) : 0;
  Product product;
  product.begin();
  for (int64_t base = begin; base < end; base += WINDOW_DEPTH) {
    if (threadIdx.x < WINDOW_DEPTH) {
      const int64_t m = base + threadIdx.x < end ? base + threadIdx.x : end - 1;
      start[threadIdx.x] = window_start(p, m);
      at_v[threadIdx.x] = (int)(m % p.width.windows);
      at_u[threadIdx.x] = (int)(m / p.width.windows % p.height.windows);
      at_n[threadIdx.x] = (int)(m / p.width.windows / p.height.windows);
    }
    __syncthreads();
    for (int k = threadIdx.x / WINDOW_TILE; k < WINDOW_DEPTH; k += WINDOW_THREADS / WINDOW_TILE) {
      const bool inside = base + k < end && j < p.columns;
      tiles.a[k][threadIdx.x % WINDOW_TILE] =
          Product::operand(inside ? p.x[start[k] + offset] : 0.0f);
    }
    for (int i = threadIdx.x; i < WINDOW_DEPTH * narrow; i += WINDOW_THREADS) {
      const int k = i / narrow, r = first_r + i % narrow;
      const int64_t at =
          base + k < end && r < rows ? place_in_y(p, at_n[k], at_u[k], at_v[k], g, r) : -1;
      tiles.b[k][i % narrow] = Product::operand(at >= 0 ? dy[at] : 0.0f);
    }
    __syncthreads();
    product.multiply(&tiles, tm, tn);
    __syncthreads();
  }
  product.finish(&tiles);
#pragma unroll
  for (int i = 0; i < WINDOW_MINE; ++i) {
    const int to_j = first_j + tm * WINDOW_MINE + i;
    const int64_t line = ((int64_t)blockIdx.y * p.groups + g) * p.columns + to_j;
#pragma unroll
    for (int l = 0; l < Product::PER; ++l) {
      const int r = first_r + tn * Product::PER + l;
      if (to_j < p.columns && r < rows) {
        partials[line * rows + r] = product.at(&tiles, tm, tn, i, l);
      }
    }
  }
}

// Sum the splits and add to the gradient in the file's layout. One thread per element of
// [groups, columns, rows]. Transposed: file [C][out][kernel]; else [O][in][taps].
__global__ void window_weights_finish_kernel(float *grad, const float *partials,
                                             const window_plan p, int splits, int kernel)
{
  const int rows = p.out * p.phases;
  const int64_t count = (int64_t)p.groups * p.columns * rows;
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) {
    return;
  }
  float sum = 0.0f;
  for (int s = 0; s < splits; ++s) {
    sum += partials[s * count + i];
  }
  const int r = (int)(i % rows), j = (int)(i / rows % p.columns), g = (int)(i / rows / p.columns);
  const int tap = j / p.in, c = j % p.in, taps = p.columns / p.in;
  if (kernel == 0) {
    grad[((int64_t)(g * p.out + r) * p.in + c) * taps + tap] += sum;
    return;
  }
  const int k = (taps - 1 - tap) * p.phases + r / p.out; // the oldest row comes first
  if (k < kernel) {
    grad[((int64_t)(g * p.in + c) * p.out + r % p.out) * kernel + k] += sum;
  }
}

// The places p, p + stride, ... of an axis that lie in [from, from + size), and the taps that can
// show them.
struct axis_phase {
  int first, count; // place = phase + stride * (first + i)
  int first_tap, tap_step, n_taps;
};

static __device__ axis_phase phase_of(const window_axis &a, int phase, int from, int size)
{
  axis_phase f = {0, 0, -1, 1, 0};
  f.first = from > phase ? (from - phase + a.stride - 1) / a.stride : 0;
  const int last = from + size - 1 - phase;
  f.count = last >= 0 ? last / a.stride - f.first + 1 : 0;
  for (int k = 0; k < a.taps && k < a.stride && f.first_tap < 0; ++k) {
    f.first_tap = k * a.dilation % a.stride == phase ? k : -1;
  }
  while (f.tap_step * a.dilation % a.stride != 0) {
    ++f.tap_step;
  }
  f.n_taps = f.first_tap < 0 ? 0 : (a.taps - 1 - f.first_tap) / f.tap_step + 1;
  return f;
}

// Places of the padded input whose gradient is wanted.
struct window_region {
  int top, left, height, width;
};

// to [n, region, channels]. Blocks: x over places of a phase, y over channels of a group, z over
// groups and phases.
template <typename Product>
__global__ void __launch_bounds__(WINDOW_THREADS)
    window_to_inputs_kernel(float *to, const float *dy, const window_plan p, const window_region t)
{
  __shared__ __align__(32) typename Product::tiles tiles;
  __shared__ int at_n[WINDOW_TILE], at_h[WINDOW_TILE], at_w[WINDOW_TILE];
  const int narrow = Product::COLUMNS, tm = threadIdx.x / 8, tn = threadIdx.x % 8;
  const int k = threadIdx.x % WINDOW_DEPTH, line = threadIdx.x / WINDOW_DEPTH; // of loads
  const int g = (int)blockIdx.z % p.groups, phase = (int)blockIdx.z / p.groups;
  const int phase_h = phase / p.width.stride, phase_w = phase % p.width.stride;
  const axis_phase h = phase_of(p.height, phase_h, t.top, t.height);
  const axis_phase w = phase_of(p.width, phase_w, t.left, t.width);
  const int rows = p.out * p.phases, terms = h.n_taps * w.n_taps * rows;
  const int first_c = blockIdx.y * narrow;
  const int64_t total = (int64_t)p.streams * h.count * w.count;
  const int64_t first = (int64_t)blockIdx.x * WINDOW_TILE;
  if (first >= total) {
    return;
  }
  for (int i = threadIdx.x; i < WINDOW_TILE; i += WINDOW_THREADS) {
    const int64_t m = first + i < total ? first + i : total - 1;
    at_w[i] = w.first + (int)(m % w.count);
    at_h[i] = h.first + (int)(m / w.count % h.count);
    at_n[i] = (int)(m / w.count / h.count);
  }
  __syncthreads();
  Product product;
  product.begin();
  for (int base = 0; base < terms; base += WINDOW_DEPTH) {
    const int term = base + k, tap = term / rows, r = term - tap * rows;
    const int tap_h = h.first_tap + tap / max(w.n_taps, 1) * h.tap_step;
    const int tap_w = w.first_tap + tap % max(w.n_taps, 1) * w.tap_step;
    const int back_h = (phase_h - tap_h * p.height.dilation) / p.height.stride;
    const int back_w = (phase_w - tap_w * p.width.dilation) / p.width.stride;
    for (int i = line; i < WINDOW_TILE; i += 16) {
      const int u = at_h[i] + back_h, v = at_w[i] + back_w;
      const bool inside = term < terms && u >= 0 && u < p.height.windows && v >= 0 &&
                          v < p.width.windows && first + i < total;
      const int64_t at = inside ? place_in_y(p, at_n[i], u, v, g, r) : -1;
      tiles.a[k][i] = Product::operand(at >= 0 ? dy[at] : 0.0f);
    }
    for (int i = threadIdx.x; i < WINDOW_DEPTH * narrow; i += WINDOW_THREADS) {
      const int of = base + i / narrow, c = first_c + i % narrow;
      float value = 0.0f;
      if (of < terms && c < p.in) {
        const int at_tap = of / rows;
        const int kh = h.first_tap + at_tap / w.n_taps * h.tap_step;
        const int kw = w.first_tap + at_tap % w.n_taps * w.tap_step;
        const int row = matrix_row_of(p, g, of % rows);
        value = p.w[row * p.ld + (int64_t)(kh * p.width.taps + kw) * p.in + c];
      }
      tiles.b[i / narrow][i % narrow] = Product::operand(value);
    }
    __syncthreads();
    product.multiply(&tiles, tm, tn);
    __syncthreads();
  }
  product.finish(&tiles);
#pragma unroll
  for (int i = 0; i < WINDOW_MINE; ++i) {
    const int m = tm * WINDOW_MINE + i;
    const int row = phase_h + at_h[m] * p.height.stride - t.top;
    const int column = phase_w + at_w[m] * p.width.stride - t.left;
    const int64_t place = ((int64_t)at_n[m] * t.height + row) * t.width + column;
#pragma unroll
    for (int j = 0; j < Product::PER; ++j) {
      const int c = first_c + tn * Product::PER + j;
      if (first + m < total && c < p.in) {
        to[place * p.channels + g * p.in + c] = product.at(&tiles, tm, tn, i, j);
      }
    }
  }
}

struct pad_call {
  const float *x;
  int64_t count; // of what is written
  int height, width, top, left, padded_h, padded_w, channels;
  int reach, pad, act;
  float slope;
};

// x [n, H, W, C] -> padded and activated. One thread per element of the result.
__global__ void window_pad_kernel(float *to, const pad_call p)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= p.count) {
    return;
  }
  const int c = (int)(i % p.channels), at = (int)(i / p.channels % p.padded_w) - p.left;
  const int64_t line = i / p.channels / p.padded_w;
  const int row = (int)(line % p.padded_h) - p.top, column = pad_row(at, p.width, p.reach, p.pad);
  const bool inside = row >= 0 && row < p.height && column >= 0;
  const int64_t from = ((line / p.padded_h * p.height + row) * p.width + column) * p.channels + c;
  to[i] = inside ? activate_value(p.x[from], p.act, p.slope) : 0.0f;
}

// dx += slope of the input's activation times what its place and its mirror images got. One thread
// per element of x. `from` [n, H, padded_w, C] has the padding along the width where `mirrors`.
__global__ void window_fold_kernel(float *dx, const float *from, const pad_call p, bool mirrors)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= p.count) {
    return;
  }
  const int c = (int)(i % p.channels), column = (int)(i / p.channels % p.width);
  const int64_t line = i / p.channels / p.width;
  float sum = 0.0f;
  if (!mirrors) {
    sum = from[i];
  } else {
    const float *row = from + line * p.padded_w * p.channels + c;
    const int right = p.padded_w - p.left;
    for (int at = -p.left; at < 0; ++at) {
      if (pad_row(at, p.width, p.reach, p.pad) == column) {
        sum += row[(int64_t)(at + p.left) * p.channels];
      }
    }
    sum += row[(int64_t)(column + p.left) * p.channels];
    for (int at = p.width; at < right; ++at) {
      if (pad_row(at, p.width, p.reach, p.pad) == column) {
        sum += row[(int64_t)(at + p.left) * p.channels];
      }
    }
  }
  dx[i] += sum * activate_slope(p.x[i], p.act, p.slope);
}

// to = dy times the slope of the activation that gave y; for those that their result tells.
__global__ void window_chain_kernel(float *to, const float *dy, const float *y, int act,
                                    float slope, int64_t count)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) {
    return;
  }
  const float value = y[i];
  float share = value > 0.0f ? 1.0f : 0.0f; // ReLU
  if (act == ACT_LEAKY_RELU) {
    share = value > 0.0f ? 1.0f : slope;
  } else if (act == ACT_ELU) {
    share = value > 0.0f ? 1.0f : value + slope;
  } else if (act == ACT_TANH) {
    share = 1.0f - value * value;
  } else if (act == ACT_SIGMOID) {
    share = value * (1.0f - value);
  }
  to[i] = dy[i] * share;
}

// ---------------------------------------------------------------------------------------------
// launchers

static int larger(int a, int b)
{
  return a > b ? a : b;
}

static window_axis single_axis(void)
{
  return {1, 0, 0, 1, 1, 1, 1};
}

static window_call window_of(const tensor *x, const tensor *y, const weight *w, const weight *bias)
{
  window_call c = {};
  c.x = cuda_floats(x);
  c.streams = (int)x->dims[0];
  c.channels = (int)tensor_channels(x);
  c.groups = 1;
  c.height = single_axis();
  c.pad = PAD_ZERO;
  c.w = w;
  c.bias = bias;
  c.outputs = (int)tensor_channels(y);
  c.phases = 1;
  c.rows_y = (int)y->dims[x->rank - 2];
  return c;
}

window_call window_conv1d(const tensor *x, const tensor *y, const weight *w, const weight *bias,
                          const conv1d_args *args)
{
  window_call c = window_of(x, y, w, bias);
  const int64_t rows = x->dims[1], windows = y->dims[1];
  const int64_t reach = (args->kernel - 1) * args->dilation + 1;
  const int64_t right = (windows - 1) * args->stride + reach - args->pad_left - rows;
  c.width = {(int)rows,         (int)args->pad_left, (int)(right > 0 ? right : 0), (int)windows,
             (int)args->kernel, (int)args->stride,   (int)args->dilation};
  c.groups = (int)args->groups;
  c.pad = args->mode;
  c.act_in = args->act_in;
  c.act_out = args->act_out;
  c.slope = args->act_slope;
  return c;
}

window_call window_conv_transposed1d(const tensor *x, const tensor *y, const weight *w,
                                     const weight *bias, const conv_transposed1d_args *args)
{
  window_call c = window_of(x, y, w, bias);
  const int rows = (int)x->dims[1];
  const int taps = (int)((args->kernel + args->stride - 1) / args->stride);
  c.width = {rows, taps - 1, taps - 1, rows + taps - 1, taps, 1, 1};
  c.groups = (int)args->groups;
  c.act_in = args->act_in;
  c.act_out = args->act_out;
  c.slope = args->act_slope;
  c.phases = (int)args->stride;
  c.trim = (int)args->trim_left;
  return c;
}

window_call window_conv2d(const tensor *x, const tensor *y, const weight *w, const weight *bias,
                          const conv2d_args *args)
{
  window_call c = window_of(x, y, w, bias);
  c.height = {(int)x->dims[1],     (int)args->pad_top,  (int)args->pad_bottom, (int)y->dims[1],
              (int)args->kernel_h, (int)args->stride_h, (int)args->dilation_h};
  c.width = {(int)x->dims[2],     (int)args->pad_left, (int)args->pad_right, (int)y->dims[2],
             (int)args->kernel_w, (int)args->stride_w, (int)args->dilation_w};
  c.groups = (int)args->groups;
  c.act_in = args->act_in;
  c.act_out = args->act_out;
  c.slope = args->act_slope;
  return c;
}

bool window_suits(const window_call *c)
{
  const int64_t windows = (int64_t)c->streams * c->height.windows * c->width.windows;
  return windows >= WINDOW_AT_LEAST && c->w->storage == DTYPE_F32;
}

static window_plan plan_of(run *r, const window_call *c)
{
  window_plan p = {};
  p.w = gradient_matrix(r, c->w, &p.ld);
  p.height = c->height;
  p.width = c->width;
  p.padded_h = c->height.left + c->height.size + c->height.right;
  p.padded_w = c->width.left + c->width.size + c->width.right;
  p.streams = c->streams;
  p.channels = c->channels;
  p.groups = c->groups;
  p.in = c->channels / c->groups;
  p.columns = c->height.taps * c->width.taps * p.in;
  p.outputs = c->outputs;
  p.out = c->outputs / c->groups;
  p.phases = c->phases;
  p.rows_y = c->rows_y;
  p.trim = c->trim;
  return p;
}

static pad_call pad_of(const window_call *c, const window_plan *p)
{
  pad_call d = {};
  d.x = c->x;
  d.height = c->height.size;
  d.width = c->width.size;
  d.top = c->height.left;
  d.left = c->width.left;
  d.padded_h = p->padded_h;
  d.padded_w = p->padded_w;
  d.channels = c->channels;
  d.reach = larger(c->width.left, c->width.right);
  d.pad = c->pad;
  d.act = c->act_in;
  d.slope = c->slope;
  return d;
}

// The input as the products want it: itself, or padded and activated in scratch.
static void set_input(run *r, const char *what, const window_call *c, window_plan *p)
{
  p->x = c->x;
  if (c->act_in == ACT_NONE && p->padded_h == c->height.size && p->padded_w == c->width.size) {
    return;
  }
  pad_call d = pad_of(c, p);
  d.count = (int64_t)c->streams * p->padded_h * p->padded_w * c->channels;
  float *to = (float *)run_scratch(r, (size_t)d.count * sizeof(float));
  cuda_launch(r, what, window_pad_kernel, dim3(cuda_blocks(d.count, WINDOW_THREADS)),
              WINDOW_THREADS, 0, to, d);
  p->x = to;
}

// Kernels count places and elements of a window in int; offsets are 64 bits wide.
static bool countable(run *r, const char *what, const window_call *c)
{
  const int64_t places = (int64_t)c->streams * (c->height.size + c->height.left + c->height.right) *
                         (c->width.size + c->width.left + c->width.right);
  if (places > INT32_MAX || (int64_t)c->rows_y * c->phases > INT32_MAX ||
      c->groups * c->height.stride * c->width.stride > 65535) {
    run_fail(r, STATUS_UNSUPPORTED, "%s: %lld places at once, more than the device counts", what,
             (long long)places);
  }
  return run_ok(r);
}

/// Call with Product as a type: the narrowest tile that holds `narrow` sums. Tensor cores have none
/// of 8 columns worth its trouble: those stay f32.
#define WINDOW_WITH_TILE(narrow_, rounds_, call_)                                                  \
  do {                                                                                             \
    if ((narrow_) <= 8) {                                                                          \
      typedef window_exact<1> Product;                                                             \
      call_;                                                                                       \
    } else if ((narrow_) <= 32 && (rounds_)) {                                                     \
      typedef window_rounded<4> Product;                                                           \
      call_;                                                                                       \
    } else if (rounds_) {                                                                          \
      typedef window_rounded<8> Product;                                                           \
      call_;                                                                                       \
    } else if ((narrow_) <= 32) {                                                                  \
      typedef window_exact<4> Product;                                                             \
      call_;                                                                                       \
    } else {                                                                                       \
      typedef window_exact<8> Product;                                                             \
      call_;                                                                                       \
    }                                                                                              \
  } while (0)

static void multiply_forward(run *r, const char *what, const window_plan *p,
                             const window_epilogue *e)
{
  const int64_t windows = (int64_t)p->streams * p->height.windows * p->width.windows;
  const int rows = p->out * p->phases;
  WINDOW_WITH_TILE(rows, cuda_rounds(r),
                   cuda_launch(r, what, window_forward_kernel<Product>,
                               dim3(cuda_blocks(windows, WINDOW_TILE),
                                    cuda_blocks(rows, Product::COLUMNS), (unsigned)p->groups),
                               WINDOW_THREADS, 0, *p, *e));
}

void window_forward(run *r, const char *what, const window_call *c, float *y, const float *residual)
{
  if (!run_ok(r) || !countable(r, what, c)) {
    return;
  }
  const size_t mark = arena_mark(r->memory);
  window_plan p = plan_of(r, c);
  const window_epilogue e = {y, cuda_vector(c->bias), residual, c->act_out, c->slope};
  set_input(r, what, c, &p);
  multiply_forward(r, what, &p, &e);
  arena_rewind(r->memory, mark); // later work is queued behind this
}

static bool result_tells(int act)
{
  return act != ACT_GELU && act != ACT_SILU;
}

// dy before the output's activation: itself where there is none.
static const float *before_activation(run *r, const char *what, const window_call *c,
                                      window_plan *p, const tape_node *node, const tensor *dy)
{
  const int64_t count = tensor_count(dy);
  if (c->act_out == ACT_NONE) {
    return cuda_floats(dy);
  }
  float *to = (float *)run_scratch(r, (size_t)count * sizeof(float));
  const dim3 grid(cuda_blocks(count, WINDOW_THREADS));
  if (result_tells(c->act_out) && !node->in[1].data) {
    cuda_launch(r, what, window_chain_kernel, grid, WINDOW_THREADS, 0, to, cuda_floats(dy),
                cuda_floats(&node->out), c->act_out, c->slope, count);
    return to;
  }
  const window_epilogue e = {to, cuda_vector(c->bias), nullptr, ACT_NONE, 0.0f};
  if (!p->x) {
    set_input(r, what, c, p);
  }
  multiply_forward(r, what, p, &e); // the sums again
  gradient_chain(r, what, to, cuda_floats(dy), to, c->act_out, c->slope, count);
  return to;
}

static void sweep_weights(run *r, const char *what, const window_call *c, const window_plan *p,
                          const float *dy)
{
  const int64_t windows = (int64_t)p->streams * p->height.windows * p->width.windows;
  const int rows = p->out * p->phases;
  const int64_t count = (int64_t)p->groups * p->columns * rows;
  const int64_t room = SPLIT_FLOATS / count > 1 ? SPLIT_FLOATS / count : 1;
  const int64_t wanted = cuda_blocks(windows, SPLIT_WINDOWS);
  const int64_t most = wanted < SPLITS ? wanted : SPLITS;
  const int64_t per_split =
      (windows + (most < room ? most : room) - 1) / (most < room ? most : room);
  const unsigned splits = cuda_blocks(windows, per_split);
  const unsigned tiles_j = cuda_blocks(p->columns, WINDOW_TILE);
  float *partials = (float *)run_scratch(r, (size_t)(count * splits) * sizeof(float));
  WINDOW_WITH_TILE(
      rows, cuda_rounds(r),
      cuda_launch(r, what, window_to_weights_kernel<Product>,
                  dim3(tiles_j * cuda_blocks(rows, Product::COLUMNS), splits, (unsigned)p->groups),
                  WINDOW_THREADS, 0, partials, dy, *p, per_split, (int)tiles_j));
  const int kernel = c->w->use == WEIGHT_CONV_TRANSPOSED1D ? (int)c->w->dims[2] : 0;
  cuda_launch(r, what, window_weights_finish_kernel, dim3(cuda_blocks(count, WINDOW_THREADS)),
              WINDOW_THREADS, 0, (float *)c->w->grad, partials, *p, (int)splits, kernel);
}

static void sweep_inputs(run *r, const char *what, const window_call *c, const window_plan *p,
                         const float *dy, float *dx)
{
  const bool mirrors = c->pad != PAD_ZERO;
  const window_region t = {c->height.left, mirrors ? 0 : c->width.left, c->height.size,
                           mirrors ? p->padded_w : c->width.size};
  const int64_t places = (int64_t)p->streams * t.height * t.width;
  const int64_t of_phase = (int64_t)p->streams * cuda_blocks(t.height, p->height.stride) *
                           cuda_blocks(t.width, p->width.stride);
  const unsigned phases = (unsigned)(p->groups * p->height.stride * p->width.stride);
  float *to = (float *)run_scratch(r, (size_t)(places * p->channels) * sizeof(float));
  WINDOW_WITH_TILE(p->in, cuda_rounds(r),
                   cuda_launch(r, what, window_to_inputs_kernel<Product>,
                               dim3(cuda_blocks(of_phase, WINDOW_TILE),
                                    cuda_blocks(p->in, Product::COLUMNS), phases),
                               WINDOW_THREADS, 0, to, dy, *p, t));
  pad_call d = pad_of(c, p);
  d.count = (int64_t)c->streams * c->height.size * c->width.size * c->channels;
  cuda_launch(r, what, window_fold_kernel, dim3(cuda_blocks(d.count, WINDOW_THREADS)),
              WINDOW_THREADS, 0, dx, to, d, mirrors);
}

void window_backward(run *r, const char *what, const window_call *c, const tape_node *node)
{
  const tensor dy = tape_gradient(r, &node->out), dx = tape_gradient(r, &node->in[0]);
  const tensor dresidual = tape_gradient(r, &node->in[1]);
  if (!run_ok(r) || !countable(r, what, c)) {
    return;
  }
  const size_t mark = arena_mark(r->memory);
  window_plan p = plan_of(r, c);
  const float *d = before_activation(r, what, c, &p, node, &dy);
  if (c->w->grad) {
    if (!p.x) {
      set_input(r, what, c, &p);
    }
    sweep_weights(r, what, c, &p, d);
  }
  if (c->bias && c->bias->grad) {
    gradient_columns(r, what, (float *)c->bias->grad, d, nullptr, tensor_rows(&dy),
                     tensor_channels(&dy));
  }
  if (dx.data) {
    sweep_inputs(r, what, c, &p, d, cuda_floats(&dx));
  }
  gradient_add(r, what, cuda_floats(&dresidual), cuda_floats(&dy), 1.0f, tensor_count(&dy));
  arena_rewind(r->memory, mark);
}
