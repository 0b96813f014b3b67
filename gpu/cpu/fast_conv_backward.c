// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The sweep back through conv1d, conv_transposed1d and linear: gpu/cpu/fast_backward.h.

#include "gpu/cpu/fast_backward.h"

bool result_tells(activation act, float slope)
{
  return act == ACT_RELU || act == ACT_TANH || act == ACT_SIGMOID ||
         ((act == ACT_ELU || act == ACT_LEAKY_RELU) && slope > 0.0f);
}

const float *before_activation(run *r, const tape_node *node, const tensor *dy, activation act,
                               float slope,
                               void (*again)(run *r, const tape_node *node, tensor *sum))
{
  if (act == ACT_NONE || !run_ok(r)) {
    return dy->data;
  }
  const kernels *k = kernels_of(r->dev);
  const bool residual = node->in[1].data != NULL; // lies over the activation's result
  tensor sum = *dy;
  sum.data = run_scratch(r, tensor_bytes(dy));
  if (sum.data && result_tells(act, slope) && !residual) {
    k->chain_result(sum.data, dy->data, node->out.data, tensor_count(dy), act, slope);
  } else if (sum.data) {
    again(r, node, &sum);
    k->chain(sum.data, NULL, dy->data, sum.data, tensor_count(dy), act, slope);
  }
  return sum.data;
}

void bias_backward(run *r, const weight *bias, const float *dy, const tensor *shape)
{
  if (run_ok(r) && bias && bias->grad) {
    kernels_of(r->dev)->column_sums(bias->grad, dy, tensor_rows(shape), tensor_channels(shape));
  }
}

static void residual_backward(run *r, const tape_node *node, const tensor *dy)
{
  const tensor dresidual = tape_gradient(r, &node->in[1]);
  if (run_ok(r) && dresidual.data) {
    kernels_of(r->dev)->add(dresidual.data, dresidual.data, dy->data, tensor_count(dy));
  }
}

static void conv1d_again(run *r, const tape_node *node, tensor *sum)
{
  conv1d_args args = node->args.conv1d;
  args.act_out = ACT_NONE;
  fast_conv1d(r, sum, &node->in[0], node->weights[0], node->weights[1], NULL, NULL, NULL, &args);
}

static void conv_transposed1d_again(run *r, const tape_node *node, tensor *sum)
{
  conv_transposed1d_args args = node->args.conv_transposed1d;
  args.act_out = ACT_NONE;
  fast_conv_transposed1d(r, sum, &node->in[0], node->weights[0], node->weights[1], NULL, NULL,
                         &args);
}

static void linear_again(run *r, const tape_node *node, tensor *sum)
{
  fast_linear(r, sum, &node->in[0], node->weights[0], node->weights[1], NULL, ACT_NONE);
}

void fast_conv1d_backward(run *r, const tape_node *node)
{
  const conv1d_args *args = &node->args.conv1d;
  const kernels *k = kernels_of(r->dev);
  weight *w = node->weights[0];
  const panels *p = adjoint_panels(r, w, args->stride, args->dilation);
  const tensor *x = &node->in[0], dy = tape_gradient(r, &node->out), dx = tape_gradient(r, x);
  if (!run_ok(r) || x->dims[1] == 0) {
    return;
  }
  residual_backward(r, node, &dy);
  const size_t mark = scratch_begin(r);
  const float *d = before_activation(r, node, &dy, args->act_out, args->act_slope, conv1d_again);
  bias_backward(r, node->weights[1], d, &dy);
  const int64_t rows = x->dims[1], channels = x->dims[2], outputs = dy.dims[2];
  const conv_shape shape = {args->kernel, args->stride, args->dilation, args->groups,
                            args->pad_left};
  const int64_t all = (dy.dims[1] - 1) * args->stride + shape_reach(&shape);
  const int64_t right = all - args->pad_left - rows > 0 ? all - args->pad_left - rows : 0;
  const int64_t reach = args->pad_left > right ? args->pad_left : right;
  row_source below = {k, x->data, rows, channels, reach, args->mode, args->act_in, args->act_slope,
                      1};
  row_source above = {.k = k, .x = d, .rows = dy.dims[1], .channels = outputs, .spread = 1};
  if (run_ok(r) && w->grad) {
    weight_backward(r, w, &shape,
                    (outer_sides){.strided = above,
                                  .spaced = below,
                                  .strided_step = dy.dims[1] * outputs,
                                  .spaced_step = rows * channels,
                                  .n = x->dims[0]});
  }
  if (run_ok(r) && dx.data) {
    const adjoint_shape adjoint = adjoint_shape_of(k, w);
    adjoint_plan plan = adjoint_plan_of(&adjoint, p, &shape);
    plan.skip = args->pad_left;
    plan.rows_out = args->pad_left + rows + right;
    plan.by_group = adjoint.by_group ? w : NULL;
    above.spread = adjoint.spread;
    const input_gradient to = {dx.data, x->data,    rows,         channels,
                               reach,   args->mode, args->act_in, args->act_slope};
    input_backward(r, &plan, above, to, x->dims[0], dy.dims[1] * outputs);
  }
  scratch_end(r, mark);
}

void fast_conv_transposed1d_backward(run *r, const tape_node *node)
{
  const conv_transposed1d_args *args = &node->args.conv_transposed1d;
  const kernels *k = kernels_of(r->dev);
  weight *w = node->weights[0];
  const panels *p = adjoint_panels(r, w, args->stride, 1);
  const tensor *x = &node->in[0], dy = tape_gradient(r, &node->out), dx = tape_gradient(r, x);
  if (!run_ok(r) || x->dims[1] == 0 || dy.dims[1] == 0) {
    return;
  }
  const size_t mark = scratch_begin(r);
  const float *d =
      before_activation(r, node, &dy, args->act_out, args->act_slope, conv_transposed1d_again);
  bias_backward(r, node->weights[1], d, &dy);
  const int64_t rows = x->dims[1], channels = x->dims[2], outputs = dy.dims[2];
  const conv_shape shape = {args->kernel, args->stride, 1, args->groups, args->trim_left};
  const row_source below = {.k = k,
                            .x = x->data,
                            .rows = rows,
                            .channels = channels,
                            .act = args->act_in,
                            .slope = args->act_slope,
                            .spread = 1};
  const row_source above = {.k = k, .x = d, .rows = dy.dims[1], .channels = outputs, .spread = 1};
  if (run_ok(r) && w->grad) {
    weight_backward(r, w, &shape,
                    (outer_sides){.strided = below,
                                  .spaced = above,
                                  .strided_step = rows * channels,
                                  .spaced_step = dy.dims[1] * outputs,
                                  .n = x->dims[0]});
  }
  if (run_ok(r) && dx.data) {
    adjoint_plan plan = {.p = p,
                         .row_step = args->stride,
                         .lead = args->trim_left,
                         .taps = args->kernel,
                         .tap_step = 1,
                         .phases = 1,
                         .rows_out = rows,
                         .groups = args->groups};
    const input_gradient to = {.dx = dx.data,
                               .x = x->data,
                               .rows = rows,
                               .channels = channels,
                               .act = args->act_in,
                               .slope = args->act_slope};
    input_backward(r, &plan, above, to, x->dims[0], dy.dims[1] * outputs);
  }
  scratch_end(r, mark);
}

void fast_linear_backward(run *r, const tape_node *node)
{
  const kernels *k = kernels_of(r->dev);
  weight *w = node->weights[0];
  const panels *p = adjoint_panels(r, w, 1, 1);
  const tensor *x = &node->in[0], dy = tape_gradient(r, &node->out), dx = tape_gradient(r, x);
  const int64_t rows = tensor_rows(x), channels = w->dims[1], outputs = w->dims[0];
  if (!run_ok(r) || rows == 0) {
    return;
  }
  residual_backward(r, node, &dy);
  const size_t mark = scratch_begin(r);
  const float *d = before_activation(r, node, &dy, node->args.activate.act, 1.0f, linear_again);
  bias_backward(r, node->weights[1], d, &dy);
  const conv_shape shape = {1, 1, 1, 1, 0};
  const row_source below = {.k = k, .x = x->data, .rows = rows, .channels = channels, .spread = 1};
  const row_source above = {.k = k, .x = d, .rows = rows, .channels = outputs, .spread = 1};
  if (run_ok(r) && w->grad) {
    weight_backward(r, w, &shape, (outer_sides){.strided = above, .spaced = below, .n = 1});
  }
  if (run_ok(r) && dx.data) {
    adjoint_plan plan = {.p = p,
                         .row_step = 1,
                         .taps = 1,
                         .tap_step = 1,
                         .phases = 1,
                         .rows_out = rows,
                         .groups = 1};
    const input_gradient to = {.dx = dx.data, .x = x->data, .rows = rows, .channels = channels};
    input_backward(r, &plan, above, to, 1, 0);
  }
  scratch_end(r, mark);
}
