// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Reference pooling and reductions: part of reference_body.h.

// Real rows [*begin, *end) under output row u; returns 1 / what their sum is divided by.
static real FN(pool_window)(int64_t u, int64_t rows, const avg_pool1d_args *args, int64_t *begin,
                            int64_t *end)
{
  const int64_t first = u * args->stride - args->pad;
  *begin = MAX(0, first);
  *end = MIN(rows, first + args->kernel);
  return 1 / (real)(args->count_padding ? args->kernel : *end - *begin);
}

static void FN(avg_pool1d)(run *r, tensor *y, const tensor *x, const avg_pool1d_args *args)
{
  (void)r;
  const int64_t rows = x->dims[1], channels = x->dims[2], rows_out = y->dims[1];
  for (int64_t i = 0; i < x->dims[0] * rows_out; ++i) {
    const real *from = (const real *)x->data + i / rows_out * rows * channels;
    real *to = (real *)y->data + i * channels;
    int64_t begin, end;
    const real share = FN(pool_window)(i % rows_out, rows, args, &begin, &end);
    memset(to, 0, (size_t)channels * sizeof *to);
    for (int64_t t = begin; t < end; ++t) {
      for (int64_t c = 0; c < channels; ++c) {
        to[c] += from[t * channels + c];
      }
    }
    for (int64_t c = 0; c < channels; ++c) {
      to[c] *= share;
    }
  }
}

static void FN(avg_pool1d_backward)(run *r, const tape_node *node)
{
  const avg_pool1d_args *args = &node->args.avg_pool1d;
  const tensor *x = &node->in[0], dy = tape_gradient(r, &node->out), dx = tape_gradient(r, x);
  const int64_t rows = x->dims[1], channels = x->dims[2], rows_out = dy.dims[1];
  for (int64_t i = 0; dx.data && i < x->dims[0] * rows_out; ++i) {
    const real *from = (const real *)dy.data + i * channels;
    real *to = (real *)dx.data + i / rows_out * rows * channels;
    int64_t begin, end;
    const real share = FN(pool_window)(i % rows_out, rows, args, &begin, &end);
    for (int64_t t = begin; t < end; ++t) {
      for (int64_t c = 0; c < channels; ++c) {
        to[t * channels + c] += from[c] * share;
      }
    }
  }
}

static void FN(reduce)(run *r, tensor *y, const tensor *x, reduction kind)
{
  (void)r;
  const real *from = x->data;
  const int64_t count = tensor_count(x);
  double sum = 0.0;
  for (int64_t i = 0; i < count; ++i) {
    const double value = (double)from[i];
    sum += kind == REDUCE_ABS_MEAN      ? fabs(value)
           : kind == REDUCE_SQUARE_MEAN ? value * value
                                        : value;
  }
  *(real *)y->data = (real)(kind == REDUCE_SUM ? sum : sum / (double)count);
}

static void FN(reduce_backward)(run *r, const tape_node *node)
{
  const reduction kind = node->args.reduce;
  const tensor *x = &node->in[0], dy = tape_gradient(r, &node->out), dx = tape_gradient(r, x);
  const real *from = x->data;
  const int64_t count = tensor_count(x);
  const real share = *(const real *)dy.data / (kind == REDUCE_SUM ? 1 : (real)count);
  for (int64_t i = 0; dx.data && i < count; ++i) {
    const real slope = kind == REDUCE_ABS_MEAN      ? (real)(from[i] > 0) - (real)(from[i] < 0)
                       : kind == REDUCE_SQUARE_MEAN ? 2 * from[i]
                                                    : 1;
    ((real *)dx.data)[i] += share * slope;
  }
}
