// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/apply.h"

#include "gpu/tape.h"

#include <string.h>

// A weight is const to a forward; only a training run, which owns its weights, writes gradients.
static weight *tracked(const weight *w)
{
  return (weight *)(uintptr_t)w;
}

static bool ready(run *r, const tensor *x, const char *op)
{
  if (run_ok(r) && !x->data) {
    run_fail(r, STATUS_INTERNAL, "%s: no input tensor", op);
  }
  return run_ok(r);
}

static bool expect(run *r, const char *op, const char *what, int64_t expected, int64_t found)
{
  if (run_ok(r) && expected != found) {
    run_fail(r, STATUS_INTERNAL, "%s: %s: expected %lld, found %lld", op, what, (long long)expected,
             (long long)found);
  }
  return run_ok(r);
}

static int64_t ceil_div(int64_t a, int64_t b)
{
  return (a + b - 1) / b;
}

int64_t conv1d_history_rows(const conv1d_args *args)
{
  return (args->kernel - 1) * args->dilation + 1 - args->stride;
}

int64_t conv_transposed1d_history_rows(const conv_transposed1d_args *args)
{
  return ceil_div(args->kernel, args->stride) - 1;
}

int64_t conv1d_rows_out(int64_t rows, bool streaming, const conv1d_args *args)
{
  if (rows == 0) {
    return 0;
  }
  if (streaming) {
    return ceil_div(rows, args->stride);
  }
  const int64_t reach = (args->kernel - 1) * args->dilation + 1;
  const int64_t free_rows = rows + args->pad_left + args->pad_right - reach;
  return free_rows < 0 ? 1 : ceil_div(free_rows, args->stride) + 1;
}

tensor apply_conv1d(run *r, tensor x, const weight *w, const weight *bias, const tensor *residual,
                    tensor *history, const conv1d_args *args)
{
  const int64_t kept = conv1d_history_rows(args);
  if (!ready(r, &x, "conv1d") ||
      !expect(r, w->name, "channels in", w->dims[1] * args->groups, x.dims[2]) ||
      !expect(r, w->name, "kernel", w->dims[2], args->kernel)) {
    return (tensor){0};
  }
  if (kept < 0) {
    const int64_t reach = kept + args->stride;
    run_fail(r, STATUS_USAGE, "%s: kernel reaches %lld rows, less than its stride", w->name,
             (long long)reach);
  }
  const bool partial = history && x.dims[1] % args->stride != 0;
  if (partial && !(r->control && r->control->final)) {
    run_fail(r, STATUS_USAGE, "%s: %lld rows are no multiple of stride %lld", w->name,
             (long long)x.dims[1], (long long)args->stride);
  }
  if (history) {
    expect(r, w->name, "history rows", kept, history->dims[1]);
  }
  const int64_t rows = conv1d_rows_out(x.dims[1], history != NULL, args);
  tensor y = run_tensor(r, r->dev->real, 3, x.dims[0], rows, w->dims[0], 1);
  if (!run_ok(r)) {
    return (tensor){0};
  }
  r->dev->table.conv1d(r, &y, &x, w, bias, residual, history, r->control, args);
  tape_node *node = tape_push(r, OP_CONV1D, &y);
  if (node) {
    node->in[0] = x;
    node->in[1] = residual ? *residual : (tensor){0};
    node->weights[0] = tracked(w);
    node->weights[1] = tracked(bias);
    node->args.conv1d = *args;
  }
  return y;
}

tensor apply_conv_transposed1d(run *r, tensor x, const weight *w, const weight *bias,
                               tensor *history, const conv_transposed1d_args *args)
{
  if (!ready(r, &x, "conv_transposed1d") ||
      !expect(r, w->name, "channels in", w->dims[0], x.dims[2]) ||
      !expect(r, w->name, "kernel", w->dims[2], args->kernel)) {
    return (tensor){0};
  }
  int64_t rows = x.dims[1] * args->stride;
  if (history) {
    expect(r, w->name, "rows trimmed left", 0, args->trim_left);
    expect(r, w->name, "rows trimmed right", args->kernel - args->stride, args->trim_right);
    expect(r, w->name, "history rows", conv_transposed1d_history_rows(args), history->dims[1]);
  } else {
    rows = (x.dims[1] - 1) * args->stride + args->kernel - args->trim_left - args->trim_right;
  }
  rows = x.dims[1] && rows > 0 ? rows : 0;
  tensor y = run_tensor(r, r->dev->real, 3, x.dims[0], rows, w->dims[1] * args->groups, 1);
  if (!run_ok(r)) {
    return (tensor){0};
  }
  r->dev->table.conv_transposed1d(r, &y, &x, w, bias, history, r->control, args);
  tape_node *node = tape_push(r, OP_CONV_TRANSPOSED1D, &y);
  if (node) {
    node->in[0] = x;
    node->weights[0] = tracked(w);
    node->weights[1] = tracked(bias);
    node->args.conv_transposed1d = *args;
  }
  return y;
}

static int64_t conv2d_size(int64_t size, int64_t pads, int64_t kernel, int64_t dilation,
                           int64_t stride)
{
  const int64_t room = size + pads - ((kernel - 1) * dilation + 1);
  return room < 0 ? 0 : room / stride + 1;
}

tensor apply_conv2d(run *r, tensor x, const weight *w, const weight *bias, const conv2d_args *args)
{
  if (!ready(r, &x, "conv2d") ||
      !expect(r, w->name, "channels in", w->dims[1] * args->groups, x.dims[3])) {
    return (tensor){0};
  }
  const int64_t height = conv2d_size(x.dims[1], args->pad_top + args->pad_bottom, args->kernel_h,
                                     args->dilation_h, args->stride_h);
  const int64_t width = conv2d_size(x.dims[2], args->pad_left + args->pad_right, args->kernel_w,
                                    args->dilation_w, args->stride_w);
  tensor y = run_tensor(r, r->dev->real, 4, x.dims[0], height, width, w->dims[0]);
  if (run_ok(r)) {
    r->dev->table.conv2d(r, &y, &x, w, bias, args);
  }
  tape_node *node = tape_push(r, OP_CONV2D, &y);
  if (node) {
    node->in[0] = x;
    node->weights[0] = tracked(w);
    node->weights[1] = tracked(bias);
    node->args.conv2d = *args;
  }
  return y;
}

// Shape of x with another last dimension.
static tensor rows_tensor(run *r, const tensor *x, int64_t channels)
{
  int64_t dims[TENSOR_MAX_DIMS];
  memcpy(dims, x->dims, sizeof dims);
  dims[x->rank - 1] = channels;
  return run_tensor(r, r->dev->real, x->rank, dims[0], dims[1], dims[2], dims[3]);
}

tensor apply_linear(run *r, tensor x, const weight *w, const weight *bias, const tensor *residual,
                    activation act)
{
  if (!ready(r, &x, "linear") || !expect(r, w->name, "columns", w->dims[1], tensor_channels(&x))) {
    return (tensor){0};
  }
  tensor y = rows_tensor(r, &x, w->dims[0]);
  if (run_ok(r)) {
    r->dev->table.linear(r, &y, &x, w, bias, residual, act);
  }
  tape_node *node = tape_push(r, OP_LINEAR, &y);
  if (node) {
    node->in[0] = x;
    node->in[1] = residual ? *residual : (tensor){0};
    node->weights[0] = tracked(w);
    node->weights[1] = tracked(bias);
    node->args.activate.act = act;
  }
  return y;
}

tensor apply_norm_linear(run *r, tensor x, const weight *norm_scale, const weight *norm_shift,
                         const norm_args *norm, const weight *w, const weight *bias, activation act)
{
  if (!ready(r, &x, "norm_linear") ||
      !expect(r, w->name, "columns", w->dims[1], tensor_channels(&x))) {
    return (tensor){0};
  }
  if (r->record) { // the composition has a backward
    const tensor normed = apply_norm(r, x, norm_scale, norm_shift, NULL, NULL, norm);
    return apply_linear(r, normed, w, bias, NULL, act);
  }
  tensor y = rows_tensor(r, &x, w->dims[0]);
  if (run_ok(r)) {
    r->dev->table.norm_linear(r, &y, &x, norm_scale, norm_shift, norm, w, bias, act);
  }
  return y;
}

tensor apply_matmul(run *r, tensor a, tensor b, bool transpose_b)
{
  if (!ready(r, &a, "matmul") || !ready(r, &b, "matmul") ||
      !expect(r, "matmul", "inner size", a.dims[2], b.dims[transpose_b ? 2 : 1])) {
    return (tensor){0};
  }
  const int64_t outputs = b.dims[transpose_b ? 1 : 2];
  tensor y = run_tensor(r, r->dev->real, 3, a.dims[0], a.dims[1], outputs, 1);
  if (run_ok(r)) {
    r->dev->table.matmul(r, &y, &a, &b, transpose_b);
  }
  tape_node *node = tape_push(r, OP_MATMUL, &y);
  if (node) {
    node->in[0] = a;
    node->in[1] = b;
    node->args.transpose_b = transpose_b;
  }
  return y;
}

tensor apply_lstm(run *r, tensor x, const weight *w_ih, const weight *w_hh, const weight *b_ih,
                  const weight *b_hh, tensor *state, bool skip)
{
  if (!ready(r, &x, "lstm") || !expect(r, w_ih->name, "columns", w_ih->dims[1], x.dims[2])) {
    return (tensor){0};
  }
  const int64_t size = w_hh->dims[1];
  if (skip) {
    expect(r, w_ih->name, "columns for a skip", size, x.dims[2]);
  }
  if (r->record && state) {
    run_fail(r, STATUS_USAGE, "%s: a recorded LSTM takes whole sequences, without a state",
             w_ih->name);
  }
  tensor y = run_tensor(r, r->dev->real, 3, x.dims[0], x.dims[1], size, 1);
  if (run_ok(r)) {
    r->dev->table.lstm(r, &y, &x, w_ih, w_hh, b_ih, b_hh, state, r->control, skip);
  }
  tape_node *node = tape_push(r, OP_LSTM, &y);
  if (node) {
    node->in[0] = x;
    node->weights[0] = tracked(w_ih);
    node->weights[1] = tracked(w_hh);
    node->weights[2] = tracked(b_ih);
    node->weights[3] = tracked(b_hh);
    node->args.skip = skip;
  }
  return y;
}

tensor apply_attention(run *r, tensor q, tensor k, tensor v, tensor *cache_k, tensor *cache_v,
                       const weight *sink_k, const weight *sink_v, const tensor *lengths,
                       const attention_args *args)
{
  if (!ready(r, &q, "attention") ||
      !expect(r, "attention", "query width", args->n_heads * args->head_dim, q.dims[2])) {
    return (tensor){0};
  }
  if (r->record && args->cache != CACHE_NONE) {
    run_fail(r, STATUS_USAGE, "attention: a recorded one takes whole sequences, without a cache");
  }
  if (args->cache != CACHE_NONE && (!cache_k || !cache_v)) {
    run_fail(r, STATUS_INTERNAL, "attention: no cache given");
  }
  if (args->cache == CACHE_RING && args->mask == MASK_WINDOW_SINK && cache_k &&
      args->window > cache_k->dims[1]) {
    run_fail(r, STATUS_INTERNAL, "attention: window of %lld rows, ring of %lld",
             (long long)args->window, (long long)cache_k->dims[1]);
  }
  tensor y = run_tensor(r, r->dev->real, 3, q.dims[0], q.dims[1], q.dims[2], 1);
  if (run_ok(r)) {
    r->dev->table.attention(r, &y, &q, &k, &v, cache_k, cache_v, sink_k, sink_v, lengths,
                            r->control, args);
  }
  tape_node *node = tape_push(r, OP_ATTENTION, &y);
  if (node) {
    node->in[0] = q;
    node->in[1] = k;
    node->in[2] = v;
    node->in[3] = lengths ? *lengths : (tensor){0};
    node->weights[0] = tracked(sink_k);
    node->weights[1] = tracked(sink_v);
    node->args.attention = *args;
  }
  return y;
}

static tensor like(run *r, const tensor *x)
{
  return run_tensor(r, x->type, x->rank, x->dims[0], x->dims[1], x->dims[2], x->dims[3]);
}

tensor apply_activation(run *r, tensor x, activation act, float slope)
{
  if (!ready(r, &x, "activate")) {
    return (tensor){0};
  }
  tensor y = like(r, &x);
  if (run_ok(r)) {
    r->dev->table.activate(r, &y, &x, act, slope);
  }
  tape_node *node = tape_push(r, OP_ACTIVATE, &y);
  if (node) {
    node->in[0] = x;
    node->args.activate.act = act;
    node->args.activate.slope = slope;
  }
  return y;
}

tensor apply_norm(run *r, tensor x, const weight *scale, const weight *shift,
                  const tensor *row_scale, const tensor *row_shift, const norm_args *args)
{
  if (!ready(r, &x, "norm")) {
    return (tensor){0};
  }
  tensor y = like(r, &x);
  if (run_ok(r)) {
    r->dev->table.norm(r, &y, &x, scale, shift, row_scale, row_shift, args);
  }
  tape_node *node = tape_push(r, OP_NORM, &y);
  if (node) {
    node->in[0] = x;
    node->in[1] = row_scale ? *row_scale : (tensor){0};
    node->in[2] = row_shift ? *row_shift : (tensor){0};
    node->weights[0] = tracked(scale);
    node->weights[1] = tracked(shift);
    node->args.norm = *args;
  }
  return y;
}

tensor apply_embed(run *r, tensor codes, const weight *table)
{
  if (!ready(r, &codes, "embed")) {
    return (tensor){0};
  }
  tensor y =
      run_tensor(r, r->dev->real, 3, codes.dims[0],
                 tensor_count(&codes) / (codes.dims[0] ? codes.dims[0] : 1), table->dims[1], 1);
  if (run_ok(r)) {
    r->dev->table.embed(r, &y, &codes, table, false);
  }
  tape_node *node = tape_push(r, OP_EMBED, &y);
  if (node) {
    node->in[0] = codes;
    node->weights[0] = tracked(table);
  }
  return y;
}

// y = a op b, recorded; b has a's shape, or is one row repeated.
static tensor apply_pair(run *r, op_id op, tensor a, tensor b)
{
  if (!ready(r, &a, op_name(op)) || !ready(r, &b, op_name(op))) {
    return (tensor){0};
  }
  if (tensor_count(&b) != tensor_count(&a)) {
    expect(r, op_name(op), "columns", tensor_channels(&a), tensor_count(&b));
  }
  tensor y = like(r, &a);
  if (run_ok(r)) {
    (op == OP_ADD ? r->dev->table.add : r->dev->table.multiply)(r, &y, &a, &b);
  }
  tape_node *node = tape_push(r, op, &y);
  if (node) {
    node->in[0] = a;
    node->in[1] = b;
  }
  return y;
}

tensor apply_add(run *r, tensor a, tensor b)
{
  return apply_pair(r, OP_ADD, a, b);
}

tensor apply_multiply(run *r, tensor a, tensor b)
{
  return apply_pair(r, OP_MULTIPLY, a, b);
}

tensor apply_scale(run *r, tensor a, float factor)
{
  if (!ready(r, &a, "scale")) {
    return (tensor){0};
  }
  tensor y = like(r, &a);
  if (run_ok(r)) {
    r->dev->table.scale(r, &y, &a, factor);
  }
  tape_node *node = tape_push(r, OP_SCALE, &y);
  if (node) {
    node->in[0] = a;
    node->args.factor = factor;
  }
  return y;
}

tensor apply_softmax(run *r, tensor x)
{
  if (!ready(r, &x, "softmax")) {
    return (tensor){0};
  }
  tensor y = like(r, &x);
  if (run_ok(r)) {
    r->dev->table.softmax(r, &y, &x);
  }
  tape_node *node = tape_push(r, OP_SOFTMAX, &y);
  if (node) {
    node->in[0] = x;
  }
  return y;
}

// Operators that only training uses need not exist on every device.
static bool available(run *r, op_id op)
{
  if (run_ok(r) && !op_available(&r->dev->table, op)) {
    run_fail(r, STATUS_UNSUPPORTED, "%s does not exist on %s", op_name(op), r->dev->name);
  }
  return run_ok(r);
}

tensor apply_avg_pool1d(run *r, tensor x, const avg_pool1d_args *args)
{
  if (!ready(r, &x, "avg_pool1d") || !available(r, OP_AVG_POOL1D)) {
    return (tensor){0};
  }
  const int64_t room = x.dims[1] + 2 * args->pad - args->kernel;
  if (args->kernel < 1 || args->stride < 1 || args->pad < 0 || 2 * args->pad > args->kernel ||
      room < 0) {
    run_fail(r, STATUS_USAGE, "avg_pool1d: kernel %lld, stride %lld, padding %lld over %lld rows",
             (long long)args->kernel, (long long)args->stride, (long long)args->pad,
             (long long)x.dims[1]);
    return (tensor){0};
  }
  tensor y = run_tensor(r, r->dev->real, 3, x.dims[0], room / args->stride + 1, x.dims[2], 1);
  if (run_ok(r)) {
    r->dev->table.avg_pool1d(r, &y, &x, args);
  }
  tape_node *node = tape_push(r, OP_AVG_POOL1D, &y);
  if (node) {
    node->in[0] = x;
    node->args.avg_pool1d = *args;
  }
  return y;
}

tensor apply_reduce(run *r, tensor x, reduction kind)
{
  if (!ready(r, &x, "reduce") || !available(r, OP_REDUCE)) {
    return (tensor){0};
  }
  tensor y = run_tensor(r, r->dev->real, 1, 1, 1, 1, 1);
  if (run_ok(r)) {
    r->dev->table.reduce(r, &y, &x, kind);
  }
  tape_node *node = tape_push(r, OP_REDUCE, &y);
  if (node) {
    node->in[0] = x;
    node->args.reduce = kind;
  }
  return y;
}

tensor apply_stft(run *r, tensor x, stft *plan)
{
  if (!ready(r, &x, "stft") || !available(r, OP_STFT) ||
      !expect(r, "stft", "channels", 1, x.dims[2])) {
    return (tensor){0};
  }
  const stft_config *config = stft_settings(plan);
  const int64_t rows = stft_rows(config, x.dims[1]);
  if (rows == 0) {
    run_fail(r, STATUS_USAGE, "stft: %lld samples are too few for a transform of %lld",
             (long long)x.dims[1], (long long)config->n_fft);
  }
  tensor y = run_tensor(r, r->dev->real, 4, x.dims[0], rows, stft_bins(config), 2);
  if (run_ok(r)) {
    r->dev->table.stft(r, &y, &x, plan);
  }
  tape_node *node = tape_push(r, OP_STFT, &y);
  if (node) {
    node->in[0] = x;
    node->args.stft = plan;
  }
  return y;
}

tensor apply_nearest(run *r, tensor x, const weight *codebook)
{
  if (!ready(r, &x, "nearest") ||
      !expect(r, codebook->name, "columns", codebook->dims[1], tensor_channels(&x))) {
    return (tensor){0};
  }
  tensor codes = run_tensor(r, DTYPE_I32, 1, tensor_rows(&x), 1, 1, 1);
  if (run_ok(r)) {
    r->dev->table.nearest(r, &codes, &x, codebook);
  }
  return codes;
}

tensor apply_rvq_encode(run *r, tensor x, const weight *const *codebooks, int n_used)
{
  if (!ready(r, &x, "rvq_encode") ||
      !expect(r, codebooks[0]->name, "columns", codebooks[0]->dims[1], tensor_channels(&x))) {
    return (tensor){0};
  }
  tensor codes = run_tensor(r, DTYPE_I32, 3, x.dims[0], x.rank > 2 ? x.dims[1] : 1, n_used, 1);
  if (run_ok(r)) {
    r->dev->table.rvq_encode(r, &codes, NULL, &x, codebooks, n_used);
  }
  return codes;
}

tensor apply_rvq_decode(run *r, tensor codes, const weight *const *codebooks, int n_used)
{
  if (!ready(r, &codes, "rvq_decode") ||
      !expect(r, "rvq_decode", "codes a step", n_used, tensor_channels(&codes))) {
    return (tensor){0};
  }
  tensor y = run_tensor(r, r->dev->real, 3, codes.dims[0], codes.dims[1], codebooks[0]->dims[1], 1);
  if (run_ok(r)) {
    r->dev->table.rvq_decode(r, &y, &codes, codebooks, n_used);
  }
  return y;
}

tensor apply_straight_through(run *r, tensor quantised, tensor latent)
{
  if (!ready(r, &quantised, "straight_through") ||
      !expect(r, "straight_through", "values", tensor_count(&latent), tensor_count(&quantised))) {
    return (tensor){0};
  }
  tensor y = like(r, &quantised);
  if (run_ok(r)) {
    r->dev->table.scale(r, &y, &quantised, 1.0f);
  }
  tape_node *node = tape_push(r, OP_SCALE, &y); // the gradient passes to the latent unchanged
  if (node) {
    node->in[0] = latent;
    node->args.factor = 1.0f;
  }
  return y;
}
