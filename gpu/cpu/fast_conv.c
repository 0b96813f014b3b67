// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/cpu/fast.h"
#include "gpu/cpu/rows.h"

#include <string.h>

// Rows as windows see them, of all streams: history or padding, activated input, right padding.
typedef struct padded {
  const kernels *k;
  const float *x; // [n, rows, channels]
  float *buffer;  // [n, left + rows + right, channels]
  int64_t n, rows, channels;
  int64_t left, right;
  activation act;
  float slope;
} padded;

static int64_t padded_step(const padded *p)
{
  return (p->left + p->rows + p->right) * p->channels;
}

static void padded_work(void *user, int index, int n)
{
  const padded *p = user;
  int64_t begin, end;
  team_slice(p->rows, 1, index, n, &begin, &end);
  for (int64_t stream = 0; stream < p->n; ++stream) {
    const float *from = p->x + (stream * p->rows + begin) * p->channels;
    float *to = p->buffer + stream * padded_step(p) + (p->left + begin) * p->channels;
    const int64_t count = (end - begin) * p->channels;
    if (p->act == ACT_NONE) {
      memcpy(to, from, (size_t)count * sizeof *to);
    } else {
      p->k->activate(to, from, count, p->act, p->slope);
    }
  }
}

// Row of the buffer that padding row `i` repeats, -1 for zeros. A stream that goes on has its past
// in the buffer, so that reflection at its end reaches back into it.
static int64_t edge_source(const padded *p, int64_t i, bool goes_on, pad_mode mode)
{
  const int64_t mirror = i >= p->rows && mode == PAD_REFLECT ? 2 * (p->rows - 1) - i : i;
  if (goes_on && mirror < 0 && mirror >= -p->left) {
    return mirror + p->left;
  }
  const int64_t reach = p->left > p->right ? p->left : p->right;
  const int64_t from = pad_source(i, p->rows, goes_on ? 0 : reach, mode);
  return from < 0 ? -1 : from + p->left;
}

// Padding rows [begin, end) of one stream, from rows that are activated already.
static void padded_edge(const padded *p, float *rows, int64_t begin, int64_t end, bool goes_on,
                        pad_mode mode)
{
  const size_t bytes = (size_t)p->channels * sizeof *rows;
  for (int64_t i = begin; i < end; ++i) {
    const int64_t from = edge_source(p, i, goes_on, mode);
    float *to = rows + (i + p->left) * p->channels;
    if (from < 0) {
      memset(to, 0, bytes);
    } else {
      memcpy(to, rows + from * p->channels, bytes);
    }
  }
}

// Fill p->buffer, which is x itself where nothing has to be done to it; carry the history on.
static bool padded_fill(run *r, padded *p, tensor *history, const stream_control *control,
                        pad_mode mode)
{
  if (p->left == 0 && p->right == 0 && p->act == ACT_NONE) {
    p->buffer = (float *)p->x; // only read from here on
    return true;
  }
  p->buffer = run_scratch(r, (size_t)(p->n * padded_step(p)) * sizeof(float));
  if (!p->buffer) {
    return false;
  }
  share_work(r, p->n * p->rows * p->channels, padded_work, p);
  const size_t bytes = (size_t)(p->left * p->channels) * sizeof(float);
  for (int64_t n = 0; n < p->n; ++n) {
    float *rows = p->buffer + n * padded_step(p);
    float *past = history ? (float *)history->data + n * p->left * p->channels : NULL;
    const bool goes_on = past && control && !control->reset[n];
    if (goes_on) {
      memcpy(rows, past, bytes);
    } else {
      padded_edge(p, rows, -p->left, 0, false, mode);
    }
    padded_edge(p, rows, p->rows, p->rows + p->right, goes_on, mode);
    if (past) {
      memcpy(past, rows + p->rows * p->channels, bytes);
    }
  }
  return true;
}

// Where the segments of one window begin: all of it at once when it is one contiguous run.
static bool window_segments(run *r, window_job *job, int64_t taps, int64_t tap_step,
                            int64_t channels)
{
  if (tap_step == channels || taps == 1) {
    return true; // product_job's single segment
  }
  int64_t *offsets = run_scratch(r, (size_t)taps * sizeof *offsets);
  for (int64_t k = 0; offsets && k < taps; ++k) {
    offsets[k] = k * tap_step;
  }
  job->segments = taps;
  job->segment_length = channels;
  job->offsets = offsets;
  return offsets != NULL;
}

typedef struct depthwise_call {
  const kernels *k;
  const window_job *job;
  const float *w;
  int64_t taps, tap_step;
} depthwise_call;

static void depthwise_work(void *user, int index, int n)
{
  const depthwise_call *call = user;
  int64_t begin, end;
  team_slice(call->job->rows, 1, index, n, &begin, &end);
  window_job part = *call->job;
  part.x += begin * part.row_step;
  part.y += begin * part.y_step;
  part.residual = part.residual ? part.residual + begin * part.residual_step : NULL;
  part.rows = end - begin;
  call->k->depthwise(&part, call->w, call->taps, call->tap_step);
}

// One job per stream and block, from `first`, which is stream 0 and block 0; blocks are `in`
// channels apart in x. One row per stream makes all streams the rows of one job.
static void conv_jobs(run *r, const panels *w, const window_job *first, int64_t n, int64_t x_step,
                      int64_t y_step, int64_t in, int64_t groups)
{
  const bool merged = first->rows == 1 || x_step == first->rows * first->row_step;
  const int64_t streams = merged ? 1 : n;
  window_job *jobs = run_scratch(r, (size_t)(streams * w->n_blocks) * sizeof *jobs);
  if (!jobs) {
    return;
  }
  for (int64_t i = 0; i < streams * w->n_blocks; ++i) {
    const int64_t stream = i / w->n_blocks, block = i % w->n_blocks;
    const window_job weights = product_job(w, block);
    jobs[i] = *first;
    jobs[i].panels = weights.panels;
    jobs[i].scales = weights.scales;
    jobs[i].sums = weights.sums;
    jobs[i].x += stream * x_step + block % groups * in;
    jobs[i].y += stream * y_step + block * w->block_outputs;
    if (first->start) {
      jobs[i].start += w->n_blocks == 1 ? 0 : block * w->block_outputs % w->n_outputs;
    }
    if (first->residual) {
      jobs[i].residual += stream * y_step + block * w->block_outputs;
    }
    if (merged) {
      jobs[i].row_step = first->rows == 1 ? x_step : first->row_step;
      jobs[i].rows = first->rows * n;
    }
  }
  products_run(r, w, jobs, streams * w->n_blocks);
}

void fast_conv1d(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                 const tensor *residual, tensor *history, const stream_control *control,
                 const conv1d_args *args)
{
  const panels *p = panels_of(w);
  const int64_t channels = x->dims[2], rows_out = y->dims[1], outputs = y->dims[2];
  const int64_t reach = (args->kernel - 1) * args->dilation + 1;
  const int64_t in = channels / args->groups;
  const size_t mark = scratch_begin(r);
  padded rows = {.k = kernels_of(r->dev),
                 .x = x->data,
                 .n = x->dims[0],
                 .rows = x->dims[1],
                 .channels = channels,
                 .left = history ? history->dims[1] : args->pad_left,
                 .act = args->act_in,
                 .slope = args->act_slope};
  const int64_t right = (rows_out - 1) * args->stride + reach - rows.left - rows.rows;
  rows.right = right > 0 ? right : 0;
  if (rows.rows == 0 || !padded_fill(r, &rows, history, control, args->mode)) {
    return;
  }
  window_job job = product_job(p, 0);
  job.x = rows.buffer;
  job.rows = rows_out;
  job.row_step = args->stride * channels;
  job.start = vector_of(bias);
  job.y = y->data;
  job.y_step = outputs;
  job.residual = residual ? residual->data : NULL;
  job.residual_step = outputs;
  job.act = args->act_out;
  job.slope = args->act_slope;
  if (p->data && window_segments(r, &job, args->kernel, args->dilation * channels, in)) {
    conv_jobs(r, p, &job, rows.n, padded_step(&rows), rows_out * outputs, in, args->groups);
  }
  job.outputs = outputs;
  depthwise_call call = {rows.k, &job, p->taps, args->kernel, args->dilation * channels};
  for (int64_t n = 0; !p->data && n < rows.n; ++n) {
    share_work(r, rows_out * outputs * args->kernel, depthwise_work, &call);
    job.x += padded_step(&rows);
    job.y += rows_out * outputs;
    job.residual = job.residual ? job.residual + rows_out * outputs : NULL;
  }
  scratch_end(r, mark);
}

// bias once per stride phase, so that a row's stride * O outputs are one run.
static const float *phase_bias(run *r, const weight *bias, int64_t outputs, int64_t phases)
{
  const float *values = vector_of(bias);
  if (!values || phases == 1) {
    return values;
  }
  float *repeated = run_scratch(r, (size_t)(outputs * phases) * sizeof *repeated);
  for (int64_t i = 0; repeated && i < phases; ++i) {
    memcpy(repeated + i * outputs, values, (size_t)outputs * sizeof *repeated);
  }
  return repeated;
}

void fast_conv_transposed1d(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                            tensor *history, const stream_control *control,
                            const conv_transposed1d_args *args)
{
  const panels *p = panels_of(w);
  const int64_t channels = x->dims[2], rows_out = y->dims[1], outputs = y->dims[2];
  const int64_t taps = (args->kernel + args->stride - 1) / args->stride;
  const int64_t in = channels / args->groups, wide = args->stride * outputs;
  const size_t mark = scratch_begin(r);
  padded rows = {.k = kernels_of(r->dev),
                 .x = x->data,
                 .n = x->dims[0],
                 .rows = x->dims[1],
                 .channels = channels,
                 .left = taps - 1,
                 .right = history ? 0 : taps - 1,
                 .act = args->act_in,
                 .slope = args->act_slope};
  if (rows.rows == 0 || rows_out == 0 || !padded_fill(r, &rows, history, control, PAD_ZERO)) {
    return;
  }
  const int64_t skipped = history ? 0 : args->trim_left; // output rows before y's first
  const int64_t first = skipped / args->stride, last = (skipped + rows_out - 1) / args->stride;
  const int64_t computed = last - first + 1;
  const bool direct = skipped % args->stride == 0 && rows_out % args->stride == 0;
  window_job job = product_job(p, 0);
  job.x = rows.buffer + first * channels;
  job.rows = computed;
  job.row_step = channels;
  job.start = phase_bias(r, bias, outputs, p->n_blocks == 1 ? args->stride : 1);
  const size_t spare = (size_t)(rows.n * computed * wide) * sizeof(float);
  job.y = direct ? y->data : run_scratch(r, spare);
  job.y_step = wide;
  job.act = args->act_out;
  job.slope = args->act_slope;
  if (run_ok(r) && window_segments(r, &job, taps, channels, in)) {
    conv_jobs(r, p, &job, rows.n, padded_step(&rows), computed * wide, in, args->groups);
    for (int64_t n = 0; !direct && n < rows.n; ++n) { // cut y out of whole strides
      memcpy((float *)y->data + n * rows_out * outputs,
             job.y + n * computed * wide + skipped % args->stride * outputs,
             (size_t)(rows_out * outputs) * sizeof(float));
    }
  }
  scratch_end(r, mark);
}

// A picture with its zero border, activated: [n, height + pads, width + pads, channels].
typedef struct picture {
  float *data;
  int64_t height, width;
} picture;

static picture picture_new(run *r, const tensor *x, const conv2d_args *args)
{
  const int64_t channels = x->dims[3], line = x->dims[2] * channels;
  picture p = {.height = x->dims[1] + args->pad_top + args->pad_bottom,
               .width = x->dims[2] + args->pad_left + args->pad_right};
  const size_t bytes = (size_t)(x->dims[0] * p.height * p.width * channels) * sizeof(float);
  p.data = run_scratch(r, bytes);
  if (!p.data) {
    return p;
  }
  memset(p.data, 0, bytes);
  for (int64_t i = 0; i < x->dims[0] * x->dims[1]; ++i) {
    const int64_t n = i / x->dims[1], row = i % x->dims[1] + args->pad_top;
    float *to = p.data + ((n * p.height + row) * p.width + args->pad_left) * channels;
    kernels_of(r->dev)->activate(to, (const float *)x->data + i * line, line, args->act_in,
                                 args->act_slope);
  }
  return p;
}

// Segments of a 2-D window: whole kernel rows where they are contiguous, else single taps.
static bool picture_segments(run *r, window_job *job, const picture *p, int64_t channels,
                             const conv2d_args *args)
{
  const bool whole = args->groups == 1 && args->dilation_w == 1;
  const int64_t per_row = whole ? 1 : args->kernel_w;
  int64_t *offsets = run_scratch(r, (size_t)(args->kernel_h * per_row) * sizeof *offsets);
  for (int64_t i = 0; offsets && i < args->kernel_h * per_row; ++i) {
    offsets[i] = i / per_row * args->dilation_h * p->width * channels +
                 i % per_row * args->dilation_w * channels;
  }
  job->segments = args->kernel_h * per_row;
  job->segment_length = channels / args->groups * (whole ? args->kernel_w : 1);
  job->offsets = offsets;
  return offsets != NULL;
}

void fast_conv2d(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                 const conv2d_args *args)
{
  const panels *p = panels_of(w);
  const int64_t channels = x->dims[3], outputs = y->dims[3], height = y->dims[1];
  const size_t mark = scratch_begin(r);
  const picture from = picture_new(r, x, args);
  const int64_t n_jobs = y->dims[0] * height * p->n_blocks;
  window_job *jobs = run_scratch(r, (size_t)n_jobs * sizeof *jobs);
  window_job job = product_job(p, 0);
  if (!run_ok(r) || n_jobs == 0 || !picture_segments(r, &job, &from, channels, args)) {
    return;
  }
  job.rows = y->dims[2];
  job.row_step = args->stride_w * channels;
  job.y_step = outputs;
  job.act = args->act_out;
  job.slope = args->act_slope;
  for (int64_t i = 0; i < n_jobs; ++i) { // a job is one line of one group
    const int64_t line = i / p->n_blocks, block = i % p->n_blocks;
    const int64_t top = line / height * from.height + line % height * args->stride_h;
    const window_job weights = product_job(p, block);
    jobs[i] = job;
    jobs[i].panels = weights.panels;
    jobs[i].scales = weights.scales;
    jobs[i].sums = weights.sums;
    jobs[i].x = from.data + top * from.width * channels + block * (channels / args->groups);
    jobs[i].y = (float *)y->data + line * y->dims[2] * outputs + block * p->block_outputs;
    jobs[i].start = bias ? vector_of(bias) + block * p->block_outputs : NULL;
  }
  products_run(r, p, jobs, n_jobs);
  scratch_end(r, mark);
}
