// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/cases/op_cases.h"

#include "base/random.h"

#include <math.h>
#include <stdio.h>

#define CONV .op = OP_CONV1D
#define UPCONV .op = OP_CONV_TRANSPOSED1D
#define LINEAR .op = OP_LINEAR

const op_case *op_cases(int *count)
{
  static const op_case cases[] = {
      // EnCodec 24 kHz, one hop: the shapes that live playing is made of.
      {CONV, .name = "encodec_first", .n = 1, .rows = 320, .channels = 1, .outputs = 32,
       .kernel = 7, .stride = 1, .dilation = 1, .groups = 1, .streaming = true, .bias = true,
       .bench = true},
      {CONV, .name = "encodec_res32_k3", .n = 1, .rows = 320, .channels = 32, .outputs = 16,
       .kernel = 3, .stride = 1, .dilation = 1, .groups = 1, .act_in = ACT_ELU, .streaming = true,
       .bias = true, .bench = true},
      {CONV, .name = "encodec_res32_k1", .n = 1, .rows = 320, .channels = 16, .outputs = 32,
       .kernel = 1, .stride = 1, .dilation = 1, .groups = 1, .act_in = ACT_ELU, .streaming = true,
       .bias = true, .residual = true, .bench = true},
      {CONV, .name = "encodec_down2", .n = 1, .rows = 320, .channels = 32, .outputs = 64,
       .kernel = 4, .stride = 2, .dilation = 1, .groups = 1, .act_in = ACT_ELU, .streaming = true,
       .bias = true, .bench = true},
      {CONV, .name = "encodec_down8", .n = 1, .rows = 8, .channels = 256, .outputs = 512,
       .kernel = 16, .stride = 8, .dilation = 1, .groups = 1, .act_in = ACT_ELU, .streaming = true,
       .bias = true, .bench = true},
      {.op = OP_LSTM,
       .name = "encodec_lstm",
       .n = 1,
       .rows = 1,
       .channels = 512,
       .outputs = 512,
       .streaming = true,
       .bias = true,
       .residual = true,
       .bench = true},
      {UPCONV, .name = "encodec_up8", .n = 1, .rows = 1, .channels = 512, .outputs = 256,
       .kernel = 16, .stride = 8, .groups = 1, .act_in = ACT_ELU, .streaming = true, .bias = true,
       .bench = true},
      {UPCONV, .name = "encodec_up2", .n = 1, .rows = 160, .channels = 64, .outputs = 32,
       .kernel = 4, .stride = 2, .groups = 1, .act_in = ACT_ELU, .streaming = true, .bias = true,
       .bench = true},
      {CONV, .name = "encodec_last", .n = 1, .rows = 320, .channels = 32, .outputs = 1, .kernel = 7,
       .stride = 1, .dilation = 1, .groups = 1, .act_in = ACT_ELU, .streaming = true, .bias = true,
       .bench = true},
      {.op = OP_RVQ_ENCODE,
       .name = "encodec_quantise",
       .n = 1,
       .rows = 1,
       .channels = 128,
       .outputs = 1024,
       .kernel = 4,
       .bench = true},
      {CONV, .name = "encodec_offline_k3", .n = 1, .rows = 4096, .channels = 32, .outputs = 16,
       .kernel = 3, .stride = 1, .dilation = 1, .groups = 1, .pad_left = 2, .mode = PAD_REFLECT,
       .act_in = ACT_ELU, .bias = true, .bench = true},
      // Shapes that break tails, groups, dilation, padding.
      {CONV, .name = "conv_odd", .n = 2, .rows = 37, .channels = 5, .outputs = 19, .kernel = 3,
       .stride = 1, .dilation = 3, .groups = 1, .act_in = ACT_LEAKY_RELU, .act_out = ACT_TANH,
       .streaming = true, .bias = true},
      {CONV, .name = "conv_stride5", .n = 3, .rows = 35, .channels = 9, .outputs = 33, .kernel = 10,
       .stride = 5, .dilation = 1, .groups = 1, .streaming = true, .bias = false},
      {CONV, .name = "conv_groups", .n = 2, .rows = 24, .channels = 36, .outputs = 60, .kernel = 4,
       .stride = 2, .dilation = 1, .groups = 4, .act_in = ACT_LEAKY_RELU, .streaming = true,
       .bias = true, .residual = true},
      {CONV, .name = "conv_depthwise", .n = 2, .rows = 40, .channels = 67, .outputs = 67,
       .kernel = 3, .stride = 1, .dilation = 9, .groups = 67, .act_in = ACT_LEAKY_RELU,
       .streaming = true, .bias = true},
      {CONV, .name = "conv_replicate", .n = 2, .rows = 21, .channels = 7, .outputs = 8, .kernel = 5,
       .stride = 1, .dilation = 2, .groups = 1, .mode = PAD_REPLICATE, .streaming = true,
       .bias = true},
      {CONV, .name = "conv_reflect_both", .n = 2, .rows = 23, .channels = 6, .outputs = 17,
       .kernel = 7, .stride = 2, .dilation = 1, .groups = 1, .pad_left = 3, .pad_right = 2,
       .mode = PAD_REFLECT, .act_out = ACT_GELU, .bias = true},
      {CONV, .name = "conv_reflect_short", .n = 1, .rows = 3, .channels = 4, .outputs = 5,
       .kernel = 7, .stride = 1, .dilation = 1, .groups = 1, .pad_left = 6, .mode = PAD_REFLECT,
       .bias = true},
      {CONV, .name = "conv_one_row", .n = 1, .rows = 1, .channels = 130, .outputs = 257,
       .kernel = 1, .stride = 1, .dilation = 1, .groups = 1, .act_out = ACT_SILU, .bias = true},
      {UPCONV, .name = "upconv_odd", .n = 2, .rows = 13, .channels = 11, .outputs = 7, .kernel = 8,
       .stride = 3, .groups = 1, .act_in = ACT_ELU, .streaming = true, .bias = true},
      {UPCONV, .name = "upconv_groups", .n = 2, .rows = 9, .channels = 24, .outputs = 12,
       .kernel = 4, .stride = 2, .groups = 2, .act_in = ACT_LEAKY_RELU, .streaming = true,
       .bias = true},
      {UPCONV, .name = "upconv_one_output", .n = 1, .rows = 20, .channels = 64, .outputs = 1,
       .kernel = 64, .stride = 16, .groups = 1, .streaming = true, .bias = true, .bench = true},
      {UPCONV, .name = "upconv_trim_both", .n = 2, .rows = 6, .channels = 5, .outputs = 9,
       .kernel = 10, .stride = 5, .groups = 1, .pad_left = 3, .pad_right = 2, .bias = true},
      {.op = OP_CONV2D,
       .name = "conv2d_stft",
       .n = 2,
       .height = 9,
       .rows = 33,
       .channels = 3,
       .outputs = 18,
       .kernel_h = 3,
       .kernel = 9,
       .stride = 2,
       .dilation = 2,
       .groups = 1,
       .pad_left = 4,
       .pad_right = 2,
       .act_in = ACT_LEAKY_RELU,
       .bias = true},
      {.op = OP_CONV2D,
       .name = "conv2d_groups",
       .n = 1,
       .height = 7,
       .rows = 8,
       .channels = 6,
       .outputs = 4,
       .kernel_h = 3,
       .kernel = 3,
       .stride = 1,
       .dilation = 1,
       .groups = 2,
       .pad_left = 1,
       .pad_right = 1,
       .bias = true},
      {.op = OP_CONV2D,
       .name = "conv2d_dilated_in_time",
       .n = 2,
       .height = 11,
       .rows = 37,
       .channels = 16,
       .outputs = 16,
       .kernel_h = 3,
       .kernel = 9,
       .stride = 2,
       .stride_h = 1,
       .dilation = 1,
       .dilation_h = 4,
       .groups = 1,
       .pad_left = 4,
       .pad_right = 4,
       .act_out = ACT_TANH,
       .bias = true},
      {.op = OP_CONV2D,
       .name = "conv2d_lines",
       .n = 2,
       .height = 20,
       .rows = 3,
       .channels = 20,
       .outputs = 33,
       .kernel_h = 5,
       .kernel = 1,
       .stride = 1,
       .stride_h = 3,
       .dilation = 1,
       .groups = 1,
       .act_out = ACT_SILU,
       .bias = true},
      {LINEAR, .name = "linear_row", .n = 1, .rows = 1, .channels = 768, .outputs = 3072,
       .act_out = ACT_GELU, .bias = true, .bench = true},
      {LINEAR, .name = "linear_odd", .n = 3, .rows = 7, .channels = 31, .outputs = 45, .bias = true,
       .residual = true},
      {.op = OP_NORM_LINEAR,
       .name = "norm_linear",
       .n = 2,
       .rows = 3,
       .channels = 40,
       .outputs = 50,
       .act_out = ACT_SILU,
       .bias = true,
       .norm = {NORM_LAYER, 1, 1e-5f}},
      {.op = OP_MATMUL, .name = "matmul", .n = 2, .rows = 9, .channels = 17, .outputs = 21},
      {.op = OP_MATMUL,
       .name = "matmul_transposed",
       .n = 2,
       .rows = 9,
       .channels = 17,
       .outputs = 21,
       .residual = true},
      {.op = OP_LSTM,
       .name = "lstm_odd",
       .n = 2,
       .rows = 11,
       .channels = 13,
       .outputs = 21,
       .streaming = true,
       .bias = true},
      {.op = OP_LSTM,
       .name = "lstm_skip",
       .n = 3,
       .rows = 5,
       .channels = 32,
       .outputs = 32,
       .streaming = true,
       .bias = true,
       .residual = true},
      {.op = OP_ATTENTION,
       .name = "attention_ring",
       .n = 2,
       .rows = 29,
       .kernel = 12,
       .streaming = true,
       .bias = true,
       .attention = {4, 2, 16, MASK_WINDOW_SINK, CACHE_RING, 9, 0, 0, 10000.0f, 0.25f}},
      {.op = OP_ATTENTION,
       .name = "attention_causal",
       .n = 2,
       .rows = 10,
       .attention = {3, 3, 8, MASK_CAUSAL, CACHE_NONE, 0, 0, 0, 0.0f, 0.35f}},
      {.op = OP_ATTENTION,
       .name = "attention_full_lengths",
       .n = 2,
       .rows = 10,
       .residual = true,
       .attention = {2, 1, 24, MASK_FULL, CACHE_NONE, 0, 0, 0, 10000.0f, 0.2f}},
      {.op = OP_ATTENTION,
       .name = "attention_prefix",
       .n = 1,
       .rows = 12,
       .attention = {2, 2, 8, MASK_PREFIX, CACHE_NONE, 0, 5, 0, 10000.0f, 0.35f}},
      {.op = OP_ATTENTION,
       .name = "attention_cross",
       .n = 2,
       .rows = 4,
       .kernel = 14,
       .residual = true,
       .attention = {2, 2, 16, MASK_FULL, CACHE_CROSS, 0, 0, 0, 0.0f, 0.25f}},
      {.op = OP_ATTENTION,
       .name = "attention_step",
       .n = 2,
       .rows = 3,
       .kernel = 8,
       .attention = {2, 2, 16, MASK_CAUSAL, CACHE_STEP, 0, 0, 0, 0.0f, 0.25f}},
      {.op = OP_ACTIVATE, .name = "elu", .n = 2, .rows = 50, .channels = 7, .act_in = ACT_ELU},
      {.op = OP_ACTIVATE,
       .name = "leaky_relu",
       .n = 2,
       .rows = 50,
       .channels = 7,
       .act_in = ACT_LEAKY_RELU},
      {.op = OP_ACTIVATE, .name = "relu", .n = 1, .rows = 50, .channels = 3, .act_in = ACT_RELU},
      {.op = OP_ACTIVATE, .name = "gelu", .n = 1, .rows = 50, .channels = 3, .act_in = ACT_GELU},
      {.op = OP_ACTIVATE, .name = "silu", .n = 1, .rows = 50, .channels = 3, .act_in = ACT_SILU},
      {.op = OP_ACTIVATE, .name = "tanh", .n = 1, .rows = 50, .channels = 3, .act_in = ACT_TANH},
      {.op = OP_ACTIVATE,
       .name = "sigmoid",
       .n = 1,
       .rows = 50,
       .channels = 3,
       .act_in = ACT_SIGMOID},
      {.op = OP_NORM,
       .name = "norm_layer",
       .n = 2,
       .rows = 9,
       .channels = 37,
       .bias = true,
       .norm = {NORM_LAYER, 1, 1e-5f}},
      {.op = OP_NORM,
       .name = "norm_rms",
       .n = 2,
       .rows = 9,
       .channels = 37,
       .norm = {NORM_RMS, 1, 1e-6f}},
      {.op = OP_NORM,
       .name = "norm_group",
       .n = 2,
       .rows = 19,
       .channels = 24,
       .bias = true,
       .norm = {NORM_GROUP, 1, 1e-5f}},
      {.op = OP_NORM,
       .name = "norm_groups",
       .n = 2,
       .rows = 19,
       .channels = 24,
       .bias = true,
       .norm = {NORM_GROUP, 4, 1e-5f}},
      {.op = OP_NORM,
       .name = "norm_per_row",
       .n = 2,
       .rows = 9,
       .channels = 20,
       .residual = true,
       .norm = {NORM_LAYER, 1, 1e-5f}},
      {.op = OP_NORM,
       .name = "norm_rms_scaled",
       .n = 2,
       .rows = 9,
       .channels = 37,
       .bias = true,
       .norm = {NORM_RMS, 1, 1e-6f}},
      {.op = OP_NORM,
       .name = "norm_groups_per_row",
       .n = 2,
       .rows = 11,
       .channels = 12,
       .residual = true,
       .norm = {NORM_GROUP, 3, 1e-5f}},
      {.op = OP_EMBED, .name = "embed", .n = 2, .rows = 17, .channels = 29, .outputs = 50},
      {.op = OP_ADD, .name = "add", .n = 2, .rows = 17, .channels = 29},
      {.op = OP_ADD, .name = "add_row", .n = 2, .rows = 17, .channels = 29, .bias = true},
      {.op = OP_MULTIPLY, .name = "multiply", .n = 2, .rows = 17, .channels = 29},
      {.op = OP_MULTIPLY, .name = "multiply_row", .n = 2, .rows = 17, .channels = 29, .bias = true},
      {.op = OP_SCALE, .name = "scale", .n = 2, .rows = 17, .channels = 29},
      {.op = OP_SOFTMAX, .name = "softmax", .n = 2, .rows = 17, .channels = 29},
      {.op = OP_NEAREST, .name = "nearest", .n = 2, .rows = 17, .channels = 24, .outputs = 100},
      {.op = OP_RVQ_ENCODE,
       .name = "rvq_encode",
       .n = 2,
       .rows = 9,
       .channels = 17,
       .outputs = 50,
       .kernel = 5},
      {.op = OP_RVQ_DECODE,
       .name = "rvq_decode",
       .n = 2,
       .rows = 9,
       .channels = 17,
       .outputs = 50,
       .kernel = 5},
      {.op = OP_AVG_POOL1D,
       .name = "avg_pool",
       .n = 2,
       .rows = 33,
       .channels = 3,
       .kernel = 4,
       .stride = 2,
       .pad_left = 1},
      {.op = OP_AVG_POOL1D,
       .name = "avg_pool_counted",
       .n = 2,
       .rows = 32,
       .channels = 1,
       .kernel = 5,
       .stride = 2,
       .pad_left = 2,
       .bias = true},
      {.op = OP_AVG_POOL1D,
       .name = "avg_pool_apart",
       .n = 1,
       .rows = 29,
       .channels = 9,
       .kernel = 3,
       .stride = 5},
      {.op = OP_REDUCE, .name = "sum", .n = 1, .rows = 17, .channels = 29, .reduce = REDUCE_SUM},
      {.op = OP_REDUCE, .name = "mean", .n = 1, .rows = 17, .channels = 29, .reduce = REDUCE_MEAN},
      {.op = OP_REDUCE,
       .name = "abs_mean",
       .n = 1,
       .rows = 17,
       .channels = 29,
       .reduce = REDUCE_ABS_MEAN},
      {.op = OP_REDUCE,
       .name = "square_mean",
       .n = 1,
       .rows = 17,
       .channels = 29,
       .reduce = REDUCE_SQUARE_MEAN},
      // Last, because a build without KissFFT has none of these.
      {.op = OP_STFT,
       .name = "stft_plain",
       .n = 2,
       .rows = 150,
       .channels = 1,
       .outputs = 2,
       .stft = {64, 64, 16, false, 0.5f}},
      {.op = OP_STFT,
       .name = "stft_centred_padded",
       .n = 3,
       .rows = 61,
       .channels = 1,
       .outputs = 2,
       .stft = {27, 60, 7, true, 1.0f}},
      {.op = OP_STFT,
       .name = "stft_encodec_256",
       .n = 1,
       .rows = 12000,
       .channels = 1,
       .outputs = 2,
       .bench = true,
       .stft = {256, 256, 64, false, 0.1f}},
  };
  int all = (int)(sizeof cases / sizeof *cases);
  while (!stft_available() && cases[all - 1].op == OP_STFT) {
    --all;
  }
  *count = all;
  return cases;
}

// ---- cases drawn at random ----

typedef struct draw {
  uint64_t seed, counter;
} draw;

// A whole number in [low, high].
static int64_t between(draw *d, int64_t low, int64_t high)
{
  const double u = (double)random_uniform(d->seed, 17, d->counter++);
  const int64_t value = low + (int64_t)(u * (double)(high - low + 1));
  return value > high ? high : value;
}

// Sizes around whole vectors and panels, where tails begin and end.
static int64_t edge_size(draw *d)
{
  static const int64_t edges[] = {1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 32, 33, 47, 64, 65, 97};
  return between(d, 0, 3) ? edges[between(d, 0, 15)] : between(d, 1, 130);
}

static activation any_activation(draw *d)
{
  return (activation)between(d, ACT_NONE, ACT_SIGMOID);
}

static void draw_conv(draw *d, op_case *c)
{
  c->groups = between(d, 0, 3) ? 1 : between(d, 2, 5);
  c->channels *= c->groups;
  c->outputs *= c->groups;
  if (c->groups > 1 && between(d, 0, 1)) { // depthwise
    c->groups = c->channels = c->outputs = edge_size(d);
  }
  c->stride = between(d, 1, 4);
  c->dilation = between(d, 1, 3);
  c->kernel = between(d, 1, 7);
  while ((c->kernel - 1) * c->dilation + 1 < c->stride) {
    ++c->kernel;
  }
  c->mode = (pad_mode)between(d, PAD_ZERO, PAD_REPLICATE);
  if (c->streaming && c->mode == PAD_REFLECT) { // looks ahead: a short first piece differs
    c->mode = PAD_ZERO;
  }
  c->residual = c->streaming && between(d, 0, 1);
  c->rows *= c->streaming ? c->stride : 1;
  if (!c->streaming) {
    c->pad_left = between(d, 0, (c->kernel - 1) * c->dilation);
    c->pad_right = between(d, 0, (c->kernel - 1) * c->dilation);
  }
}

static void draw_upconv(draw *d, op_case *c)
{
  c->groups = between(d, 0, 3) ? 1 : between(d, 2, 4);
  c->channels *= c->groups;
  c->outputs *= c->groups;
  c->stride = between(d, 1, 5);
  c->kernel = c->stride + between(d, 0, 2 * c->stride);
  if (!c->streaming) {
    c->pad_left = between(d, 0, c->kernel - c->stride);
    c->pad_right = c->kernel - c->stride - c->pad_left;
  }
}

static void draw_conv2d(draw *d, op_case *c)
{
  c->groups = between(d, 1, 2);
  c->channels = between(d, 1, 9) * c->groups;
  c->outputs = between(d, 1, 40) * c->groups;
  c->stride = between(d, 1, 2);
  c->dilation = between(d, 1, 2);
  c->kernel = between(d, 1, 4);
  c->kernel_h = between(d, 1, 3);
  c->stride_h = between(d, 1, 3);
  c->dilation_h = between(d, 1, 3);
  c->height = (c->kernel_h - 1) * c->dilation_h + between(d, 1, 6);
  c->rows += (c->kernel - 1) * c->dilation;
  c->pad_left = between(d, 0, 3);
  c->pad_right = between(d, 0, 3);
  c->streaming = false;
}

// Whole sequences, where some row sees two keys: of one alone most gradients are nothing.
static void draw_attention(draw *d, op_case *c)
{
  static const int64_t dims[] = {1, 2, 7, 16, 25, 32, 34, 64, 66, 100, 128, 130};
  attention_args *a = &c->attention;
  a->n_kv_heads = between(d, 1, 3);
  a->n_heads = a->n_kv_heads * between(d, 1, 3);
  a->head_dim = dims[between(d, 0, 11)];
  a->scale = 1.0f / sqrtf((float)a->head_dim);
  a->rope_base = a->head_dim % 2 == 0 && between(d, 0, 1) ? 10000.0f : 0.0f;
  a->mask = (attention_mask)between(d, MASK_CAUSAL, MASK_PREFIX);
  a->window = between(d, 2, 40);
  a->prefix = between(d, 1, 40);
  c->rows += 1;
  c->kernel = between(d, 0, 1) ? 0 : between(d, 2, 80);
  c->bias = between(d, 0, 1);
  c->residual = between(d, 0, 1);
  c->streaming = false;
}

op_case op_case_random(uint64_t seed, char name[32])
{
  static const op_id kinds[] = {OP_CONV1D, OP_CONV1D, OP_CONV_TRANSPOSED1D, OP_CONV2D,   OP_LINEAR,
                                OP_LSTM,   OP_MATMUL, OP_NEAREST,           OP_ATTENTION};
  draw d = {.seed = seed};
  op_case c = {.op = kinds[between(&d, 0, 8)], .name = name, .bias = true};
  snprintf(name, 32, "random_%s_%llu", op_name(c.op), (unsigned long long)seed);
  c.n = between(&d, 1, 3);
  c.rows = between(&d, 0, 1) ? between(&d, 1, 40) : edge_size(&d);
  c.channels = edge_size(&d);
  c.outputs = edge_size(&d);
  c.act_in = any_activation(&d);
  c.act_out = any_activation(&d);
  c.streaming = between(&d, 0, 2) > 0;
  if (c.op == OP_CONV1D) {
    draw_conv(&d, &c);
  } else if (c.op == OP_CONV_TRANSPOSED1D) {
    draw_upconv(&d, &c);
  } else if (c.op == OP_CONV2D) {
    draw_conv2d(&d, &c);
  } else if (c.op == OP_LSTM) {
    c.streaming = true;
    c.residual = c.channels == c.outputs;
  } else if (c.op == OP_ATTENTION) {
    draw_attention(&d, &c);
  } else {
    c.streaming = false;
    c.residual = c.op != OP_NEAREST && between(&d, 0, 1);
  }
  return c;
}

static double weight_terms(const op_case *c)
{
  const double in = (double)c->channels, out = (double)c->outputs;
  const double groups = c->groups ? (double)c->groups : 1.0;
  switch (c->op) {
  case OP_CONV1D:
  case OP_CONV_TRANSPOSED1D:
    return in * out * (double)c->kernel / groups;
  case OP_CONV2D:
    return in * out * (double)(c->kernel * c->kernel_h) / groups;
  case OP_LINEAR:
  case OP_NORM_LINEAR:
    return in * out;
  case OP_LSTM:
    return 4.0 * out * (in + out);
  case OP_RVQ_ENCODE:
    return in * out * (double)c->kernel;
  case OP_NEAREST:
    return in * out;
  default:
    return 0.0;
  }
}

double op_case_macs(const op_case *c)
{
  double positions = (double)(c->n * c->rows);
  if (c->op == OP_CONV1D) {
    positions /= (double)c->stride;
  } else if (c->op == OP_CONV2D) {
    positions *= (double)c->height / (double)(c->stride * (c->stride_h ? c->stride_h : c->stride));
  } else if (c->op == OP_MATMUL) {
    return positions * (double)(c->channels * c->outputs);
  }
  return positions * weight_terms(c);
}

double op_case_bytes(const op_case *c, dtype storage)
{
  const bool codebook = c->op == OP_RVQ_ENCODE || c->op == OP_NEAREST;
  const double per_weight = codebook ? 4.0 : (double)dtype_bytes(storage);
  double rows_out = (double)(c->n * c->rows);
  if (c->op == OP_CONV1D) {
    rows_out /= (double)c->stride;
  } else if (c->op == OP_CONV_TRANSPOSED1D) {
    rows_out *= (double)c->stride;
  } else if (c->op == OP_STFT) {
    rows_out = (double)(c->n * stft_rows(&c->stft, c->rows) * stft_bins(&c->stft));
  }
  return weight_terms(c) * per_weight + 4.0 * (double)(c->n * c->rows * c->channels) +
         4.0 * rows_out * (double)c->outputs;
}
