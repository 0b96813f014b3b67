// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/cpu/fast_backward.h"

#include <string.h>

#define CHUNK_FLOATS (64 * 1024)  // of sums, which every block of rows goes through
#define KEPT_FLOATS (1024 * 1024) // of rows, which every chunk goes through

weight_gradient weight_gradient_plan(const kernels *k, const weight *w, const conv_shape *shape,
                                     int64_t floats)
{
  const bool picture = w->use == WEIGHT_CONV2D;
  weight_gradient g = {.k = k,
                       .shape = shape,
                       .outputs = w->dims[0],
                       .channels = w->dims[1],
                       .lines = picture ? w->dims[2] : 1,
                       .taps = picture ? w->dims[3] : w->dims[2]};
  const int64_t unit = k->lanes, out = g.outputs / shape->groups;
  g.whole = shape->dilation == 1 && (shape->groups == 1 || !picture);
  const int64_t run_length = g.whole ? g.channels * g.taps : g.channels;
  const int64_t along_windows = (run_length + unit - 1) / unit * unit * out;
  const int64_t along_outputs = (out + unit - 1) / unit * unit * run_length;
  g.turned = along_outputs < along_windows;
  g.in_place = g.lines * g.taps == 1 && !g.turned;
  g.chunk = g.outputs;
  if (shape->groups == 1 && !g.turned && !g.in_place && floats <= KEPT_FLOATS) {
    const int64_t fitting = CHUNK_FLOATS / (g.channels * g.lines * g.taps) / 12 * 12;
    const int64_t chunk = fitting > 12 ? fitting : 12;
    g.chunk = chunk < g.outputs ? chunk : g.outputs;
  }
  return g;
}

// Sums of one kernel line.
static int64_t line_floats(const weight_gradient *g)
{
  return g->chunk * g->taps * g->channels;
}

size_t weight_gradient_bytes(const weight_gradient *g)
{
  return (size_t)(g->lines * line_floats(g)) * sizeof *g->sums;
}

void weight_gradient_add(const weight_gradient *g, int64_t line, const float *strided,
                         const float *spaced, int64_t n, int64_t first, int64_t count)
{
  const conv_shape *shape = g->shape;
  const int64_t in = g->channels, out = count / shape->groups;
  const int64_t segments = g->whole ? 1 : g->taps, length = g->whole ? in * g->taps : in;
  const bool cut = g->whole && shape->groups > 1;
  const int64_t spaced_step = in * shape->groups, step = cut ? in : spaced_step;
  float *sums = g->sums + line * line_floats(g);
  for (int64_t i = 0; i < segments * shape->groups; ++i) {
    const int64_t group = i / segments, tap = i % segments;
    const float *window = spaced + tap * shape->dilation * spaced_step + group * in;
    if (cut) {
      copy_columns(g->cut, in, window, spaced_step, rows_under(shape, n), in);
      window = g->cut;
    }
    outer_job job = {.rows = n,
                     .a = strided + first + group * out,
                     .a_step = g->outputs,
                     .n_a = out,
                     .b = window,
                     .b_step = shape->stride * step,
                     .n_b = length,
                     .sums = sums + group * out * g->taps * in + tap * in,
                     .sums_step = g->taps * in};
    if (g->turned) {
      job = (outer_job){.rows = n,
                        .a = window,
                        .a_step = job.b_step,
                        .n_a = length,
                        .b = job.a,
                        .b_step = g->outputs,
                        .n_b = out,
                        .sums = sums + tap * in * g->outputs + group * out,
                        .sums_step = g->outputs};
    }
    g->k->outer(&job);
  }
}

// One kernel line to the file's layout [O][c][lines][K], from output `first` on.
static void store_line(const weight_gradient *g, int64_t line, float *grad, int64_t first,
                       int64_t count)
{
  const int64_t taps = g->taps, in = g->channels, step = g->lines * taps;
  const float *sums = g->sums + line * line_floats(g);
  grad += first * in * step + line * taps;
  for (int64_t o = 0; !g->turned && o < count; ++o) {
    g->k->transpose_add(grad + o * in * step, step, sums + o * taps * in, in, taps, in);
  }
  for (int64_t c = 0; g->turned && c < in; ++c) {
    g->k->transpose_add(grad + c * step, in * step, sums + c * g->outputs, in * g->outputs, taps,
                        g->outputs);
  }
}

void weight_gradient_store(const weight_gradient *g, float *grad, int64_t first, int64_t count)
{
  const int64_t in = g->channels;
  if (g->taps == 1 && !g->turned) { // all lines of an output are one square
    for (int64_t o = 0; o < count; ++o) {
      g->k->transpose_add(grad + (first + o) * in * g->lines, g->lines, g->sums + o * in,
                          line_floats(g), g->lines, in);
    }
    return;
  }
  for (int64_t line = 0; line < g->lines; ++line) {
    store_line(g, line, grad, first, count);
  }
}

// Windows of one block.
static int64_t outer_block(const outer_sides *sides, const conv_shape *shape)
{
  const int64_t row = sides->strided.channels + sides->spaced.channels * shape->stride;
  const int64_t fitting = SWEEP_BLOCK_FLOATS / row;
  return fitting > SWEEP_BLOCK_ROWS ? fitting : SWEEP_BLOCK_ROWS;
}

// All outputs at once, block by block: for many rows.
static void sweep_blocks(run *r, const weight_gradient *g, const outer_sides *sides)
{
  row_source strided = sides->strided, spaced = sides->spaced;
  const conv_shape *shape = g->shape;
  const int64_t block = outer_block(sides, shape);
  const size_t a_bytes = (size_t)(block * strided.channels) * sizeof(float);
  const size_t b_bytes = (size_t)(rows_under(shape, block) * spaced.channels) * sizeof(float);
  float *a = run_scratch(r, a_bytes), *b = run_scratch(r, b_bytes);
  for (int64_t i = 0; run_ok(r) && i < sides->n; ++i) {
    for (int64_t u = 0; u < strided.rows; u += block) {
      const int64_t left = strided.rows - u, n = left < block ? left : block;
      weight_gradient_add(
          g, 0, source_rows(&strided, a, u, n),
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
  const int64_t block = outer_block(sides, shape);
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
    memset(g->sums, 0, weight_gradient_bytes(g));
    for (int64_t i = 0; i < sides->n; ++i) {
      for (int64_t u = 0; u < rows; u += block) {
        const int64_t n = rows - u < block ? rows - u : block;
        weight_gradient_add(g, 0, kept[2 * i] + u * strided.channels,
                            kept[2 * i + 1] + u * shape->stride * spaced.channels, n, first, count);
      }
    }
    weight_gradient_store(g, grad, first, count);
  }
}

void weight_backward(run *r, weight *w, const conv_shape *shape, outer_sides sides)
{
  const size_t mark = scratch_begin(r);
  const int64_t row = sides.strided.channels + sides.spaced.channels * shape->stride;
  weight_gradient g =
      weight_gradient_plan(kernels_of(r->dev), w, shape, sides.n * sides.strided.rows * row);
  const size_t bytes = weight_gradient_bytes(&g);
  g.sums = g.in_place ? w->grad : run_scratch(r, bytes);
  if (g.whole && shape->groups > 1) {
    const int64_t under = rows_under(shape, outer_block(&sides, shape));
    g.cut = run_scratch(r, (size_t)(under * g.channels) * sizeof *g.cut);
  }
  if (run_ok(r) && g.chunk < g.outputs) {
    sweep_chunks(r, &g, &sides, w->grad);
  } else if (run_ok(r)) {
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
