// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Reference matrix products and elementwise operators: part of
// reference_body.h.

static void FN(linear)(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                       const tensor *residual, activation act)
{
  const FN(form) *form = FN(form_of)(w);
  const real *b = FN(vector_of)(bias);
  const int64_t rows = tensor_rows(x), outputs = form->shape.n_rows, length = form->shape.length;
  FN(window) window = FN(window_new)(r, form);
  if (!run_ok(r)) {
    return;
  }
  for (int64_t i = 0; i < rows; ++i) {
    memcpy(window.values, (const real *)x->data + i * length, (size_t)length * sizeof(real));
    FN(window_ready)(&window, length);
    for (int64_t o = 0; o < outputs; ++o) {
      const real sum = FN(window_sum)(form, o, &window, b ? b[o] : 0);
      const real result = FN(act)(sum, act, 1);
      ((real *)y->data)[i * outputs + o] =
          residual ? result + ((const real *)residual->data)[i * outputs + o] : result;
    }
  }
}

// dx += , dw += , dbias += , dresidual += of linear.
static void FN(linear_backward)(run *r, const tape_node *node)
{
  const FN(form) *form = FN(form_of)(node->weights[0]);
  const tensor *x = &node->in[0], dy = tape_gradient(r, &node->out), dx = tape_gradient(r, x);
  const int64_t length = form->shape.length, outputs = form->shape.n_rows;
  FN(window) window = FN(window_new)(r, form);
  const FN(product_gradient) to = FN(product_gradient_new)(r, node, form);
  for (int64_t i = 0; run_ok(r) && i < tensor_rows(x); ++i) {
    memcpy(window.values, (const real *)x->data + i * length, (size_t)length * sizeof(real));
    memset(to.window, 0, (size_t)length * sizeof(real));
    for (int64_t o = 0; o < outputs; ++o) {
      FN(window_sum_backward)
      (&to, ((const real *)dy.data)[i * outputs + o], form, o, o, &window,
       FN(vector_of)(node->weights[1]), node->args.activate.act, 1);
    }
    for (int64_t j = 0; dx.data && j < length; ++j) {
      ((real *)dx.data)[i * length + j] += to.window[j];
    }
  }
  for (int64_t i = 0; run_ok(r) && to.rows && i < outputs * length; ++i) {
    ((real *)node->weights[0]->grad)[i] += to.rows[i];
  }
  const tensor dresidual = tape_gradient(r, &node->in[1]);
  FN(add_into)(&dresidual, &dy);
}

static void FN(matmul)(run *r, tensor *y, const tensor *a, const tensor *b, bool transpose_b)
{
  (void)r;
  const int64_t rows = y->dims[1], outputs = y->dims[2], length = a->dims[2];
  for (int64_t i = 0; i < y->dims[0] * rows; ++i) {
    const real *left = (const real *)a->data + i * length;
    const real *right = (const real *)b->data + i / rows * length * outputs;
    for (int64_t o = 0; o < outputs; ++o) {
      real sum = 0;
      for (int64_t c = 0; c < length; ++c) {
        sum += left[c] * right[transpose_b ? o * length + c : c * outputs + o];
      }
      ((real *)y->data)[i * outputs + o] = sum;
    }
  }
}

// da[M, C] and db of one batch, both may be null; b[C, O], or b[O, C] transposed.
static void FN(matmul_batch_backward)(real *da, real *db, const real *dy, const real *a,
                                      const real *b, int64_t length, int64_t outputs,
                                      bool transpose_b)
{
  for (int64_t o = 0; transpose_b && o < outputs; ++o) {
    FN(add_scaled)(da, b + o * length, dy[o], length);
    FN(add_scaled)(db ? db + o * length : NULL, a, dy[o], length);
  }
  for (int64_t c = 0; !transpose_b && c < length; ++c) {
    FN(add_scaled)(db ? db + c * outputs : NULL, dy, a[c], outputs);
    for (int64_t o = 0; da && o < outputs; ++o) {
      da[c] += dy[o] * b[c * outputs + o];
    }
  }
}

static void FN(matmul_backward)(run *r, const tape_node *node)
{
  const tensor *a = &node->in[0], *b = &node->in[1];
  const tensor dy = tape_gradient(r, &node->out), da = tape_gradient(r, a);
  const tensor db = tape_gradient(r, b);
  const int64_t rows = dy.dims[1], outputs = dy.dims[2], length = a->dims[2];
  for (int64_t i = 0; i < dy.dims[0] * rows; ++i) {
    const int64_t at = i / rows * length * outputs;
    FN(matmul_batch_backward)
    (da.data ? (real *)da.data + i * length : NULL, db.data ? (real *)db.data + at : NULL,
     (const real *)dy.data + i * outputs, (const real *)a->data + i * length,
     (const real *)b->data + at, length, outputs, node->args.transpose_b);
  }
}

static void FN(activate)(run *r, tensor *y, const tensor *x, activation act, float slope)
{
  (void)r;
  for (int64_t i = 0; i < tensor_count(x); ++i) {
    ((real *)y->data)[i] = FN(act)(((const real *)x->data)[i], act, (real)slope);
  }
}

static void FN(activate_backward)(run *r, const tape_node *node)
{
  const tensor dy = tape_gradient(r, &node->out), dx = tape_gradient(r, &node->in[0]);
  const real slope = (real)node->args.activate.slope;
  for (int64_t i = 0; dx.data && i < tensor_count(&dx); ++i) {
    const real x = ((const real *)node->in[0].data)[i];
    ((real *)dx.data)[i] +=
        ((const real *)dy.data)[i] * FN(act_derivative)(x, node->args.activate.act, slope);
  }
}

static void FN(embed)(run *r, tensor *y, const tensor *codes, const weight *table, bool accumulate)
{
  (void)r;
  const FN(form) *form = FN(form_of)(table);
  const int64_t dim = form->shape.length;
  for (int64_t i = 0; i < tensor_count(codes); ++i) {
    const int32_t code = ((const int32_t *)codes->data)[i];
    real *to = (real *)y->data + i * dim;
    const bool inside = code >= 0 && code < form->shape.n_rows;
    for (int64_t c = 0; c < dim; ++c) {
      const real value = inside ? form->values[code * dim + c] : 0;
      to[c] = accumulate ? to[c] + value : value;
    }
  }
}

static void FN(embed_backward)(run *r, const tape_node *node)
{
  const weight *table = node->weights[0];
  const tensor dy = tape_gradient(r, &node->out);
  const int64_t dim = table->dims[1];
  for (int64_t i = 0; table->grad && i < tensor_count(&node->in[0]); ++i) {
    const int32_t code = ((const int32_t *)node->in[0].data)[i];
    if (code >= 0 && code < table->dims[0]) {
      FN(add_scaled)((real *)table->grad + code * dim, (const real *)dy.data + i * dim, 1, dim);
    }
  }
}

static void FN(add)(run *r, tensor *y, const tensor *a, const tensor *b)
{
  (void)r;
  const int64_t period = tensor_count(b);
  for (int64_t i = 0; i < tensor_count(a); ++i) {
    ((real *)y->data)[i] = ((const real *)a->data)[i] + ((const real *)b->data)[i % period];
  }
}

static void FN(add_backward)(run *r, const tape_node *node)
{
  const tensor dy = tape_gradient(r, &node->out), da = tape_gradient(r, &node->in[0]);
  const tensor db = tape_gradient(r, &node->in[1]);
  FN(add_into)(&da, &dy);
  const int64_t period = tensor_count(&db);
  for (int64_t i = 0; db.data && i < tensor_count(&dy); ++i) {
    ((real *)db.data)[i % period] += ((const real *)dy.data)[i];
  }
}

static void FN(multiply)(run *r, tensor *y, const tensor *a, const tensor *b)
{
  (void)r;
  const int64_t period = tensor_count(b);
  for (int64_t i = 0; i < tensor_count(a); ++i) {
    ((real *)y->data)[i] = ((const real *)a->data)[i] * ((const real *)b->data)[i % period];
  }
}

static void FN(multiply_backward)(run *r, const tape_node *node)
{
  const real *a = node->in[0].data, *b = node->in[1].data;
  const tensor dy = tape_gradient(r, &node->out), da = tape_gradient(r, &node->in[0]);
  const tensor db = tape_gradient(r, &node->in[1]);
  const int64_t period = tensor_count(&node->in[1]);
  for (int64_t i = 0; da.data && i < tensor_count(&dy); ++i) {
    ((real *)da.data)[i] += ((const real *)dy.data)[i] * b[i % period];
  }
  for (int64_t i = 0; db.data && i < tensor_count(&dy); ++i) {
    ((real *)db.data)[i % period] += ((const real *)dy.data)[i] * a[i];
  }
}

static void FN(scale)(run *r, tensor *y, const tensor *a, float factor)
{
  (void)r;
  for (int64_t i = 0; i < tensor_count(a); ++i) {
    ((real *)y->data)[i] = ((const real *)a->data)[i] * (real)factor;
  }
}

static void FN(scale_backward)(run *r, const tape_node *node)
{
  const tensor dy = tape_gradient(r, &node->out), dx = tape_gradient(r, &node->in[0]);
  for (int64_t i = 0; dx.data && i < tensor_count(&dx); ++i) {
    ((real *)dx.data)[i] += ((const real *)dy.data)[i] * (real)node->args.factor;
  }
}

static void FN(softmax)(run *r, tensor *y, const tensor *x)
{
  (void)r;
  const int64_t channels = tensor_channels(x);
  for (int64_t i = 0; i < tensor_rows(x); ++i) {
    const real *from = (const real *)x->data + i * channels;
    real *to = (real *)y->data + i * channels;
    real largest = from[0], sum = 0;
    for (int64_t c = 1; c < channels; ++c) {
      largest = MAX(largest, from[c]);
    }
    for (int64_t c = 0; c < channels; ++c) {
      to[c] = R(exp)(from[c] - largest);
      sum += to[c];
    }
    for (int64_t c = 0; c < channels; ++c) {
      to[c] /= sum;
    }
  }
}

// dx += y (dy - sum(dy y)).
static void FN(softmax_backward)(run *r, const tape_node *node)
{
  const tensor dy = tape_gradient(r, &node->out), dx = tape_gradient(r, &node->in[0]);
  const int64_t channels = tensor_channels(&node->out);
  for (int64_t i = 0; dx.data && i < tensor_rows(&node->out); ++i) {
    const real *y = (const real *)node->out.data + i * channels;
    const real *d = (const real *)dy.data + i * channels;
    real sum = 0;
    for (int64_t c = 0; c < channels; ++c) {
      sum += d[c] * y[c];
    }
    for (int64_t c = 0; c < channels; ++c) {
      ((real *)dx.data)[i * channels + c] += y[c] * (d[c] - sum);
    }
  }
}
