// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/stft_discriminator.h"

#include <stdio.h>

#define SLOPE 0.2f

static void add_conv(conv2d_layer *l, layer_set *set, int64_t window, const char *part,
                     int64_t channels_in, int64_t channels_out, conv2d_args args, bool hidden)
{
  char name[WEIGHT_NAME_BYTES];
  snprintf(name, sizeof name, "stft.%d.%s", (int)window, part);
  args.act_out = hidden ? ACT_LEAKY_RELU : ACT_NONE;
  args.act_slope = SLOPE;
  conv2d_layer_init(l, set, name, channels_in, channels_out, &args);
}

status stft_discriminator_init(stft_discriminator *d, layer_set *set, int64_t window_samples,
                               int64_t channels, error *err)
{
  const int64_t window = window_samples, c = channels;
  add_conv(&d->in, set, window, "in", 2, c, conv2d_centred(3, 9, 1), true);
  for (int i = 0; i < STFT_DISCRIMINATOR_DILATED; ++i) {
    char part[32];
    conv2d_args args = conv2d_centred(3, 9, (int64_t)1 << i);
    args.stride_w = 2;
    snprintf(part, sizeof part, "dilated.%d", i);
    add_conv(&d->dilated[i], set, window, part, c, c, args, true);
  }
  add_conv(&d->mix, set, window, "mix", c, c, conv2d_centred(3, 3, 1), true);
  add_conv(&d->out, set, window, "out", c, 1, conv2d_centred(3, 3, 1), false);
  const stft_config spectrum = {
      .window = window, .n_fft = window, .hop = window / 4, .scale = stft_unit_scale(window)};
  return stft_new(&d->spectrum, &spectrum, err);
}

verdict stft_discriminator_forward(run *r, const stft_discriminator *d, tensor audio)
{
  verdict v = {.n_features = 0};
  tensor x = apply_stft(r, audio, d->spectrum);
  x = v.features[v.n_features++] = layer_conv2d(r, &d->in, x);
  for (int i = 0; i < STFT_DISCRIMINATOR_DILATED; ++i) {
    x = v.features[v.n_features++] = layer_conv2d(r, &d->dilated[i], x);
  }
  x = v.features[v.n_features++] = layer_conv2d(r, &d->mix, x);
  v.logits = layer_conv2d(r, &d->out, x);
  return v;
}
