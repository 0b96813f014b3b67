// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// x [n, H, W, C] -> y [n, H', W', O]. In f32 as gpu/cuda/window.cu has it; else one thread per
// element unfolds the windows of a batch of outputs into scratch [batch, KH * KW, C];
// gpu/cuda/dense.cu multiplies them.
#include "gpu/cuda/dense.cuh"
#include "gpu/cuda/window.cuh"

#define UNFOLD_THREADS 256
#define UNFOLD_ELEMENTS (4 << 20) // of scratch at a time, 16 MiB

struct conv2d_shape {
  int height, width, channels, height_out, width_out;
  conv2d_args args;
};

__global__ void conv2d_unfold_kernel(float *to, const float *x, const conv2d_shape s, int64_t first,
                                     int64_t count)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  const int64_t taps = s.args.kernel_h * s.args.kernel_w;
  if (i >= count * taps * s.channels) {
    return;
  }
  const int c = (int)(i % s.channels), tap = (int)(i / s.channels % taps);
  const int64_t out = first + i / s.channels / taps;
  const int64_t v = out % s.width_out, h = out / s.width_out % s.height_out;
  const int64_t n = out / s.width_out / s.height_out;
  const int64_t row =
      h * s.args.stride_h - s.args.pad_top + tap / s.args.kernel_w * s.args.dilation_h;
  const int64_t column =
      v * s.args.stride_w - s.args.pad_left + tap % s.args.kernel_w * s.args.dilation_w;
  const bool inside = row >= 0 && row < s.height && column >= 0 && column < s.width;
  to[i] = inside ? activate_value(x[((n * s.height + row) * s.width + column) * s.channels + c],
                                  s.args.act_in, s.args.act_slope)
                 : 0.0f;
}

// ---------------------------------------------------------------------------------------------
// launchers

void cuda_conv2d(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                 const conv2d_args *args)
{
  const conv2d_shape s = {(int)x->dims[1], (int)x->dims[2], (int)x->dims[3],
                          (int)y->dims[1], (int)y->dims[2], *args};
  const int64_t windows = y->dims[0] * y->dims[1] * y->dims[2], outputs = y->dims[3];
  const int64_t taps = args->kernel_h * args->kernel_w, length = taps * x->dims[3];
  const int64_t most = length < UNFOLD_ELEMENTS ? UNFOLD_ELEMENTS / length : 1;
  const int64_t batch = windows < most ? windows : most;
  if (windows == 0) {
    return;
  }
  const window_call whole = window_conv2d(x, y, w, bias, args);
  if (window_suits(&whole)) {
    window_forward(r, "conv2d", &whole, cuda_floats(y), nullptr);
    return;
  }
  const size_t mark = arena_mark(r->memory);
  float *rows = (float *)run_scratch(r, (size_t)(batch * length) * sizeof(float));
  for (int64_t first = 0; first < windows && run_ok(r); first += batch) {
    const int64_t count = windows - first < batch ? windows - first : batch;
    cuda_launch(r, "conv2d", conv2d_unfold_kernel,
                dim3(cuda_blocks(count * length, UNFOLD_THREADS)), UNFOLD_THREADS, 0, rows,
                cuda_floats(x), s, first, count);
    dense_call d = dense_linear(rows, count, w);
    d.rows_in = (int)(count * taps);
    d.channels = (int)x->dims[3];
    d.taps = d.stride = (int)taps;
    d.groups = (int)args->groups;
    d.act_out = args->act_out;
    d.slope = args->act_slope;
    d.bias = cuda_vector(bias);
    d.y = cuda_floats(y) + first * outputs;
    dense_run(r, "conv2d", &d);
  }
  arena_rewind(r->memory, mark);
}

void cuda_conv2d_backward(run *r, const tape_node *node)
{
  const window_call c = window_conv2d(&node->in[0], &node->out, node->weights[0], node->weights[1],
                                      &node->args.conv2d);
  window_backward(r, "conv2d backward", &c, node);
}
