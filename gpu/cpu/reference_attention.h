// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Attention: part of reference_body.h, and of kernels_body.h, which has faster inner loops. The
// including file gives FN(score) and FN(gather).

// Where one stream's keys and values lie and which of them a row may see.
typedef struct FN(keys) {
  const real *k, *v;    // [capacity, kv_heads * D]
  int64_t capacity;     // slot of row p is p % capacity
  int64_t first, count; // rows [first, first + count) are seen
  const real *sink_k, *sink_v;
} FN(keys);

// Rotary position embedding in place: pair (i, i + D / 2) turned by position * base^(-2i / D).
// Source: Su et al. 2021, in the half-split pairing that LLaMA's weights use.
static void FN(rotate)(real *x, int64_t heads, int64_t dim, int64_t position, float base)
{
  const int64_t half = dim / 2;
  for (int64_t i = 0; i < half; ++i) {
    const double angle = (double)position * pow((double)base, -2.0 * (double)i / (double)dim);
    const real cosine = (real)cos(angle), sine = (real)sin(angle);
    for (int64_t h = 0; h < heads; ++h) {
      real *a = x + h * dim + i, *b = a + half;
      const real first = *a, second = *b;
      *a = first * cosine - second * sine;
      *b = second * cosine + first * sine;
    }
  }
}

// One head of one row: the sink first, then keys oldest to newest.
static void FN(attend)(real *y, const real *q, const FN(keys) * keys, int64_t kv_head, real *scores,
                       const attention_args *args)
{
  const int64_t dim = args->head_dim, width = args->n_kv_heads * dim, at = kv_head * dim;
  const int64_t sink = keys->sink_k ? 1 : 0, total = keys->count + sink;
  real largest = 0, sum = 0;
  for (int64_t i = 0; i < total; ++i) {
    const int64_t slot = i < sink ? 0 : (keys->first + i - sink) % keys->capacity;
    const real *k = i < sink ? keys->sink_k + at : keys->k + slot * width + at;
    scores[i] = FN(score)(q, k, dim, args->scale);
    largest = i == 0 ? scores[i] : MAX(largest, scores[i]);
  }
  for (int64_t d = 0; d < dim; ++d) {
    y[d] = 0;
  }
  for (int64_t i = 0; i < total; ++i) {
    const int64_t slot = i < sink ? 0 : (keys->first + i - sink) % keys->capacity;
    const real *v = i < sink ? keys->sink_v + at : keys->v + slot * width + at;
    const real share = R(exp)(scores[i] - largest);
    sum += share;
    FN(gather)(y, v, share, dim);
  }
  for (int64_t d = 0; d < dim; ++d) {
    y[d] = total ? y[d] / sum : 0;
  }
}

// Rows seen from row `position` of a stream that holds rows [0, rows).
static void FN(visible)(FN(keys) * keys, int64_t position, int64_t rows, const attention_args *args)
{
  int64_t end = MIN(rows, position + 1);
  if (args->mask == MASK_FULL || (args->mask == MASK_PREFIX && position < args->prefix)) {
    end = args->mask == MASK_FULL ? rows : MIN(rows, args->prefix);
  }
  int64_t first = 0;
  if (args->mask == MASK_WINDOW_SINK) {
    first = MAX(0, position + 1 - args->window);
  }
  if (args->cache == CACHE_RING) {
    first = MAX(first, end - keys->capacity);
  }
  keys->first = first;
  keys->count = MAX(0, end - first);
}

// Append one row of keys and values, rotated, to the cache that this call writes.
static void FN(append)(real *cache_k, real *cache_v, int64_t slot, const real *k, const real *v,
                       int64_t position, const attention_args *args)
{
  const int64_t width = args->n_kv_heads * args->head_dim;
  memcpy(cache_k + slot * width, k, (size_t)width * sizeof *k);
  memcpy(cache_v + slot * width, v, (size_t)width * sizeof *v);
  if (args->rope_base > 0) {
    FN(rotate)(cache_k + slot * width, args->n_kv_heads, args->head_dim, position, args->rope_base);
  }
}

// All heads of one row.
static void FN(attend_row)(real *y, real *q, const FN(keys) * keys, int64_t position, real *scores,
                           const attention_args *args)
{
  const int64_t dim = args->head_dim, shared = args->n_heads / args->n_kv_heads;
  if (args->rope_base > 0) {
    FN(rotate)(q, args->n_heads, dim, position, args->rope_base);
  }
  for (int64_t h = 0; h < args->n_heads; ++h) {
    FN(attend)(y + h * dim, q + h * dim, keys, h / shared, scores, args);
  }
}

static void FN(attention)(run *r, tensor *y, const tensor *q, const tensor *k, const tensor *v,
                          tensor *cache_k, tensor *cache_v, const weight *sink_k,
                          const weight *sink_v, const tensor *lengths,
                          const stream_control *control, const attention_args *args)
{
  const bool own = args->cache == CACHE_NONE; // keys of this sequence, copied to be rotated
  const int64_t rows = q->dims[1], wide = args->n_heads * args->head_dim;
  const int64_t width = args->n_kv_heads * args->head_dim;
  const int64_t capacity = own ? k->dims[1] : cache_k->dims[1];
  const size_t bytes = (size_t)(capacity * width) * sizeof(real);
  real *scratch_k = own ? run_scratch(r, bytes) : NULL;
  real *scratch_v = own ? run_scratch(r, bytes) : NULL;
  real *scores = run_scratch(r, (size_t)(capacity + 1) * sizeof *scores);
  real *turned = run_scratch(r, (size_t)wide * sizeof *turned);
  if (!run_ok(r)) {
    return;
  }
  for (int64_t n = 0; n < q->dims[0]; ++n) {
    real *keys_k = own ? scratch_k : (real *)cache_k->data + n * capacity * width;
    real *keys_v = own ? scratch_v : (real *)cache_v->data + n * capacity * width;
    FN(keys) keys = {.k = keys_k, .v = keys_v, .capacity = capacity};
    keys.sink_k = FN(vector_of)(sink_k);
    keys.sink_v = FN(vector_of)(sink_v);
    int64_t start = args->cache == CACHE_STEP ? args->step_row : 0;
    if (args->cache == CACHE_RING && control) {
      start = control->position[n];
    }
    const int64_t valid = lengths ? ((const int32_t *)lengths->data)[n] : INT64_MAX;
    for (int64_t t = 0; own && t < capacity; ++t) {
      const int64_t at = (n * capacity + t) * width;
      FN(append)
      (keys_k, keys_v, t, (const real *)k->data + at, (const real *)v->data + at, t, args);
    }
    for (int64_t t = 0; t < rows; ++t) {
      const int64_t position = start + t, at = (n * rows + t) * width;
      int64_t present = capacity;
      if (args->cache == CACHE_RING || args->cache == CACHE_STEP) {
        FN(append)
        (keys_k, keys_v, position % capacity, (const real *)k->data + at,
         (const real *)v->data + at, position, args);
        present = position + 1;
      }
      FN(visible)(&keys, position, MIN(present, valid), args);
      memcpy(turned, (const real *)q->data + (n * rows + t) * wide, (size_t)wide * sizeof *turned);
      FN(attend_row)
      ((real *)y->data + (n * rows + t) * wide, turned, &keys, position, scores, args);
    }
  }
}
