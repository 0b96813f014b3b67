// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/period_discriminator.h"

#include <stdio.h>

#define SLOPE 0.1f

static void add_conv(conv2d_layer *l, layer_set *set, int64_t period, const char *part,
                     int64_t channels_in, int64_t channels_out, conv2d_args args, bool hidden)
{
  char name[WEIGHT_NAME_BYTES];
  snprintf(name, sizeof name, "period.%d.%s", (int)period, part);
  args.act_out = hidden ? ACT_LEAKY_RELU : ACT_NONE;
  args.act_slope = SLOPE;
  conv2d_layer_init(l, set, name, channels_in, channels_out, &args);
}

status period_discriminator_init(period_discriminator *d, layer_set *set, int64_t period,
                                 int64_t channels, error *err)
{
  static const int64_t widen[PERIOD_DISCRIMINATOR_DOWN] = {1, 4, 16, 32};
  const int64_t one[TENSOR_MAX_DIMS] = {1, 1, 1};
  int64_t from = 1;
  d->period = period;
  weight_init(&d->pad, "period.pad", WEIGHT_CONV1D, 3, one);
  for (int i = 0; i < PERIOD_DISCRIMINATOR_DOWN; ++i) {
    char part[32];
    conv2d_args args = conv2d_centred(5, 1, 1);
    args.stride_h = 3;
    snprintf(part, sizeof part, "down.%d", i);
    add_conv(&d->down[i], set, period, part, from, widen[i] * channels, args, true);
    from = widen[i] * channels;
  }
  add_conv(&d->mix, set, period, "mix", from, from, conv2d_centred(5, 1, 1), true);
  add_conv(&d->out, set, period, "out", from, 1, conv2d_centred(3, 1, 1), false);
  const status code = weight_allocate(&d->pad, false, err);
  if (code == STATUS_OK) {
    d->pad.master[0] = 1.0f;
  }
  return code;
}

/// [n, T, 1] -> [n, ceil(T / P), P, 1].
static tensor lines(run *r, const period_discriminator *d, tensor audio)
{
  const int64_t period = d->period, more = (period - audio.dims[1] % period) % period;
  const conv1d_args pad = {
      .kernel = 1, .stride = 1, .dilation = 1, .groups = 1, .pad_right = more, .mode = PAD_REFLECT};
  const tensor x = more ? apply_conv1d(r, audio, &d->pad, NULL, NULL, NULL, &pad) : audio;
  return tensor_reshape(x, 4, x.dims[0], x.dims[1] / period, period, 1);
}

verdict period_discriminator_forward(run *r, const period_discriminator *d, tensor audio)
{
  verdict v = {.n_features = 0};
  tensor x = lines(r, d, audio);
  for (int i = 0; i < PERIOD_DISCRIMINATOR_DOWN; ++i) {
    x = v.features[v.n_features++] = layer_conv2d(r, &d->down[i], x);
  }
  x = v.features[v.n_features++] = layer_conv2d(r, &d->mix, x);
  v.logits = layer_conv2d(r, &d->out, x);
  return v;
}
