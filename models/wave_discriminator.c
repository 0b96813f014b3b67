// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/wave_discriminator.h"

#include <stdio.h>

#define SLOPE 0.2f
#define WIDEST 64        // channels of the widest layer over those of the first
#define GROUP_CHANNELS 4 // that enter a group

static int64_t least(int64_t a, int64_t b)
{
  return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
  return a > b ? a : b;
}

static conv1d_args conv_args(int64_t kernel, int64_t stride, int64_t groups)
{
  return (conv1d_args){.kernel = kernel,
                       .stride = stride,
                       .dilation = 1,
                       .groups = groups,
                       .pad_left = kernel / 2,
                       .pad_right = kernel / 2,
                       .act_out = ACT_LEAKY_RELU,
                       .act_slope = SLOPE};
}

static void add_conv(conv_layer *l, layer_set *set, int64_t decimation, const char *part,
                     int64_t channels_in, int64_t channels_out, const conv1d_args *args)
{
  char name[WEIGHT_NAME_BYTES];
  snprintf(name, sizeof name, "wave.%d.%s", (int)decimation, part);
  const layer_place place = {.name = name, .rows_per_step = 1};
  conv_layer_init(l, set, &place, channels_in, channels_out, args);
}

void wave_discriminator_init(wave_discriminator *d, layer_set *set, int64_t decimation,
                             int64_t channels)
{
  const int64_t widest = WIDEST * channels;
  const conv1d_args in = conv_args(15, 1, 1);
  const conv1d_args mix = conv_args(5, 1, 1);
  conv1d_args out = conv_args(3, 1, 1);
  int64_t from = channels;
  d->decimation = decimation;
  add_conv(&d->in, set, decimation, "in", 1, channels, &in);
  for (int i = 0; i < WAVE_DISCRIMINATOR_DOWN; ++i) {
    char part[32];
    const conv1d_args down = conv_args(41, 4, from / GROUP_CHANNELS);
    const int64_t to = least(4 * from, widest);
    snprintf(part, sizeof part, "down.%d", i);
    add_conv(&d->down[i], set, decimation, part, from, to, &down);
    from = to;
  }
  out.act_out = ACT_NONE;
  add_conv(&d->mix, set, decimation, "mix", from, from, &mix);
  add_conv(&d->out, set, decimation, "out", from, 1, &out);
}

verdict wave_discriminator_forward(run *r, const wave_discriminator *d, tensor audio)
{
  verdict v = {.n_features = 0};
  tensor x = audio;
  if (d->decimation > 1) {
    const int64_t kernel = most(4, d->decimation);
    const avg_pool1d_args pool = {
        .kernel = kernel, .stride = d->decimation, .pad = (kernel - d->decimation) / 2};
    x = apply_avg_pool1d(r, x, &pool);
  }
  x = v.features[v.n_features++] = layer_conv(r, &d->in, x, NULL, NULL);
  for (int i = 0; i < WAVE_DISCRIMINATOR_DOWN; ++i) {
    x = v.features[v.n_features++] = layer_conv(r, &d->down[i], x, NULL, NULL);
  }
  x = v.features[v.n_features++] = layer_conv(r, &d->mix, x, NULL, NULL);
  v.logits = layer_conv(r, &d->out, x, NULL, NULL);
  return v;
}
