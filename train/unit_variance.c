// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/unit_variance.h"

#include <math.h>
#include <stdlib.h>
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

// A tensor's values where the host sees them, or null; to be freed.
static float *fetch(device *dev, const tensor *t, error *err)
{
  float *values = malloc(tensor_bytes(t) + 1);
  if (!values) {
    error_set(err, STATUS_NO_MEMORY, "no memory to look at %zu bytes", tensor_bytes(t));
  } else if (dev->download(dev, values, t->data, tensor_bytes(t), err) != STATUS_OK) {
    free(values);
    values = NULL;
  }
  return values;
}

static double deviation(const float *y, const float *skip, int64_t count)
{
  double sum = 0.0, squares = 0.0;
  for (int64_t i = 0; i < count; ++i) {
    const double value = (double)y[i] - (skip ? (double)skip[i] : 0.0);
    sum += value;
    squares += value * value;
  }
  const double mean = sum / (double)count;
  return sqrt(fmax(0.0, squares / (double)count - mean * mean));
}

// Standard deviation of what the call itself gave: without the residual that was added to it.
static status deviation_of(device *dev, const tape_node *node, double *found, error *err)
{
  float *y = fetch(dev, &node->out, err);
  float *skip = y && node->in[1].data ? fetch(dev, &node->in[1], err) : NULL;
  const bool there = y && (skip || !node->in[1].data);
  *found = there ? deviation(y, skip, tensor_count(&node->out)) : 0.0;
  free(y);
  free(skip);
  return there ? STATUS_OK : err->code;
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

// Scale call `i` of `t`; *more: there is one.
static status scale_call(device *dev, const tape *t, int i, double last_deviation, bool *more,
                         error *err)
{
  const tape_node *node = tape_call(t, i);
  double found = 0.0;
  *more = node != NULL;
  const status code =
      node && is_convolution(node) ? deviation_of(dev, node, &found, err) : STATUS_OK;
  if (node && code == STATUS_OK && found > 0.0) {
    const double wanted = node->in[1].data ? BRANCH_DEVIATION : 1.0;
    scale_weight(node->weights[0], (tape_call(t, i + 1) ? wanted : last_deviation) / found);
  }
  return code;
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
    code = code ? code : scale_call(l->dev, l->encoding, i, 1.0, &more, err);
  }
  more = code == STATUS_OK;
  for (int i = 0; more && code == STATUS_OK; ++i) {
    code = forward(l, err);
    code = code ? code : scale_call(l->dev, l->decoding, i, sqrt(l->sums.audio_square), &more, err);
  }
  return code;
}
