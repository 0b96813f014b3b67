// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Reference convolutions: part of reference_body.h.

// Rows of one stream as the window sees them: padding or history, activated input, right padding.
typedef struct FN(padded) {
  real *rows; // [left + T + right, C]
  int64_t left, right;
} FN(padded);

// x [T, C] of one stream -> padded rows. `history` [left, C] or null; when `fresh`, it is ignored
// and the left side is padding.
static void FN(pad_fill)(FN(padded) * p, const real *x, int64_t rows, int64_t channels,
                         const real *history, bool fresh, const conv1d_args *args)
{
  const bool goes_on = history && !fresh;
  const int64_t reach = goes_on ? 0 : MAX(p->left, p->right); // what has a past is not short
  for (int64_t i = -p->left; i < rows + p->right; ++i) {
    real *to = p->rows + (i + p->left) * channels;
    const int64_t mirror = i >= rows && args->mode == PAD_REFLECT ? 2 * (rows - 1) - i : i;
    if (goes_on && mirror < 0 && mirror >= -p->left) {
      memcpy(to, history + (mirror + p->left) * channels, (size_t)channels * sizeof *to);
      continue;
    }
    const int64_t from = pad_source(i, rows, reach, args->mode);
    for (int64_t c = 0; c < channels; ++c) {
      to[c] = from < 0 ? 0 : FN(act)(x[from * channels + c], args->act_in, (real)args->act_slope);
    }
  }
}

// One output row: gather each group's window, then a product per output channel.
static void FN(conv1d_row)(real *y, const real *rows, const FN(form) * form, const real *bias,
                           const real *residual, FN(window) * window, int64_t channels,
                           const conv1d_args *args)
{
  const int64_t in = channels / args->groups;
  const int64_t out = form->shape.n_outputs / args->groups;
  for (int64_t g = 0; g < args->groups; ++g) {
    for (int64_t k = 0; k < args->kernel; ++k) {
      memcpy(window->values + k * in, rows + k * args->dilation * channels + g * in,
             (size_t)in * sizeof *rows);
    }
    FN(window_ready)(window, args->kernel * in);
    for (int64_t o = g * out; o < (g + 1) * out; ++o) {
      const real sum = FN(window_sum)(form, o, window, bias ? bias[o] : 0);
      const real result = FN(act)(sum, args->act_out, (real)args->act_slope);
      y[o] = residual ? result + residual[o] : result;
    }
  }
}

static void FN(conv1d)(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                       const tensor *residual, tensor *history, const stream_control *control,
                       const conv1d_args *args)
{
  const FN(form) *form = FN(form_of)(w);
  const int64_t rows = x->dims[1], channels = x->dims[2], rows_out = y->dims[1];
  const int64_t reach = (args->kernel - 1) * args->dilation + 1;
  const int64_t outputs = form->shape.n_outputs;
  FN(padded) p = {.left = history ? history->dims[1] : args->pad_left};
  p.right = MAX(0, (rows_out - 1) * args->stride + reach - p.left - rows);
  p.rows = run_scratch(r, (size_t)((p.left + rows + p.right) * channels) * sizeof(real));
  FN(window) window = FN(window_new)(r, form);
  if (!run_ok(r) || rows == 0) {
    return;
  }
  for (int64_t n = 0; n < x->dims[0]; ++n) {
    real *past = history ? (real *)history->data + n * p.left * channels : NULL;
    const bool fresh = !control || control->reset[n];
    FN(pad_fill)
    (&p, (const real *)x->data + n * rows * channels, rows, channels, past, fresh, args);
    for (int64_t u = 0; u < rows_out; ++u) {
      const int64_t at = (n * rows_out + u) * outputs;
      FN(conv1d_row)
      ((real *)y->data + at, p.rows + u * args->stride * channels, form, FN(vector_of)(bias),
       residual ? (const real *)residual->data + at : NULL, &window, channels, args);
    }
    if (past) {
      memcpy(past, p.rows + rows * channels, (size_t)(p.left * channels) * sizeof *past);
    }
  }
}

// dPadded [left + T + right, C] -> dx [T, C] += , through padding and input activation.
static void FN(pad_backward)(real *dx, const real *padded, const FN(padded) * p, const real *x,
                             int64_t rows, int64_t channels, const conv1d_args *args)
{
  const int64_t reach = MAX(p->left, p->right);
  for (int64_t i = -p->left; i < rows + p->right; ++i) {
    const int64_t from = pad_source(i, rows, reach, args->mode);
    const real *d = padded + (i + p->left) * channels;
    for (int64_t c = 0; from >= 0 && c < channels; ++c) {
      const int64_t at = from * channels + c;
      dx[at] += d[c] * FN(act_derivative)(x[at], args->act_in, (real)args->act_slope);
    }
  }
}

// One output row, every group: as conv1d_row, the other way.
static void FN(conv1d_row_backward)(const FN(product_gradient) * to, real *dpadded, const real *dy,
                                    const real *rows, const FN(form) * form, const real *bias,
                                    FN(window) * window, int64_t channels, const conv1d_args *args)
{
  const int64_t in = channels / args->groups, out = form->shape.n_outputs / args->groups;
  for (int64_t g = 0; g < args->groups; ++g) {
    memset(to->window, 0, (size_t)(args->kernel * in) * sizeof(real));
    for (int64_t k = 0; k < args->kernel; ++k) {
      memcpy(window->values + k * in, rows + k * args->dilation * channels + g * in,
             (size_t)in * sizeof *rows);
    }
    for (int64_t o = g * out; o < (g + 1) * out; ++o) {
      FN(window_sum_backward)
      (to, dy[o], form, o, o, window, bias, args->act_out, (real)args->act_slope);
    }
    for (int64_t j = 0; j < args->kernel * in; ++j) {
      dpadded[j / in * args->dilation * channels + g * in + j % in] += to->window[j];
    }
  }
}

// dMatrix [O][K][c] -> file layout [O][c][K], added.
static void FN(conv_weight_gradient)(real *grad, const real *rows, const weight *w)
{
  const int64_t channels = w->dims[1], taps = w->dims[2] * w->dims[3];
  for (int64_t i = 0; i < weight_count(w); ++i) {
    const int64_t o = i / (channels * taps), c = i / taps % channels, k = i % taps;
    grad[i] += rows[(o * taps + k) * channels + c];
  }
}

// dx += , dw += , dbias += , dresidual += of conv1d over whole sequences.
static void FN(conv1d_backward)(run *r, const tape_node *node)
{
  const conv1d_args *args = &node->args.conv1d;
  const FN(form) *form = FN(form_of)(node->weights[0]);
  const tensor *x = &node->in[0], dy = tape_gradient(r, &node->out), dx = tape_gradient(r, x);
  const int64_t rows = x->dims[1], channels = x->dims[2], rows_out = dy.dims[1];
  const int64_t reach = (args->kernel - 1) * args->dilation + 1;
  FN(padded) p = {.left = args->pad_left};
  p.right = MAX(0, (rows_out - 1) * args->stride + reach - p.left - rows);
  const size_t bytes = (size_t)((p.left + rows + p.right) * channels) * sizeof(real);
  p.rows = run_scratch(r, bytes);
  real *dpadded = run_scratch(r, bytes);
  FN(window) window = FN(window_new)(r, form);
  const FN(product_gradient) to = FN(product_gradient_new)(r, node, form);
  if (!run_ok(r)) {
    return;
  }
  for (int64_t n = 0; n < x->dims[0]; ++n) {
    const real *from = (const real *)x->data + n * rows * channels;
    FN(pad_fill)(&p, from, rows, channels, NULL, true, args);
    memset(dpadded, 0, bytes);
    for (int64_t u = 0; u < rows_out; ++u) {
      const int64_t at = u * args->stride * channels;
      FN(conv1d_row_backward)
      (&to, dpadded + at, (const real *)dy.data + (n * rows_out + u) * dy.dims[2], p.rows + at,
       form, FN(vector_of)(node->weights[1]), &window, channels, args);
    }
    if (dx.data) {
      FN(pad_backward)
      ((real *)dx.data + n * rows * channels, dpadded, &p, from, rows, channels, args);
    }
  }
  if (to.rows) {
    FN(conv_weight_gradient)(node->weights[0]->grad, to.rows, node->weights[0]);
  }
  const tensor dresidual = tape_gradient(r, &node->in[1]);
  FN(add_into)(&dresidual, &dy);
}

// Output rows [first, first + count) of the untrimmed transposed convolution over padded rows that
// begin `left` rows before the input.
static void FN(conv_transposed1d_rows)(real *y, int64_t first, int64_t count, const FN(padded) * p,
                                       int64_t channels, const FN(form) * form, const real *bias,
                                       FN(window) * window, const conv_transposed1d_args *args)
{
  const int64_t in = channels / args->groups;
  const int64_t outputs = form->shape.n_outputs;
  const int64_t out = outputs / args->groups;
  const int64_t taps = form->shape.length / in;
  for (int64_t u = first; u < first + count; ++u) {
    const int64_t t = u / args->stride, phase = u % args->stride;
    const real *rows = p->rows + (t + p->left - (taps - 1)) * channels;
    for (int64_t g = 0; g < args->groups; ++g) {
      for (int64_t m = 0; m < taps; ++m) {
        memcpy(window->values + m * in, rows + m * channels + g * in, (size_t)in * sizeof *rows);
      }
      FN(window_ready)(window, taps * in);
      for (int64_t o = g * out; o < (g + 1) * out; ++o) {
        const real sum = FN(window_sum)(form, phase * outputs + o, window, bias ? bias[o] : 0);
        y[(u - first) * outputs + o] = FN(act)(sum, args->act_out, (real)args->act_slope);
      }
    }
  }
}

static void FN(conv_transposed1d)(run *r, tensor *y, const tensor *x, const weight *w,
                                  const weight *bias, tensor *history,
                                  const stream_control *control, const conv_transposed1d_args *args)
{
  const FN(form) *form = FN(form_of)(w);
  const int64_t rows = x->dims[1], channels = x->dims[2], rows_out = y->dims[1];
  const int64_t taps = (args->kernel + args->stride - 1) / args->stride;
  FN(padded) p = {.left = taps - 1, .right = history ? 0 : taps - 1};
  p.rows = run_scratch(r, (size_t)((p.left + rows + p.right) * channels) * sizeof(real));
  FN(window) window = FN(window_new)(r, form);
  if (!run_ok(r) || rows == 0) {
    return;
  }
  const conv1d_args padding = {
      .mode = PAD_ZERO, .act_in = args->act_in, .act_slope = args->act_slope};
  for (int64_t n = 0; n < x->dims[0]; ++n) {
    real *past = history ? (real *)history->data + n * p.left * channels : NULL;
    const bool fresh = !control || control->reset[n];
    FN(pad_fill)
    (&p, (const real *)x->data + n * rows * channels, rows, channels, past, fresh, &padding);
    FN(conv_transposed1d_rows)
    ((real *)y->data + n * rows_out * form->shape.n_outputs, history ? 0 : args->trim_left,
     rows_out, &p, channels, form, FN(vector_of)(bias), &window, args);
    if (past) {
      memcpy(past, p.rows + rows * channels, (size_t)(p.left * channels) * sizeof *past);
    }
  }
}

// dMatrix [stride][O][M][c] -> file layout [C][o][K], added.
static void FN(transposed_weight_gradient)(real *grad, const real *rows, const weight *w)
{
  const int64_t outputs = w->dims[1], kernel = w->dims[2], channels = w->dims[0] / w->groups;
  const int64_t taps = (kernel + w->stride - 1) / w->stride;
  for (int64_t i = 0; i < weight_count(w); ++i) {
    const int64_t in = i / (outputs * kernel), o = i / kernel % outputs, k = i % kernel;
    const int64_t row = k % w->stride * outputs * w->groups + in / channels * outputs + o;
    const int64_t tap = taps - 1 - k / w->stride;
    grad[i] += rows[(row * taps + tap) * channels + in % channels];
  }
}

// One untrimmed output row u, every group, the other way.
static void FN(conv_transposed1d_row_backward)(const FN(product_gradient) * to, real *dpadded,
                                               const real *dy, int64_t u, const FN(padded) * p,
                                               int64_t channels, const FN(form) * form,
                                               const real *bias, FN(window) * window,
                                               const conv_transposed1d_args *args)
{
  const int64_t in = channels / args->groups, outputs = form->shape.n_outputs;
  const int64_t out = outputs / args->groups, taps = form->shape.length / in;
  const int64_t phase = u % args->stride;
  const int64_t at = (u / args->stride + p->left - (taps - 1)) * channels;
  for (int64_t g = 0; g < args->groups; ++g) {
    memset(to->window, 0, (size_t)(taps * in) * sizeof(real));
    for (int64_t j = 0; j < taps * in; ++j) {
      window->values[j] = p->rows[at + j / in * channels + g * in + j % in];
    }
    for (int64_t o = g * out; o < (g + 1) * out; ++o) {
      FN(window_sum_backward)
      (to, dy[o], form, phase * outputs + o, o, window, bias, args->act_out, (real)args->act_slope);
    }
    for (int64_t j = 0; j < taps * in; ++j) {
      dpadded[at + j / in * channels + g * in + j % in] += to->window[j];
    }
  }
}

// dx += , dw += , dbias += of conv_transposed1d over whole sequences.
static void FN(conv_transposed1d_backward)(run *r, const tape_node *node)
{
  const conv_transposed1d_args *args = &node->args.conv_transposed1d;
  const FN(form) *form = FN(form_of)(node->weights[0]);
  const tensor *x = &node->in[0], dy = tape_gradient(r, &node->out), dx = tape_gradient(r, x);
  const int64_t rows = x->dims[1], channels = x->dims[2], rows_out = dy.dims[1];
  const int64_t taps = (args->kernel + args->stride - 1) / args->stride;
  const conv1d_args padding = {
      .mode = PAD_ZERO, .act_in = args->act_in, .act_slope = args->act_slope};
  FN(padded) p = {.left = taps - 1, .right = taps - 1};
  const size_t bytes = (size_t)((p.left + rows + p.right) * channels) * sizeof(real);
  p.rows = run_scratch(r, bytes);
  real *dpadded = run_scratch(r, bytes);
  FN(window) window = FN(window_new)(r, form);
  const FN(product_gradient) to = FN(product_gradient_new)(r, node, form);
  if (!run_ok(r)) {
    return;
  }
  for (int64_t n = 0; n < x->dims[0]; ++n) {
    const real *from = (const real *)x->data + n * rows * channels;
    FN(pad_fill)(&p, from, rows, channels, NULL, true, &padding);
    memset(dpadded, 0, bytes);
    for (int64_t u = 0; u < rows_out; ++u) {
      FN(conv_transposed1d_row_backward)
      (&to, dpadded, (const real *)dy.data + (n * rows_out + u) * dy.dims[2], u + args->trim_left,
       &p, channels, form, FN(vector_of)(node->weights[1]), &window, args);
    }
    if (dx.data) {
      FN(pad_backward)
      ((real *)dx.data + n * rows * channels, dpadded, &p, from, rows, channels, &padding);
    }
  }
  if (to.rows) {
    FN(transposed_weight_gradient)(node->weights[0]->grad, to.rows, node->weights[0]);
  }
}

// Gather the window of output (h, w) for group g; rows and columns outside are zero.
static void FN(conv2d_window)(real *window, const real *x, const tensor *shape, int64_t top,
                              int64_t left, int64_t g, const conv2d_args *args)
{
  const int64_t height = shape->dims[1], width = shape->dims[2], channels = shape->dims[3];
  const int64_t in = channels / args->groups;
  for (int64_t kh = 0; kh < args->kernel_h; ++kh) {
    for (int64_t kw = 0; kw < args->kernel_w; ++kw) {
      const int64_t h = top + kh * args->dilation_h, v = left + kw * args->dilation_w;
      const bool inside = h >= 0 && h < height && v >= 0 && v < width;
      for (int64_t c = 0; c < in; ++c) {
        const real value = inside ? x[(h * width + v) * channels + g * in + c] : 0;
        *window++ = inside ? FN(act)(value, args->act_in, (real)args->act_slope) : 0;
      }
    }
  }
}

static void FN(conv2d)(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                       const conv2d_args *args)
{
  const FN(form) *form = FN(form_of)(w);
  const real *b = FN(vector_of)(bias);
  const int64_t outputs = form->shape.n_outputs, out = outputs / args->groups;
  FN(window) window = FN(window_new)(r, form);
  if (!run_ok(r)) {
    return;
  }
  real *to = y->data;
  const int64_t plane = x->dims[1] * x->dims[2] * x->dims[3];
  for (int64_t i = 0; i < y->dims[0] * y->dims[1] * y->dims[2]; ++i, to += outputs) {
    const int64_t v = i % y->dims[2], h = i / y->dims[2] % y->dims[1];
    const real *from = (const real *)x->data + i / y->dims[2] / y->dims[1] * plane;
    for (int64_t g = 0; g < args->groups; ++g) {
      FN(conv2d_window)
      (window.values, from, x, h * args->stride_h - args->pad_top,
       v * args->stride_w - args->pad_left, g, args);
      FN(window_ready)(&window, form->shape.length);
      for (int64_t o = g * out; o < (g + 1) * out; ++o) {
        const real sum = FN(window_sum)(form, o, &window, b ? b[o] : 0);
        to[o] = FN(act)(sum, args->act_out, (real)args->act_slope);
      }
    }
  }
}

// dWindow of output (h, w), group g, to dx, through the input activation.
static void FN(conv2d_window_backward)(real *dx, const real *x, const real *dwindow,
                                       const tensor *shape, int64_t top, int64_t left, int64_t g,
                                       const conv2d_args *args)
{
  const int64_t height = shape->dims[1], width = shape->dims[2], channels = shape->dims[3];
  const int64_t in = channels / args->groups;
  for (int64_t i = 0; i < args->kernel_h * args->kernel_w; ++i, dwindow += in) {
    const int64_t h = top + i / args->kernel_w * args->dilation_h;
    const int64_t v = left + i % args->kernel_w * args->dilation_w;
    if (h < 0 || h >= height || v < 0 || v >= width) {
      continue;
    }
    for (int64_t c = 0; c < in; ++c) {
      const int64_t at = (h * width + v) * channels + g * in + c;
      dx[at] += dwindow[c] * FN(act_derivative)(x[at], args->act_in, (real)args->act_slope);
    }
  }
}

// dx += , dw += , dbias += of conv2d.
static void FN(conv2d_backward)(run *r, const tape_node *node)
{
  const conv2d_args *args = &node->args.conv2d;
  const FN(form) *form = FN(form_of)(node->weights[0]);
  const tensor *x = &node->in[0], dy = tape_gradient(r, &node->out), dx = tape_gradient(r, x);
  const int64_t out = dy.dims[3] / args->groups, plane = x->dims[1] * x->dims[2] * x->dims[3];
  FN(window) window = FN(window_new)(r, form);
  const FN(product_gradient) to = FN(product_gradient_new)(r, node, form);
  const real *from = dy.data, *bias = FN(vector_of)(node->weights[1]);
  for (int64_t i = 0; run_ok(r) && i < tensor_rows(&dy); ++i, from += dy.dims[3]) {
    const int64_t top = i / dy.dims[2] % dy.dims[1] * args->stride_h - args->pad_top;
    const int64_t left = i % dy.dims[2] * args->stride_w - args->pad_left;
    const int64_t at = i / dy.dims[2] / dy.dims[1] * plane;
    for (int64_t g = 0; g < args->groups; ++g) {
      FN(conv2d_window)(window.values, (const real *)x->data + at, x, top, left, g, args);
      memset(to.window, 0, (size_t)form->shape.length * sizeof(real));
      for (int64_t o = g * out; o < (g + 1) * out; ++o) {
        FN(window_sum_backward)
        (&to, from[o], form, o, o, &window, bias, args->act_out, (real)args->act_slope);
      }
      if (dx.data) {
        FN(conv2d_window_backward)
        ((real *)dx.data + at, (const real *)x->data + at, to.window, x, top, left, g, args);
      }
    }
  }
  if (run_ok(r) && to.rows) {
    FN(conv_weight_gradient)(node->weights[0]->grad, to.rows, node->weights[0]);
  }
}
