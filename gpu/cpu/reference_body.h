// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Body of the reference operators, compiled once with real = float and once with double. Plain
// loops in the order that gpu/ops.h promises; nothing here is meant to be fast.
// No include guard: the including file gives real, REAL_TYPE, FN and R.

#include "gpu/cpu/device_cpu.h"
#include "gpu/cpu/rows.h"
#include "gpu/stft.h"
#include "gpu/tape.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

static const FN(form) * FN(form_of)(const weight *w)
{
  return w->form;
}

static const real *FN(vector_of)(const weight *w)
{
  return w ? FN(form_of)(w)->values : NULL;
}

static float FN(round_through)(float value, dtype storage)
{
  if (storage == DTYPE_F16) {
    return f32_from_f16(f16_from_f32(value));
  }
  return storage == DTYPE_BF16 ? f32_from_bf16(bf16_from_f32(value)) : value;
}

static bool FN(is_matrix)(weight_use use)
{
  return use != WEIGHT_VECTOR && use != WEIGHT_TABLE && use != WEIGHT_CODEBOOK;
}

static void FN(fill_form)(FN(form) * form, float *rows, const weight *w)
{
  const int64_t count = form->shape.n_rows * form->shape.length;
  rows_from_master(rows, w);
  for (int64_t r = 0; form->codes && r < form->shape.n_rows; ++r) {
    const int64_t at = r * form->shape.length;
    form->scales[r] = quantise_row_i8(form->codes + at, rows + at, form->shape.length);
  }
  for (int64_t i = 0; form->values && i < count; ++i) {
    form->values[i] = (real)FN(round_through)(rows[i], form->storage);
  }
}

// dev->pack of the reference device.
static status FN(pack)(device *dev, weight *w, error *err)
{
  const row_shape shape = row_shape_of(w);
  const size_t count = (size_t)(shape.n_rows * shape.length);
  const dtype storage = FN(is_matrix)(w->use) ? w->storage : DTYPE_F32;
  const bool int8 = storage == DTYPE_I8;
  if (int8 && dev->real == DTYPE_F64) {
    return error_set(err, STATUS_UNSUPPORTED, "%s: no int8 weights in double precision", w->name);
  }
  const size_t header = (sizeof(FN(form)) + 63) & ~(size_t)63;
  const size_t scales = int8 ? ((size_t)shape.n_rows * sizeof(float) + 63) & ~(size_t)63 : 0;
  const size_t bytes = header + scales + count * (int8 ? 1 : sizeof(real));
  float *rows = dev->allocate(dev, count * sizeof *rows);
  unsigned char *block = w->form ? w->form : dev->allocate(dev, bytes);
  if (!rows || !block) {
    dev->release(dev, rows);
    if (!w->form) {
      dev->release(dev, block);
    }
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to pack %zu values", w->name, count);
  }
  FN(form) *form = (FN(form) *)block;
  *form = (FN(form)){.shape = shape, .storage = storage};
  if (int8) {
    form->scales = (float *)(block + header);
    form->codes = (int8_t *)(block + header + scales);
  } else {
    form->values = (real *)(block + header);
  }
  FN(fill_form)(form, rows, w);
  dev->release(dev, rows);
  w->form = block;
  w->form_bytes = bytes;
  return STATUS_OK;
}

static real FN(act)(real x, activation act, real slope)
{
  switch (act) {
  case ACT_NONE:
    return x;
  case ACT_ELU:
    return x > 0 ? x : slope * R(expm1)(x);
  case ACT_LEAKY_RELU:
    return x > 0 ? x : slope * x;
  case ACT_RELU:
    return x > 0 ? x : 0;
  case ACT_GELU:
    return (real)0.5 * x * (1 + R(erf)(x * (real)0.70710678118654752440));
  case ACT_SILU:
    return x / (1 + R(exp)(-x));
  case ACT_TANH:
    return R(tanh)(x);
  case ACT_SIGMOID:
    return 1 / (1 + R(exp)(-x));
  }
  return x;
}

// d act / d x.
static real FN(act_derivative)(real x, activation act, real slope)
{
  const real share = 1 / (1 + R(exp)(-x));
  switch (act) {
  case ACT_NONE:
    return 1;
  case ACT_ELU:
    return x > 0 ? 1 : slope * R(exp)(x);
  case ACT_LEAKY_RELU:
    return x > 0 ? 1 : slope;
  case ACT_RELU:
    return x > 0 ? 1 : 0;
  case ACT_GELU:
    return (real)0.5 * (1 + R(erf)(x * (real)0.70710678118654752440)) +
           x * (real)0.39894228040143267794 * R(exp)(-x * x / 2);
  case ACT_SILU:
    return share * (1 + x * (1 - share));
  case ACT_TANH:
    return 1 - R(tanh)(x) * R(tanh)(x);
  case ACT_SIGMOID:
    return share * (1 - share);
  }
  return 1;
}

// A window of activations ready for products: as it is, or quantised with one scale.
typedef struct FN(window) {
  real *values;  // [length]
  int8_t *codes; // [length], int8 weights only
  float scale;
} FN(window);

static void FN(window_ready)(FN(window) * window, int64_t length)
{
#if defined(REFERENCE_INT8)
  if (window->codes) {
    window->scale = quantise_row_i8(window->codes, window->values, length);
  }
#else
  (void)window;
  (void)length;
#endif
}

// init + sum over the window, sequentially; int8 sums are exact integers, scaled once.
static real FN(window_sum)(const FN(form) * form, int64_t row, const FN(window) * window, real init)
{
  const int64_t length = form->shape.length;
  if (form->codes) {
    const int8_t *codes = form->codes + row * length;
    int32_t sum = 0;
    for (int64_t j = 0; j < length; ++j) {
      sum += (int32_t)codes[j] * (int32_t)window->codes[j];
    }
    return init + (real)sum * (real)(form->scales[row] * window->scale);
  }
  const real *values = form->values + row * length;
  real sum = init;
  for (int64_t j = 0; j < length; ++j) {
    sum += values[j] * window->values[j];
  }
  return sum;
}

// Scratch for a window of the longest sum of `form`.
static FN(window) FN(window_new)(run *r, const FN(form) * form)
{
  FN(window) window = {.scale = 1.0f};
  window.values = run_scratch(r, (size_t)form->shape.length * sizeof(real));
  if (form->codes) {
    window.codes = run_scratch(r, (size_t)form->shape.length);
  }
  return window;
}

static real FN(score)(const real *q, const real *k, int64_t dim, float scale)
{
  real sum = 0;
  for (int64_t d = 0; d < dim; ++d) {
    sum += q[d] * k[d];
  }
  return sum * (real)scale;
}

// y += share * v.
static void FN(gather)(real *y, const real *v, real share, int64_t dim)
{
  for (int64_t d = 0; d < dim; ++d) {
    y[d] += share * v[d];
  }
}

#include "gpu/cpu/reference_attention.h"
// Where the gradients of one product of a window go.
typedef struct FN(product_gradient) {
  real *window; // [length] dWindow, accumulated over the outputs of one group
  real *rows;   // [n_rows][length] dMatrix, or null for a frozen weight
  real *bias;   // [O] or null
} FN(product_gradient);

// Backward of act(bias + sum): recomputes the sum, adds into the gradients.
static void FN(window_sum_backward)(const FN(product_gradient) * to, real dy, const FN(form) * form,
                                    int64_t row, int64_t output, const FN(window) * window,
                                    const real *bias, activation act, real slope)
{
  const int64_t length = form->shape.length;
  const real *values = form->values + row * length;
  if (act != ACT_NONE) {
    const real sum = FN(window_sum)(form, row, window, bias ? bias[output] : 0);
    dy *= FN(act_derivative)(sum, act, slope);
  }
  if (to->bias) {
    to->bias[output] += dy;
  }
  for (int64_t j = 0; j < length; ++j) {
    to->window[j] += dy * values[j];
  }
  for (int64_t j = 0; to->rows && j < length; ++j) {
    to->rows[row * length + j] += dy * window->values[j];
  }
}

// A gradient needs the matrix itself.
static void FN(check_values)(run *r, const weight *w)
{
  if (FN(form_of)(w)->codes) {
    run_fail(r, STATUS_UNSUPPORTED, "%s: int8 weights have no gradient", w->name);
  } else if (!FN(form_of)(w)->values) {
    run_fail(r, STATUS_INTERNAL, "%s: was packed before its gradient was made", w->name);
  }
}

// Scratch for the gradients of a product; the sums start at zero.
static FN(product_gradient)
    FN(product_gradient_new)(run *r, const tape_node *node, const FN(form) * form)
{
  const size_t count = (size_t)(form->shape.n_rows * form->shape.length);
  FN(product_gradient) to = {0};
  to.window = run_scratch(r, (size_t)form->shape.length * sizeof(real));
  if (node->weights[0]->grad) {
    to.rows = run_scratch(r, count * sizeof(real));
  }
  if (run_ok(r) && to.rows) {
    memset(to.rows, 0, count * sizeof(real));
  }
  to.bias = node->weights[1] ? node->weights[1]->grad : NULL;
  FN(check_values)(r, node->weights[0]);
  return to;
}

// dx += share * y over `count` values; nothing when dx is null.
static void FN(add_scaled)(real *dx, const real *y, real share, int64_t count)
{
  for (int64_t i = 0; dx && i < count; ++i) {
    dx[i] += share * y[i];
  }
}

static void FN(add_into)(const tensor *to, const tensor *from)
{
  for (int64_t i = 0; to->data && i < tensor_count(from); ++i) {
    ((real *)to->data)[i] += ((const real *)from->data)[i];
  }
}

#include "gpu/cpu/reference_attention_backward.h"
#include "gpu/cpu/reference_conv.h"
#include "gpu/cpu/reference_dense.h"
#include "gpu/cpu/reference_lstm.h"
#include "gpu/cpu/reference_norm.h"
#include "gpu/cpu/reference_pool.h"
#include "gpu/cpu/reference_rvq.h"
#include "gpu/cpu/reference_stft.h"

void FN(reference_install)(device *dev)
{
  dev->pack = FN(pack);
  dev->table = (ops){
      .conv1d = FN(conv1d),
      .conv_transposed1d = FN(conv_transposed1d),
      .conv2d = FN(conv2d),
      .linear = FN(linear),
      .norm_linear = FN(norm_linear),
      .matmul = FN(matmul),
      .lstm = FN(lstm),
      .attention = FN(attention),
      .activate = FN(activate),
      .norm = FN(norm),
      .embed = FN(embed),
      .add = FN(add),
      .multiply = FN(multiply),
      .scale = FN(scale),
      .softmax = FN(softmax),
      .nearest = FN(nearest),
      .rvq_encode = FN(rvq_encode),
      .rvq_decode = FN(rvq_decode),
      .avg_pool1d = FN(avg_pool1d),
      .reduce = FN(reduce),
      .stft = FN(stft),
      .advance = FN(advance),
  };
  dev->table.backward[OP_CONV1D] = FN(conv1d_backward);
  dev->table.backward[OP_CONV_TRANSPOSED1D] = FN(conv_transposed1d_backward);
  dev->table.backward[OP_CONV2D] = FN(conv2d_backward);
  dev->table.backward[OP_LINEAR] = FN(linear_backward);
  dev->table.backward[OP_ACTIVATE] = FN(activate_backward);
  dev->table.backward[OP_NORM] = FN(norm_backward);
  dev->table.backward[OP_MATMUL] = FN(matmul_backward);
  dev->table.backward[OP_ATTENTION] = FN(attention_backward);
  dev->table.backward[OP_LSTM] = FN(lstm_backward);
  dev->table.backward[OP_EMBED] = FN(embed_backward);
  dev->table.backward[OP_MULTIPLY] = FN(multiply_backward);
  dev->table.backward[OP_SOFTMAX] = FN(softmax_backward);
  dev->table.backward[OP_ADD] = FN(add_backward);
  dev->table.backward[OP_SCALE] = FN(scale_backward);
  dev->table.backward[OP_AVG_POOL1D] = FN(avg_pool1d_backward);
  dev->table.backward[OP_REDUCE] = FN(reduce_backward);
  dev->table.backward[OP_STFT] = FN(stft_backward);
  for (int i = 0; i < OP_COUNT; ++i) {
    dev->table.variant[i] = "reference";
  }
}
