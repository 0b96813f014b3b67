// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/work_count.h"

/// Multiply-adds of one row, where every value of the weights meets it once.
static double row_work(const tape_node *node)
{
  double values = 0.0;
  for (int i = 0; i < TAPE_MAX_WEIGHTS; ++i) {
    const weight *w = node->weights[i];
    if (w && w->use != WEIGHT_VECTOR) {
      values += (double)weight_count(w);
    }
  }
  return values;
}

/// Rows that the weights meet: the output's; a transposed convolution spreads its input's.
static double rows_of(const tape_node *node)
{
  const tensor *t = node->op == OP_CONV_TRANSPOSED1D ? &node->in[0] : &node->out;
  return (double)tensor_count(t) / (double)tensor_channels(t);
}

static double call_work(const tape_node *node)
{
  switch (node->op) {
  case OP_CONV1D:
  case OP_CONV_TRANSPOSED1D:
  case OP_CONV2D:
  case OP_LINEAR:
  case OP_NORM_LINEAR:
  case OP_LSTM:
    return rows_of(node) * row_work(node);
  default:
    return 0.0;
  }
}

double tape_multiply_adds(const tape *t)
{
  double work = 0.0;
  for (int i = 0; i < tape_position(t); ++i) {
    work += call_work(tape_call(t, i));
  }
  return work;
}
