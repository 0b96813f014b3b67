// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// q [n, T, heads * D], k, v [n, T, kv_heads * D] -> y [n, T, heads * D]. Three kernels:
//  rotate  one thread per pair: q and the new keys, turned by position, into scratch
//  attend  one block per (row, head, stream), one warp per key in turn, each with its own running
//          softmax, merged at the end; keys of this call come from scratch, older ones from the
//          cache, so nothing is read that another block may overwrite
//  append  one thread per element: the new keys and values into the cache, behind all readers
#include "gpu/cuda/attention.cuh"

#define ATTENTION_WARPS 8
#define ATTENTION_THREADS (ATTENTION_WARPS * WARP_LANES)
#define ATTENTION_PARTS (ATTENTION_MAX_DIM / WARP_LANES)

struct attention_call {
  const float *q, *k, *v;   // q, k rotated; k, v of this call [n, rows_k, kv_heads * D]
  float *cache_k, *cache_v; // [n, capacity, kv_heads * D] or null
  const float *sink_k, *sink_v;
  const int32_t *lengths;
  const int64_t *position; // CACHE_RING: [n] or null
  float *y;
  attention_args args;
  int rows, rows_k; // T of q, and of k and v
  int64_t capacity;
};

// Position of this call's first row in stream n.
static __device__ int64_t first_position(const attention_call &a, int n)
{
  if (a.args.cache == CACHE_RING && a.position) {
    return a.position[n];
  }
  return a.args.cache == CACHE_STEP ? a.args.step_row : 0;
}

__global__ void attention_rotate_kernel(float *to, const float *from, const attention_call a,
                                        int rows, int64_t heads, int64_t count)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  const int64_t half = a.args.head_dim / 2;
  if (i >= count) {
    return;
  }
  const int64_t pair = i % half, row = i / half / heads; // row of [n * T]
  const int64_t position = first_position(a, (int)(row / rows)) + row % rows;
  float cosine, sine;
  attention_turn(a.args, pair, position, &cosine, &sine);
  const int64_t at = i / half * a.args.head_dim + pair;
  const float first = from[at], second = from[at + half];
  to[at] = first * cosine - second * sine;
  to[at + half] = second * cosine + first * sine;
}

// Rows [first, first + count) that the row at `position` sees.
static __device__ void visible_rows(const attention_call &a, int n, int64_t position,
                                    int64_t *first, int64_t *count)
{
  const bool appends = a.args.cache == CACHE_RING || a.args.cache == CACHE_STEP;
  int64_t rows = appends ? position + 1 : a.args.cache == CACHE_CROSS ? a.capacity : a.rows_k;
  if (a.lengths && a.lengths[n] < rows) {
    rows = a.lengths[n];
  }
  int64_t end;
  attention_visible(a.args, a.capacity, rows, position, first, &end);
  *count = end > *first ? end - *first : 0;
}

// What one warp, or all of them, has seen so far: softmax-weighted sum over its keys.
struct attention_sum {
  float largest, weight;        // of the scores; sum of e^(score - largest)
  float value[ATTENTION_PARTS]; // lane l has dimensions l, l + 32, ...
};

static __device__ void add_key(attention_sum *s, const float *q, const float *k, const float *v,
                               int dim, float scale, int lane)
{
  float product = 0.0f;
#pragma unroll
  for (int e = 0; e < ATTENTION_PARTS; ++e) {
    const int d = e * WARP_LANES + lane;
    product += d < dim ? q[e] * k[d] : 0.0f;
  }
  const float score = warp_sum(product) * scale;
  const float largest = fmaxf(s->largest, score);
  const float keep = expf(s->largest - largest), share = expf(score - largest);
  s->largest = largest;
  s->weight = s->weight * keep + share;
#pragma unroll
  for (int e = 0; e < ATTENTION_PARTS; ++e) {
    const int d = e * WARP_LANES + lane;
    s->value[e] = s->value[e] * keep + (d < dim ? share * v[d] : 0.0f);
  }
}

// Blocks: x over rows, y over heads, z over streams.
__global__ void __launch_bounds__(ATTENTION_THREADS) attention_attend_kernel(const attention_call a)
{
  __shared__ float largest[ATTENTION_WARPS], weights[ATTENTION_WARPS];
  __shared__ float values[ATTENTION_WARPS][ATTENTION_MAX_DIM];
  const int warp = threadIdx.x / WARP_LANES, lane = threadIdx.x % WARP_LANES;
  const int t = blockIdx.x, head = blockIdx.y, n = blockIdx.z;
  const int dim = (int)a.args.head_dim;
  const int64_t width = a.args.n_kv_heads * dim;
  const int64_t kv = (int64_t)(head / (a.args.n_heads / a.args.n_kv_heads)) * dim;
  const int64_t at = (((int64_t)n * a.rows + t) * a.args.n_heads + head) * dim;
  const int64_t start = a.args.cache == CACHE_CROSS ? INT64_MAX : first_position(a, n);
  const int64_t position = (a.args.cache == CACHE_CROSS ? 0 : start) + t;
  int64_t first, count;
  visible_rows(a, n, position, &first, &count);
  const int sink = a.sink_k ? 1 : 0;
  float q[ATTENTION_PARTS];
  attention_sum s = {};
  s.largest = -INFINITY;
#pragma unroll
  for (int e = 0; e < ATTENTION_PARTS; ++e) {
    q[e] = e * WARP_LANES + lane < dim ? a.q[at + e * WARP_LANES + lane] : 0.0f;
  }
  for (int64_t i = warp; i < count + sink; i += ATTENTION_WARPS) {
    const int64_t p = first + i - sink;
    if (i < sink) {
      add_key(&s, q, a.sink_k + kv, a.sink_v + kv, dim, a.args.scale, lane);
    } else if (p >= start) {
      const int64_t row = ((int64_t)n * a.rows_k + p - start) * width + kv;
      add_key(&s, q, a.k + row, a.v + row, dim, a.args.scale, lane);
    } else {
      const int64_t row = ((int64_t)n * a.capacity + p % a.capacity) * width + kv;
      add_key(&s, q, a.cache_k + row, a.cache_v + row, dim, a.args.scale, lane);
    }
  }
  largest[warp] = s.largest;
  weights[warp] = s.weight;
#pragma unroll
  for (int e = 0; e < ATTENTION_PARTS; ++e) {
    values[warp][e * WARP_LANES + lane] = s.value[e];
  }
  __syncthreads();
  float most = largest[0];
  for (int w = 1; w < ATTENTION_WARPS; ++w) {
    most = fmaxf(most, largest[w]);
  }
  for (int d = threadIdx.x; d < dim; d += ATTENTION_THREADS) {
    float sum = 0.0f, weight_sum = 0.0f;
    for (int w = 0; w < ATTENTION_WARPS; ++w) {
      // a warp without keys has largest -inf and weight 0
      const float share = weights[w] > 0.0f ? expf(largest[w] - most) : 0.0f;
      weight_sum += share * weights[w];
      sum += share * values[w][d];
    }
    a.y[at + d] = weight_sum > 0.0f ? sum / weight_sum : 0.0f;
  }
}

// Where rows outnumber the ring's slots only the last survive, so that no slot has two writers.
__global__ void attention_append_kernel(const attention_call a, int64_t count)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) {
    return;
  }
  const int64_t width = a.args.n_kv_heads * a.args.head_dim;
  const int64_t c = i % width, t = i / width % a.rows_k, n = i / width / a.rows_k;
  if (t < a.rows_k - a.capacity) {
    return;
  }
  const int64_t slot = (first_position(a, (int)n) + t) % a.capacity;
  a.cache_k[(n * a.capacity + slot) * width + c] = a.k[i];
  a.cache_v[(n * a.capacity + slot) * width + c] = a.v[i];
}

// ---------------------------------------------------------------------------------------------
// launcher

#define ELEMENT_THREADS 256

// x [n, T, heads * D] turned into scratch.
static const float *rotated(run *r, const attention_call *a, const tensor *x, int64_t heads)
{
  float *to = (float *)run_scratch(r, tensor_bytes(x));
  const int64_t pairs = tensor_count(x) / 2;
  if (to) {
    cuda_launch(r, "attention", attention_rotate_kernel, dim3(cuda_blocks(pairs, ELEMENT_THREADS)),
                ELEMENT_THREADS, 0, to, (const float *)x->data, *a, (int)x->dims[1], heads, pairs);
  }
  return to;
}

void cuda_attention(run *r, tensor *y, const tensor *q, const tensor *k, const tensor *v,
                    tensor *cache_k, tensor *cache_v, const weight *sink_k, const weight *sink_v,
                    const tensor *lengths, const stream_control *control,
                    const attention_args *args)
{
  attention_call a = {};
  a.args = *args;
  a.rows = (int)q->dims[1];
  if (!run_ok(r) || tensor_count(q) == 0) {
    return;
  }
  if (args->head_dim > ATTENTION_MAX_DIM) {
    run_fail(r, STATUS_UNSUPPORTED, "attention: head of %lld dimensions, at most %d here",
             (long long)args->head_dim, ATTENTION_MAX_DIM);
    return;
  }
  const bool static_cache = args->cache == CACHE_CROSS;
  const bool appends = args->cache == CACHE_RING || args->cache == CACHE_STEP;
  const size_t mark = arena_mark(r->memory);
  a.rows_k = static_cache ? 0 : (int)k->dims[1];
  a.capacity = args->cache == CACHE_NONE ? k->dims[1] : cache_k->dims[1];
  a.position = control ? control->position : nullptr;
  a.cache_k = cuda_floats(cache_k);
  a.cache_v = cuda_floats(cache_v);
  a.sink_k = cuda_vector(sink_k);
  a.sink_v = cuda_vector(sink_v);
  a.lengths = lengths ? (const int32_t *)lengths->data : nullptr;
  a.y = cuda_floats(y);
  const bool turns = args->rope_base > 0.0f;
  a.q = turns ? rotated(r, &a, q, args->n_heads) : cuda_floats(q);
  if (!static_cache) {
    a.k = turns ? rotated(r, &a, k, args->n_kv_heads) : cuda_floats(k);
    a.v = cuda_floats(v);
  }
  cuda_launch(r, "attention", attention_attend_kernel,
              dim3((unsigned)a.rows, (unsigned)args->n_heads, (unsigned)q->dims[0]),
              ATTENTION_THREADS, 0, a);
  if (appends) {
    cuda_launch(r, "attention", attention_append_kernel,
                dim3(cuda_blocks(tensor_count(k), ELEMENT_THREADS)), ELEMENT_THREADS, 0, a,
                tensor_count(k));
  }
  arena_rewind(r->memory, mark);
}
