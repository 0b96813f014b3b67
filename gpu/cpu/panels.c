// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/cpu/panels.h"

#include "base/arena.h"
#include "gpu/cpu/rows.h"

#include <stdlib.h>
#include <string.h>

static size_t aligned(size_t bytes)
{
  return (bytes + ARENA_ALIGN_BYTES - 1) / ARENA_ALIGN_BYTES * ARENA_ALIGN_BYTES;
}

static int64_t round_up(int64_t count, int64_t unit)
{
  return (count + unit - 1) / unit * unit;
}

static bool keeps_rows(weight_use use)
{
  return use == WEIGHT_VECTOR || use == WEIGHT_TABLE || use == WEIGHT_CODEBOOK;
}

// One channel in and one out per group: lanes run over channels, a kernel of its own.
static bool is_depthwise(const panels *p, const weight *w)
{
  return w->use == WEIGHT_CONV1D && w->groups > 1 && p->block_outputs == 1 && w->dims[1] == 1 &&
         p->type != DTYPE_I8;
}

// Everything but the pointers.
static panels panels_plan(const kernels *k, const weight *w)
{
  const row_shape shape = row_shape_of(w);
  const bool grouped = shape.groups > 1;
  const int64_t outputs = grouped ? shape.n_outputs / shape.groups : shape.n_rows;
  const dtype type = keeps_rows(w->use) ? DTYPE_F32 : w->storage;
  const int64_t unit = type == DTYPE_I8 ? k->code_group : 1;
  const int64_t term_bytes = round_up(shape.length, unit) * (int64_t)dtype_bytes(type);
  panels p = {.matrix = {.shape = shape, .storage = type},
              .type = type,
              .n_rows = shape.n_rows,
              .length = shape.length,
              .n_outputs = shape.n_outputs,
              .n_blocks = shape.n_rows / outputs,
              .block_outputs = outputs,
              .block_bytes = round_up(outputs, k->lanes) * term_bytes,
              .panel_bytes = k->panel_lanes * term_bytes,
              .n_panels = (outputs + k->panel_lanes - 1) / k->panel_lanes};
  return p;
}

// The next part of the form; null while only the size is asked for.
static void *take(unsigned char *base, size_t *used, size_t bytes)
{
  void *at = base ? base + *used : NULL;
  *used += aligned(bytes);
  return at;
}

// Bytes of the form; with a base, its pointers too.
static size_t panels_layout(panels *p, const weight *w, unsigned char *base)
{
  const size_t n = (size_t)p->n_rows, count = n * (size_t)p->length;
  const bool depthwise = is_depthwise(p, w), int8 = p->type == DTYPE_I8;
  size_t used = aligned(sizeof *p);
  if (keeps_rows(w->use)) {
    p->matrix.values = take(base, &used, count * sizeof(float));
  }
  if (w->use == WEIGHT_CODEBOOK) {
    p->squares = take(base, &used, n * sizeof(float));
  }
  if (depthwise) {
    p->taps = take(base, &used, count * sizeof(float));
  } else if (w->use != WEIGHT_VECTOR && w->use != WEIGHT_TABLE) {
    p->data = take(base, &used, (size_t)(p->n_blocks * p->block_bytes));
  }
  if (int8) {
    p->matrix.codes = (int8_t *)p->data;
    p->matrix.scales = take(base, &used, n * sizeof(float));
    p->sums = take(base, &used, n * sizeof(int32_t));
  }
  return used;
}

static float stored(float value, dtype type)
{
  if (type == DTYPE_F16) {
    return f32_from_f16(f16_from_f32(value));
  }
  return type == DTYPE_BF16 ? f32_from_bf16(bf16_from_f32(value)) : value;
}

static void put(unsigned char *to, int64_t index, float value, dtype type)
{
  if (type == DTYPE_F32) {
    ((float *)(void *)to)[index] = value;
  } else {
    ((uint16_t *)(void *)to)[index] =
        type == DTYPE_F16 ? f16_from_f32(value) : bf16_from_f32(value);
  }
}

// Lanes of the panel that holds output `o` of a block, and where the panel begins.
typedef struct place {
  unsigned char *panel;
  int64_t lanes, lane;
} place;

static place place_of(const panels *p, const kernels *k, int64_t row)
{
  const int64_t block = row / p->block_outputs, o = row % p->block_outputs;
  const int64_t index = o / k->panel_lanes;
  const int64_t left = round_up(p->block_outputs - index * k->panel_lanes, k->lanes);
  return (place){.panel = p->data + block * p->block_bytes + index * p->panel_bytes,
                 .lanes = left < k->panel_lanes ? left : k->panel_lanes,
                 .lane = o % k->panel_lanes};
}

static void fill_real(const panels *p, const kernels *k, const float *rows)
{
  for (int64_t row = 0; p->type != DTYPE_F32 && row < p->n_rows; ++row) {
    const place at = place_of(p, k, row);
    for (int64_t j = 0; j < p->length; ++j) {
      put(at.panel, j * at.lanes + at.lane, rows[row * p->length + j], p->type);
    }
  }
  for (int64_t row = 0; p->type == DTYPE_F32 && row < p->n_rows;) { // a panel at a time
    const place at = place_of(p, k, row);
    const int64_t left = p->block_outputs - row % p->block_outputs;
    const int64_t count = left < at.lanes ? left : at.lanes;
    k->transpose((float *)(void *)at.panel, at.lanes, rows + row * p->length, p->length, count,
                 p->length);
    row += count;
  }
}

static void fill_codes(const panels *p, const kernels *k, const float *rows, int8_t *codes)
{
  for (int64_t row = 0; row < p->n_rows; ++row) {
    const place at = place_of(p, k, row);
    int8_t *panel = (int8_t *)at.panel;
    p->matrix.scales[row] = quantise_row_i8(codes, rows + row * p->length, p->length);
    p->sums[row] = 0;
    for (int64_t j = 0; j < p->length; ++j) {
      p->sums[row] += codes[j];
      panel[(j / k->code_group * at.lanes + at.lane) * k->code_group + j % k->code_group] =
          codes[j];
    }
  }
}

static void fill_values(const panels *p, const float *rows)
{
  const int64_t length = p->length;
  for (int64_t i = 0; i < p->n_rows * length; ++i) {
    const float value = stored(rows[i], p->type);
    if (p->matrix.values) {
      p->matrix.values[i] = value;
    }
    if (p->taps) { // taps outside, channels inside
      p->taps[i % length * p->n_rows + i / length] = value;
    }
  }
  for (int64_t row = 0; p->squares && row < p->n_rows; ++row) {
    float sum = 0.0f;
    for (int64_t j = 0; j < length; ++j) {
      sum += rows[row * length + j] * rows[row * length + j];
    }
    p->squares[row] = sum;
  }
}

static void fill(const panels *p, const kernels *k, const float *rows, int8_t *codes)
{
  if (p->matrix.values || p->taps) {
    fill_values(p, rows);
  }
  if (p->data) {
    if (p->type == DTYPE_I8 || p->block_outputs % k->lanes != 0) { // lanes without an output
      memset(p->data, 0, (size_t)(p->n_blocks * p->block_bytes));
    }
    if (p->type == DTYPE_I8) {
      fill_codes(p, k, rows, codes);
    } else {
      fill_real(p, k, rows);
    }
  }
}

// rows_from_master on vectors: a trained weight is packed anew after every update. Squares of the
// master are turned, [c][K] or [c][stride] at a time.
static void rows_turned(const kernels *k, float *rows, const weight *w)
{
  const int64_t *d = w->dims;
  if ((w->use == WEIGHT_CONV1D || w->use == WEIGHT_CONV2D) && d[2] * d[3] > 1) {
    const int64_t taps = d[2] * d[3], each = d[1] * taps;
    for (int64_t o = 0; o < d[0]; ++o) {
      k->transpose(rows + o * each, d[1], w->master + o * each, taps, d[1], taps);
    }
    return;
  }
  if (w->use != WEIGHT_CONV_TRANSPOSED1D) {
    rows_from_master(rows, w);
    return;
  }
  const int64_t kernel = d[2], stride = w->stride, taps = (kernel + stride - 1) / stride;
  const int64_t channels = d[0] / w->groups, outputs = d[1] * w->groups, each = taps * channels;
  if (kernel % stride != 0) { // taps that do not exist
    memset(rows, 0, (size_t)(stride * outputs * each) * sizeof *rows);
  }
  if (kernel == 1 && stride == 1 && w->groups == 1) {
    k->transpose(rows, channels, w->master, outputs, channels, outputs);
    return;
  }
  for (int64_t o = 0; o < outputs; ++o) {
    const float *from = w->master + (o / d[1] * channels * d[1] + o % d[1]) * kernel;
    float *newest = rows + o * each + (taps - 1) * channels;
    if (stride == 1) { // all taps at once, the oldest row first
      k->transpose(newest, -channels, from, d[1] * kernel, channels, kernel);
    }
    for (int64_t m = 0; stride > 1 && m < taps; ++m) {
      const int64_t left = kernel - m * stride;
      k->transpose(newest - m * channels, outputs * each, from + m * stride, d[1] * kernel,
                   channels, left < stride ? left : stride);
    }
  }
}

// Taps of outputs [o, o + rows) of a group, all its channels, from the master to their panels.
static void turn_taps(const panels *p, const kernels *k, const weight *w, int64_t group, int64_t o,
                      int64_t rows)
{
  const bool up = w->use == WEIGHT_CONV_TRANSPOSED1D;
  const int64_t taps = w->dims[2] * w->dims[3], stride = up ? w->stride : 1;
  const int64_t out = p->n_outputs / w->groups, channels = up ? w->dims[0] / w->groups : w->dims[1];
  const int64_t newest = (taps + stride - 1) / stride - 1;
  turn_job job = {.from_step = up ? taps : channels * taps,
                  .from_next = up ? out * taps : taps,
                  .rows = rows,
                  .count = channels};
  const float *from =
      w->master + (up ? group * channels * out + o : (group * out + o) * channels) * taps;
  for (int64_t first = 0; first < taps; first += k->lanes) {
    const int64_t left = taps - first;
    job.from = from + first;
    job.columns = left < k->lanes ? left : k->lanes;
    for (int64_t j = 0; j < job.columns; ++j) {
      const int64_t tap = first + j;
      const place at = place_of(p, k, tap % stride * p->n_outputs + group * out + o);
      const int64_t term = (up ? newest - tap / stride : tap) * channels;
      job.to[j] = (float *)(void *)at.panel + term * at.lanes + at.lane;
      job.step[j] = at.lanes;
    }
    k->turn(&job);
  }
}

// A trained convolution is packed anew after every update: in one pass where vectors of outputs do
// not straddle panels.
static bool fill_turned(const panels *p, const kernels *k, const weight *w)
{
  const bool up = w->use == WEIGHT_CONV_TRANSPOSED1D;
  const bool convolution = up || w->use == WEIGHT_CONV1D || w->use == WEIGHT_CONV2D;
  const int64_t taps = w->dims[2] * w->dims[3], out = p->n_outputs / w->groups;
  const bool straddles = up && w->stride > 1 && w->groups == 1 && out % k->lanes != 0;
  if (!convolution || p->type != DTYPE_F32 || !p->data || taps == 1 || straddles) {
    return false;
  }
  if (up && taps % w->stride != 0) { // taps that do not exist
    memset(p->data, 0, (size_t)(p->n_blocks * p->block_bytes));
  }
  for (int64_t group = 0; group < w->groups; ++group) {
    for (int64_t o = 0; o < out; o += k->lanes) {
      turn_taps(p, k, w, group, o, out - o < k->lanes ? out - o : k->lanes);
    }
  }
  return true;
}

static size_t form_bytes_of(const kernels *k, const weight *w)
{
  panels p = panels_plan(k, w);
  return panels_layout(&p, w, NULL);
}

// By way of the rows of its matrix.
static bool fill_rows(const panels *p, const kernels *k, const weight *w)
{
  float *rows = malloc((size_t)(p->n_rows * p->length) * sizeof *rows);
  int8_t *codes = malloc((size_t)p->length);
  const bool ok = rows && codes;
  if (ok) {
    rows_turned(k, rows, w);
    fill(p, k, rows, codes);
  }
  free(rows);
  free(codes);
  return ok;
}

// The form of `w` alone, in its place.
static bool pack_at(const kernels *k, const weight *w, unsigned char *block)
{
  panels p = panels_plan(k, w);
  p.form_bytes = (int64_t)panels_layout(&p, w, block);
  memcpy(block, &p, sizeof p);
  return fill_turned(&p, k, w) || fill_rows(&p, k, w);
}

// `*form` with room for `bytes`: as it is, or anew where another storage type was wanted before.
static bool make_room(device *dev, void **form, size_t *form_bytes, size_t bytes)
{
  if (*form && *form_bytes != bytes) {
    dev->release(dev, *form);
    *form = NULL;
  }
  if (!*form) {
    *form = dev->allocate(dev, bytes);
  }
  *form_bytes = bytes;
  return *form != NULL;
}

// Forms of an adjoint: a sweep goes line by line, or group by group.
static int64_t adjoint_lines(const weight *w, const adjoint_shape *shape)
{
  return w->use == WEIGHT_CONV2D ? w->dims[2] : shape->by_group ? w->groups : 1;
}

const panels *adjoint_line(const weight *w, int64_t line)
{
  const panels *first = w->adjoint;
  return (const panels *)(const void *)((const unsigned char *)w->adjoint +
                                        line * first->form_bytes);
}

#define FEW_CHANNELS 4 // of an input: up to here several rows of its gradient share a vector
#define NARROW_GROUP 8 // channels of a group: up to here groups are cut out, row by row

adjoint_shape adjoint_shape_of(const kernels *k, const weight *w)
{
  const int64_t taps = w->use == WEIGHT_CONV2D ? w->dims[3] : w->dims[2];
  if (w->dilation > 1) {
    return (adjoint_shape){.phases = 1, .taps = taps, .row_step = 1, .spread = w->stride};
  }
  adjoint_shape shape = {
      .phases = w->stride, .taps = (taps + w->stride - 1) / w->stride, .row_step = 1, .spread = 1};
  const bool line = w->use == WEIGHT_CONV1D, picture = w->use == WEIGHT_CONV2D;
  shape.by_group = line && taps > 1 && w->groups > 1 && w->dims[1] <= NARROW_GROUP;
  const bool few = (line || picture) && taps > 1 && w->groups == 1 && w->dims[1] <= FEW_CHANNELS;
  shape.cut = shape.by_group || (few && w->stride == 1);
  if (shape.cut && w->stride == 1) {
    shape.phases = shape.row_step = k->lanes / w->dims[1];
    shape.taps = taps - 1 + shape.phases;
  }
  return shape;
}

// One form of `w` seen the other way, without its values.
static weight adjoint_of(const weight *w, const adjoint_shape *shape)
{
  weight view = *w;
  view.grad = NULL;
  if (w->use == WEIGHT_CONV_TRANSPOSED1D) {
    view.use = WEIGHT_CONV1D;
    return view;
  }
  view.use = WEIGHT_CONV_TRANSPOSED1D;
  view.stride = shape->phases;
  if (w->use == WEIGHT_CONV2D) {
    view.dims[2] = w->dims[3];
    view.dims[3] = 1;
  }
  if (shape->cut) {
    view.use = WEIGHT_LINEAR;
    view.dims[0] = shape->phases * w->dims[1];
    view.dims[1] = shape->taps * (w->dims[0] / w->groups);
    view.dims[2] = 1;
  }
  return view;
}

// Row j of a window's results takes which tap from the window's row q?
static int64_t tap_of(const adjoint_shape *shape, int64_t j, int64_t q, int64_t taps)
{
  return shape->row_step > 1 ? j - q + taps - 1 : (shape->taps - 1 - q) * shape->phases + j;
}

static void cut_matrix(float *to, const weight *w, const adjoint_shape *shape, int64_t line)
{
  const bool picture = w->use == WEIGHT_CONV2D;
  const int64_t lines = picture ? w->dims[2] : 1, taps = picture ? w->dims[3] : w->dims[2];
  const int64_t channels = w->dims[1], out = w->dims[0] / w->groups;
  const int64_t first = picture ? 0 : line * out, at_line = picture ? line : 0;
  for (int64_t i = 0; i < shape->phases * channels * shape->taps; ++i) {
    const int64_t j = i / shape->taps / channels, c = i / shape->taps % channels;
    const int64_t tap = tap_of(shape, j, i % shape->taps, taps);
    for (int64_t o = first; o < first + out; ++o) {
      const int64_t at = ((o * channels + c) * lines + at_line) * taps + tap;
      *to++ = tap >= 0 && tap < taps ? w->master[at] : 0.0f;
    }
  }
}

static void cut_line(float *to, const weight *w, int64_t line)
{
  const int64_t lines = w->dims[2], taps = w->dims[3];
  for (int64_t i = 0; i < w->dims[0] * w->dims[1]; ++i) {
    memcpy(to + i * taps, w->master + (i * lines + line) * taps, (size_t)taps * sizeof *to);
  }
}

static bool pack_adjoint(device *dev, weight *w)
{
  const kernels *k = kernels_of(dev);
  const adjoint_shape shape = adjoint_shape_of(k, w);
  weight view = adjoint_of(w, &shape);
  const size_t each = form_bytes_of(k, &view);
  const int64_t lines = adjoint_lines(w, &shape);
  if (!make_room(dev, &w->adjoint, &w->adjoint_bytes, (size_t)lines * each)) {
    return false;
  }
  float *cut = NULL;
  if (shape.cut || w->use == WEIGHT_CONV2D) {
    view.master = cut = malloc((size_t)weight_count(&view) * sizeof *cut);
  }
  bool ok = view.master != NULL;
  for (int64_t line = 0; ok && line < lines; ++line) {
    if (shape.cut) {
      cut_matrix(cut, w, &shape, line);
    } else if (cut) {
      cut_line(cut, w, line);
    }
    ok = pack_at(k, &view, (unsigned char *)w->adjoint + (size_t)line * each);
  }
  free(cut);
  return ok;
}

status panels_pack(device *dev, weight *w, error *err)
{
  const kernels *k = kernels_of(dev);
  if (w->storage != DTYPE_F32 && w->storage != DTYPE_F16 && w->storage != DTYPE_BF16 &&
      w->storage != DTYPE_I8) {
    return error_set(err, STATUS_UNSUPPORTED, "%s: weights cannot be stored as %s", w->name,
                     dtype_name(w->storage));
  }
  const bool swept = (w->grad || w->adjoint) && !keeps_rows(w->use) && w->storage != DTYPE_I8;
  bool ok = make_room(dev, &w->form, &w->form_bytes, form_bytes_of(k, w)) && pack_at(k, w, w->form);
  ok = ok && (!swept || pack_adjoint(dev, w));
  return ok ? STATUS_OK
            : error_set(err, STATUS_NO_MEMORY, "%s: no memory to pack %lld values", w->name,
                        (long long)weight_count(w));
}
