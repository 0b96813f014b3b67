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

// One stream's pictures: [stride_h][rows][pitch * stride_w][channels], activated.
static void lay_input(const kernels *k, const pictures *p, float *to, const float *x)
{
  const int64_t wide = wide_of(p) * p->channels, line = p->width * p->channels;
  memset(to, 0, (size_t)input_floats(p) * sizeof *to);
  for (int64_t i = 0; i < p->args->stride_h * p->rows; ++i) {
    const int64_t h = row_of(p, i / p->rows, i % p->rows);
    if (h >= 0) {
      k->activate(to + i * wide + p->args->pad_left * p->channels, x + h * line,
                  columns_of(p) * p->channels, p->args->act_in, p->args->act_slope);
    }
  }
}

// One stream's gradient of the output: rows of `pitch * spread` columns, values `spread` apart,
// `before` and `after` columns of zeros around all.
static void lay_gradient(const pictures *p, float *to, const float *dy, int64_t spread,
                         int64_t before, int64_t after)
{
  const int64_t o = p->outputs, wide = p->pitch * spread * o;
  memset(to, 0, (size_t)((before + after) * o + p->height_out * wide) * sizeof *to);
  to += before * o;
  for (int64_t h = 0; h < p->height_out; ++h, to += wide, dy += p->width_out * o) {
    if (spread == 1) {
      memcpy(to, dy, (size_t)(p->width_out * o) * sizeof *to);
    }
    for (int64_t w = 0; spread > 1 && w < p->width_out; ++w) {
      memcpy(to + w * spread * o, dy + w * o, (size_t)o * sizeof *to);
    }
  }
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

static void picture_weight_backward(run *r, weight *w, const pictures *p, const tensor *x,
                                    const float *dy)
{
  const kernels *k = kernels_of(r->dev);
  const int64_t x_floats = input_floats(p), dy_floats = p->height_out * p->pitch * p->outputs;
  weight_gradient g = weight_gradient_plan(k, w, &p->shape, p->n * (x_floats + dy_floats));
  const bool kept = g.chunk < g.outputs;
  const int64_t copies = kept ? p->n : 1;
  g.sums = g.in_place ? w->grad : run_scratch(r, weight_gradient_bytes(&g));
  float *x_rows = run_scratch(r, (size_t)(copies * x_floats) * sizeof *x_rows);
  float *dy_rows = run_scratch(r, (size_t)(copies * dy_floats) * sizeof *dy_rows);
  for (int64_t first = 0; run_ok(r) && first < g.outputs; first += g.chunk) {
    const int64_t rest = g.outputs - first, count = rest < g.chunk ? rest : g.chunk;
    if (!g.in_place) {
      memset(g.sums, 0, weight_gradient_bytes(&g));
    }
    for (int64_t i = 0; i < p->n; ++i) {
      float *x_laid = x_rows + (kept ? i * x_floats : 0);
      float *dy_laid = dy_rows + (kept ? i * dy_floats : 0);
      if (first == 0) {
        lay_input(k, p, x_laid, (const float *)x->data + i * p->height * p->width * p->channels);
        lay_gradient(p, dy_laid, dy + i * p->height_out * p->width_out * p->outputs, 1, 0, 0);
      }
      sweep_lines(&g, p, dy_laid, x_laid, first, count);
    }
    if (!g.in_place) {
      weight_gradient_store(&g, w->grad, first, count);
    }
  }
}

// ---- the input's gradient ----

// Rows [begin, end) of picture `phase`: the sum over the kernel lines that reach it.
static bool make_rows(const kernels *k, const pictures *p, const weight *w, adjoint_plan *plan,
                      window_job job, const float *dy, int64_t phase, int64_t begin, int64_t end)
{
  const int64_t columns = wide_of(p) / plan->phases; // of dy, spread
  float *to = job.y;
  job.rows = (end - begin) * columns;
  job.start = NULL;
  for (int64_t line = 0; line < p->args->kernel_h; ++line) {
    if (line_phase(p, line) == phase) {
      plan->p = adjoint_line(w, line);
      job.x = dy + ((begin - line_row(p, line)) * columns - plan->lead) * p->outputs;
      adjoint_products(k, plan, job, p->outputs);
      job.start = to;
    }
  }
  return job.start != NULL;
}

// dx += of one stream; dy is laid, and zero as far as kernels reach beyond it.
static void sweep_pictures(const kernels *k, const pictures *p, const weight *w, adjoint_plan *plan,
                           window_job job, const float *dy, const float *x, float *dx)
{
  const int64_t line = p->width * p->channels, count = columns_of(p) * p->channels;
  const float *result = job.y;
  for (int64_t i = 0; i < p->args->stride_h * p->rows; i += plan->block) {
    const int64_t phase = i / p->rows, row = i % p->rows;
    const int64_t n = p->rows - row < plan->block ? p->rows - row : plan->block;
    const bool made = make_rows(k, p, w, plan, job, dy, phase, row, row + n);
    for (int64_t j = 0; made && j < n; ++j) {
      const int64_t h = row_of(p, phase, row + j);
      if (h >= 0) {
        const float *d = result + (j * wide_of(p) + p->args->pad_left) * p->channels;
        k->chain(dx + h * line, dx + h * line, d, x + h * line, count, p->args->act_in,
                 p->args->act_slope);
      }
    }
    i -= plan->block - n; // the next picture begins where this one ends
  }
}

static void picture_input_backward(run *r, const weight *w, const panels *form, const pictures *p,
                                   const tensor *x, const tensor *dx, const float *dy)
{
  const conv2d_args *args = p->args;
  const int64_t phases = form->n_rows / form->n_outputs, spread = args->stride_w / phases;
  adjoint_plan plan = {.p = form,
                       .row_step = 1,
                       .tap_step = args->dilation_w,
                       .phases = phases,
                       .groups = args->groups,
                       .taps = (args->kernel_w + phases - 1) / phases};
  plan.lead = (plan.taps - 1) * args->dilation_w;
  const int64_t columns = p->pitch * spread, above = line_row(p, args->kernel_h - 1) * columns;
  const int64_t fitting = SWEEP_BLOCK_FLOATS / (wide_of(p) * p->channels + columns * p->outputs);
  plan.block = fitting > 1 ? fitting : 1;
  const int64_t dy_rows = plan.lead + 2 * above + p->height_out * columns;
  float *laid = run_scratch(r, (size_t)(dy_rows * p->outputs) * sizeof *laid);
  window_job job = adjoint_job(r, &plan, p->outputs, p->channels);
  job.y = run_scratch(r, (size_t)(plan.block * wide_of(p) * p->channels) * sizeof(float));
  const int64_t x_floats = p->height * p->width * p->channels;
  for (int64_t i = 0; run_ok(r) && i < p->n; ++i) {
    lay_gradient(p, laid, dy + i * p->height_out * p->width_out * p->outputs, spread,
                 plan.lead + above, above);
    sweep_pictures(kernels_of(r->dev), p, w, &plan, job, laid + (plan.lead + above) * p->outputs,
                   (const float *)x->data + i * x_floats, (float *)dx->data + i * x_floats);
  }
}

static void conv2d_again(run *r, const tape_node *node, tensor *sum)
{
  conv2d_args args = node->args.conv2d;
  args.act_out = ACT_NONE;
  fast_conv2d(r, sum, &node->in[0], node->weights[0], node->weights[1], &args);
}

void fast_conv2d_backward(run *r, const tape_node *node)
{
  const conv2d_args *args = &node->args.conv2d;
  weight *w = node->weights[0];
  const panels *form = adjoint_panels(r, w, 0, args->stride_w, args->dilation_w);
  const tensor *x = &node->in[0], dy = tape_gradient(r, &node->out), dx = tape_gradient(r, x);
  if (!run_ok(r) || tensor_count(&dy) == 0) {
    return;
  }
  const size_t mark = scratch_begin(r);
  const float *d = before_activation(r, node, &dy, args->act_out, args->act_slope, conv2d_again);
  bias_backward(r, node->weights[1], d, &dy);
  const pictures p = pictures_of(x, &dy, args);
  const size_t each = scratch_begin(r);
  if (run_ok(r) && w->grad) {
    picture_weight_backward(r, w, &p, x, d);
    scratch_end(r, each);
  }
  if (run_ok(r) && dx.data) {
    picture_input_backward(r, w, form, &p, x, &dx, d);
  }
  scratch_end(r, mark);
}
