// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// All vector kernels of one width The including file has included a vector
// vocabulary.

#include "gpu/cpu/panels.h"
#include "gpu/cpu/vector_math.h"
#include "gpu/cpu/window_tiles.h"

#include "gpu/run.h"

#include <math.h>
#include <string.h>

#define WEIGHT float
#define WEIGHT_LOAD vec_load
#define WEIGHT_NAME(f) f##_f32
#include "gpu/cpu/window_body.h"
#undef WEIGHT
#undef WEIGHT_LOAD
#undef WEIGHT_NAME

#define WEIGHT uint16_t
#define WEIGHT_LOAD vec_load_f16
#define WEIGHT_NAME(f) f##_f16
#include "gpu/cpu/window_body.h"
#undef WEIGHT_LOAD
#undef WEIGHT_NAME

#define WEIGHT_LOAD vec_load_bf16
#define WEIGHT_NAME(f) f##_bf16
#include "gpu/cpu/window_body.h"
#undef WEIGHT
#undef WEIGHT_LOAD
#undef WEIGHT_NAME

#include "gpu/cpu/window_i8_body.h"

#include "gpu/cpu/backward_body.h"
#include "gpu/cpu/outer_body.h"

// `act` is a constant where this is called: a loop of its own for each.
static inline __attribute__((always_inline)) void
activate_all(float *y, const float *x, int64_t count, const activation act, float slope)
{
  const vec slopes = vec_set(slope);
  int64_t i = 0;
  for (; i + VEC_LANES <= count; i += VEC_LANES) {
    vec_store(y + i, vec_activate(vec_load(x + i), act, slopes));
  }
  const vec_mask mask = vec_first(count - i);
  vec_store_masked(y + i, mask, vec_activate(vec_load_masked(x + i, mask), act, slopes));
}

static void activate(float *y, const float *x, int64_t count, activation act, float slope)
{
  switch (act) {
  case ACT_ELU:
    activate_all(y, x, count, ACT_ELU, slope);
    break;
  case ACT_LEAKY_RELU:
    activate_all(y, x, count, ACT_LEAKY_RELU, slope);
    break;
  case ACT_RELU:
    activate_all(y, x, count, ACT_RELU, slope);
    break;
  case ACT_GELU:
    activate_all(y, x, count, ACT_GELU, slope);
    break;
  case ACT_SILU:
    activate_all(y, x, count, ACT_SILU, slope);
    break;
  case ACT_TANH:
    activate_all(y, x, count, ACT_TANH, slope);
    break;
  case ACT_SIGMOID:
    activate_all(y, x, count, ACT_SIGMOID, slope);
    break;
  case ACT_NONE:
    activate_all(y, x, count, ACT_NONE, slope);
    break;
  }
}

static void add(float *y, const float *a, const float *b, int64_t count)
{
  for (int64_t i = 0; i < count; i += VEC_LANES) {
    const vec_mask mask = vec_first(count - i);
    vec_store_masked(y + i, mask,
                     vec_add(vec_load_masked(a + i, mask), vec_load_masked(b + i, mask)));
  }
}

static void subtract(float *y, const float *a, const float *b, int64_t count)
{
  for (int64_t i = 0; i < count; i += VEC_LANES) {
    const vec_mask mask = vec_first(count - i);
    vec_store_masked(y + i, mask,
                     vec_sub(vec_load_masked(a + i, mask), vec_load_masked(b + i, mask)));
  }
}

static void multiply(float *y, const float *a, const float *b, int64_t count)
{
  for (int64_t i = 0; i < count; i += VEC_LANES) {
    const vec_mask mask = vec_first(count - i);
    vec_store_masked(y + i, mask,
                     vec_mul(vec_load_masked(a + i, mask), vec_load_masked(b + i, mask)));
  }
}

static void scale(float *y, const float *a, float factor, int64_t count)
{
  for (int64_t i = 0; i < count; i += VEC_LANES) {
    const vec_mask mask = vec_first(count - i);
    vec_store_masked(y + i, mask, vec_mul(vec_load_masked(a + i, mask), vec_set(factor)));
  }
}

static void lstm_gates(float *y, float *h, float *c, const float *gates, const float *skip,
                       int64_t size)
{
  for (int64_t i = 0; i < size; i += VEC_LANES) {
    const vec_mask mask = vec_first(size - i);
    const vec in = vec_sigmoid(vec_load_masked(gates + i, mask));
    const vec forget = vec_sigmoid(vec_load_masked(gates + size + i, mask));
    const vec cell = vec_tanh(vec_load_masked(gates + 2 * size + i, mask));
    const vec out = vec_sigmoid(vec_load_masked(gates + 3 * size + i, mask));
    const vec memory = vec_fma(forget, vec_load_masked(c + i, mask), vec_mul(in, cell));
    const vec hidden = vec_mul(out, vec_tanh(memory));
    vec_store_masked(c + i, mask, memory);
    vec_store_masked(h + i, mask, hidden);
    const vec shown = skip ? vec_add(hidden, vec_load_masked(skip + i, mask)) : hidden;
    vec_store_masked(y + i, mask, shown);
  }
}

// Each lane keeps the least of its own codewords, the first one at a tie; then lanes are compared.
static int32_t nearest(const float *products, const float *squares, int64_t count)
{
  vec least = vec_set(INFINITY);
  vec_int best = vec_int_set(-1);
  for (int64_t e = 0; e < count; e += VEC_LANES) {
    const vec_mask mask = vec_first(count - e);
    const vec norm = vec_select(mask, vec_load_masked(squares + e, mask), vec_set(INFINITY));
    const vec distance = vec_fnma(vec_set(2.0f), vec_load_masked(products + e, mask), norm);
    const vec_mask closer = vec_less(distance, least);
    least = vec_select(closer, distance, least);
    best = vec_int_select(closer, vec_int_set((int32_t)(e / VEC_LANES)), best);
  }
  float distances[VEC_LANES];
  int32_t turns[VEC_LANES];
  vec_store(distances, least);
  vec_int_store(turns, best);
  int32_t winner = -1;
  float shortest = INFINITY;
  for (int32_t lane = 0; lane < VEC_LANES; ++lane) {
    const int32_t entry = turns[lane] * VEC_LANES + lane;
    if (turns[lane] >= 0 && (winner < 0 || distances[lane] < shortest ||
                             (distances[lane] == shortest && entry < winner))) {
      shortest = distances[lane];
      winner = entry;
    }
  }
  return winner < 0 ? 0 : winner; // nothing is nearer than infinity: as if all were alike
}

static void depthwise(const window_job *job, const float *w, int64_t taps, int64_t tap_step)
{
  const vec slope = vec_set(job->slope);
  for (int64_t row = 0; row < job->rows; ++row) {
    const float *x = job->x + row * job->row_step;
    float *y = job->y + row * job->y_step;
    for (int64_t c = 0; c < job->outputs; c += VEC_LANES) {
      const vec_mask mask = vec_first(job->outputs - c);
      vec sum = job->start ? vec_load_masked(job->start + c, mask) : vec_zero();
      for (int64_t k = 0; k < taps; ++k) {
        sum = vec_fma(vec_load_masked(x + k * tap_step + c, mask),
                      vec_load_masked(w + k * job->outputs + c, mask), sum);
      }
      sum = vec_activate(sum, job->act, slope);
      if (job->residual) {
        sum = vec_add(sum, vec_load_masked(job->residual + row * job->residual_step + c, mask));
      }
      vec_store_masked(y + c, mask, sum);
    }
  }
}

// Attention, from the reference with these two inner loops. The product's lanes are folded at the
// end, in one order for one head dimension, however many rows and keys there are.
static float score_vec(const float *q, const float *k, int64_t dim, float factor)
{
  vec sum = vec_zero();
  for (int64_t i = 0; i < dim; i += VEC_LANES) {
    const vec_mask mask = vec_first(dim - i);
    sum = vec_fma(vec_load_masked(q + i, mask), vec_load_masked(k + i, mask), sum);
  }
  return vec_sum(sum) * factor;
}

static void gather_vec(float *y, const float *v, float share, int64_t dim)
{
  for (int64_t i = 0; i < dim; i += VEC_LANES) {
    const vec_mask mask = vec_first(dim - i);
    const vec sum =
        vec_fma(vec_set(share), vec_load_masked(v + i, mask), vec_load_masked(y + i, mask));
    vec_store_masked(y + i, mask, sum);
  }
}

static const float *vector_of_vec(const weight *w)
{
  return vector_of(w);
}

#define real float
#define FN(name) name##_vec
#define R(function) function##f
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#include "gpu/cpu/reference_attention.h"

static float sum_of(const float *x, int64_t count)
{
  vec sum = vec_zero();
  for (int64_t i = 0; i < count; i += VEC_LANES) {
    const vec_mask mask = vec_first(count - i);
    sum = vec_add(sum, vec_load_masked(x + i, mask));
  }
  return vec_sum(sum);
}

static void norm_row(float *y, const float *x, const float *scales, const float *shift,
                     int64_t count, float epsilon, bool rms)
{
  const float mean = rms ? 0.0f : sum_of(x, count) / (float)count;
  const vec means = vec_set(mean);
  vec squares = vec_zero();
  for (int64_t i = 0; i < count; i += VEC_LANES) {
    const vec_mask mask = vec_first(count - i);
    vec off = vec_sub(vec_load_masked(x + i, mask), means);
    off = vec_select(mask, off, vec_zero());
    squares = vec_fma(off, off, squares);
  }
  const vec inverse = vec_set(1.0f / sqrtf(vec_sum(squares) / (float)count + epsilon));
  for (int64_t i = 0; i < count; i += VEC_LANES) {
    const vec_mask mask = vec_first(count - i);
    vec value = vec_mul(vec_sub(vec_load_masked(x + i, mask), means), inverse);
    value = scales ? vec_mul(value, vec_load_masked(scales + i, mask)) : value;
    value = shift ? vec_add(value, vec_load_masked(shift + i, mask)) : value;
    vec_store_masked(y + i, mask, value);
  }
}

static void softmax_row(float *y, const float *x, int64_t count)
{
  vec largest = vec_set(-INFINITY);
  for (int64_t i = 0; i < count; i += VEC_LANES) {
    const vec_mask mask = vec_first(count - i);
    largest = vec_max(largest, vec_select(mask, vec_load_masked(x + i, mask), largest));
  }
  const vec top = vec_set(vec_largest(largest));
  vec sum = vec_zero();
  for (int64_t i = 0; i < count; i += VEC_LANES) {
    const vec_mask mask = vec_first(count - i);
    const vec e = vec_exp(vec_sub(vec_load_masked(x + i, mask), top));
    sum = vec_add(sum, vec_select(mask, e, vec_zero()));
    vec_store_masked(y + i, mask, e);
  }
  const vec total = vec_set(vec_sum(sum));
  for (int64_t i = 0; i < count; i += VEC_LANES) {
    const vec_mask mask = vec_first(count - i);
    vec_store_masked(y + i, mask, vec_div(vec_load_masked(y + i, mask), total));
  }
}

// Same steps as quantise_row_i8, so the codes are the same integers in every variant.
static float quantise(int8_t *codes, const float *x, const int64_t *offsets, int64_t segments,
                      int64_t length)
{
  vec largest = vec_zero();
  for (int64_t s = 0; s < segments; ++s) {
    for (int64_t i = 0; i < length; i += VEC_LANES) {
      const vec_mask mask = vec_first(length - i);
      largest = vec_max(largest, vec_abs(vec_load_masked(x + offsets[s] + i, mask)));
    }
  }
  const float top = vec_largest(largest);
  const float unit = top > 0.0f ? top / 127.0f : 1.0f;
  for (int64_t s = 0; s < segments; ++s) {
    for (int64_t i = 0; i < length; i += VEC_LANES) {
      const vec_mask mask = vec_first(length - i);
      const vec value = vec_div(vec_load_masked(x + offsets[s] + i, mask), vec_set(unit));
      const vec held = vec_max(vec_set(-127.0f), vec_min(vec_set(127.0f), vec_round(value)));
      vec_code_store(codes + s * length + i, length - i, held);
    }
  }
  return unit;
}

#define KERNELS(variant)                                                                           \
  {                                                                                                \
    .name = variant, .lanes = VEC_LANES, .panel_lanes = PANEL_LANES, .product_f32 = product_f32,   \
    .code_group = VEC_CODE_GROUP, .product_i8 = product_i8, .product_f16 = product_f16,            \
    .product_bf16 = product_bf16, .quantise = quantise, .activate = activate, .add = add,          \
    .subtract = subtract, .multiply = multiply, .scale = scale, .lstm_gates = lstm_gates,          \
    .nearest = nearest, .depthwise = depthwise, .norm_row = norm_row, .softmax_row = softmax_row,  \
    .attention = attention_vec, .outer = outer, .chain = chain, .chain_result = chain_result,      \
    .add_scaled = add_scaled, .add_product = add_product, .column_sums = column_sums,              \
    .transpose = transpose, .turn = turn, .transpose_add = transpose_add,                          \
  }
