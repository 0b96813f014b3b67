// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/cpu/fast.h"

void fast_install(device *dev, const kernels *k)
{
  ops *table = &dev->table;
  dev->backend = (void *)k; // only read
  dev->pack = panels_pack;
  table->conv1d = fast_conv1d;
  table->conv_transposed1d = fast_conv_transposed1d;
  table->conv2d = fast_conv2d;
  table->linear = fast_linear;
  table->norm_linear = fast_norm_linear;
  table->matmul = fast_matmul;
  table->lstm = fast_lstm;
  table->attention = k->attention;
  table->activate = fast_activate;
  table->norm = fast_norm;
  table->embed = fast_embed;
  table->add = fast_add;
  table->multiply = fast_multiply;
  table->scale = fast_scale;
  table->softmax = fast_softmax;
  table->nearest = fast_nearest;
  table->rvq_encode = fast_rvq_encode;
  table->rvq_decode = fast_rvq_decode;
  table->stft = fast_stft;
  table->backward[OP_STFT] = fast_stft_backward;
  table->backward[OP_CONV1D] = fast_conv1d_backward;
  table->backward[OP_CONV_TRANSPOSED1D] = fast_conv_transposed1d_backward;
  table->backward[OP_LSTM] = fast_lstm_backward;
  table->backward[OP_CONV2D] = fast_conv2d_backward;
  table->backward[OP_LINEAR] = fast_linear_backward;
  table->backward[OP_ACTIVATE] = fast_activate_backward;
  table->backward[OP_ADD] = fast_add_backward;
  table->backward[OP_MULTIPLY] = fast_multiply_backward;
  table->backward[OP_SCALE] = fast_scale_backward;
  for (int i = 0; i < OP_AVG_POOL1D; ++i) { // the rest stays the reference's
    table->variant[i] = k->name;
  }
  table->variant[OP_STFT] = "kissfft";
}
