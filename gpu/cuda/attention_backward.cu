// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The way back through attention over whole sequences. With s = scale q . k, p = softmax(s), d =
// dy . v: ds = scale p (d - dy . y), dq = sum of ds k, dk = sum of ds q, dv = sum of p dy. Shares
// are never stored: what they can be made of again is kept per row and head (the largest score, the
// sum, dy . y), as in Dao et al. 2022, FlashAttention. Kernels:
//  turns    one thread per pair: cosine and sine of every position
//  turn     one thread per element: q and k turned, into scratch
//  queries  one block per (tile of rows, head, stream), over the keys in turn twice: first what is
//           kept per row, then dq
//  keys     one block per (tile of keys, head of keys, stream), over its heads and their rows in
//           turn: dk, dv
//  sinks    one thread per element: what each row gives to the sinks, whose columns are then summed
// A block owns what it adds to and adds in a fixed order: the same bits every time.
//
// Floor: q, k, v, y, dy read, dq, dk, dv added to, once each; and per head, dimension and pair of a
// row and a key that it sees, 5 multiply-adds (s, d, dq, dk, dv). Here it is 8, in f32: s is made
// three times, d twice, since the forward keeps neither.
#include "gpu/cuda/attention.cuh"
#include "gpu/cuda/gradient.cuh"

#define ELEMENT_THREADS 256
#define TILE_LANES 8 // threads along a row of products
#define TILE_PAD 4   // floats, so that rows of a tile start in different banks

// What is kept of one row of one head.
struct attention_row {
  float largest, inverse;        // of the scores; 1 / sum of e^(score - largest)
  float level;                   // dy . y
  float sink_share, sink_change; // p and ds of the sink
};

struct attention_sweep {
  const float *q, *k, *v; // q, k turned
  const float *y, *dy;
  const float *sink_k, *sink_v;
  const int32_t *lengths;
  const float *turns; // [rows or keys, 2, half]: cosines, sines
  float *dq, *dk, *dv;
  attention_row *kept; // [n, heads, rows]
  attention_args args;
  int rows, n_keys; // T of q, and of k and v
  int dim, half;    // of a head; pairs that are turned
  int shared_heads; // heads of q to one of k
};

// Rows of one operand next to rows of the other, whose products are s and d. `own` stays while
// `other` moves on.
template <int DIM, int TILE> struct attention_tiles {
  float own_a[TILE][DIM + TILE_PAD], own_b[TILE][DIM + TILE_PAD];
  float other_a[TILE][DIM + TILE_PAD], other_b[TILE][DIM + TILE_PAD];
  float shares[TILE][TILE + TILE_PAD], changes[TILE][TILE + TILE_PAD]; // [own][other]: p, ds
  float largest[TILE], inverse[TILE], level[TILE];                     // of the rows
  int first[TILE], end[TILE];                                          // keys that they see
};

// A thread's part of the products [own][other], and of sums [own][dimension].
template <int DIM, int TILE, int THREADS> struct attention_part {
  static const int LINES = THREADS / TILE_LANES;
  static const int OWN = TILE / LINES, OTHER = TILE / TILE_LANES;
  static const int COLUMNS = DIM / 4; // of four dimensions
  static const int SUM_LINES = THREADS / COLUMNS, SUMS = TILE / SUM_LINES;
};

// Element `d` of head x, turned by one position's `turns` (sign 1) or back (-1).
static __device__ inline float turned(const float *x, int d, int half, const float *turns,
                                      float sign)
{
  if (d >= 2 * half) {
    return x[d];
  }
  const int pair = d < half ? d : d - half;
  const float cosine = turns[pair], sine = sign * turns[half + pair];
  return d < half ? x[d] * cosine - x[d + half] * sine : x[d] * cosine + x[d - half] * sine;
}

__global__ void attention_turns_kernel(float *turns, const attention_args args, int64_t count)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  const int64_t half = args.head_dim / 2;
  if (i < count) {
    const int64_t position = i / half, pair = i % half;
    float *to = turns + position * 2 * half + pair;
    attention_turn(args, pair, position, to, to + half);
  }
}

// x [n, T, heads * D], of `rows` = T.
__global__ void attention_turn_kernel(float *to, const float *x, const float *turns, int64_t rows,
                                      int64_t heads, int dim, int64_t count)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) {
    const int half = dim / 2, d = (int)(i % dim);
    const int64_t position = i / dim / heads % rows;
    to[i] = turned(x + (i - d), d, half, turns + position * 2 * half, 1.0f);
  }
}

// Keys [first, end) that row t sees.
static __device__ inline void row_sees(const attention_sweep &a, int n, int t, int *first, int *end)
{
  int64_t from, to, rows = a.n_keys;
  if (a.lengths && a.lengths[n] < rows) {
    rows = a.lengths[n];
  }
  attention_visible(a.args, a.n_keys, rows, t, &from, &to);
  *first = (int)(from < a.n_keys ? from : a.n_keys);
  *end = (int)(to > 0 ? to : 0);
}

// `count` rows, `stride` floats apart; zeros after them and beyond `dim`.
template <int DIM, int TILE, int THREADS>
static __device__ inline void load_tile(float (*to)[DIM + TILE_PAD], const float *from,
                                        int64_t stride, int count, int dim)
{
  for (int i = threadIdx.x; i < TILE * DIM; i += THREADS) {
    const int row = i / DIM, d = i % DIM;
    to[row][d] = row < count && d < dim ? from[row * stride + d] : 0.0f;
  }
}

// A tile of keys (or values) from `at` on: of the sink alone where there is one.
template <int DIM, int TILE, int THREADS>
static __device__ inline void load_keys(const attention_sweep &a, float (*to)[DIM + TILE_PAD],
                                        const float *keys, const float *sink, int n, int kv, int at)
{
  const int64_t width = a.args.n_kv_heads * a.dim;
  const float *from =
      sink ? sink + kv * a.dim : keys + ((int64_t)n * a.n_keys + at) * width + kv * a.dim;
  load_tile<DIM, TILE, THREADS>(to, from, width, sink ? 1 : min(TILE, a.n_keys - at), a.dim);
}

// A tile of rows of one head of q, y or dy.
template <int DIM, int TILE, int THREADS>
static __device__ inline void load_rows(const attention_sweep &a, float (*to)[DIM + TILE_PAD],
                                        const float *x, int n, int head, int at)
{
  const int64_t wide = a.args.n_heads * a.dim;
  load_tile<DIM, TILE, THREADS>(to, x + ((int64_t)n * a.rows + at) * wide + head * a.dim, wide,
                                min(TILE, a.rows - at), a.dim);
}

static __device__ inline float4 four(const float *x)
{
  return *(const float4 *)(const void *)x;
}

// Dimension after dimension: where y is a value itself, dy . v and dy . y have the same bits.
static __device__ inline float add_product(float sum, float4 a, float4 b)
{
  sum += a.x * b.x;
  sum += a.y * b.y;
  sum += a.z * b.z;
  sum += a.w * b.w;
  return sum;
}

// to[i][j] = own row . other row, of this thread's rows.
template <int DIM, int TILE, int THREADS, typename Part = attention_part<DIM, TILE, THREADS>>
static __device__ inline void multiply_tiles(float (&to)[Part::OWN][Part::OTHER],
                                             const float (*own)[DIM + TILE_PAD],
                                             const float (*other)[DIM + TILE_PAD])
{
  const int lane = threadIdx.x % TILE_LANES, line = threadIdx.x / TILE_LANES;
  for (int i = 0; i < Part::OWN; ++i) {
    for (int j = 0; j < Part::OTHER; ++j) {
      to[i][j] = 0.0f;
    }
  }
#pragma unroll 4
  for (int d = 0; d < DIM; d += 4) {
    float4 b[Part::OTHER];
#pragma unroll
    for (int j = 0; j < Part::OTHER; ++j) {
      b[j] = four(&other[lane + j * TILE_LANES][d]);
    }
#pragma unroll
    for (int i = 0; i < Part::OWN; ++i) {
      const float4 x = four(&own[line + i * Part::LINES][d]);
#pragma unroll
      for (int j = 0; j < Part::OTHER; ++j) {
        to[i][j] = add_product(to[i][j], x, b[j]);
      }
    }
  }
}

// sums[own][dimension] += sum over the other rows of by[own][other] x[other][dimension].
template <int DIM, int TILE, int THREADS, typename Part = attention_part<DIM, TILE, THREADS>>
static __device__ inline void add_weighted(float (&sums)[Part::SUMS][4],
                                           const float (*by)[TILE + TILE_PAD],
                                           const float (*x)[DIM + TILE_PAD])
{
  const int column = threadIdx.x % Part::COLUMNS * 4, line = threadIdx.x / Part::COLUMNS;
#pragma unroll 2
  for (int other = 0; other < TILE; other += 4) {
    const float4 x0 = four(&x[other][column]), x1 = four(&x[other + 1][column]);
    const float4 x2 = four(&x[other + 2][column]), x3 = four(&x[other + 3][column]);
#pragma unroll
    for (int i = 0; i < Part::SUMS; ++i) {
      const float4 w = four(&by[line + i * Part::SUM_LINES][other]);
      float *to = sums[i];
      to[0] = add_product(to[0], w, float4{x0.x, x1.x, x2.x, x3.x});
      to[1] = add_product(to[1], w, float4{x0.y, x1.y, x2.y, x3.y});
      to[2] = add_product(to[2], w, float4{x0.z, x1.z, x2.z, x3.z});
      to[3] = add_product(to[3], w, float4{x0.w, x1.w, x2.w, x3.w});
    }
  }
}

// to[own][...] += sums, `half` of whose pairs are turned back from position `at` + own row on;
// through `tile`, since the other half of a pair is another thread's.
template <int DIM, int TILE, int THREADS, typename Part = attention_part<DIM, TILE, THREADS>>
static __device__ inline void
add_sums(float *to, int64_t stride, int count, int dim, float (*tile)[DIM + TILE_PAD],
         const float (&sums)[Part::SUMS][4], const float *turns, int half, int at)
{
  const int column = threadIdx.x % Part::COLUMNS * 4, line = threadIdx.x / Part::COLUMNS;
#pragma unroll
  for (int i = 0; i < Part::SUMS; ++i) {
    for (int e = 0; e < 4; ++e) {
      tile[line + i * Part::SUM_LINES][column + e] = sums[i][e];
    }
  }
  __syncthreads();
  for (int i = threadIdx.x; i < TILE * DIM; i += THREADS) {
    const int row = i / DIM, d = i % DIM;
    if (row < count && d < dim) {
      to[row * stride + d] +=
          turned(tile[row], d, half, turns + (int64_t)(at + row) * 2 * half, -1.0f);
    }
  }
}

// Add a tile's scores to the running softmax of this thread's rows. `sink`: its first key is one
// that all see, and its only one.
template <typename Part, typename Tiles>
static __device__ inline void add_scores(float (&largest)[Part::OWN], float (&sum)[Part::OWN],
                                         const float (&s)[Part::OWN][Part::OTHER], const Tiles &t,
                                         float scale, int at, bool sink)
{
  const int lane = threadIdx.x % TILE_LANES, line = threadIdx.x / TILE_LANES;
  for (int i = 0; i < Part::OWN; ++i) {
    const int row = line + i * Part::LINES;
    const int first = sink ? at : t.first[row], end = sink ? at + 1 : t.end[row];
    float most = largest[i], added = 0.0f;
    for (int j = 0; j < Part::OTHER; ++j) {
      const int key = at + lane + j * TILE_LANES;
      most = key >= first && key < end ? fmaxf(most, s[i][j] * scale) : most;
    }
    for (int j = 0; j < Part::OTHER; ++j) {
      const int key = at + lane + j * TILE_LANES;
      added += key >= first && key < end ? expf(s[i][j] * scale - most) : 0.0f;
    }
    if (most > largest[i]) {
      sum[i] *= expf(largest[i] - most); // from nothing: 0
    }
    sum[i] += added;
    largest[i] = most;
  }
}

// The running softmaxes of the lanes of a row, merged.
template <typename Part, typename Tiles>
static __device__ inline void merge_scores(Tiles &t, const float (&largest)[Part::OWN],
                                           const float (&sum)[Part::OWN])
{
  const int lane = threadIdx.x % TILE_LANES, line = threadIdx.x / TILE_LANES;
  for (int i = 0; i < Part::OWN; ++i) {
    float most = largest[i];
    for (int step = TILE_LANES / 2; step > 0; step /= 2) {
      most = fmaxf(most, __shfl_xor_sync(ALL_LANES, most, step));
    }
    float total = sum[i] > 0.0f ? sum[i] * expf(largest[i] - most) : 0.0f;
    for (int step = TILE_LANES / 2; step > 0; step /= 2) {
      total += __shfl_xor_sync(ALL_LANES, total, step);
    }
    if (lane == 0) {
      t.largest[line + i * Part::LINES] = most;
      t.inverse[line + i * Part::LINES] = total > 0.0f ? 1.0f / total : 0.0f;
    }
  }
}

// The tile of rows that a block of queries stays with: q, dy, dy . y and what each row sees.
template <int DIM, int TILE, int THREADS>
static __device__ inline void take_rows(const attention_sweep &a, attention_tiles<DIM, TILE> &t,
                                        int n, int head, int at)
{
  load_rows<DIM, TILE, THREADS>(a, t.own_a, a.q, n, head, at);
  load_rows<DIM, TILE, THREADS>(a, t.own_b, a.dy, n, head, at);
  load_rows<DIM, TILE, THREADS>(a, t.other_a, a.y, n, head, at);
  __syncthreads();
  const int own = threadIdx.x;
  if (own < TILE) {
    float level = 0.0f;
    for (int d = 0; d < DIM; d += 4) {
      level = add_product(level, four(&t.own_b[own][d]), four(&t.other_a[own][d]));
    }
    t.level[own] = level;
    row_sees(a, n, min(at + own, a.rows - 1), &t.first[own], &t.end[own]);
  }
  __syncthreads();
}

// Largest score and 1 / sum of each row over keys [start, end); those before `first`: the sink.
template <int DIM, int TILE, int THREADS, typename Part = attention_part<DIM, TILE, THREADS>>
static __device__ inline void sum_scores(const attention_sweep &a, attention_tiles<DIM, TILE> &t,
                                         int n, int kv, int start, int first, int end)
{
  float products[Part::OWN][Part::OTHER], largest[Part::OWN], sum[Part::OWN];
  for (int i = 0; i < Part::OWN; ++i) {
    largest[i] = -INFINITY;
    sum[i] = 0.0f;
  }
  for (int key = start; key < end; key += TILE) {
    const bool sink = key < first;
    load_keys<DIM, TILE, THREADS>(a, t.other_a, a.k, sink ? a.sink_k : nullptr, n, kv, key);
    __syncthreads();
    multiply_tiles<DIM, TILE, THREADS>(products, t.own_a, t.other_a);
    add_scores<Part>(largest, sum, products, t, a.args.scale, key, sink);
    __syncthreads();
  }
  merge_scores<Part>(t, largest, sum);
  __syncthreads();
}

// t.changes [row][key] of a tile of keys, the rows being the block's own. `kept`: of its first
// row; `count` rows.
template <int DIM, int TILE, int THREADS, typename Part = attention_part<DIM, TILE, THREADS>>
static __device__ inline void weigh_keys(const attention_sweep &a, attention_tiles<DIM, TILE> &t,
                                         int key, bool sink, attention_row *kept, int count)
{
  const int lane = threadIdx.x % TILE_LANES, line = threadIdx.x / TILE_LANES;
  float products[Part::OWN][Part::OTHER], along[Part::OWN][Part::OTHER];
  multiply_tiles<DIM, TILE, THREADS>(products, t.own_a, t.other_a);
  multiply_tiles<DIM, TILE, THREADS>(along, t.own_b, t.other_b);
  for (int i = 0; i < Part::OWN; ++i) {
    const int row = line + i * Part::LINES;
    for (int j = 0; j < Part::OTHER; ++j) {
      const int other = lane + j * TILE_LANES, p = key + other;
      const bool seen = sink ? other == 0 : p >= t.first[row] && p < t.end[row];
      const float score = products[i][j] * a.args.scale;
      const float share = seen ? expf(score - t.largest[row]) * t.inverse[row] : 0.0f;
      const float change = share * (along[i][j] - t.level[row]) * a.args.scale;
      t.changes[row][other] = change;
      if (sink && other == 0 && row < count) {
        kept[row].sink_share = share;
        kept[row].sink_change = change;
      }
    }
  }
}

// Blocks: x over tiles of rows, the last ones, which see most, first; y over heads, z over streams.
template <int DIM, int TILE, int THREADS>
__global__ void __launch_bounds__(THREADS) attention_queries_kernel(const attention_sweep a)
{
  CUDA_SHARED_FLOATS(shared);
  attention_tiles<DIM, TILE> &t = *(attention_tiles<DIM, TILE> *)(void *)shared;
  const int head = blockIdx.y, n = blockIdx.z, kv = head / a.shared_heads;
  const int at = (int)(gridDim.x - 1 - blockIdx.x) * TILE, count = min(TILE, a.rows - at);
  attention_row *kept = a.kept + ((int64_t)n * a.args.n_heads + head) * a.rows + at;
  take_rows<DIM, TILE, THREADS>(a, t, n, head, at);
  const int first = t.first[0], end = max(t.end[count - 1], first);
  const int start = a.sink_k ? first - TILE : first; // the sink's tile comes before all others
  sum_scores<DIM, TILE, THREADS>(a, t, n, kv, start, first, end);
  if ((int)threadIdx.x < count) {
    kept[threadIdx.x].largest = t.largest[threadIdx.x];
    kept[threadIdx.x].inverse = t.inverse[threadIdx.x];
    kept[threadIdx.x].level = t.level[threadIdx.x];
  }
  if (!a.dq && !a.sink_k) {
    return;
  }
  float sums[attention_part<DIM, TILE, THREADS>::SUMS][4] = {};
  for (int key = start; key < end; key += TILE) {
    const bool sink = key < first;
    load_keys<DIM, TILE, THREADS>(a, t.other_a, a.k, sink ? a.sink_k : nullptr, n, kv, key);
    load_keys<DIM, TILE, THREADS>(a, t.other_b, a.v, sink ? a.sink_v : nullptr, n, kv, key);
    __syncthreads();
    weigh_keys<DIM, TILE, THREADS>(a, t, key, sink, kept, count);
    __syncthreads();
    add_weighted<DIM, TILE, THREADS>(sums, t.changes, t.other_a);
    __syncthreads();
  }
  if (a.dq) {
    const int64_t wide = a.args.n_heads * a.dim;
    add_sums<DIM, TILE, THREADS>(a.dq + ((int64_t)n * a.rows + at) * wide + head * a.dim, wide,
                                 count, a.dim, t.own_a, sums, a.turns, a.half, at);
  }
}

// A tile of rows of one head next to a block's keys, with what was kept of them.
template <int DIM, int TILE, int THREADS>
static __device__ inline void
take_other_rows(const attention_sweep &a, attention_tiles<DIM, TILE> &t, int n, int head, int at)
{
  load_rows<DIM, TILE, THREADS>(a, t.other_a, a.q, n, head, at);
  load_rows<DIM, TILE, THREADS>(a, t.other_b, a.dy, n, head, at);
  const int i = threadIdx.x;
  if (i < TILE) {
    attention_row kept = {};
    t.first[i] = t.end[i] = 0; // beyond the rows: sees nothing
    if (at + i < a.rows) {
      kept = a.kept[((int64_t)n * a.args.n_heads + head) * a.rows + at + i];
      row_sees(a, n, at + i, &t.first[i], &t.end[i]);
    }
    t.largest[i] = kept.largest;
    t.inverse[i] = kept.inverse;
    t.level[i] = kept.level;
  }
}

// t.shares and t.changes [key][row] of a tile of rows, the keys, from `key` on, being the block's.
template <int DIM, int TILE, int THREADS, typename Part = attention_part<DIM, TILE, THREADS>>
static __device__ inline void weigh_rows(const attention_sweep &a, attention_tiles<DIM, TILE> &t,
                                         int key)
{
  const int lane = threadIdx.x % TILE_LANES, line = threadIdx.x / TILE_LANES;
  float products[Part::OWN][Part::OTHER], along[Part::OWN][Part::OTHER];
  multiply_tiles<DIM, TILE, THREADS>(products, t.own_a, t.other_a);
  multiply_tiles<DIM, TILE, THREADS>(along, t.own_b, t.other_b);
  for (int i = 0; i < Part::OWN; ++i) {
    const int own = line + i * Part::LINES, p = key + own;
    for (int j = 0; j < Part::OTHER; ++j) {
      const int row = lane + j * TILE_LANES;
      const bool seen = p >= t.first[row] && p < t.end[row];
      const float score = products[i][j] * a.args.scale;
      const float share = seen ? expf(score - t.largest[row]) * t.inverse[row] : 0.0f;
      t.shares[own][row] = share;
      t.changes[own][row] = share * (along[i][j] - t.level[row]) * a.args.scale;
    }
  }
}

// Blocks: x over tiles of keys, y over their heads, z over streams.
template <int DIM, int TILE, int THREADS>
__global__ void __launch_bounds__(THREADS) attention_keys_kernel(const attention_sweep a)
{
  typedef attention_part<DIM, TILE, THREADS> part;
  CUDA_SHARED_FLOATS(shared);
  attention_tiles<DIM, TILE> &t = *(attention_tiles<DIM, TILE> *)(void *)shared;
  const int kv = blockIdx.y, n = blockIdx.z;
  const int key = blockIdx.x * TILE, count = min(TILE, a.n_keys - key);
  float sums_k[part::SUMS][4] = {}, sums_v[part::SUMS][4] = {};
  load_keys<DIM, TILE, THREADS>(a, t.own_a, a.k, nullptr, n, kv, key);
  load_keys<DIM, TILE, THREADS>(a, t.own_b, a.v, nullptr, n, kv, key);
  for (int head = kv * a.shared_heads; head < (kv + 1) * a.shared_heads; ++head) {
    for (int at = 0; at < a.rows; at += TILE) {
      // What a row sees begins and ends no earlier than what the row before it sees.
      int first, end, ignored;
      row_sees(a, n, at, &first, &ignored);
      row_sees(a, n, min(at + TILE, a.rows) - 1, &ignored, &end);
      if (key >= end || key + TILE <= first) {
        continue;
      }
      __syncthreads();
      take_other_rows<DIM, TILE, THREADS>(a, t, n, head, at);
      __syncthreads();
      weigh_rows<DIM, TILE, THREADS>(a, t, key);
      __syncthreads();
      add_weighted<DIM, TILE, THREADS>(sums_v, t.shares, t.other_b);
      add_weighted<DIM, TILE, THREADS>(sums_k, t.changes, t.other_a);
    }
  }
  __syncthreads();
  const int64_t width = a.args.n_kv_heads * a.dim;
  const int64_t to = ((int64_t)n * a.n_keys + key) * width + kv * a.dim;
  if (a.dk) {
    add_sums<DIM, TILE, THREADS>(a.dk + to, width, count, a.dim, t.own_a, sums_k, a.turns, a.half,
                                 key);
  }
  if (a.dv) {
    add_sums<DIM, TILE, THREADS>(a.dv + to, width, count, a.dim, t.own_b, sums_v, nullptr, 0, key);
  }
}

// What each row gives to the sinks: to_k, to_v [n * rows, kv_heads * D].
__global__ void attention_sinks_kernel(const attention_sweep a, float *to_k, float *to_v,
                                       int64_t count)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) {
    return;
  }
  const int64_t d = i % a.dim, kv = i / a.dim % a.args.n_kv_heads;
  const int64_t row = i / a.dim / a.args.n_kv_heads, n = row / a.rows, t = row % a.rows;
  float sum_k = 0.0f, sum_v = 0.0f;
  for (int64_t head = kv * a.shared_heads; head < (kv + 1) * a.shared_heads; ++head) {
    const attention_row &kept = a.kept[(n * a.args.n_heads + head) * a.rows + t];
    const int64_t at = (row * a.args.n_heads + head) * a.dim + d;
    sum_k += kept.sink_change * a.q[at];
    sum_v += kept.sink_share * a.dy[at];
  }
  to_k[i] = sum_k;
  to_v[i] = sum_v;
}

// ---------------------------------------------------------------------------------------------
// launcher

// x [n, T, heads * D] turned into scratch.
static const float *turned_copy(run *r, const attention_sweep *a, const tensor *x, int64_t heads)
{
  float *to = (float *)run_scratch(r, tensor_bytes(x));
  const int64_t count = tensor_count(x);
  cuda_launch(r, "attention backward", attention_turn_kernel,
              dim3(cuda_blocks(count, ELEMENT_THREADS)), ELEMENT_THREADS, 0, to, cuda_floats(x),
              a->turns, x->dims[1], heads, a->dim, count);
  return to;
}

static void turn_inputs(run *r, attention_sweep *a, const tensor *q, const tensor *k)
{
  const int64_t positions = a->rows > a->n_keys ? a->rows : a->n_keys;
  a->half = (int)(a->args.head_dim / 2);
  const int64_t count = positions * a->half;
  float *turns = (float *)run_scratch(r, (size_t)(2 * count) * sizeof(float));
  cuda_launch(r, "attention backward", attention_turns_kernel,
              dim3(cuda_blocks(count, ELEMENT_THREADS)), ELEMENT_THREADS, 0, turns, a->args, count);
  a->turns = turns;
  a->q = turned_copy(r, a, q, a->args.n_heads);
  a->k = turned_copy(r, a, k, a->args.n_kv_heads);
}

// Tiles as large as fit beside each other into what every card gives, for heads of up to DIM.
template <int DIM, int TILE, int THREADS>
static void sweep_tiles(run *r, const attention_sweep *a, int64_t n)
{
  const size_t bytes = sizeof(attention_tiles<DIM, TILE>);
  static_assert(sizeof(attention_tiles<DIM, TILE>) <= CUDA_SHARED_MAX_BYTES, "too large a tile");
  cuda_launch(r, "attention backward", attention_queries_kernel<DIM, TILE, THREADS>,
              dim3(cuda_blocks(a->rows, TILE), (unsigned)a->args.n_heads, (unsigned)n), THREADS,
              bytes, *a);
  if (a->dk || a->dv) {
    cuda_launch(r, "attention backward", attention_keys_kernel<DIM, TILE, THREADS>,
                dim3(cuda_blocks(a->n_keys, TILE), (unsigned)a->args.n_kv_heads, (unsigned)n),
                THREADS, bytes, *a);
  }
}

static void sweep_sinks(run *r, const attention_sweep *a, int64_t rows, float *dsink_k,
                        float *dsink_v)
{
  const int64_t width = a->args.n_kv_heads * a->dim, count = rows * width;
  if (!dsink_k && !dsink_v) {
    return;
  }
  float *to_k = (float *)run_scratch(r, (size_t)count * sizeof(float));
  float *to_v = (float *)run_scratch(r, (size_t)count * sizeof(float));
  cuda_launch(r, "attention backward", attention_sinks_kernel,
              dim3(cuda_blocks(count, ELEMENT_THREADS)), ELEMENT_THREADS, 0, *a, to_k, to_v, count);
  gradient_columns(r, "attention backward", dsink_k, to_k, nullptr, rows, width);
  gradient_columns(r, "attention backward", dsink_v, to_v, nullptr, rows, width);
}

static attention_sweep attention_sweep_of(run *r, const tape_node *node)
{
  const tensor *q = &node->in[0], *k = &node->in[1], *v = &node->in[2];
  const tensor dy = tape_gradient(r, &node->out), dq = tape_gradient(r, q);
  const tensor dk = tape_gradient(r, k), dv = tape_gradient(r, v);
  attention_sweep a = {};
  a.args = node->args.attention;
  a.q = cuda_floats(q);
  a.k = cuda_floats(k);
  a.v = cuda_floats(v);
  a.y = cuda_floats(&node->out);
  a.dy = cuda_floats(&dy);
  a.dq = cuda_floats(&dq);
  a.dk = cuda_floats(&dk);
  a.dv = cuda_floats(&dv);
  a.sink_k = cuda_vector(node->weights[0]);
  a.sink_v = cuda_vector(node->weights[1]);
  a.lengths = (const int32_t *)node->in[3].data;
  a.rows = (int)q->dims[1];
  a.n_keys = (int)k->dims[1];
  a.dim = (int)a.args.head_dim;
  a.shared_heads = (int)(a.args.n_heads / a.args.n_kv_heads);
  return a;
}

// dq +=, dk +=, dv += and those of the sinks. The forward has refused longer heads.
void cuda_attention_backward(run *r, const tape_node *node)
{
  const tensor *q = &node->in[0];
  const weight *sink_k = node->weights[0], *sink_v = node->weights[1];
  attention_sweep a = attention_sweep_of(r, node);
  const size_t mark = arena_mark(r->memory);
  const int64_t rows = q->dims[0] * q->dims[1];
  a.kept = (attention_row *)run_scratch(r, (size_t)(rows * a.args.n_heads) * sizeof *a.kept);
  if (a.args.rope_base > 0.0f) {
    turn_inputs(r, &a, q, &node->in[1]);
  }
  if (a.dim <= 32) {
    sweep_tiles<32, 32, 128>(r, &a, q->dims[0]);
  } else if (a.dim <= 64) {
    sweep_tiles<64, 32, 128>(r, &a, q->dims[0]);
  } else if (a.dim <= 128) {
    sweep_tiles<128, 16, 64>(r, &a, q->dims[0]);
  } else {
    sweep_tiles<ATTENTION_MAX_DIM, 8, 64>(r, &a, q->dims[0]);
  }
  sweep_sinks(r, &a, rows, sink_k ? (float *)sink_k->grad : nullptr,
              sink_v ? (float *)sink_v->grad : nullptr);
  arena_rewind(r->memory, mark);
}
