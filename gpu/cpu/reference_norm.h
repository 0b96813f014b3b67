// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Reference norms: part of reference_body.h, after the products.

// The values of one stream that share their moments: rows of `count` channels, `channels` apart.
typedef struct FN(norm_part) {
  int64_t rows, count, channels;
} FN(norm_part);

// Mean and 1 / deviation of a part; RMS has no mean.
static void FN(moments)(const real *x, const FN(norm_part) * part, const norm_args *args,
                        real *mean, real *inverse)
{
  const real values = (real)(part->rows * part->count);
  real sum = 0, squares = 0;
  for (int64_t t = 0; args->kind != NORM_RMS && t < part->rows; ++t) {
    for (int64_t c = 0; c < part->count; ++c) {
      sum += x[t * part->channels + c];
    }
  }
  *mean = sum / values;
  for (int64_t t = 0; t < part->rows; ++t) {
    for (int64_t c = 0; c < part->count; ++c) {
      const real off = x[t * part->channels + c] - *mean;
      squares += off * off;
    }
  }
  *inverse = 1 / R(sqrt)(squares / values + (real)args->epsilon);
}

// Rows and channels that share moments in a tensor of x's shape.
static FN(norm_part) FN(norm_part_of)(const tensor *x, const norm_args *args)
{
  const bool grouped = args->kind == NORM_GROUP;
  FN(norm_part) part = {.rows = 1, .channels = tensor_channels(x)};
  part.rows = grouped ? x->dims[1] : 1;
  part.count = grouped ? part.channels / args->groups : part.channels;
  return part;
}

static void FN(norm)(run *r, tensor *y, const tensor *x, const weight *scale, const weight *shift,
                     const tensor *row_scale, const tensor *row_shift, const norm_args *args)
{
  (void)r;
  const real *g = FN(vector_of)(scale), *b = FN(vector_of)(shift);
  const real *row_g = row_scale ? row_scale->data : NULL;
  const real *row_b = row_shift ? row_shift->data : NULL;
  const FN(norm_part) part = FN(norm_part_of)(x, args);
  for (int64_t i = 0; i < tensor_rows(x); i += part.rows) {
    for (int64_t first = 0; first < part.channels; first += part.count) {
      const real *from = (const real *)x->data + i * part.channels + first;
      real mean, inverse;
      FN(moments)(from, &part, args, &mean, &inverse);
      for (int64_t j = 0; j < part.rows * part.count; ++j) {
        const int64_t c = first + j % part.count;
        const int64_t at = (i + j / part.count) * part.channels + c;
        real value = (((const real *)x->data)[at] - mean) * inverse;
        value *= g ? g[c] : row_g ? row_g[at] : 1;
        ((real *)y->data)[at] = value + (b ? b[c] : row_b ? row_b[at] : 0);
      }
    }
  }
}

// Where the gradients of a norm go; what is null takes none.
typedef struct FN(norm_gradient) {
  const real *x, *dy, *g, *row_g;
  real *dx, *dg, *db, *row_dg, *row_db;
} FN(norm_gradient);

// One part, whose first element is `at` and first channel `first`. With u = (x - mean) inverse and
// d = dy g: dx = inverse (d - mean(d) - u mean(d u)); RMS without the first mean.
static void FN(norm_part_backward)(const FN(norm_gradient) * to, int64_t at, int64_t first,
                                   const FN(norm_part) * part, const norm_args *args)
{
  real mean, inverse;
  double sum = 0.0, product = 0.0;
  FN(moments)(to->x + at, part, args, &mean, &inverse);
  for (int64_t t = 0; t < part->rows; ++t) {
    for (int64_t c = 0; c < part->count; ++c) {
      const int64_t i = at + t * part->channels + c;
      const real u = (to->x[i] - mean) * inverse;
      const real d = to->dy[i] * (to->g ? to->g[first + c] : to->row_g ? to->row_g[i] : 1);
      sum += (double)d;
      product += (double)d * (double)u;
    }
  }
  const double values = (double)(part->rows * part->count);
  const real level = args->kind == NORM_RMS ? 0 : (real)(sum / values);
  const real along = (real)(product / values);
  for (int64_t t = 0; t < part->rows; ++t) {
    for (int64_t c = 0; c < part->count; ++c) {
      const int64_t i = at + t * part->channels + c;
      const real u = (to->x[i] - mean) * inverse;
      const real d = to->dy[i] * (to->g ? to->g[first + c] : to->row_g ? to->row_g[i] : 1);
      if (to->dx) {
        to->dx[i] += inverse * (d - level - u * along);
      }
      if (to->dg) {
        to->dg[first + c] += to->dy[i] * u;
      }
      if (to->db) {
        to->db[first + c] += to->dy[i];
      }
      if (to->row_dg) {
        to->row_dg[i] += to->dy[i] * u;
      }
      if (to->row_db) {
        to->row_db[i] += to->dy[i];
      }
    }
  }
}

// dx +=, dscale +=, dshift += (weights or per row) of norm.
static void FN(norm_backward)(run *r, const tape_node *node)
{
  const tensor *x = &node->in[0];
  const weight *scale = node->weights[0], *shift = node->weights[1];
  const FN(norm_gradient) to = {.x = x->data,
                                .dy = tape_gradient(r, &node->out).data,
                                .g = FN(vector_of)(scale),
                                .row_g = node->in[1].data,
                                .dx = tape_gradient(r, x).data,
                                .dg = scale ? scale->grad : NULL,
                                .db = shift ? shift->grad : NULL,
                                .row_dg = tape_gradient(r, &node->in[1]).data,
                                .row_db = tape_gradient(r, &node->in[2]).data};
  const FN(norm_part) part = FN(norm_part_of)(x, &node->args.norm);
  for (int64_t i = 0; i < tensor_rows(x); i += part.rows) {
    for (int64_t first = 0; first < part.channels; first += part.count) {
      FN(norm_part_backward)(&to, i * part.channels + first, first, &part, &node->args.norm);
    }
  }
}

static void FN(norm_linear)(run *r, tensor *y, const tensor *x, const weight *norm_scale,
                            const weight *norm_shift, const norm_args *norm, const weight *w,
                            const weight *bias, activation act)
{
  tensor normed = *x;
  normed.data = run_scratch(r, tensor_bytes(x));
  if (run_ok(r)) {
    FN(norm)(r, &normed, x, norm_scale, norm_shift, NULL, NULL, norm);
    FN(linear)(r, y, &normed, w, bias, NULL, act);
  }
}
