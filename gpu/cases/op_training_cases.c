// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/cases/op_cases.h"

// The kinds of layer that a codec and its discriminators are made of. A case gives its name, its
// rows in, its channels in and out, and what else sets layers of its kind apart.

// Causal: kernel, stride, dilation, and the activation before it.
#define CONV(called, in_rows, in, out, k, s, d, act)                                               \
  {                                                                                                \
    .op = OP_CONV1D, .name = (called), .n = 2, .rows = (in_rows), .channels = (in),                \
    .outputs = (out), .kernel = (k), .stride = (s), .dilation = (d), .groups = 1,                  \
    .pad_left = ((k)-1) * (d) - ((s)-1), .act_in = (act), .bias = true, .bench = true              \
  }

// Transposed, with a kernel of two strides: stride.
#define UPCONV(called, in_rows, in, out, s)                                                        \
  {                                                                                                \
    .op = OP_CONV_TRANSPOSED1D, .name = (called), .n = 2, .rows = (in_rows), .channels = (in),     \
    .outputs = (out), .kernel = 2 * (s), .stride = (s), .dilation = 1, .groups = 1,                \
    .pad_right = (s), .act_in = ACT_ELU, .bias = true, .bench = true                               \
  }

// Of 47 rows of spectra, whose bins are a case's rows: kernel and stride along the bins, dilation
// along the time, and the activation after it.
#define SPECTRA(called, bins, in, out, k, s, d, act)                                               \
  {                                                                                                \
    .op = OP_CONV2D, .name = (called), .n = 2, .height = 47, .rows = (bins), .channels = (in),     \
    .outputs = (out), .kernel_h = 3, .kernel = (k), .stride = (s), .stride_h = 1, .dilation = 1,   \
    .dilation_h = (d), .groups = 1, .pad_left = (k) / 2, .pad_right = (k) / 2, .act_out = (act),   \
    .bias = true, .bench = true                                                                    \
  }

// Looking both ways along a wave: kernel, stride, groups.
#define WAVE(called, in_rows, in, out, k, s, g)                                                    \
  {                                                                                                \
    .op = OP_CONV1D, .name = (called), .n = 2, .rows = (in_rows), .channels = (in),                \
    .outputs = (out), .kernel = (k), .stride = (s), .dilation = 1, .groups = (g),                  \
    .pad_left = (k) / 2, .pad_right = (k) / 2, .act_out = ACT_LEAKY_RELU, .bias = true,            \
    .bench = true                                                                                  \
  }

const op_case *op_training_cases(int *count)
{
  static const op_case cases[] = {
      // Encoder: 16 channels and twice as many after each stride.
      CONV("encoder_in", 12000, 1, 16, 7, 1, 1, ACT_NONE),
      CONV("encoder_16", 12000, 16, 16, 7, 1, 1, ACT_ELU),
      CONV("encoder_16_d3", 12000, 16, 16, 7, 1, 3, ACT_ELU),
      CONV("encoder_16_k1", 12000, 16, 16, 1, 1, 1, ACT_ELU),
      CONV("encoder_down3", 12000, 16, 32, 6, 3, 1, ACT_ELU),
      CONV("encoder_32_d3", 4000, 32, 32, 7, 1, 3, ACT_ELU),
      CONV("encoder_down4", 4000, 32, 64, 8, 4, 1, ACT_ELU),
      CONV("encoder_down5", 1000, 64, 128, 10, 5, 1, ACT_ELU),
      CONV("encoder_128", 200, 128, 128, 7, 1, 1, ACT_ELU),
      CONV("encoder_down8", 200, 128, 256, 16, 8, 1, ACT_ELU),
      CONV("encoder_out", 25, 256, 64, 7, 1, 1, ACT_ELU),
      // Decoder: 384 channels down to 24.
      CONV("decoder_in", 25, 64, 384, 7, 1, 1, ACT_NONE),
      UPCONV("decoder_up8", 25, 384, 192, 8),
      CONV("decoder_192_d9", 200, 192, 192, 7, 1, 9, ACT_ELU),
      CONV("decoder_192_k1", 200, 192, 192, 1, 1, 1, ACT_ELU),
      UPCONV("decoder_up5", 200, 192, 96, 5),
      CONV("decoder_96_d3", 1000, 96, 96, 7, 1, 3, ACT_ELU),
      UPCONV("decoder_up4", 1000, 96, 48, 4),
      CONV("decoder_48", 4000, 48, 48, 7, 1, 1, ACT_ELU),
      CONV("decoder_48_d9", 4000, 48, 48, 7, 1, 9, ACT_ELU),
      UPCONV("decoder_up3", 4000, 48, 24, 3),
      CONV("decoder_24", 12000, 24, 24, 7, 1, 1, ACT_ELU),
      CONV("decoder_24_d3", 12000, 24, 24, 7, 1, 3, ACT_ELU),
      CONV("decoder_24_d9", 12000, 24, 24, 7, 1, 9, ACT_ELU),
      CONV("decoder_24_k1", 12000, 24, 24, 1, 1, 1, ACT_ELU),
      CONV("decoder_out", 12000, 24, 1, 7, 1, 1, ACT_ELU),
      // Discriminators: of spectra, and of waves in groups of four channels.
      SPECTRA("stft_in", 513, 2, 16, 9, 1, 1, ACT_LEAKY_RELU),
      SPECTRA("stft_d1", 513, 16, 16, 9, 2, 1, ACT_LEAKY_RELU),
      SPECTRA("stft_d2", 257, 16, 16, 9, 2, 2, ACT_LEAKY_RELU),
      SPECTRA("stft_d4", 129, 16, 16, 9, 2, 4, ACT_LEAKY_RELU),
      SPECTRA("stft_mix", 65, 16, 16, 3, 1, 1, ACT_LEAKY_RELU),
      SPECTRA("stft_out", 65, 16, 1, 3, 1, 1, ACT_NONE),
      WAVE("wave_in", 12000, 1, 16, 15, 1, 1),
      WAVE("wave_down0", 12000, 16, 64, 41, 4, 4),
      WAVE("wave_down1", 3000, 64, 256, 41, 4, 16),
      WAVE("wave_down2", 750, 256, 1024, 41, 4, 64),
      WAVE("wave_down3", 188, 1024, 1024, 41, 4, 256),
      WAVE("wave_mix", 47, 1024, 1024, 5, 1, 1),
  };
  *count = (int)(sizeof cases / sizeof *cases);
  return cases;
}
