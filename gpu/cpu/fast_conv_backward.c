// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The sweep back through conv1d and conv_transposed1d. Both are one pair of sums over
//
//   strided[u, o] <-> spaced[u * stride + k * dilation - lead, c]    through w[o, c, k]
//
// where a convolution reads `spaced` and writes `strided`, and a transposed one the other way
// round. The weight's gradient is an outer product of both, summed over u. The input's is a window
// product with the adjoint form of the weight: the same kernels as forwards. Everything goes in
// blocks of rows that stay in L2; nothing is shared between threads.

#include "gpu/cpu/fast.h"
#include "gpu/cpu/rows.h"

#include <string.h>

// Rows of one stream, wanted in any range: padded, activated, spread apart. Row 0 is the first
// real one.
typedef struct row_source {
  const kernels *k;
  const float *x; // [rows, channels]
  int64_t rows, channels;
  int64_t reach; // of the padding, see pad_source
  pad_mode mode;
  activation act;
  float slope;
  int64_t spread; // row i stands at i * spread, zeros between
} row_source;

static void source_copy(const row_source *s, float *to, int64_t row, int64_t count)
{
  const float *from = s->x + row * s->channels;
  if (s->act == ACT_NONE) {
    memcpy(to, from, (size_t)(count * s->channels) * sizeof *to);
  } else {
    s->k->activate(to, from, count * s->channels, s->act, s->slope);
  }
}

// Rows [first, first + count) where they stand in memory, or made in `buffer`.
static const float *source_rows(const row_source *s, float *buffer, int64_t first, int64_t count)
{
  const int64_t end = first + count;
  if (s->spread > 1) {
    memset(buffer, 0, (size_t)(count * s->channels) * sizeof *buffer);
    for (int64_t i = first > 0 ? (first + s->spread - 1) / s->spread : 0;
         i < s->rows && i * s->spread < end; ++i) {
      source_copy(s, buffer + (i * s->spread - first) * s->channels, i, 1);
    }
    return buffer;
  }
  if (s->act == ACT_NONE && first >= 0 && end <= s->rows) {
    return s->x + first * s->channels;
  }
  const int64_t begin = first > 0 ? first : 0, stop = end < s->rows ? end : s->rows;
  for (int64_t i = first; i < end; ++i) {
    if (i == begin && begin < stop) {
      source_copy(s, buffer + (begin - first) * s->channels, begin, stop - begin);
      i = stop - 1;
      continue;
    }
    float *to = buffer + (i - first) * s->channels;
    const int64_t from = pad_source(i, s->rows, s->reach, s->mode);
    if (from < 0) {
      memset(to, 0, (size_t)s->channels * sizeof *to);
    } else {
      source_copy(s, to, from, 1);
    }
  }
  return buffer;
}

// How `strided` and `spaced` belong together.
typedef struct conv_shape {
  int64_t kernel, stride, dilation, groups;
  int64_t lead; // rows of `spaced` before its first real one that window 0 begins at
} conv_shape;

static int64_t shape_reach(const conv_shape *s)
{
  return (s->kernel - 1) * s->dilation + 1;
}

#define BLOCK_FLOATS (32 * 1024) // of both sides of a product: L2 has room for more, L1 for part
#define BLOCK_LEAST 48           // rows for which a tile of sums is loaded and stored

// ---- the weight's gradient ----

// dMatrix of a weight [O][c][K]: [O][K][c], or turned [K][c][O] where O fills the lanes better.
typedef struct weight_gradient {
  const kernels *k;
  const conv_shape *shape;
  float *sums;                     // of `chunk` outputs
  int64_t outputs, channels, taps; // O, c, K
  int64_t chunk;                   // outputs summed over all rows before the next ones
  bool turned;
  bool in_place; // the file's layout is the same: sums go on from what is there
} weight_gradient;

#define CHUNK_FLOATS (64 * 1024)  // of sums, which every block of rows goes through
#define KEPT_FLOATS (1024 * 1024) // of rows, which every chunk goes through

// `floats`: of both sides over all rows.
static weight_gradient weight_gradient_plan(const kernels *k, const weight *w,
                                            const conv_shape *shape, int64_t floats)
{
  weight_gradient g = {
      .k = k, .shape = shape, .outputs = w->dims[0], .channels = w->dims[1], .taps = w->dims[2]};
  const int64_t unit = k->lanes, out = g.outputs / shape->groups;
  const bool whole = shape->dilation == 1 && shape->groups == 1;
  const int64_t run_length = whole ? g.channels * g.taps : g.channels;
  const int64_t along_windows = (run_length + unit - 1) / unit * unit * out;
  const int64_t along_outputs = (out + unit - 1) / unit * unit * run_length;
  g.turned = along_outputs < along_windows;
  g.in_place = g.taps == 1 && !g.turned;
  g.chunk = g.outputs;
  if (shape->groups == 1 && !g.turned && !g.in_place && floats <= KEPT_FLOATS) {
    const int64_t fitting = CHUNK_FLOATS / (g.channels * g.taps) / 12 * 12;
    const int64_t chunk = fitting > 12 ? fitting : 12;
    g.chunk = chunk < g.outputs ? chunk : g.outputs;
  }
  return g;
}

// Outputs [first, first + count) from `n` rows of both sides, added.
static void weight_gradient_add(const weight_gradient *g, const float *strided, const float *spaced,
                                int64_t n, int64_t first, int64_t count)
{
  const conv_shape *shape = g->shape;
  const int64_t in = g->channels, out = count / shape->groups;
  const bool whole = shape->dilation == 1 && shape->groups == 1;
  const int64_t segments = whole ? 1 : g->taps, length = whole ? in * g->taps : in;
  const int64_t spaced_step = in * shape->groups;
  for (int64_t i = 0; i < segments * shape->groups; ++i) {
    const int64_t group = i / segments, tap = i % segments;
    const float *window = spaced + tap * shape->dilation * spaced_step + group * in;
    outer_job job = {.rows = n,
                     .a = strided + first + group * out,
                     .a_step = g->outputs,
                     .n_a = out,
                     .b = window,
                     .b_step = shape->stride * spaced_step,
                     .n_b = length,
                     .sums = g->sums + group * out * g->taps * in + tap * in,
                     .sums_step = g->taps * in};
    if (g->turned) {
      job = (outer_job){.rows = n,
                        .a = window,
                        .a_step = job.b_step,
                        .n_a = length,
                        .b = job.a,
                        .b_step = g->outputs,
                        .n_b = out,
                        .sums = g->sums + tap * in * g->outputs + group * out,
                        .sums_step = g->outputs};
    }
    g->k->outer(&job);
  }
}

// To the file's layout [O][c][K], from output `first` on.
static void weight_gradient_store(const weight_gradient *g, float *grad, int64_t first,
                                  int64_t count)
{
  const int64_t taps = g->taps, in = g->channels, each = taps * in;
  for (int64_t o = 0; !g->turned && o < count; ++o) {
    g->k->transpose_add(grad + (first + o) * each, taps, g->sums + o * each, in, taps, in);
  }
  for (int64_t c = 0; g->turned && c < in; ++c) {
    g->k->transpose_add(grad + c * taps, each, g->sums + c * g->outputs, in * g->outputs, taps,
                        g->outputs);
  }
}

// Both sides of an outer product, of all streams.
typedef struct outer_sides {
  row_source strided, spaced;
  int64_t strided_step, spaced_step; // from one stream to the next
  int64_t n, block;
} outer_sides;

// Rows of `spaced` under `n` windows.
static int64_t rows_under(const conv_shape *shape, int64_t n)
{
  return (n - 1) * shape->stride + shape_reach(shape);
}

// All outputs at once, block by block: for many rows.
static void sweep_blocks(run *r, const weight_gradient *g, const outer_sides *sides)
{
  row_source strided = sides->strided, spaced = sides->spaced;
  const conv_shape *shape = g->shape;
  const size_t a_bytes = (size_t)(sides->block * strided.channels) * sizeof(float);
  const size_t b_bytes =
      (size_t)(rows_under(shape, sides->block) * spaced.channels) * sizeof(float);
  float *a = run_scratch(r, a_bytes), *b = run_scratch(r, b_bytes);
  for (int64_t i = 0; run_ok(r) && i < sides->n; ++i) {
    for (int64_t u = 0; u < strided.rows; u += sides->block) {
      const int64_t left = strided.rows - u, n = left < sides->block ? left : sides->block;
      weight_gradient_add(
          g, source_rows(&strided, a, u, n),
          source_rows(&spaced, b, u * shape->stride - shape->lead, rows_under(shape, n)), n, 0,
          g->outputs);
    }
    strided.x += sides->strided_step;
    spaced.x += sides->spaced_step;
  }
}

// A chunk of outputs over all rows, then the next: for large weights, whose sums stay in L2 so.
static void sweep_chunks(run *r, const weight_gradient *g, const outer_sides *sides, float *grad)
{
  row_source strided = sides->strided, spaced = sides->spaced;
  const conv_shape *shape = g->shape;
  const int64_t rows = strided.rows, under = rows_under(shape, rows);
  const float **kept = run_scratch(r, (size_t)(2 * sides->n) * sizeof *kept);
  for (int64_t i = 0; i < sides->n; ++i) {
    float *a = run_scratch(r, (size_t)(rows * strided.channels) * sizeof *a);
    float *b = run_scratch(r, (size_t)(under * spaced.channels) * sizeof *b);
    if (!run_ok(r)) {
      return;
    }
    kept[2 * i] = source_rows(&strided, a, 0, rows);
    kept[2 * i + 1] = source_rows(&spaced, b, -shape->lead, under);
    strided.x += sides->strided_step;
    spaced.x += sides->spaced_step;
  }
  for (int64_t first = 0; first < g->outputs; first += g->chunk) {
    const int64_t rest = g->outputs - first, count = rest < g->chunk ? rest : g->chunk;
    memset(g->sums, 0, (size_t)(g->chunk * g->channels * g->taps) * sizeof *g->sums);
    for (int64_t i = 0; i < sides->n; ++i) {
      for (int64_t u = 0; u < rows; u += sides->block) {
        const int64_t n = rows - u < sides->block ? rows - u : sides->block;
        weight_gradient_add(g, kept[2 * i] + u * strided.channels,
                            kept[2 * i + 1] + u * shape->stride * spaced.channels, n, first, count);
      }
    }
    weight_gradient_store(g, grad, first, count);
  }
}

// dw += .
static void weight_backward(run *r, weight *w, const conv_shape *shape, outer_sides sides)
{
  const size_t mark = scratch_begin(r);
  const int64_t row = sides.strided.channels + sides.spaced.channels * shape->stride;
  weight_gradient g =
      weight_gradient_plan(kernels_of(r->dev), w, shape, sides.n * sides.strided.rows * row);
  const size_t bytes = (size_t)(g.chunk * g.channels * g.taps) * sizeof *g.sums;
  sides.block = BLOCK_FLOATS / row > BLOCK_LEAST ? BLOCK_FLOATS / row : BLOCK_LEAST;
  g.sums = g.in_place ? w->grad : run_scratch(r, bytes);
  if (g.sums && g.chunk < g.outputs) {
    sweep_chunks(r, &g, &sides, w->grad);
  } else if (g.sums) {
    if (!g.in_place) {
      memset(g.sums, 0, bytes);
    }
    sweep_blocks(r, &g, &sides);
    if (run_ok(r) && !g.in_place) {
      weight_gradient_store(&g, w->grad, 0, g.outputs);
    }
  }
  scratch_end(r, mark);
}

// ---- the input's gradient ----

// Window products that lead from the gradient of outputs to that of inputs: window t begins at row
// t * row_step - lead of dy and makes `phases` rows of dx, the first of which is t * phases - skip.
typedef struct adjoint_plan {
  const panels *p;
  int64_t row_step, lead, taps, tap_step;
  int64_t phases, skip;
  int64_t rows_out; // of dx, padding included
  int64_t groups, block;
} adjoint_plan;

// Where one stream's input gradient goes, and what stands between it and the product.
typedef struct input_gradient {
  float *dx;      // [rows, channels]
  const float *x; // the same
  int64_t rows, channels, reach;
  pad_mode mode;
  activation act;
  float slope;
} input_gradient;

static void chain_row(const kernels *k, const input_gradient *to, const float *d, int64_t row,
                      int64_t count)
{
  const int64_t at = row * to->channels;
  k->chain(to->dx + at, to->dx + at, d, to->x + at, count * to->channels, to->act, to->slope);
}

// Gradients of rows [first, first + count), padding among them, to where they came from.
static void gradient_store(const kernels *k, const input_gradient *to, const float *d,
                           int64_t first, int64_t count)
{
  const int64_t end = first + count;
  const int64_t begin = first > 0 ? first : 0, stop = end < to->rows ? end : to->rows;
  if (begin < stop) {
    chain_row(k, to, d + (begin - first) * to->channels, begin, stop - begin);
  }
  for (int64_t i = first; to->mode != PAD_ZERO && i < end; ++i) {
    if (i < 0 || i >= to->rows) {
      const int64_t from = pad_source(i, to->rows, to->reach, to->mode);
      if (from >= 0) {
        chain_row(k, to, d + (i - first) * to->channels, from, 1);
      }
    }
  }
}

// The products of one block of windows: y [n, phases * channels], from `start` where it is given.
static void adjoint_products(const kernels *k, const adjoint_plan *plan, window_job job,
                             int64_t channels_in)
{
  const panels *p = plan->p;
  const float *x = job.x, *start = job.start;
  float *y = job.y;
  if (!p->data) { // one channel a group
    job.outputs = p->n_rows;
    k->depthwise(&job, p->taps, plan->taps, plan->tap_step * channels_in);
    return;
  }
  const window_product product = product_for(k, p->type);
  for (int64_t block = 0; block < p->n_blocks; ++block) {
    const window_job weights = product_job(p, block);
    job.panels = weights.panels;
    job.x = x + block % plan->groups * (channels_in / plan->groups);
    job.y = y + block * p->block_outputs;
    job.start = start ? start + block * p->block_outputs : NULL;
    const window_part whole = {0, job.rows, 0, p->n_panels};
    product(&job, &whole);
  }
}

static void sweep_input(const kernels *k, const adjoint_plan *plan, const row_source *dy,
                        const input_gradient *to, window_job job, float *rows, float *result)
{
  const int64_t windows = (plan->rows_out + plan->phases - 1) / plan->phases;
  for (int64_t t = 0; t < windows; t += plan->block) {
    const int64_t left = windows - t, n = left < plan->block ? left : plan->block;
    const int64_t span = (n - 1) * plan->row_step + (plan->taps - 1) * plan->tap_step + 1;
    int64_t first = t * plan->phases, count = n * plan->phases;
    count = first + count > plan->rows_out ? plan->rows_out - first : count;
    first -= plan->skip;
    job.x = source_rows(dy, rows, t * plan->row_step - plan->lead, span);
    job.rows = n;
    const bool inside = first >= 0 && first + n * plan->phases <= to->rows;
    if (inside && to->act == ACT_NONE && plan->p->data) { // the sums go on from what is there
      job.y = to->dx + first * to->channels;
      job.start = job.y;
      adjoint_products(k, plan, job, dy->channels);
      continue;
    }
    job.y = result;
    job.start = NULL;
    adjoint_products(k, plan, job, dy->channels);
    gradient_store(k, to, result, first, count);
  }
}

static void input_backward(run *r, adjoint_plan *plan, row_source dy, input_gradient to, int64_t n,
                           int64_t dy_step)
{
  const size_t mark = scratch_begin(r);
  const int64_t wide = plan->phases * to.channels;
  const int64_t fitting = BLOCK_FLOATS / (wide + plan->row_step * dy.channels) / 12 * 12;
  plan->block = fitting > 2 * BLOCK_LEAST ? fitting : 2 * BLOCK_LEAST;
  const int64_t span = (plan->block - 1) * plan->row_step + (plan->taps - 1) * plan->tap_step + 1;
  window_job job = product_job(plan->p, 0);
  job.row_step = plan->row_step * dy.channels;
  job.y_step = job.start_step = wide;
  if (plan->groups > 1 || (plan->tap_step > 1 && plan->taps > 1)) {
    int64_t *offsets = run_scratch(r, (size_t)plan->taps * sizeof *offsets);
    for (int64_t i = 0; offsets && i < plan->taps; ++i) {
      offsets[i] = i * plan->tap_step * dy.channels;
    }
    job.segments = plan->taps;
    job.segment_length = dy.channels / plan->groups;
    job.offsets = offsets;
  }
  float *rows = run_scratch(r, (size_t)(span * dy.channels) * sizeof *rows);
  float *result = run_scratch(r, (size_t)(plan->block * wide) * sizeof *result);
  for (int64_t i = 0; run_ok(r) && i < n; ++i) {
    sweep_input(kernels_of(r->dev), plan, &dy, &to, job, rows, result);
    dy.x += dy_step;
    to.dx += to.rows * to.channels;
    to.x += to.rows * to.channels;
  }
  if (run_ok(r)) {
    scratch_end(r, mark);
  }
}

// ---- both operators ----

// The panels of w's adjoint form; a failed run where there are none, or for another stride.
static const panels *adjoint_panels(run *r, const weight *w, int64_t stride, int64_t dilation)
{
  if (w->storage == DTYPE_I8) {
    run_fail(r, STATUS_UNSUPPORTED, "%s: int8 weights have no gradient", w->name);
  } else if (!w->adjoint) {
    run_fail(r, STATUS_INTERNAL, "%s: was packed before its gradient was made", w->name);
  } else if (w->stride != 1 && (w->stride != stride || dilation != 1)) {
    run_fail(r, STATUS_INTERNAL, "%s: was packed for a stride of %lld", w->name,
             (long long)w->stride);
  }
  return w->adjoint;
}

// dy before the output's activation, whose argument is recomputed by `node`'s own operator.
static const float *before_activation(run *r, const tape_node *node, const tensor *dy,
                                      activation act, float slope)
{
  if (act == ACT_NONE || !run_ok(r)) {
    return dy->data;
  }
  tensor sum = *dy;
  sum.data = run_scratch(r, tensor_bytes(dy));
  if (!sum.data) {
    return NULL;
  }
  const weight *w = node->weights[0], *bias = node->weights[1];
  if (node->op == OP_CONV1D) {
    conv1d_args args = node->args.conv1d;
    args.act_out = ACT_NONE;
    fast_conv1d(r, &sum, &node->in[0], w, bias, NULL, NULL, NULL, &args);
  } else {
    conv_transposed1d_args args = node->args.conv_transposed1d;
    args.act_out = ACT_NONE;
    fast_conv_transposed1d(r, &sum, &node->in[0], w, bias, NULL, NULL, &args);
  }
  kernels_of(r->dev)->chain(sum.data, NULL, dy->data, sum.data, tensor_count(dy), act, slope);
  return sum.data;
}

static void bias_backward(run *r, const weight *bias, const float *dy, const tensor *shape)
{
  if (run_ok(r) && bias && bias->grad) {
    kernels_of(r->dev)->column_sums(bias->grad, dy, tensor_rows(shape), tensor_channels(shape));
  }
}

void fast_conv1d_backward(run *r, const tape_node *node)
{
  const conv1d_args *args = &node->args.conv1d;
  const kernels *k = kernels_of(r->dev);
  weight *w = node->weights[0];
  const panels *p = adjoint_panels(r, w, args->stride, args->dilation);
  const tensor *x = &node->in[0], dy = tape_gradient(r, &node->out), dx = tape_gradient(r, x);
  const tensor dresidual = tape_gradient(r, &node->in[1]);
  if (!run_ok(r) || x->dims[1] == 0) {
    return;
  }
  if (dresidual.data) {
    k->add(dresidual.data, dresidual.data, dy.data, tensor_count(&dy));
  }
  const size_t mark = scratch_begin(r);
  const float *d = before_activation(r, node, &dy, args->act_out, args->act_slope);
  bias_backward(r, node->weights[1], d, &dy);
  const int64_t rows = x->dims[1], channels = x->dims[2], outputs = dy.dims[2];
  const conv_shape shape = {args->kernel, args->stride, args->dilation, args->groups,
                            args->pad_left};
  const int64_t all = (dy.dims[1] - 1) * args->stride + shape_reach(&shape);
  const int64_t right = all - args->pad_left - rows > 0 ? all - args->pad_left - rows : 0;
  const int64_t reach = args->pad_left > right ? args->pad_left : right;
  row_source below = {k, x->data, rows, channels, reach, args->mode, args->act_in, args->act_slope,
                      1};
  row_source above = {.k = k, .x = d, .rows = dy.dims[1], .channels = outputs, .spread = 1};
  if (run_ok(r) && w->grad) {
    weight_backward(r, w, &shape,
                    (outer_sides){.strided = above,
                                  .spaced = below,
                                  .strided_step = dy.dims[1] * outputs,
                                  .spaced_step = rows * channels,
                                  .n = x->dims[0]});
  }
  if (run_ok(r) && dx.data) {
    adjoint_plan plan = {.p = p,
                         .row_step = 1,
                         .tap_step = args->dilation,
                         .phases = p->n_rows / p->n_outputs,
                         .skip = args->pad_left,
                         .rows_out = args->pad_left + rows + right,
                         .groups = args->groups};
    plan.taps = (args->kernel + plan.phases - 1) / plan.phases;
    plan.lead = (plan.taps - 1) * args->dilation;
    above.spread = args->stride / plan.phases; // packed for another stride: zeros between
    const input_gradient to = {dx.data, x->data,    rows,         channels,
                               reach,   args->mode, args->act_in, args->act_slope};
    input_backward(r, &plan, above, to, x->dims[0], dy.dims[1] * outputs);
  }
  scratch_end(r, mark);
}

void fast_conv_transposed1d_backward(run *r, const tape_node *node)
{
  const conv_transposed1d_args *args = &node->args.conv_transposed1d;
  const kernels *k = kernels_of(r->dev);
  weight *w = node->weights[0];
  const panels *p = adjoint_panels(r, w, args->stride, 1);
  const tensor *x = &node->in[0], dy = tape_gradient(r, &node->out), dx = tape_gradient(r, x);
  if (!run_ok(r) || x->dims[1] == 0 || dy.dims[1] == 0) {
    return;
  }
  const size_t mark = scratch_begin(r);
  const float *d = before_activation(r, node, &dy, args->act_out, args->act_slope);
  bias_backward(r, node->weights[1], d, &dy);
  const int64_t rows = x->dims[1], channels = x->dims[2], outputs = dy.dims[2];
  const conv_shape shape = {args->kernel, args->stride, 1, args->groups, args->trim_left};
  const row_source below = {.k = k,
                            .x = x->data,
                            .rows = rows,
                            .channels = channels,
                            .act = args->act_in,
                            .slope = args->act_slope,
                            .spread = 1};
  const row_source above = {.k = k, .x = d, .rows = dy.dims[1], .channels = outputs, .spread = 1};
  if (run_ok(r) && w->grad) {
    weight_backward(r, w, &shape,
                    (outer_sides){.strided = below,
                                  .spaced = above,
                                  .strided_step = rows * channels,
                                  .spaced_step = dy.dims[1] * outputs,
                                  .n = x->dims[0]});
  }
  if (run_ok(r) && dx.data) {
    adjoint_plan plan = {.p = p,
                         .row_step = args->stride,
                         .lead = args->trim_left,
                         .taps = args->kernel,
                         .tap_step = 1,
                         .phases = 1,
                         .rows_out = rows,
                         .groups = args->groups};
    const input_gradient to = {.dx = dx.data,
                               .x = x->data,
                               .rows = rows,
                               .channels = channels,
                               .act = args->act_in,
                               .slope = args->act_slope};
    input_backward(r, &plan, above, to, x->dims[0], dy.dims[1] * outputs);
  }
  scratch_end(r, mark);
}
