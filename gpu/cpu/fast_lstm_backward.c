// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The sweep back through an LSTM over whole sequences. The forward is gone through again, because
// its gates were not kept; then back through time, one product of all streams per step; what does
// not depend on time (the input's gradient, the weights') is made at the end in large products.

#include "gpu/cpu/fast.h"

#include <string.h>

typedef struct lstm_sweep {
  const kernels *k;
  const panels *input, *recurrent;           // [4H][C], [4H][H]
  const panels *input_back, *recurrent_back; // [C][4H], [H][4H]
  const float *x, *dy;                       // [n, T, C], [n, T, H]
  float *dx;                                 // [n, T, C] or null
  float *gates;                              // [n, T, 4H]
  float *h, *c;                              // [n, T + 1, H], from zero
  float *level;                              // [n, T, H] tanh of c
  float *dh, *dc;                            // [n, H]
  int64_t n, rows, in, size;
} lstm_sweep;

static const panels *adjoint_panels(run *r, const weight *w)
{
  if (w->storage == DTYPE_I8) {
    run_fail(r, STATUS_UNSUPPORTED, "%s: int8 weights have no gradient", w->name);
  } else if (!w->adjoint) {
    run_fail(r, STATUS_INTERNAL, "%s: was packed before its gradient was made", w->name);
  }
  return w->adjoint;
}

static float *take_floats(run *r, int64_t count)
{
  return run_scratch(r, (size_t)count * sizeof(float));
}

static lstm_sweep sweep_of(run *r, const tape_node *node, const tensor *dy, const tensor *dx)
{
  const tensor *x = &node->in[0];
  lstm_sweep s = {.k = kernels_of(r->dev),
                  .input = panels_of(node->weights[0]),
                  .recurrent = panels_of(node->weights[1]),
                  .input_back = adjoint_panels(r, node->weights[0]),
                  .recurrent_back = adjoint_panels(r, node->weights[1]),
                  .x = x->data,
                  .dy = dy->data,
                  .dx = dx->data,
                  .n = x->dims[0],
                  .rows = x->dims[1],
                  .in = x->dims[2],
                  .size = dy->dims[2]};
  s.gates = take_floats(r, s.n * s.rows * 4 * s.size);
  s.h = take_floats(r, s.n * (s.rows + 1) * s.size);
  s.c = take_floats(r, s.n * (s.rows + 1) * s.size);
  s.level = take_floats(r, s.n * s.rows * s.size);
  s.dh = take_floats(r, s.n * s.size);
  s.dc = take_floats(r, s.n * s.size);
  return s;
}

// Pre-activations of all gates, states, and then the gates themselves.
static void replay(run *r, const lstm_sweep *s, const tape_node *node)
{
  const int64_t size = s->size, wide = 4 * size;
  float *bias = take_floats(r, wide);
  if (!run_ok(r)) {
    return;
  }
  s->k->add(bias, vector_of(node->weights[2]), vector_of(node->weights[3]), wide);
  window_job job = product_job(s->input, 0);
  job.x = s->x;
  job.rows = s->n * s->rows;
  job.row_step = s->in;
  job.start = bias;
  job.y = s->gates;
  job.y_step = wide;
  products_run(r, s->input, &job, 1);
  for (int64_t n = 0; n < s->n; ++n) {
    memset(s->h + n * (s->rows + 1) * size, 0, (size_t)size * sizeof *s->h);
    memset(s->c + n * (s->rows + 1) * size, 0, (size_t)size * sizeof *s->c);
  }
  for (int64_t t = 0; t < s->rows; ++t) {
    job = product_job(s->recurrent, 0);
    job.x = s->h + t * size;
    job.rows = s->n;
    job.row_step = (s->rows + 1) * size;
    job.y = s->gates + t * wide;
    job.y_step = s->rows * wide;
    job.start = job.y;
    job.start_step = job.y_step;
    products_run(r, s->recurrent, &job, 1);
    for (int64_t n = 0; n < s->n; ++n) {
      const int64_t at = (n * (s->rows + 1) + t) * size;
      float *h = s->h + at + size, *c = s->c + at + size;
      memcpy(c, s->c + at, (size_t)size * sizeof *c);
      s->k->lstm_gates(h, h, c, s->gates + (n * s->rows + t) * wide, NULL, size);
    }
  }
  for (int64_t i = 0; i < s->n * s->rows; ++i) {
    float *gates = s->gates + i * wide;
    s->k->activate(gates, gates, 2 * size, ACT_SIGMOID, 1.0f);
    s->k->activate(gates + 2 * size, gates + 2 * size, size, ACT_TANH, 1.0f);
    s->k->activate(gates + 3 * size, gates + 3 * size, size, ACT_SIGMOID, 1.0f);
    s->k->activate(s->level + i * size, s->c + (i + i / s->rows + 1) * size, size, ACT_TANH, 1.0f);
  }
}

// Gates i, f, g, o of one row of one stream -> gradients of their pre-activations; dc becomes the
// row before's.
static void gates_backward(float *restrict gates, float *restrict dc, const float *restrict dh,
                           const float *restrict before, const float *restrict level, int64_t size)
{
  for (int64_t i = 0; i < size; ++i) {
    const float in = gates[i], forget = gates[size + i];
    const float cell = gates[2 * size + i], out = gates[3 * size + i];
    const float d = dc[i] + dh[i] * out * (1.0f - level[i] * level[i]);
    gates[i] = d * cell * in * (1.0f - in);
    gates[size + i] = d * before[i] * forget * (1.0f - forget);
    gates[2 * size + i] = d * in * (1.0f - cell * cell);
    gates[3 * size + i] = dh[i] * level[i] * out * (1.0f - out);
    dc[i] = d * forget;
  }
}

static void through_time(run *r, const lstm_sweep *s)
{
  const int64_t size = s->size, wide = 4 * size, rows = s->rows;
  memset(s->dc, 0, (size_t)(s->n * size) * sizeof *s->dc);
  for (int64_t n = 0; n < s->n; ++n) {
    memcpy(s->dh + n * size, s->dy + (n * rows + rows - 1) * size, (size_t)size * sizeof *s->dh);
  }
  for (int64_t t = rows - 1; t >= 0; --t) {
    for (int64_t n = 0; n < s->n; ++n) {
      gates_backward(s->gates + (n * rows + t) * wide, s->dc + n * size, s->dh + n * size,
                     s->c + (n * (rows + 1) + t) * size, s->level + (n * rows + t) * size, size);
    }
    if (t == 0) {
      break;
    }
    window_job job = product_job(s->recurrent_back, 0); // on top of the row before's own gradient
    job.x = s->gates + t * wide;
    job.rows = s->n;
    job.row_step = rows * wide;
    job.start = s->dy + (t - 1) * size;
    job.start_step = rows * size;
    job.y = s->dh;
    job.y_step = size;
    products_run(r, s->recurrent_back, &job, 1);
  }
}

static void input_backward(run *r, const lstm_sweep *s, bool skip)
{
  if (!s->dx) {
    return;
  }
  if (skip) {
    s->k->add(s->dx, s->dx, s->dy, s->n * s->rows * s->size);
  }
  window_job job = product_job(s->input_back, 0); // the sums go on from what is there
  job.x = s->gates;
  job.rows = s->n * s->rows;
  job.row_step = 4 * s->size;
  job.start = s->dx;
  job.start_step = s->in;
  job.y = s->dx;
  job.y_step = s->in;
  products_run(r, s->input_back, &job, 1);
}

// Rows of dW_ih and dW_hh, shared out.
typedef struct weight_sweep {
  const lstm_sweep *s;
  float *w_ih, *w_hh; // null: frozen
} weight_sweep;

static void weights_work(void *user, int index, int n_threads)
{
  const weight_sweep *w = user;
  const lstm_sweep *s = w->s;
  const int64_t wide = 4 * s->size;
  int64_t begin, end;
  team_slice(wide, 12, index, n_threads, &begin, &end);
  for (int64_t n = 0; begin < end && n < s->n; ++n) {
    outer_job job = {.a = s->gates + n * s->rows * wide + begin,
                     .a_step = wide,
                     .n_a = end - begin,
                     .b = s->x + n * s->rows * s->in,
                     .b_step = s->in,
                     .n_b = s->in,
                     .rows = s->rows,
                     .sums = w->w_ih ? w->w_ih + begin * s->in : NULL,
                     .sums_step = s->in};
    if (w->w_ih) {
      s->k->outer(&job);
    }
    job.b = s->h + n * (s->rows + 1) * s->size;
    job.b_step = job.n_b = job.sums_step = s->size;
    job.sums = w->w_hh ? w->w_hh + begin * s->size : NULL;
    if (w->w_hh) {
      s->k->outer(&job);
    }
  }
}

void fast_lstm_backward(run *r, const tape_node *node)
{
  const tensor dy = tape_gradient(r, &node->out), dx = tape_gradient(r, &node->in[0]);
  const size_t mark = scratch_begin(r);
  const lstm_sweep s = sweep_of(r, node, &dy, &dx);
  if (!run_ok(r) || s.n * s.rows == 0) {
    return;
  }
  replay(r, &s, node);
  if (!run_ok(r)) {
    return;
  }
  through_time(r, &s);
  input_backward(r, &s, node->args.skip);
  weight_sweep w = {&s, node->weights[0]->grad, node->weights[1]->grad};
  share_work(r, s.n * s.rows * 4 * s.size * s.in, weights_work, &w);
  for (int i = 2; i < 4; ++i) {
    if (node->weights[i]->grad) {
      s.k->column_sums(node->weights[i]->grad, s.gates, s.n * s.rows, 4 * s.size);
    }
  }
  scratch_end(r, mark);
}
