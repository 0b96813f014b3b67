// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The sweep back through operators that take one element, or two, at a time.

#include "gpu/cpu/fast.h"

void fast_activate_backward(run *r, const tape_node *node)
{
  const tensor dy = tape_gradient(r, &node->out), dx = tape_gradient(r, &node->in[0]);
  if (dx.data) {
    kernels_of(r->dev)->chain(dx.data, dx.data, dy.data, node->in[0].data, tensor_count(&dx),
                              node->args.activate.act, node->args.activate.slope);
  }
}

void fast_scale_backward(run *r, const tape_node *node)
{
  const tensor dy = tape_gradient(r, &node->out), dx = tape_gradient(r, &node->in[0]);
  if (dx.data) {
    kernels_of(r->dev)->add_scaled(dx.data, dy.data, node->args.factor, tensor_count(&dx));
  }
}

void fast_add_backward(run *r, const tape_node *node)
{
  const kernels *k = kernels_of(r->dev);
  const tensor dy = tape_gradient(r, &node->out), da = tape_gradient(r, &node->in[0]);
  const tensor db = tape_gradient(r, &node->in[1]);
  const int64_t count = tensor_count(&dy), period = tensor_count(&node->in[1]);
  if (da.data) {
    k->add(da.data, da.data, dy.data, count);
  }
  if (db.data && period == count) {
    k->add(db.data, db.data, dy.data, count);
  } else if (db.data) {
    k->column_sums(db.data, dy.data, count / period, period);
  }
}

#define PRODUCT_ROWS 64 // whose products are made before they are summed

// db[period] += sum over rows of dy * a.
static void sum_products(run *r, float *db, const float *dy, const float *a, int64_t rows,
                         int64_t period)
{
  const kernels *k = kernels_of(r->dev);
  const size_t mark = scratch_begin(r);
  float *products = run_scratch(r, (size_t)(PRODUCT_ROWS * period) * sizeof *products);
  for (int64_t row = 0; products && row < rows; row += PRODUCT_ROWS) {
    const int64_t n = rows - row < PRODUCT_ROWS ? rows - row : PRODUCT_ROWS;
    k->multiply(products, dy + row * period, a + row * period, n * period);
    k->column_sums(db, products, n, period);
  }
  scratch_end(r, mark);
}

void fast_multiply_backward(run *r, const tape_node *node)
{
  const kernels *k = kernels_of(r->dev);
  const tensor *a = &node->in[0], *b = &node->in[1];
  const tensor dy = tape_gradient(r, &node->out), da = tape_gradient(r, a);
  const tensor db = tape_gradient(r, b);
  const int64_t count = tensor_count(&dy), period = tensor_count(b);
  for (int64_t at = 0; da.data && at < count; at += period) {
    k->add_product((float *)da.data + at, (const float *)dy.data + at, b->data, period);
  }
  if (db.data && period == count) {
    k->add_product(db.data, dy.data, a->data, count);
  } else if (db.data) {
    sum_products(r, db.data, dy.data, a->data, count / period, period);
  }
}
