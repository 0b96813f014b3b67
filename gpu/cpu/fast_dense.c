// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/cpu/fast.h"

#include <math.h>
#include <string.h>

void fast_linear(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                 const tensor *residual, activation act)
{
  const panels *p = panels_of(w);
  const size_t mark = scratch_begin(r);
  window_job job = product_job(p, 0);
  job.x = x->data;
  job.rows = tensor_rows(x);
  job.row_step = p->length;
  job.start = vector_of(bias);
  job.y = y->data;
  job.y_step = p->n_rows;
  job.residual = residual ? residual->data : NULL;
  job.residual_step = p->n_rows;
  job.act = act;
  job.slope = 1.0f;
  products_run(r, p, &job, 1);
  scratch_end(r, mark);
}

void fast_norm_linear(run *r, tensor *y, const tensor *x, const weight *norm_scale,
                      const weight *norm_shift, const norm_args *norm, const weight *w,
                      const weight *bias, activation act)
{
  const size_t mark = scratch_begin(r);
  tensor normed = *x;
  normed.data = run_scratch(r, tensor_bytes(x));
  if (run_ok(r)) {
    fast_norm(r, &normed, x, norm_scale, norm_shift, NULL, NULL, norm);
    fast_linear(r, y, &normed, w, bias, NULL, act);
    scratch_end(r, mark);
  }
}

// b of one batch as panels: lanes run over outputs, as everywhere, so that the sum's order does not
// depend on the number of rows.
static void matmul_pack(float *to, const float *b, int64_t length, int64_t outputs, bool transposed,
                        const kernels *k)
{
  for (int64_t first = 0; first < outputs; first += k->panel_lanes) {
    const int64_t left = (outputs - first + k->lanes - 1) / k->lanes * k->lanes;
    const int64_t lanes = left < k->panel_lanes ? left : k->panel_lanes;
    for (int64_t j = 0; j < length; ++j, to += lanes) {
      for (int64_t l = 0; l < lanes; ++l) {
        const int64_t o = first + l, at = transposed ? o * length + j : j * outputs + o;
        to[l] = o < outputs ? b[at] : 0.0f;
      }
    }
  }
}

void fast_matmul(run *r, tensor *y, const tensor *a, const tensor *b, bool transpose_b)
{
  const kernels *k = kernels_of(r->dev);
  const int64_t rows = y->dims[1], outputs = y->dims[2], length = a->dims[2];
  const int64_t wide = (outputs + k->lanes - 1) / k->lanes * k->lanes;
  const size_t mark = scratch_begin(r);
  float *packed = run_scratch(r, (size_t)(wide * length) * sizeof *packed);
  if (!packed) {
    return;
  }
  const panels p = {.type = DTYPE_F32,
                    .n_rows = outputs,
                    .length = length,
                    .n_blocks = 1,
                    .block_outputs = outputs,
                    .panel_bytes = k->panel_lanes * length * (int64_t)sizeof(float),
                    .n_panels = (outputs + k->panel_lanes - 1) / k->panel_lanes,
                    .data = (unsigned char *)packed};
  for (int64_t n = 0; n < y->dims[0]; ++n) {
    matmul_pack(packed, (const float *)b->data + n * length * outputs, length, outputs, transpose_b,
                k);
    window_job job = product_job(&p, 0);
    job.x = (const float *)a->data + n * rows * length;
    job.rows = rows;
    job.row_step = length;
    job.y = (float *)y->data + n * rows * outputs;
    job.y_step = outputs;
    products_run(r, &p, &job, 1);
  }
  scratch_end(r, mark);
}

#define LSTM_ROWS 32 // input products made at once: their gates stay in L2

typedef struct lstm_call {
  const kernels *k;
  const panels *input, *recurrent;
  const float *x;    // [n, rows, in]
  float *y;          // [n, rows, size]
  float *state;      // [n, 2, size]
  float *gates;      // [n, LSTM_ROWS, 4 * size]
  const float *bias; // [4 * size]
  int64_t n, rows, in, size;
  bool skip;
} lstm_call;

// Gates of rows [begin, begin + count) from the bias and the input.
static void lstm_input(run *r, const lstm_call *call, int64_t begin, int64_t count)
{
  for (int64_t n = 0; n < call->n; ++n) {
    window_job job = product_job(call->input, 0);
    job.x = call->x + (n * call->rows + begin) * call->in;
    job.rows = count;
    job.row_step = call->in;
    job.start = call->bias;
    job.y = call->gates + n * LSTM_ROWS * 4 * call->size;
    job.y_step = 4 * call->size;
    if (call->rows == 1) { // a live step: all streams at once, so that weights are read once
      job.rows = call->n;
      job.y_step = LSTM_ROWS * 4 * call->size;
      n = call->n;
    }
    products_run(r, call->input, &job, 1);
  }
}

// One row of all streams: the recurrent product goes on with the sums of the input's.
static void lstm_row(run *r, const lstm_call *call, int64_t begin, int64_t offset)
{
  const int64_t size = call->size, row = begin + offset;
  window_job job = product_job(call->recurrent, 0);
  job.x = call->state;
  job.rows = call->n;
  job.row_step = 2 * size;
  job.y = call->gates + offset * 4 * size;
  job.y_step = LSTM_ROWS * 4 * size;
  job.start = job.y;
  job.start_step = job.y_step;
  products_run(r, call->recurrent, &job, 1);
  for (int64_t n = 0; n < call->n; ++n) {
    float *h = call->state + n * 2 * size;
    const float *skip = call->skip ? call->x + (n * call->rows + row) * call->in : NULL;
    call->k->lstm_gates(call->y + (n * call->rows + row) * size, h, h + size,
                        job.y + n * job.y_step, skip, size);
  }
}

void fast_lstm(run *r, tensor *y, const tensor *x, const weight *w_ih, const weight *w_hh,
               const weight *b_ih, const weight *b_hh, tensor *state, const stream_control *control,
               bool skip)
{
  const size_t mark = scratch_begin(r);
  lstm_call call = {.k = kernels_of(r->dev),
                    .input = panels_of(w_ih),
                    .recurrent = panels_of(w_hh),
                    .x = x->data,
                    .y = y->data,
                    .n = x->dims[0],
                    .rows = x->dims[1],
                    .in = x->dims[2],
                    .size = y->dims[2],
                    .skip = skip};
  const size_t state_floats = (size_t)(2 * call.size);
  float *bias = run_scratch(r, (size_t)(4 * call.size) * sizeof *bias);
  call.bias = bias;
  call.gates = run_scratch(r, (size_t)(call.n * LSTM_ROWS * 4 * call.size) * sizeof *call.gates);
  call.state =
      state ? state->data : run_scratch(r, (size_t)call.n * state_floats * sizeof *call.state);
  if (!run_ok(r) || call.rows == 0) {
    return;
  }
  for (int64_t n = 0; n < call.n; ++n) {
    if (!state || !control || control->reset[n]) {
      memset(call.state + n * 2 * call.size, 0, state_floats * sizeof *call.state);
    }
  }
  call.k->add(bias, vector_of(b_ih), vector_of(b_hh), 4 * call.size);
  for (int64_t begin = 0; begin < call.rows; begin += LSTM_ROWS) {
    const int64_t left = call.rows - begin, count = left < LSTM_ROWS ? left : LSTM_ROWS;
    const size_t codes = scratch_begin(r); // int8 takes scratch for each product
    lstm_input(r, &call, begin, count);
    for (int64_t i = 0; i < count; ++i) {
      scratch_end(r, codes);
      lstm_row(r, &call, begin, i);
    }
    scratch_end(r, codes);
  }
  scratch_end(r, mark);
}

typedef struct norm_call {
  const kernels *k;
  float *y;
  const float *x, *scale, *shift, *row_scale, *row_shift;
  int64_t rows, channels;
  float epsilon;
  bool rms;
} norm_call;

static void norm_work(void *user, int index, int n)
{
  const norm_call *call = user;
  int64_t begin, end;
  team_slice(call->rows, 1, index, n, &begin, &end);
  for (int64_t at = begin * call->channels; at < end * call->channels; at += call->channels) {
    call->k->norm_row(call->y + at, call->x + at,
                      call->scale       ? call->scale
                      : call->row_scale ? call->row_scale + at
                                        : NULL,
                      call->shift       ? call->shift
                      : call->row_shift ? call->row_shift + at
                                        : NULL,
                      call->channels, call->epsilon, call->rms);
  }
}

// One group of one stream: moments over time and channels, in double, because a whole chunk of
// sound is summed.
static void group_norm(const norm_call *call, int64_t rows, int64_t first, int64_t count)
{
  double sum = 0.0, squares = 0.0;
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t c = first; c < first + count; ++c) {
      sum += (double)call->x[i * call->channels + c];
    }
  }
  const double mean = sum / (double)(rows * count);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t c = first; c < first + count; ++c) {
      const double off = (double)call->x[i * call->channels + c] - mean;
      squares += off * off;
    }
  }
  const float inverse =
      (float)(1.0 / sqrt(squares / (double)(rows * count) + (double)call->epsilon));
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t c = first; c < first + count; ++c) {
      const int64_t at = i * call->channels + c;
      const float value = (call->x[at] - (float)mean) * inverse;
      const float scaled = call->scale       ? value * call->scale[c]
                           : call->row_scale ? value * call->row_scale[at]
                                             : value;
      call->y[at] = scaled + (call->shift       ? call->shift[c]
                              : call->row_shift ? call->row_shift[at]
                                                : 0.0f);
    }
  }
}

void fast_norm(run *r, tensor *y, const tensor *x, const weight *scale, const weight *shift,
               const tensor *row_scale, const tensor *row_shift, const norm_args *args)
{
  norm_call call = {.k = kernels_of(r->dev),
                    .y = y->data,
                    .x = x->data,
                    .scale = vector_of(scale),
                    .shift = vector_of(shift),
                    .row_scale = row_scale ? row_scale->data : NULL,
                    .row_shift = row_shift ? row_shift->data : NULL,
                    .rows = tensor_rows(x),
                    .channels = tensor_channels(x),
                    .epsilon = args->epsilon,
                    .rms = args->kind == NORM_RMS};
  if (args->kind != NORM_GROUP) {
    share_work(r, call.rows * call.channels, norm_work, &call);
    return;
  }
  const int64_t rows = x->dims[1], count = call.channels / args->groups;
  for (int64_t n = 0; n < x->dims[0]; ++n) {
    const int64_t step = n == 0 ? 0 : rows * call.channels;
    call.x += step;
    call.y += step;
    call.row_scale = call.row_scale ? call.row_scale + step : NULL;
    call.row_shift = call.row_shift ? call.row_shift + step : NULL;
    for (int64_t first = 0; first < call.channels; first += count) {
      group_norm(&call, rows, first, count);
    }
  }
}

typedef struct elementwise {
  const kernels *k;
  float *y;
  const float *a, *b;
  int64_t count, period; // b repeats after `period`
  activation act;
  float factor; // slope or factor
  void (*two)(float *y, const float *a, const float *b, int64_t count);
} elementwise;

static void activate_work(void *user, int index, int n)
{
  const elementwise *e = user;
  int64_t begin, end;
  team_slice(e->count, 64, index, n, &begin, &end);
  e->k->activate(e->y + begin, e->a + begin, end - begin, e->act, e->factor);
}

void fast_activate(run *r, tensor *y, const tensor *x, activation act, float slope)
{
  elementwise e = {.k = kernels_of(r->dev),
                   .y = y->data,
                   .a = x->data,
                   .count = tensor_count(x),
                   .act = act,
                   .factor = slope};
  share_work(r, e.count, activate_work, &e);
}

static void scale_work(void *user, int index, int n)
{
  const elementwise *e = user;
  int64_t begin, end;
  team_slice(e->count, 64, index, n, &begin, &end);
  e->k->scale(e->y + begin, e->a + begin, e->factor, end - begin);
}

void fast_scale(run *r, tensor *y, const tensor *a, float factor)
{
  elementwise e = {.k = kernels_of(r->dev),
                   .y = y->data,
                   .a = a->data,
                   .count = tensor_count(a),
                   .factor = factor};
  share_work(r, e.count, scale_work, &e);
}

static void two_work(void *user, int index, int n)
{
  const elementwise *e = user;
  int64_t begin, end;
  team_slice(e->count / e->period, 1, index, n, &begin, &end);
  if (e->period == e->count) { // one period: cut inside it
    team_slice(e->count, 64, index, n, &begin, &end);
    e->two(e->y + begin, e->a + begin, e->b + begin, end - begin);
    return;
  }
  for (int64_t at = begin * e->period; at < end * e->period; at += e->period) {
    e->two(e->y + at, e->a + at, e->b, e->period);
  }
}

static void two_operands(run *r, tensor *y, const tensor *a, const tensor *b,
                         void (*two)(float *, const float *, const float *, int64_t))
{
  elementwise e = {.y = y->data,
                   .a = a->data,
                   .b = b->data,
                   .count = tensor_count(a),
                   .period = tensor_count(b),
                   .two = two};
  if (e.count > 0) {
    share_work(r, e.count, two_work, &e);
  }
}

void fast_add(run *r, tensor *y, const tensor *a, const tensor *b)
{
  two_operands(r, y, a, b, kernels_of(r->dev)->add);
}

void fast_multiply(run *r, tensor *y, const tensor *a, const tensor *b)
{
  two_operands(r, y, a, b, kernels_of(r->dev)->multiply);
}

static void softmax_work(void *user, int index, int n)
{
  const elementwise *e = user;
  int64_t begin, end;
  team_slice(e->count / e->period, 1, index, n, &begin, &end);
  for (int64_t at = begin * e->period; at < end * e->period; at += e->period) {
    e->k->softmax_row(e->y + at, e->a + at, e->period);
  }
}

void fast_softmax(run *r, tensor *y, const tensor *x)
{
  elementwise e = {.k = kernels_of(r->dev),
                   .y = y->data,
                   .a = x->data,
                   .count = tensor_count(x),
                   .period = tensor_channels(x)};
  if (e.count > 0) {
    share_work(r, e.count, softmax_work, &e);
  }
}
