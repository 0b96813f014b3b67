// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/stft_residual_discriminator.h"

#include <stdio.h>

/// Channels out over C, stride in time; the stride in frequency is always 2.
static const struct {
  int64_t widen, stride_h;
} shapes[STFT_RESIDUAL_UNITS] = {{2, 1}, {4, 2}, {4, 1}, {8, 2}, {8, 1}, {16, 2}};

static void add_conv(conv2d_layer *l, layer_set *set, const char *unit, const char *part,
                     int64_t channels_in, int64_t channels_out, conv2d_args args, activation act)
{
  char name[WEIGHT_NAME_BYTES];
  snprintf(name, sizeof name, "%s.%s", unit, part);
  args.act_out = act;
  args.act_slope = 1.0f;
  conv2d_layer_init(l, set, name, channels_in, channels_out, &args);
}

/// Zeros so that a convolution of kernel stride + 2 gives as many places as a 1 x 1 of that stride.
static void pad_strided(int64_t stride, int64_t *before, int64_t *after)
{
  *before = (stride + 2) / 2;
  *after = stride + 1 - *before;
}

static void add_unit(stft_residual_unit *unit, layer_set *set, const char *name,
                     int64_t channels_in, int64_t channels_out, int64_t stride_h)
{
  conv2d_args strided = conv2d_centred(stride_h + 2, 4, 1), skip = conv2d_centred(1, 1, 1);
  pad_strided(stride_h, &strided.pad_top, &strided.pad_bottom);
  pad_strided(2, &strided.pad_left, &strided.pad_right);
  strided.stride_h = skip.stride_h = stride_h;
  strided.stride_w = skip.stride_w = 2;
  add_conv(&unit->first, set, name, "first", channels_in, channels_in, conv2d_centred(3, 3, 1),
           ACT_ELU);
  add_conv(&unit->strided, set, name, "strided", channels_in, channels_out, strided, ACT_NONE);
  add_conv(&unit->skip, set, name, "skip", channels_in, channels_out, skip, ACT_NONE);
}

status stft_residual_discriminator_init(stft_residual_discriminator *d, layer_set *set,
                                        int64_t window_samples, int64_t channels, error *err)
{
  char net[64], name[96];
  int64_t from = channels;
  snprintf(net, sizeof net, "stft_residual.%d", (int)window_samples);
  add_conv(&d->in, set, net, "in", 2, channels, conv2d_centred(7, 7, 1), ACT_ELU);
  for (int i = 0; i < STFT_RESIDUAL_UNITS; ++i) {
    const int64_t to = shapes[i].widen * channels;
    snprintf(name, sizeof name, "%s.unit.%d", net, i);
    add_unit(&d->units[i], set, name, from, to, shapes[i].stride_h);
    from = to;
  }
  conv2d_args out = conv2d_centred(1, window_samples / 128, 1);
  out.pad_left = out.pad_right = 0;
  add_conv(&d->out, set, net, "out", from, 1, out, ACT_NONE);
  const stft_config spectrum = {
      .window = window_samples, .n_fft = window_samples, .hop = window_samples / 4, .scale = 1.0f};
  return stft_new(&d->spectrum, &spectrum, err);
}

static tensor unit_forward(run *r, const stft_residual_unit *unit, tensor x)
{
  const tensor y = layer_conv2d(r, &unit->strided, layer_conv2d(r, &unit->first, x));
  const tensor skip = layer_conv2d(r, &unit->skip, x);
  return apply_activation(r, apply_add(r, y, skip), ACT_ELU, 1.0f);
}

verdict stft_residual_discriminator_forward(run *r, const stft_residual_discriminator *d,
                                            tensor audio)
{
  verdict v = {.n_features = 0};
  tensor x = apply_stft(r, audio, d->spectrum);
  x = v.features[v.n_features++] = layer_conv2d(r, &d->in, x);
  for (int i = 0; i < STFT_RESIDUAL_UNITS; ++i) {
    x = v.features[v.n_features++] = unit_forward(r, &d->units[i], x);
  }
  v.logits = layer_conv2d(r, &d->out, x);
  return v;
}
