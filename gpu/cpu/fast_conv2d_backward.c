// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The sweep back through conv2d, as a sum over kernel lines of 1-D convolutions along the width.
//
// The input with its zero border is laid out as `stride_h` pictures of every stride_h-th row, each
// row `pitch * stride_w` columns long, and the gradient of the output with rows of `pitch` columns,
// zeros behind the last one. So the windows of one kernel line over all rows of a picture are one
// run at one distance: the kernels of 1-D convolutions take them as a single long sequence, whose
// columns in between add nothing.

#include "gpu/cpu/fast_backward.h"

#include <string.h>

typedef struct pictures {
  const conv2d_args *args;
  conv_shape shape;                   // along the width
  int64_t n, height, width, channels; // of the input
  int64_t height_out, width_out, outputs;
  int64_t pitch; // columns of a row of output
  int64_t rows;  // of each of the stride_h pictures
} pictures;

static int64_t ceil_div(int64_t a, int64_t b)
{
  return (a + b - 1) / b;
}

static pictures pictures_of(const tensor *x, const tensor *y, const conv2d_args *args)
{
  pictures p = {
      .args = args,
      .shape = {args->kernel_w, args->stride_w, args->dilation_w, args->groups, args->pad_left},
      .n = x->dims[0],
      .height = x->dims[1],
      .width = x->dims[2],
      .channels = x->dims[3],
      .height_out = y->dims[1],
      .width_out = y->dims[2],
      .outputs = y->dims[3]};
  p.pitch = p.width_out - 1 + ceil_div(shape_reach(&p.shape), args->stride_w);
  p.rows = p.height_out + (args->kernel_h - 1) * args->dilation_h / args->stride_h;
  return p;
}

// Columns of a row of one picture, and how many of them are the input's.
static int64_t wide_of(const pictures *p)
{
  return p->pitch * p->args->stride_w;
}
static int64_t columns_of(const pictures *p)
{
  const int64_t room = wide_of(p) - p->args->pad_left;
  return room < 0 ? 0 : room < p->width ? room : p->width;
}

// Row of the input that row `row` of picture `phase` shows; -1 for a row of zeros.
static int64_t row_of(const pictures *p, int64_t phase, int64_t row)
{
  const int64_t h = row * p->args->stride_h + phase - p->args->pad_top;
  return h < p->height ? h : -1;
}

// Row of its picture that kernel line `line` begins at, and which picture.
static int64_t line_row(const pictures *p, int64_t line)
{
  return line * p->args->dilation_h / p->args->stride_h;
}
static int64_t line_phase(const pictures *p, int64_t line)
{
  return line * p->args->dilation_h % p->args->stride_h;
}

static int64_t input_floats(const pictures *p)
{
  return p->args->stride_h * p->rows * wide_of(p) * p->channels;
}

static void clear(float *to, int64_t count)
{
  memset(to, 0, (size_t)count * sizeof *to);
}

// One stream's pictures: [stride_h][rows][pitch * stride_w][channels], activated.
static void lay_input(const kernels *k, const pictures *p, float *to, const float *x)
{
  const int64_t wide = wide_of(p) * p->channels, line = p->width * p->channels;
  const int64_t left = p->args->pad_left * p->channels, count = columns_of(p) * p->channels;
  for (int64_t i = 0; i < p->args->stride_h * p->rows; ++i, to += wide) {
    const int64_t h = row_of(p, i / p->rows, i % p->rows);
    if (h < 0 || count == 0) {
      clear(to, wide);
      continue;
    }
    clear(to, left);
    k->activate(to + left, x + h * line, count, p->args->act_in, p->args->act_slope);
    clear(to + left + count, wide - left - count);
  }
}

// The output's gradient; `y` is null where no activation stands before it any more.
typedef struct output_gradient {
  const float *dy, *y;
  activation act;
  float slope;
} output_gradient;

static void gradient_copy(const kernels *k, const output_gradient *g, float *to, int64_t at,
                          int64_t count)
{
  if (g->y) {
    k->chain_result(to, g->dy + at, g->y + at, count, g->act, g->slope);
  } else {
    memcpy(to, g->dy + at, (size_t)count * sizeof *to);
  }
}

// Stream `index` of it: rows of `pitch * spread` columns, values `spread` apart, `before` and
// `after` columns of zeros around all.
static void lay_gradient(const kernels *k, const pictures *p, const output_gradient *g,
                         int64_t index, float *to, int64_t spread, int64_t before, int64_t after)
{
  const int64_t o = p->outputs, wide = p->pitch * spread * o, line = p->width_out * o;
  clear(to, before * o);
  to += before * o;
  for (int64_t h = 0; h < p->height_out; ++h, to += wide) {
    const int64_t at = (index * p->height_out + h) * line;
    if (spread == 1) {
      gradient_copy(k, g, to, at, line);
      clear(to + line, wide - line);
      continue;
    }
    clear(to, wide);
    for (int64_t w = 0; w < p->width_out; ++w) {
      gradient_copy(k, g, to + w * spread * o, at + w * o, o);
    }
  }
  clear(to, after * o);
}

// ---- the weight's gradient ----

// All kernel lines of outputs [first, first + count) over one stream.
static void sweep_lines(const weight_gradient *g, const pictures *p, const float *dy,
                        const float *x, int64_t first, int64_t count)
{
  const int64_t row_floats = p->outputs + p->channels * p->shape.stride;
  const int64_t fitting = SWEEP_BLOCK_FLOATS / row_floats;
  const int64_t block = fitting > SWEEP_BLOCK_ROWS ? fitting : SWEEP_BLOCK_ROWS;
  const int64_t windows = (p->height_out - 1) * p->pitch + p->width_out;
  for (int64_t u = 0; u < windows; u += block) {
    const int64_t n = windows - u < block ? windows - u : block;
    for (int64_t line = 0; line < g->lines; ++line) {
      const int64_t row = line_phase(p, line) * p->rows + line_row(p, line);
      const int64_t column = row * wide_of(p) + u * p->shape.stride;
      weight_gradient_add(g, line, dy + u * p->outputs, x + column * p->channels, n, first, count);
    }
  }
}

// ---- the input's gradient ----

typedef struct picture_sweep {
  const kernels *k;
  const pictures *p;
  const weight *w;
  adjoint_plan plan;
  window_job job;        // its y: rows of a block
  int64_t columns;       // of a row of dy, spread
  int64_t before, after; // columns of zeros that kernels reach beyond dy
} picture_sweep;

// Rows [begin, end) of picture `phase`: the sum over the kernel lines that reach it.
static bool make_rows(picture_sweep *s, const float *dy, int64_t phase, int64_t begin, int64_t end)
{
  const pictures *p = s->p;
  window_job job = s->job;
  job.rows = ((end - begin) * wide_of(p) + s->plan.phases - 1) / s->plan.phases;
  for (int64_t line = 0; line < p->args->kernel_h; ++line) {
    if (line_phase(p, line) == phase) {
      s->plan.p = adjoint_line(s->w, line);
      job.x = dy + ((begin - line_row(p, line)) * s->columns - s->plan.lead) * p->outputs;
      adjoint_products(s->k, &s->plan, job, p->outputs);
      job.start = s->job.y;
    }
  }
  return job.start != NULL;
}

// dx += of one stream; dy is laid, `before` columns of zeros in front.
static void sweep_pictures(picture_sweep *s, const float *dy, const float *x, float *dx)
{
  const pictures *p = s->p;
  const int64_t line = p->width * p->channels, count = columns_of(p) * p->channels;
  dy += s->before * p->outputs;
  for (int64_t i = 0; i < p->args->stride_h * p->rows;) {
    const int64_t phase = i / p->rows, row = i % p->rows;
    const int64_t n = p->rows - row < s->plan.block ? p->rows - row : s->plan.block;
    const bool made = make_rows(s, dy, phase, row, row + n);
    for (int64_t j = 0; made && j < n; ++j) {
      const int64_t h = row_of(p, phase, row + j);
      if (h >= 0) {
        const float *d = s->job.y + (j * wide_of(p) + p->args->pad_left) * p->channels;
        s->k->chain(dx + h * line, dx + h * line, d, x + h * line, count, p->args->act_in,
                    p->args->act_slope);
      }
    }
    i += n;
  }
}

static picture_sweep picture_sweep_new(run *r, const pictures *p, const weight *w, bool wanted)
{
  picture_sweep s = {.k = kernels_of(r->dev), .p = p, .w = w};
  const adjoint_shape shape = adjoint_shape_of(s.k, w);
  s.plan = adjoint_plan_of(&shape, adjoint_line(w, 0), &p->shape);
  s.columns = p->pitch * shape.spread;
  s.after = line_row(p, p->args->kernel_h - 1) * s.columns + shape.phases;
  s.before = s.after + s.plan.lead;
  const int64_t floats = wide_of(p) * p->channels + s.columns * p->outputs;
  s.plan.block = SWEEP_BLOCK_FLOATS / floats > 1 ? SWEEP_BLOCK_FLOATS / floats : 1;
  if (wanted) {
    const int64_t made = s.plan.block * wide_of(p) + shape.phases;
    s.job = adjoint_job(r, &s.plan, p->outputs, p->channels);
    s.job.y = run_scratch(r, (size_t)(made * p->channels) * sizeof(float));
  }
  return s;
}

// ---- both ----

typedef struct picture_buffers {
  float *x, *dy, *spread; // laid
  int64_t x_floats, dy_floats;
} picture_buffers;

// Laid inputs and gradients: of all streams where they are kept, else of one at a time.
static picture_buffers buffers_new(run *r, const pictures *p, const picture_sweep *s, bool kept,
                                   bool weights, bool inputs)
{
  picture_buffers b = {.x_floats = input_floats(p)};
  const int64_t copies = kept ? p->n : 1, around = s->before + s->after;
  b.dy_floats = (around + p->height_out * p->pitch) * p->outputs;
  b.dy = run_scratch(r, (size_t)(copies * b.dy_floats) * sizeof *b.dy);
  if (weights) {
    b.x = run_scratch(r, (size_t)(copies * b.x_floats) * sizeof *b.x);
  }
  if (inputs && s->columns != p->pitch) {
    const int64_t floats = (around + p->height_out * s->columns) * p->outputs;
    b.spread = run_scratch(r, (size_t)floats * sizeof *b.spread);
  }
  return b;
}

static void conv2d_again(run *r, const tape_node *node, tensor *sum)
{
  conv2d_args args = node->args.conv2d;
  args.act_out = ACT_NONE;
  fast_conv2d(r, sum, &node->in[0], node->weights[0], node->weights[1], &args);
}

static output_gradient output_gradient_of(run *r, const tape_node *node, const tensor *dy)
{
  const conv2d_args *args = &node->args.conv2d;
  output_gradient g = {.dy = dy->data, .act = args->act_out, .slope = args->act_slope};
  if (args->act_out != ACT_NONE && result_tells(args->act_out, args->act_slope)) {
    g.y = node->out.data;
  } else {
    g.dy = before_activation(r, node, dy, args->act_out, args->act_slope, conv2d_again);
  }
  return g;
}

// One stream: dbias += , dw += of all outputs unless rows are kept, dx += .
static void sweep_stream(picture_sweep *s, const weight_gradient *g, const output_gradient *from,
                         const picture_buffers *b, int64_t i, bool kept, float *dbias,
                         const float *x, float *dx)
{
  const pictures *p = s->p;
  float *dy_laid = b->dy + (kept ? i * b->dy_floats : 0);
  float *x_laid = b->x + (kept ? i * b->x_floats : 0);
  const float *dy = dy_laid + s->before * p->outputs;
  lay_gradient(s->k, p, from, i, dy_laid, 1, s->before, s->after);
  if (dbias) {
    s->k->column_sums(dbias, dy, p->height_out * p->pitch, p->outputs);
  }
  if (b->x) {
    lay_input(s->k, p, x_laid, x);
  }
  if (b->x && !kept) {
    sweep_lines(g, p, dy, x_laid, 0, g->outputs);
  }
  if (dx && b->spread) {
    lay_gradient(s->k, p, from, i, b->spread, s->columns / p->pitch, s->before, s->after);
  }
  if (dx) {
    sweep_pictures(s, b->spread ? b->spread : dy_laid, x, dx);
  }
}

// dw += of kept rows, a chunk of outputs at a time.
static void sweep_kept(const picture_sweep *s, const weight_gradient *g, const picture_buffers *b,
                       float *grad)
{
  for (int64_t first = 0; first < g->outputs; first += g->chunk) {
    const int64_t rest = g->outputs - first, count = rest < g->chunk ? rest : g->chunk;
    memset(g->sums, 0, weight_gradient_bytes(g));
    for (int64_t i = 0; i < s->p->n; ++i) {
      sweep_lines(g, s->p, b->dy + i * b->dy_floats + s->before * s->p->outputs,
                  b->x + i * b->x_floats, first, count);
    }
    weight_gradient_store(g, grad, first, count);
  }
}

void fast_conv2d_backward(run *r, const tape_node *node)
{
  const conv2d_args *args = &node->args.conv2d;
  const weight *w = node->weights[0], *bias = node->weights[1];
  const tensor *x = &node->in[0], dy = tape_gradient(r, &node->out), dx = tape_gradient(r, x);
  if (!adjoint_panels(r, w, args->stride_w, args->dilation_w) || tensor_count(&dy) == 0) {
    return;
  }
  const size_t mark = scratch_begin(r);
  const output_gradient from = output_gradient_of(r, node, &dy);
  const pictures p = pictures_of(x, &dy, args);
  picture_sweep s = picture_sweep_new(r, &p, w, dx.data != NULL);
  const int64_t floats = input_floats(&p) + p.height_out * p.pitch * p.outputs;
  weight_gradient g = weight_gradient_plan(s.k, w, &p.shape, p.n * floats);
  const bool kept = w->grad && g.chunk < g.outputs;
  if (w->grad) {
    g.sums = g.in_place ? w->grad : run_scratch(r, weight_gradient_bytes(&g));
  }
  const picture_buffers b = buffers_new(r, &p, &s, kept, w->grad != NULL, dx.data != NULL);
  if (run_ok(r) && w->grad && !g.in_place) {
    memset(g.sums, 0, weight_gradient_bytes(&g));
  }
  const int64_t x_floats = p.height * p.width * p.channels;
  for (int64_t i = 0; run_ok(r) && i < p.n; ++i) {
    sweep_stream(&s, &g, &from, &b, i, kept, bias ? bias->grad : NULL,
                 (const float *)x->data + i * x_floats,
                 dx.data ? (float *)dx.data + i * x_floats : NULL);
  }
  if (run_ok(r) && kept) {
    sweep_kept(&s, &g, &b, w->grad);
  } else if (run_ok(r) && w->grad && !g.in_place) {
    weight_gradient_store(&g, w->grad, 0, g.outputs);
  }
  scratch_end(r, mark);
}
