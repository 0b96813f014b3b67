// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The way back through attention over whole sequences: part of reference_body.h. Its forward is in
// reference_attention.h.

// One stream. Keys are rotated copies, and so their gradients are turned back at the end.
typedef struct FN(attention_sweep) {
  FN(keys) keys;
  real *k, *dk, *dv;       // [T, kv_heads * D]; dv may be null
  real *dsink_k, *dsink_v; // [kv_heads * D] or null
  real *q, *dq;            // [heads * D] one row, rotated
  real *scores;            // [T + 1]
} FN(attention_sweep);

// One head of one row: shares again, then gradients. With p the shares and d_i = dy . v_i:
// dv_i = p_i dy, ds_i = p_i (d_i - dy . y), dq = scale sum ds_i k_i, dk_i = scale ds_i q.
static void FN(attend_backward)(const FN(attention_sweep) * s, int64_t h, const real *dy,
                                const real *y, const attention_args *args)
{
  const FN(keys) *keys = &s->keys;
  const int64_t dim = args->head_dim, width = args->n_kv_heads * dim;
  const int64_t at = h / (args->n_heads / args->n_kv_heads) * dim;
  const int64_t sink = keys->sink_k ? 1 : 0, total = keys->count + sink;
  const real *q = s->q + h * dim;
  real largest = 0, sum = 0;
  for (int64_t i = 0; i < total; ++i) {
    const real *k = i < sink ? keys->sink_k : keys->k + (keys->first + i - sink) * width;
    s->scores[i] = FN(score)(q, k + at, dim, args->scale);
    largest = i == 0 ? s->scores[i] : MAX(largest, s->scores[i]);
  }
  for (int64_t i = 0; i < total; ++i) {
    s->scores[i] = R(exp)(s->scores[i] - largest);
    sum += s->scores[i];
  }
  const real level = FN(score)(dy, y, dim, 1.0f);
  for (int64_t i = 0; i < total; ++i) {
    const int64_t row = (keys->first + i - sink) * width + at;
    const real *k = i < sink ? keys->sink_k + at : keys->k + row;
    const real *v = i < sink ? keys->sink_v + at : keys->v + row;
    real *dk = i >= sink ? s->dk + row : s->dsink_k ? s->dsink_k + at : NULL;
    real *dv = i < sink ? s->dsink_v : s->dv;
    dv = dv ? dv + (i < sink ? at : row) : NULL;
    const real share = s->scores[i] / sum;
    const real d = share * (FN(score)(dy, v, dim, 1.0f) - level) * (real)args->scale;
    FN(add_scaled)(s->dq + h * dim, k, d, dim);
    FN(add_scaled)(dk, q, d, dim);
    FN(add_scaled)(dv, dy, share, dim);
  }
}

// One row, all heads: dq (may be null) is turned back and added.
static void FN(attend_row_backward)(const FN(attention_sweep) * s, real *dq, const real *q,
                                    const real *dy, const real *y, int64_t position,
                                    const attention_args *args)
{
  const int64_t wide = args->n_heads * args->head_dim;
  memcpy(s->q, q, (size_t)wide * sizeof *q);
  memset(s->dq, 0, (size_t)wide * sizeof *q);
  if (args->rope_base > 0) {
    FN(rotate)(s->q, args->n_heads, args->head_dim, position, args->rope_base);
  }
  for (int64_t h = 0; h < args->n_heads; ++h) {
    FN(attend_backward)(s, h, dy + h * args->head_dim, y + h * args->head_dim, args);
  }
  if (args->rope_base > 0) {
    FN(rotate)(s->dq, args->n_heads, args->head_dim, -position, args->rope_base);
  }
  FN(add_scaled)(dq, s->dq, 1, wide);
}

// Rows of one stream: `turn` 1 rotates by position, -1 back.
static void FN(rotate_rows)(real *rows, int64_t count, int64_t turn, const attention_args *args)
{
  const int64_t width = args->n_kv_heads * args->head_dim;
  for (int64_t t = 0; args->rope_base > 0 && t < count; ++t) {
    FN(rotate)(rows + t * width, args->n_kv_heads, args->head_dim, turn * t, args->rope_base);
  }
}

static FN(attention_sweep) FN(attention_sweep_of)(run *r, const tape_node *node)
{
  const attention_args *args = &node->args.attention;
  const weight *sink_k = node->weights[0], *sink_v = node->weights[1];
  const size_t wide = (size_t)(args->n_heads * args->head_dim) * sizeof(real);
  const int64_t capacity = node->in[1].dims[1];
  const size_t bytes = (size_t)(capacity * args->n_kv_heads * args->head_dim) * sizeof(real);
  return (FN(attention_sweep)){.keys = {.capacity = capacity,
                                        .sink_k = FN(vector_of)(sink_k),
                                        .sink_v = FN(vector_of)(sink_v)},
                               .k = run_scratch(r, bytes),
                               .dk = run_scratch(r, bytes),
                               .dsink_k = sink_k ? sink_k->grad : NULL,
                               .dsink_v = sink_v ? sink_v->grad : NULL,
                               .q = run_scratch(r, wide),
                               .dq = run_scratch(r, wide),
                               .scores = run_scratch(r, (size_t)(capacity + 1) * sizeof(real))};
}

// dq +=, dk +=, dv += and those of the sinks.
static void FN(attention_backward)(run *r, const tape_node *node)
{
  const attention_args *args = &node->args.attention;
  const tensor *q = &node->in[0], *k = &node->in[1], *v = &node->in[2];
  const tensor dy = tape_gradient(r, &node->out), dq = tape_gradient(r, q);
  const tensor dk = tape_gradient(r, k), dv = tape_gradient(r, v);
  const int32_t *lengths = node->in[3].data;
  const int64_t rows = q->dims[1], wide = q->dims[2], width = args->n_kv_heads * args->head_dim;
  const int64_t capacity = k->dims[1], size = capacity * width;
  FN(attention_sweep) s = FN(attention_sweep_of)(r, node);
  s.keys.k = s.k;
  for (int64_t n = 0; run_ok(r) && n < q->dims[0]; ++n) {
    memcpy(s.k, (const real *)k->data + n * size, (size_t)size * sizeof(real));
    memset(s.dk, 0, (size_t)size * sizeof(real));
    FN(rotate_rows)(s.k, capacity, 1, args);
    s.keys.v = (const real *)v->data + n * size;
    s.dv = dv.data ? (real *)dv.data + n * size : NULL;
    for (int64_t t = 0; t < rows; ++t) {
      const int64_t at = (n * rows + t) * wide;
      FN(visible)(&s.keys, t, lengths ? MIN(capacity, lengths[n]) : capacity, args);
      FN(attend_row_backward)
      (&s, dq.data ? (real *)dq.data + at : NULL, (const real *)q->data + at,
       (const real *)dy.data + at, (const real *)node->out.data + at, t, args);
    }
    FN(rotate_rows)(s.dk, capacity, -1, args);
    FN(add_scaled)(dk.data ? (real *)dk.data + n * size : NULL, s.dk, 1, size);
  }
}
