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
  const int64_t reach = MAX(p->left, p->right);
  for (int64_t i = -p->left; i < rows + p->right; ++i) {
    real *to = p->rows + (i + p->left) * channels;
    if (i < 0 && history && !fresh) {
      memcpy(to, history + (i + p->left) * channels, (size_t)channels * sizeof *to);
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
