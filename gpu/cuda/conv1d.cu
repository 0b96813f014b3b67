// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// x [n, T, C] -> y [n, U, O]: windows of kernel taps, stride rows apart, times w [O, K, C /
// groups]. Whole sequences as gpu/cuda/window.cu has it, else as gpu/cuda/dense.cu; then one thread
// per stream and channel moves the history on, queued behind the kernels that read it.
#include "gpu/cuda/dense.cuh"
#include "gpu/cuda/window.cuh"

// ---------------------------------------------------------------------------------------------
// launchers

void cuda_conv1d(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                 const tensor *residual, tensor *history, const stream_control *control,
                 const conv1d_args *args)
{
  const int64_t rows = x->dims[1], windows = y->dims[1];
  const int64_t reach = (args->kernel - 1) * args->dilation + 1;
  const int64_t left = history ? history->dims[1] : args->pad_left;
  const int64_t right = (windows - 1) * args->stride + reach - left - rows;
  if (rows == 0) {
    return;
  }
  const window_call whole = window_conv1d(x, y, w, bias, args);
  if (!history && window_suits(&whole)) {
    window_forward(r, "conv1d", &whole, cuda_floats(y), cuda_floats(residual));
    return;
  }
  dense_call d = dense_linear(cuda_floats(x), rows, w);
  d.history = cuda_floats(history);
  d.reset = control ? control->reset : nullptr;
  d.streams = (int)x->dims[0];
  d.channels = (int)x->dims[2];
  d.windows = d.rows_y = (int)windows;
  d.taps = (int)args->kernel;
  d.stride = (int)args->stride;
  d.dilation = (int)args->dilation;
  d.groups = (int)args->groups;
  d.left = (int)left;
  d.reach = (int)(left > right ? left : right);
  d.pad = args->mode;
  d.act_in = args->act_in;
  d.act_out = args->act_out;
  d.slope = args->act_slope;
  d.bias = cuda_vector(bias);
  d.y = cuda_floats(y);
  d.residual = cuda_floats(residual);
  dense_run(r, "conv1d", &d);
  if (history) {
    dense_keep(r, "conv1d", &d, cuda_floats(history));
  }
}

void cuda_conv1d_backward(run *r, const tape_node *node)
{
  const window_call c = window_conv1d(&node->in[0], &node->out, node->weights[0], node->weights[1],
                                      &node->args.conv1d);
  window_backward(r, "conv1d backward", &c, node);
}
