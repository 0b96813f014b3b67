// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/unit_variance.h"

#include <math.h>
#include <string.h>

#define BRANCH_DEVIATION 0.5

static void clear_bias(void *user, weight *w)
{
  (void)user;
  if (w->use == WEIGHT_VECTOR) {
    memset(w->master, 0, (size_t)weight_count(w) * sizeof(float));
    ++w->version;
  }
}

// Standard deviation of what the call itself gave: without the residual that was added to it.
static double deviation_of(const tape_node *node)
{
  const float *y = node->out.data, *skip = node->in[1].data;
  const int64_t count = tensor_count(&node->out);
  double sum = 0.0, squares = 0.0;
  for (int64_t i = 0; i < count; ++i) {
    const double value = (double)y[i] - (skip ? (double)skip[i] : 0.0);
    sum += value;
    squares += value * value;
  }
  const double mean = sum / (double)count;
  return sqrt(fmax(0.0, squares / (double)count - mean * mean));
}

static void scale_weight(weight *w, double factor)
{
  float *values = w->norm_g ? w->norm_g : w->master;
  const int64_t count = w->norm_g ? w->dims[0] : weight_count(w);
  for (int64_t i = 0; i < count; ++i) {
    values[i] = (float)((double)values[i] * factor);
  }
  ++w->version;
}

static bool is_convolution(const tape_node *node)
{
  return node->op == OP_CONV1D || node->op == OP_CONV_TRANSPOSED1D;
}

// Scale call `i` of `t`; false when there is no such call.
static bool scale_call(const tape *t, int i, double last_deviation)
{
  const tape_node *node = tape_call(t, i);
  if (!node) {
    return false;
  }
  const double found = is_convolution(node) ? deviation_of(node) : 0.0;
  if (found > 0.0) {
    const double wanted = node->in[1].data ? BRANCH_DEVIATION : 1.0;
    scale_weight(node->weights[0], (tape_call(t, i + 1) ? wanted : last_deviation) / found);
  }
  return true;
}

static status forward(lane *l, error *err)
{
  const lane_step step = {.step = 0};
  status code = lane_refresh(l, err);
  if (code == STATUS_OK) {
    lane_forward(l, &step);
    code = l->failure.code;
    if (code != STATUS_OK) {
      *err = l->failure;
    }
  }
  return code;
}

status unit_variance(lane *l, error *err)
{
  codec_layers_each(seanet_layers(l->net), clear_bias, NULL);
  status code = STATUS_OK;
  bool more = true;
  for (int i = 0; more && code == STATUS_OK; ++i) {
    code = forward(l, err);
    more = code == STATUS_OK && scale_call(l->encoding, i, 1.0);
  }
  more = code == STATUS_OK;
  for (int i = 0; more && code == STATUS_OK; ++i) {
    code = forward(l, err);
    more = code == STATUS_OK && scale_call(l->decoding, i, sqrt(l->sums.audio_square));
  }
  return code;
}
