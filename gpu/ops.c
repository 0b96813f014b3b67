// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/ops.h"

const char *op_name(op_id op)
{
  static const char *const names[OP_COUNT] = {
      [OP_CONV1D] = "conv1d",
      [OP_CONV_TRANSPOSED1D] = "conv_transposed1d",
      [OP_CONV2D] = "conv2d",
      [OP_LINEAR] = "linear",
      [OP_NORM_LINEAR] = "norm_linear",
      [OP_MATMUL] = "matmul",
      [OP_LSTM] = "lstm",
      [OP_ATTENTION] = "attention",
      [OP_ACTIVATE] = "activate",
      [OP_NORM] = "norm",
      [OP_EMBED] = "embed",
      [OP_ADD] = "add",
      [OP_MULTIPLY] = "multiply",
      [OP_SCALE] = "scale",
      [OP_SOFTMAX] = "softmax",
      [OP_NEAREST] = "nearest",
      [OP_RVQ_ENCODE] = "rvq_encode",
      [OP_RVQ_DECODE] = "rvq_decode",
      [OP_AVG_POOL1D] = "avg_pool1d",
      [OP_REDUCE] = "reduce",
      [OP_STFT] = "stft",
      [OP_ADVANCE] = "advance",
  };
  return op >= 0 && op < OP_COUNT ? names[op] : "?";
}

bool op_available(const ops *table, op_id op)
{
  switch (op) {
  case OP_AVG_POOL1D:
    return table->avg_pool1d != NULL;
  case OP_REDUCE:
    return table->reduce != NULL;
  case OP_STFT:
    return table->stft != NULL;
  default:
    return op >= 0 && op < OP_COUNT;
  }
}
