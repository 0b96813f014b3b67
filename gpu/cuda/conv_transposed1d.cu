// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// x [n, T, C] -> y [n, T * stride, O] (whole: trimmed of (T - 1) * stride + kernel). The window of
// input row t is rows t - M + 1 to t with M = ceil(kernel / stride); times w [stride, O, M, C] it
// gives `stride` output rows at once. Whole sequences as gpu/cuda/window.cu has it,
// else as gpu/cuda/dense.cu.
#include "gpu/cuda/dense.cuh"
#include "gpu/cuda/window.cuh"

// ---------------------------------------------------------------------------------------------
// launchers

void cuda_conv_transposed1d(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                            tensor *history, const stream_control *control,
                            const conv_transposed1d_args *args)
{
  const int64_t rows = x->dims[1];
  const int64_t taps = (args->kernel + args->stride - 1) / args->stride;
  if (rows == 0) {
    return;
  }
  const window_call whole = window_conv_transposed1d(x, y, w, bias, args);
  if (!history && window_suits(&whole)) {
    window_forward(r, "conv_transposed1d", &whole, cuda_floats(y), nullptr);
    return;
  }
  dense_call d = dense_linear(cuda_floats(x), rows, w);
  d.history = cuda_floats(history);
  d.reset = control ? control->reset : nullptr;
  d.streams = (int)x->dims[0];
  d.channels = (int)x->dims[2];
  d.windows = (int)(history ? rows : rows + taps - 1);
  d.taps = (int)taps;
  d.groups = (int)args->groups;
  d.left = (int)(taps - 1);
  d.pad = PAD_ZERO;
  d.act_in = args->act_in;
  d.act_out = args->act_out;
  d.slope = args->act_slope;
  d.bias = cuda_vector(bias);
  d.y = cuda_floats(y);
  d.outputs = (int)y->dims[2];
  d.phases = (int)args->stride;
  d.rows_y = (int)y->dims[1];
  d.trim = (int)(history ? 0 : args->trim_left);
  dense_run(r, "conv_transposed1d", &d);
  if (history) {
    dense_keep(r, "conv_transposed1d", &d, cuda_floats(history));
  }
}

void cuda_conv_transposed1d_backward(run *r, const tape_node *node)
{
  const window_call c = window_conv_transposed1d(&node->in[0], &node->out, node->weights[0],
                                                 node->weights[1], &node->args.conv_transposed1d);
  window_backward(r, "conv_transposed1d backward", &c, node);
}
