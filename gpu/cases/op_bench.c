// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/cases/op_bench.h"

#include "base/random.h"
#include "gpu/cpu/rows.h"
#include "gpu/tape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// ---- values made from (name, seed) ----

static uint64_t key_of(const op_bench *b, const char *name)
{
  return b->seed ^ random_name_key(name) ^ (random_name_key(b->c->name) << 1);
}

// Element `index` in [-spread, spread]: splitmix64 (Steele, Lea and Flood 2014), because millions
// of weights are made here and nothing hangs on their quality.
static inline float value_at(uint64_t key, int64_t index, float spread)
{
  uint64_t z = key + (uint64_t)index * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return ((float)((z ^ (z >> 31)) >> 40) * 0x1p-23f - 1.0f) * spread;
}

float op_bench_value(const op_bench *b, float value)
{
  return b->c->bf16_values ? f32_from_bf16(bf16_from_f32(value)) : value;
}

static bool upload_real(op_bench *b, void *to, const float *values, int64_t count, error *err)
{
  if (b->dev->real == DTYPE_F32) {
    return b->dev->upload(b->dev, to, values, (size_t)count * sizeof *values, err) == STATUS_OK;
  }
  for (int64_t i = 0; i < count; ++i) {
    ((double *)to)[i] = (double)values[i];
  }
  return true;
}

// Input `index` of the case: [n, d1, d2, d3] random values, of the chosen stream(s).
static bool add_input(op_bench *b, const char *name, int rank, int64_t d1, int64_t d2, int64_t d3,
                      bool per_stream, error *err)
{
  const int64_t n = per_stream ? b->n : 1;
  tensor t = tensor_view(NULL, b->dev->real, rank, n, d1, d2, d3);
  const int64_t each = t.dims[1] * t.dims[2] * t.dims[3];
  const uint64_t key = key_of(b, name);
  float *values = malloc((size_t)(n * each) * sizeof *values);
  t.data = b->dev->allocate(b->dev, (size_t)(n * each) * dtype_bytes(t.type));
  bool ok = values && t.data;
  for (int64_t i = 0; ok && i < n * each; ++i) {
    const int64_t stream = per_stream && b->only >= 0 ? b->only : 0;
    values[i] = op_bench_value(b, value_at(key, stream * each + i, 1.5f));
  }
  ok = ok && upload_real(b, t.data, values, n * each, err);
  free(values);
  b->input_names[b->n_inputs] = name;
  b->inputs[b->n_inputs++] = t;
  return ok;
}

static bool add_codes(op_bench *b, const char *name, int rank, int64_t d1, int64_t d2,
                      int64_t below, error *err)
{
  tensor t = tensor_view(NULL, DTYPE_I32, rank, b->n, d1, d2, 1);
  const int64_t each = t.dims[1] * t.dims[2];
  const uint64_t key = key_of(b, name);
  int32_t *codes = malloc((size_t)(b->n * each) * sizeof *codes);
  t.data = b->dev->allocate(b->dev, (size_t)(b->n * each) * sizeof *codes);
  bool ok = codes && t.data;
  for (int64_t i = 0; ok && i < b->n * each; ++i) {
    const int64_t stream = b->only >= 0 ? b->only : 0;
    const float u = value_at(key, stream * each + i, 0.5f) + 0.5f;
    codes[i] = (int32_t)((double)u * (double)(below + 2)) - 1; // a few fall outside on purpose
  }
  const size_t bytes = (size_t)(b->n * each) * sizeof *codes;
  ok = ok && b->dev->upload(b->dev, t.data, codes, bytes, err) == STATUS_OK;
  free(codes);
  b->input_names[b->n_inputs] = name;
  b->inputs[b->n_inputs++] = t;
  return ok;
}

static weight *add_weight(op_bench *b, const char *name, weight_use use, dtype storage, int rank,
                          int64_t d0, int64_t d1, int64_t d2, int64_t d3, int64_t fan_in,
                          error *err)
{
  const int64_t dims[TENSOR_MAX_DIMS] = {d0, d1, d2, d3};
  weight *w = &b->weights[b->n_weights++];
  weight_init(w, name, use, rank, dims);
  w->groups = b->c->groups ? b->c->groups : 1;
  if (use == WEIGHT_CONV1D || use == WEIGHT_CONV2D || use == WEIGHT_CONV_TRANSPOSED1D) {
    w->stride = b->c->stride;
    w->dilation = b->c->dilation ? b->c->dilation : 1;
  }
  w->storage = storage;
  if (weight_allocate(w, false, err) != STATUS_OK) {
    return NULL;
  }
  const float spread = sqrtf(3.0f / (float)fan_in);
  const uint64_t key = key_of(b, name);
  const int64_t count = weight_count(w);
  for (int64_t i = 0; i < count; ++i) {
    const float value = value_at(key, i, spread);
    w->master[i] = use == WEIGHT_VECTOR ? value : op_bench_value(b, value);
  }
  return weight_refresh(b->dev, w, err) == STATUS_OK ? w : NULL;
}

static bool add_vector(op_bench *b, const char *name, int64_t count, error *err)
{
  return add_weight(b, name, WEIGHT_VECTOR, DTYPE_F32, 1, count, 1, 1, 1, 4, err);
}

static bool add_history(op_bench *b, tensor *t, int64_t rows, int64_t channels)
{
  *t = tensor_view(NULL, b->dev->real, 3, b->n, rows, channels, 1);
  const int64_t count = b->n * rows * channels;
  t->data = b->dev->allocate(b->dev, (size_t)(count ? count : 1) * dtype_bytes(t->type));
  return t->data != NULL;
}

// ---- one builder per family ----

static bool build_conv(op_bench *b, dtype storage, error *err)
{
  const op_case *c = b->c;
  const bool up = c->op == OP_CONV_TRANSPOSED1D;
  const int64_t fan_in = c->channels / c->groups * (up ? (c->kernel / c->stride + 1) : c->kernel);
  bool ok = add_input(b, "x", 3, c->rows, c->channels, 1, true, err);
  ok = ok && (up ? add_weight(b, "w", WEIGHT_CONV_TRANSPOSED1D, storage, 3, c->channels,
                              c->outputs / c->groups, c->kernel, 1, fan_in, err)
                 : add_weight(b, "w", WEIGHT_CONV1D, storage, 3, c->outputs,
                              c->channels / c->groups, c->kernel, 1, fan_in, err));
  ok = ok && add_vector(b, "bias", c->outputs, err);
  if (ok && c->residual) {
    ok = add_input(b, "residual", 3, c->rows / c->stride, c->outputs, 1, true, err);
  }
  if (ok && c->streaming) {
    const int64_t rows = up ? (c->kernel + c->stride - 1) / c->stride - 1
                            : (c->kernel - 1) * c->dilation + 1 - c->stride;
    ok = add_history(b, &b->history, rows, c->channels);
  }
  return ok;
}

static bool build_conv2d(op_bench *b, dtype storage, error *err)
{
  const op_case *c = b->c;
  return add_input(b, "x", 4, c->height, c->rows, c->channels, true, err) &&
         add_weight(b, "w", WEIGHT_CONV2D, storage, 4, c->outputs, c->channels / c->groups,
                    c->kernel_h, c->kernel, c->channels / c->groups * c->kernel_h * c->kernel,
                    err) &&
         add_vector(b, "bias", c->outputs, err);
}

static bool build_linear(op_bench *b, dtype storage, error *err)
{
  const op_case *c = b->c;
  bool ok = add_input(b, "x", 3, c->rows, c->channels, 1, true, err) &&
            add_weight(b, "w", WEIGHT_LINEAR, storage, 2, c->outputs, c->channels, 1, 1,
                       c->channels, err) &&
            add_vector(b, "bias", c->outputs, err);
  if (ok && c->op == OP_NORM_LINEAR) {
    ok = add_vector(b, "scale", c->channels, err) && add_vector(b, "shift", c->channels, err);
  }
  return ok && (!c->residual || add_input(b, "residual", 3, c->rows, c->outputs, 1, true, err));
}

static bool build_matmul(op_bench *b, error *err)
{
  const op_case *c = b->c;
  const int64_t d1 = c->residual ? c->outputs : c->channels;
  const int64_t d2 = c->residual ? c->channels : c->outputs;
  return add_input(b, "x", 3, c->rows, c->channels, 1, true, err) &&
         add_input(b, "b", 3, d1, d2, 1, true, err);
}

static bool build_lstm(op_bench *b, dtype storage, error *err)
{
  const op_case *c = b->c;
  const int64_t gates = 4 * c->outputs;
  return add_input(b, "x", 3, c->rows, c->channels, 1, true, err) &&
         add_weight(b, "w_ih", WEIGHT_LINEAR, storage, 2, gates, c->channels, 1, 1, c->channels,
                    err) &&
         add_weight(b, "w_hh", WEIGHT_LINEAR, storage, 2, gates, c->outputs, 1, 1, c->outputs,
                    err) &&
         add_vector(b, "b_ih", gates, err) && add_vector(b, "b_hh", gates, err) &&
         add_history(b, &b->history, 2, c->outputs);
}

// Rows of the keys that an attention is given.
static int64_t key_rows(const op_case *c)
{
  return c->attention.cache == CACHE_NONE && c->kernel ? c->kernel : c->rows;
}

static bool build_attention(op_bench *b, error *err)
{
  const op_case *c = b->c;
  const attention_args *a = &c->attention;
  const int64_t width = a->n_kv_heads * a->head_dim, n_keys = key_rows(c);
  bool ok = add_input(b, "q", 3, c->rows, a->n_heads * a->head_dim, 1, true, err) &&
            add_input(b, "k", 3, n_keys, width, 1, true, err) &&
            add_input(b, "v", 3, n_keys, width, 1, true, err);
  if (ok && a->cache != CACHE_NONE) {
    ok = add_history(b, &b->history, c->kernel, width) &&
         add_history(b, &b->history_v, c->kernel, width);
  }
  if (ok && c->bias) {
    ok = add_vector(b, "sink_k", width, err) && add_vector(b, "sink_v", width, err);
  }
  if (ok && c->residual) {
    ok = add_codes(b, "lengths", 1, 1, 1, 3, err);
    int32_t lengths[8];
    const int64_t most = a->cache == CACHE_NONE ? n_keys : c->kernel;
    for (int64_t i = 0; i < b->n; ++i) {
      lengths[i] = (int32_t)(most - (b->only >= 0 ? b->only : i) * 3);
    }
    ok = ok && b->dev->upload(b->dev, b->inputs[3].data, lengths, (size_t)b->n * sizeof *lengths,
                              err) == STATUS_OK;
  }
  return ok;
}

static bool build_codebooks(op_bench *b, error *err)
{
  const op_case *c = b->c;
  const int count = c->op == OP_NEAREST ? 1 : (int)c->kernel;
  bool ok = c->op == OP_RVQ_DECODE ? add_codes(b, "codes", 3, c->rows, count, c->outputs, err)
                                   : add_input(b, "x", 3, c->rows, c->channels, 1, true, err);
  for (int k = 0; ok && k < count; ++k) {
    char name[16] = "codebook0";
    name[8] = (char)('0' + k);
    b->codebooks[k] = add_weight(b, name, WEIGHT_CODEBOOK, DTYPE_F32, 2, c->outputs, c->channels, 1,
                                 1, 2 << k, err);
    ok = b->codebooks[k] != NULL;
  }
  return ok;
}

static bool build_elementwise(op_bench *b, error *err)
{
  const op_case *c = b->c;
  bool ok = add_input(b, "x", 3, c->rows, c->channels, 1, true, err);
  if (ok && (c->op == OP_ADD || c->op == OP_MULTIPLY)) {
    ok = c->bias ? add_input(b, "b", 3, 1, c->channels, 1, false, err)
                 : add_input(b, "b", 3, c->rows, c->channels, 1, true, err);
  }
  if (ok && c->op == OP_NORM && c->bias) {
    ok = add_vector(b, "scale", c->channels, err) && add_vector(b, "shift", c->channels, err);
  }
  if (ok && c->op == OP_NORM && c->residual) {
    ok = add_input(b, "row_scale", 3, c->rows, c->channels, 1, true, err) &&
         add_input(b, "row_shift", 3, c->rows, c->channels, 1, true, err);
  }
  return ok;
}

static bool build_stft(op_bench *b, error *err)
{
  return add_input(b, "x", 3, b->c->rows, 1, 1, true, err) &&
         stft_new(&b->spectrum, &b->c->stft, err) == STATUS_OK;
}

static bool build(op_bench *b, dtype storage, error *err)
{
  switch (b->c->op) {
  case OP_CONV1D:
  case OP_CONV_TRANSPOSED1D:
    return build_conv(b, storage, err);
  case OP_CONV2D:
    return build_conv2d(b, storage, err);
  case OP_LINEAR:
  case OP_NORM_LINEAR:
    return build_linear(b, storage, err);
  case OP_MATMUL:
    return build_matmul(b, err);
  case OP_LSTM:
    return build_lstm(b, storage, err);
  case OP_ATTENTION:
    return build_attention(b, err);
  case OP_NEAREST:
  case OP_RVQ_ENCODE:
  case OP_RVQ_DECODE:
    return build_codebooks(b, err);
  case OP_STFT:
    return build_stft(b, err);
  case OP_EMBED:
    return add_codes(b, "codes", 2, b->c->rows, 1, b->c->outputs, err) &&
           add_weight(b, "table", WEIGHT_TABLE, DTYPE_F32, 2, b->c->outputs, b->c->channels, 1, 1,
                      4, err);
  default:
    return build_elementwise(b, err);
  }
}

// ---- calling the operator over rows [at, at + rows) ----

// Rows of a [n, T, ...] input, copied so that they are contiguous.
static tensor piece_of(run *r, const op_bench *b, const tensor *whole, int64_t at, int64_t rows)
{
  const int64_t inner = whole->dims[2] * whole->dims[3];
  if (rows == whole->dims[1]) {
    return *whole;
  }
  tensor t =
      run_tensor(r, whole->type, whole->rank, whole->dims[0], rows, whole->dims[2], whole->dims[3]);
  const size_t size = dtype_bytes(whole->type);
  for (int64_t n = 0; t.data && n < whole->dims[0]; ++n) {
    const size_t bytes = (size_t)(rows * inner) * size;
    unsigned char *host = malloc(bytes ? bytes : 1);
    const size_t from = (size_t)((n * whole->dims[1] + at) * inner) * size;
    if (!host) {
      run_fail(r, STATUS_NO_MEMORY, "no memory for a piece");
      break;
    }
    b->dev->download(b->dev, host, (unsigned char *)whole->data + from, bytes, &r->failure);
    b->dev->upload(b->dev, (unsigned char *)t.data + (size_t)(n * rows * inner) * size, host, bytes,
                   &r->failure);
    free(host);
  }
  return t;
}

static tensor call_conv(run *r, op_bench *b, int64_t at, int64_t rows)
{
  const op_case *c = b->c;
  const tensor x = piece_of(r, b, &b->inputs[0], at, rows);
  const weight *bias = c->bias ? &b->weights[1] : NULL;
  tensor *history = c->streaming ? &b->history : NULL;
  if (c->op == OP_CONV_TRANSPOSED1D) {
    const conv_transposed1d_args args = {c->kernel,
                                         c->stride,
                                         c->groups,
                                         c->pad_left,
                                         c->streaming ? c->kernel - c->stride : c->pad_right,
                                         c->act_in,
                                         c->act_out,
                                         0.3f};
    return apply_conv_transposed1d(r, x, &b->weights[0], bias, history, &args);
  }
  tensor residual = {0};
  if (c->residual) {
    residual = piece_of(r, b, &b->inputs[1], at / c->stride, rows / c->stride);
  }
  conv1d_args args = {c->kernel,    c->stride, c->dilation, c->groups,  c->pad_left,
                      c->pad_right, c->mode,   c->act_in,   c->act_out, 0.3f};
  if (c->streaming) {
    args.pad_left = conv1d_history_rows(&args);
  }
  return apply_conv1d(r, x, &b->weights[0], bias, c->residual ? &residual : NULL, history, &args);
}

static tensor call_conv2d(run *r, op_bench *b)
{
  const op_case *c = b->c;
  const conv2d_args args = {.kernel_h = c->kernel_h,
                            .kernel_w = c->kernel,
                            .stride_h = c->stride_h ? c->stride_h : c->stride,
                            .stride_w = c->stride,
                            .dilation_h = c->dilation_h ? c->dilation_h : c->dilation,
                            .dilation_w = c->dilation,
                            .groups = c->groups,
                            .pad_top = c->pad_left,
                            .pad_bottom = c->pad_right,
                            .pad_left = c->pad_left,
                            .pad_right = c->pad_right,
                            .act_in = c->act_in,
                            .act_out = c->act_out,
                            .act_slope = 0.2f};
  return apply_conv2d(r, b->inputs[0], &b->weights[0], &b->weights[1], &args);
}

static tensor call_attention(run *r, op_bench *b, int64_t at, int64_t rows)
{
  const op_case *c = b->c;
  tensor q = piece_of(r, b, &b->inputs[0], at, rows);
  const int64_t keys = c->attention.cache == CACHE_NONE ? key_rows(c) : rows;
  tensor k = piece_of(r, b, &b->inputs[1], at, keys);
  tensor v = piece_of(r, b, &b->inputs[2], at, keys);
  attention_args args = c->attention;
  if (r->record && args.cache == CACHE_RING) { // a ring that holds the window gives the same
    args.cache = CACHE_NONE;
  }
  const bool cached = args.cache != CACHE_NONE;
  return apply_attention(r, q, k, v, cached ? &b->history : NULL, cached ? &b->history_v : NULL,
                         c->bias ? &b->weights[0] : NULL, c->bias ? &b->weights[1] : NULL,
                         c->residual ? &b->inputs[3] : NULL, &args);
}

static tensor call(run *r, op_bench *b, int64_t at, int64_t rows)
{
  const op_case *c = b->c;
  tensor *in = b->inputs;
  weight *w = b->weights;
  switch (c->op) {
  case OP_CONV1D:
  case OP_CONV_TRANSPOSED1D:
    return call_conv(r, b, at, rows);
  case OP_CONV2D:
    return call_conv2d(r, b);
  case OP_ATTENTION:
    return call_attention(r, b, at, rows);
  default:
    break;
  }
  switch (c->op) {
  case OP_LINEAR:
    return apply_linear(r, in[0], &w[0], &w[1], c->residual ? &in[1] : NULL, c->act_out);
  case OP_NORM_LINEAR:
    return apply_norm_linear(r, in[0], &w[2], &w[3], &c->norm, &w[0], &w[1], c->act_out);
  case OP_MATMUL:
    return apply_matmul(r, in[0], in[1], c->residual);
  case OP_LSTM: {
    tensor x = piece_of(r, b, &in[0], at, rows);
    return apply_lstm(r, x, &w[0], &w[1], &w[2], &w[3], r->record ? NULL : &b->history,
                      c->residual);
  }
  case OP_ACTIVATE:
    return apply_activation(r, in[0], c->act_in, 0.7f);
  case OP_NORM:
    return apply_norm(r, in[0], c->bias ? &w[0] : NULL, c->bias ? &w[1] : NULL,
                      c->residual ? &in[1] : NULL, c->residual ? &in[2] : NULL, &c->norm);
  case OP_EMBED:
    return apply_embed(r, in[0], &w[0]);
  case OP_ADD:
    return apply_add(r, in[0], c->bias ? tensor_reshape(in[1], 1, c->channels, 1, 1, 1) : in[1]);
  case OP_MULTIPLY:
    return apply_multiply(r, in[0], in[1]);
  case OP_SCALE:
    return apply_scale(r, in[0], -1.75f);
  case OP_SOFTMAX:
    return apply_softmax(r, in[0]);
  case OP_AVG_POOL1D:
    return apply_avg_pool1d(r, in[0],
                            &(avg_pool1d_args){c->kernel, c->stride, c->pad_left, c->bias});
  case OP_REDUCE:
    return apply_reduce(r, in[0], c->reduce);
  case OP_STFT:
    return apply_stft(r, in[0], b->spectrum);
  case OP_NEAREST:
    return apply_nearest(r, in[0], b->codebooks[0]);
  case OP_RVQ_ENCODE:
    return apply_rvq_encode(r, in[0], b->codebooks, (int)c->kernel);
  case OP_RVQ_DECODE:
    return apply_rvq_decode(r, in[0], b->codebooks, (int)c->kernel);
  default:
    break;
  }
  run_fail(r, STATUS_INTERNAL, "%s: no call for it", op_name(c->op));
  return (tensor){0};
}

// ---- running ----

static status start_fresh(op_bench *b, error *err)
{
  uint8_t reset[8];
  memset(reset, 1, sizeof reset);
  const size_t n = (size_t)b->n;
  status code = b->dev->upload(b->dev, b->control.reset, reset, n, err);
  code = code ? code : b->dev->clear(b->dev, b->control.position, n * sizeof(int64_t), err);
  // What a fresh stream finds in its memories must not matter, except in a cross cache.
  if (!code && b->history.data && b->c->attention.cache != CACHE_CROSS) {
    code = b->dev->clear(b->dev, b->history.data, tensor_bytes(&b->history), err);
  }
  if (!code && b->history_v.data && b->c->attention.cache != CACHE_CROSS) {
    code = b->dev->clear(b->dev, b->history_v.data, tensor_bytes(&b->history_v), err);
  }
  return code;
}

// Append stream-major pieces so that the result reads [n, all rows, channels].
static status keep_result(op_bench *b, const tensor *y, int64_t at_rows, int64_t all_rows,
                          error *err)
{
  const int64_t streams = b->n > 0 && y->dims[0] == b->n ? b->n : 1;
  const int64_t each = tensor_count(y) / streams;
  const int64_t rows = y->rank > 1 && streams == b->n ? y->dims[1] : 1;
  const int64_t inner = rows ? each / rows : 0;
  const size_t size = dtype_bytes(y->type);
  unsigned char *host = malloc((size_t)tensor_count(y) * size + 1);
  const int64_t total = streams * (rows > 1 || all_rows > 1 ? all_rows : 1) * inner;
  if (total > 0 && total > b->result_capacity) {
    double *larger = realloc(b->result, (size_t)total * sizeof *larger);
    if (!larger) {
      free(host);
      return error_set(err, STATUS_NO_MEMORY, "no memory for the result");
    }
    b->result = larger;
    b->result_capacity = total;
  }
  b->result_count = total;
  status code = host ? b->dev->download(b->dev, host, y->data, tensor_bytes(y), err)
                     : error_set(err, STATUS_NO_MEMORY, "no memory for the result");
  for (int64_t i = 0; !code && i < tensor_count(y); ++i) {
    const int64_t n = i / each, rest = i % each;
    const double value = y->type == DTYPE_F64   ? ((double *)(void *)host)[i]
                         : y->type == DTYPE_F32 ? (double)((float *)(void *)host)[i]
                                                : (double)((int32_t *)(void *)host)[i];
    b->result[n * (total / streams) + at_rows * inner + rest] = value;
  }
  free(host);
  return code;
}

static int64_t total_rows_out(const op_bench *b, const tensor *y, int64_t rows_done, int64_t piece)
{
  const bool split = b->c->streaming && piece > 0 && y->rank > 1;
  return split         ? y->dims[1] * b->c->rows / (rows_done ? rows_done : 1)
         : y->rank > 1 ? y->dims[1]
                       : 1;
}

static status sweep(op_bench *b, int64_t piece, error *err)
{
  const op_case *c = b->c;
  const int64_t step = c->streaming && piece > 0 ? piece : c->rows;
  const bool up = c->op == OP_CONV_TRANSPOSED1D;
  status code = start_fresh(b, err);
  for (int64_t at = 0; !code && at < c->rows; at += step) {
    const int64_t rows = at + step < c->rows ? step : c->rows - at;
    run r;
    arena_rewind(&b->memory, 0);
    run_init(&r, b->dev, &b->memory);
    r.control = c->streaming || c->op == OP_ATTENTION ? &b->control : NULL;
    r.record = b->record;
    tensor y = call(&r, b, at, rows);
    if (run_ok(&r) && r.control) {
      b->dev->table.advance(&r, &b->control, rows);
    }
    code = run_ok(&r) ? b->dev->synchronize(b->dev, err)
                      : error_set(err, r.failure.code, "%s: %s", c->name, r.failure.message);
    if (!code) {
      const int64_t ratio = up ? c->stride : 1;
      const int64_t at_out = c->op == OP_CONV1D ? at / c->stride : at * ratio;
      code = keep_result(b, &y, at_out, total_rows_out(b, &y, rows, piece), err);
    }
  }
  return code;
}

status op_bench_run(op_bench *b, int64_t piece, error *err)
{
  return sweep(b, piece, err);
}

tensor op_bench_call(run *r, op_bench *b)
{
  return call(r, b, 0, b->c->rows);
}

status op_bench_ready(op_bench *b, run *r, error *err)
{
  arena_rewind(&b->memory, 0);
  run_init(r, b->dev, &b->memory);
  r->control = b->c->streaming || b->c->op == OP_ATTENTION ? &b->control : NULL;
  return start_fresh(b, err);
}

const double *op_bench_result(const op_bench *b, int64_t *count)
{
  *count = b->result_count;
  return b->result;
}

static status fill_cross_cache(op_bench *b, error *err)
{
  const int64_t count = tensor_count(&b->history), each = count / b->n;
  float *values = malloc((size_t)count * sizeof *values);
  bool ok = values != NULL;
  for (int pass = 0; ok && pass < 2; ++pass) {
    const uint64_t key = key_of(b, pass ? "cross_v" : "cross_k");
    for (int64_t i = 0; i < count; ++i) {
      values[i] = value_at(key, (b->only >= 0 ? b->only * each : 0) + i, 1.0f);
    }
    ok = upload_real(b, pass ? b->history_v.data : b->history.data, values, count, err);
  }
  free(values);
  return ok ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "no memory for the cross cache");
}

status op_bench_new_stream(op_bench **out, const op_case *c, device *dev, dtype storage,
                           uint64_t seed, int64_t index, error *err)
{
  *out = NULL;
  op_bench *b = calloc(1, sizeof *b);
  if (!b) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a bench");
  }
  *b = (op_bench){.c = c, .dev = dev, .seed = seed, .n = index < 0 ? c->n : 1, .only = index};
  b->control.n_streams = b->n;
  b->control.position = dev->allocate(dev, (size_t)b->n * sizeof(int64_t));
  b->control.reset = dev->allocate(dev, (size_t)b->n);
  void *block = dev->allocate(dev, BENCH_ARENA_BYTES);
  arena_init(&b->memory, block, block ? BENCH_ARENA_BYTES : 0);
  if (err) {
    *err = (error){.code = STATUS_NO_MEMORY, .message = "no memory for a bench"};
  }
  status code = STATUS_OK;
  if (!b->control.position || !b->control.reset || !block || !build(b, storage, err)) {
    code = err ? err->code : STATUS_NO_MEMORY;
  } else if (c->attention.cache == CACHE_CROSS) {
    code = fill_cross_cache(b, err);
  }
  if (code) {
    op_bench_free(b);
    return code;
  }
  *out = b;
  return STATUS_OK;
}

status op_bench_new(op_bench **b, const op_case *c, device *dev, dtype storage, uint64_t seed,
                    error *err)
{
  return op_bench_new_stream(b, c, dev, storage, seed, -1, err);
}

void op_bench_free(op_bench *b)
{
  if (!b) {
    return;
  }
  for (int i = 0; i < b->n_inputs; ++i) {
    b->dev->release(b->dev, b->inputs[i].data);
  }
  for (int i = 0; i < b->n_weights; ++i) {
    weight_free(b->dev, &b->weights[i]);
  }
  for (int i = 0; i < BENCH_MAX_INPUTS + OP_CASE_MAX_WEIGHTS; ++i) {
    free(b->gradients[i]);
  }
  b->dev->release(b->dev, b->history.data);
  b->dev->release(b->dev, b->history_v.data);
  b->dev->release(b->dev, b->control.position);
  b->dev->release(b->dev, b->control.reset);
  b->dev->release(b->dev, b->memory.data);
  tape_free(b->record);
  stft_free(b->spectrum);
  free(b->result);
  free(b);
}
