// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/cpu/fast_backward.h"
#include "gpu/cpu/rows.h"

#include <string.h>

static inline __attribute__((always_inline)) void copy_all(float *to, int64_t to_step,
                                                           const float *from, int64_t from_step,
                                                           int64_t rows, const int64_t width)
{
  for (int64_t row = 0; row < rows; ++row) {
    memcpy(to + row * to_step, from + row * from_step, (size_t)width * sizeof *to);
  }
}

void copy_columns(float *to, int64_t to_step, const float *from, int64_t from_step, int64_t rows,
                  int64_t width)
{
  switch (width) { // so that a row is a move, not a call
  case 1:
    copy_all(to, to_step, from, from_step, rows, 1);
    break;
  case 4:
    copy_all(to, to_step, from, from_step, rows, 4);
    break;
  case 8:
    copy_all(to, to_step, from, from_step, rows, 8);
    break;
  case 16:
    copy_all(to, to_step, from, from_step, rows, 16);
    break;
  default:
    copy_all(to, to_step, from, from_step, rows, width);
    break;
  }
}

static void source_copy(const row_source *s, float *to, int64_t row, int64_t count)
{
  const float *from = s->x + row * s->channels;
  if (s->act == ACT_NONE) {
    memcpy(to, from, (size_t)(count * s->channels) * sizeof *to);
  } else {
    s->k->activate(to, from, count * s->channels, s->act, s->slope);
  }
}

const float *source_rows(const row_source *s, float *buffer, int64_t first, int64_t count)
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

const panels *adjoint_panels(run *r, const weight *w, int64_t stride, int64_t dilation)
{
  if (w->storage == DTYPE_I8) {
    run_fail(r, STATUS_UNSUPPORTED, "%s: int8 weights have no gradient", w->name);
  } else if (!w->adjoint) {
    run_fail(r, STATUS_INTERNAL, "%s: was packed before its gradient was made", w->name);
  } else if (w->stride != stride || w->dilation != dilation) {
    run_fail(r, STATUS_INTERNAL, "%s: was packed for stride %lld, dilation %lld", w->name,
             (long long)w->stride, (long long)w->dilation);
  }
  return run_ok(r) ? adjoint_line(w, 0) : NULL;
}

adjoint_plan adjoint_plan_of(const adjoint_shape *adjoint, const panels *p, const conv_shape *shape)
{
  return (adjoint_plan){.p = p,
                        .row_step = adjoint->row_step,
                        .lead = (adjoint->taps - 1) * shape->dilation - (adjoint->row_step - 1),
                        .taps = adjoint->taps,
                        .tap_step = shape->dilation,
                        .phases = adjoint->phases,
                        .groups = shape->groups};
}

window_job adjoint_job(run *r, const adjoint_plan *plan, int64_t channels_dy, int64_t channels_dx)
{
  window_job job = product_job(plan->p, 0);
  job.row_step = plan->row_step * channels_dy;
  job.y_step = job.start_step = plan->phases * channels_dx;
  if (plan->by_group) {
    job.row_step /= plan->groups;
    job.y_step /= plan->groups;
    return job;
  }
  if (plan->groups > 1 || (plan->tap_step > 1 && plan->taps > 1)) {
    int64_t *offsets = run_scratch(r, (size_t)plan->taps * sizeof *offsets);
    for (int64_t i = 0; offsets && i < plan->taps; ++i) {
      offsets[i] = i * plan->tap_step * channels_dy;
    }
    job.segments = plan->taps;
    job.segment_length = channels_dy / plan->groups;
    job.offsets = offsets;
  }
  return job;
}

void adjoint_products(const kernels *k, const adjoint_plan *plan, window_job job,
                      int64_t channels_dy)
{
  const panels *p = plan->p;
  const float *x = job.x, *start = job.start;
  float *y = job.y;
  if (!p->data) { // one channel a group
    job.outputs = p->n_rows;
    k->depthwise(&job, p->taps, plan->taps, plan->tap_step * channels_dy);
    return;
  }
  const window_product product = product_for(k, p->type);
  for (int64_t block = 0; block < p->n_blocks; ++block) {
    const window_job weights = product_job(p, block);
    job.panels = weights.panels;
    job.x = x + block % plan->groups * (channels_dy / plan->groups);
    job.y = y + block * p->block_outputs;
    job.start = start ? start + block * p->block_outputs : NULL;
    const window_part whole = {0, job.rows, 0, p->n_panels};
    product(&job, &whole);
  }
}

// The same, group by group, each cut out of `span` rows of job.x and put back into rows of y.
static void group_products(const kernels *k, const adjoint_plan *plan, window_job job, int64_t span,
                           int64_t channels_dy, int64_t channels_dx, float *cut)
{
  const int64_t out = channels_dy / plan->groups, in = channels_dx / plan->groups;
  const float *x = job.x;
  float *y = job.y;
  job.x = cut;
  job.y = cut + span * out;
  for (int64_t g = 0; g < plan->groups; ++g) {
    const panels *p = adjoint_line(plan->by_group, g);
    const window_part whole = {0, job.rows, 0, p->n_panels};
    job.panels = p->data;
    copy_columns(cut, out, x + g * out, channels_dy, span, out);
    product_for(k, p->type)(&job, &whole);
    copy_columns(y + g * in, channels_dx, job.y, in, job.rows * plan->phases, in);
  }
}

static void sweep_input(const kernels *k, const adjoint_plan *plan, const row_source *dy,
                        const input_gradient *to, window_job job, float *rows, float *result,
                        float *cut)
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
    if (inside && to->act == ACT_NONE && plan->p->data &&
        !cut) { // the sums go on from what is there
      job.y = to->dx + first * to->channels;
      job.start = job.y;
      adjoint_products(k, plan, job, dy->channels);
      continue;
    }
    job.y = result;
    job.start = NULL;
    if (cut) {
      group_products(k, plan, job, span, dy->channels, to->channels, cut);
    } else {
      adjoint_products(k, plan, job, dy->channels);
    }
    gradient_store(k, to, result, first, count);
  }
}

void input_backward(run *r, adjoint_plan *plan, row_source dy, input_gradient to, int64_t n,
                    int64_t dy_step)
{
  const size_t mark = scratch_begin(r);
  const int64_t wide = plan->phases * to.channels;
  const int64_t fitting = SWEEP_BLOCK_FLOATS / (wide + plan->row_step * dy.channels) / 12 * 12;
  plan->block = fitting > 2 * SWEEP_BLOCK_ROWS ? fitting : 2 * SWEEP_BLOCK_ROWS;
  const int64_t span = (plan->block - 1) * plan->row_step + (plan->taps - 1) * plan->tap_step + 1;
  const window_job job = adjoint_job(r, plan, dy.channels, to.channels);
  float *rows = run_scratch(r, (size_t)(span * dy.channels) * sizeof *rows);
  float *result = run_scratch(r, (size_t)(plan->block * wide) * sizeof *result), *cut = NULL;
  if (plan->by_group) {
    const int64_t floats = (span * dy.channels + plan->block * wide) / plan->groups;
    cut = run_scratch(r, (size_t)floats * sizeof *cut);
  }
  for (int64_t i = 0; run_ok(r) && i < n; ++i) {
    sweep_input(kernels_of(r->dev), plan, &dy, &to, job, rows, result, cut);
    dy.x += dy_step;
    to.dx += to.rows * to.channels;
    to.x += to.rows * to.channels;
  }
  scratch_end(r, mark);
}
