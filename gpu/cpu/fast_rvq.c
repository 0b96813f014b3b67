// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/cpu/fast.h"

#include <string.h>

// Rows searched at once: two tall tiles, so that codebooks are read once for many rows while the
// products of a block stay in the cache.
#define SEARCH_ROWS 24

// Codes of `rows` rows of x, `code_step` apart, over one codebook. products [rows][entries].
static void search(run *r, int32_t *codes, int64_t code_step, const float *x, int64_t rows,
                   const panels *codebook, float *products)
{
  window_job job = product_job(codebook, 0);
  job.x = x;
  job.rows = rows;
  job.row_step = codebook->length;
  job.y = products;
  job.y_step = codebook->n_rows;
  products_run(r, codebook, &job, 1);
  for (int64_t i = 0; i < rows; ++i) {
    codes[i * code_step] = kernels_of(r->dev)->nearest(products + i * codebook->n_rows,
                                                       codebook->squares, codebook->n_rows);
  }
}

static float *products_new(run *r, int64_t rows, int64_t entries)
{
  const int64_t held = rows < SEARCH_ROWS ? rows : SEARCH_ROWS;
  return run_scratch(r, (size_t)(held * entries) * sizeof(float));
}

void fast_nearest(run *r, tensor *codes, const tensor *x, const weight *codebook)
{
  const panels *p = panels_of(codebook);
  const int64_t rows = tensor_rows(x);
  const size_t mark = scratch_begin(r);
  float *products = products_new(r, rows, p->n_rows);
  for (int64_t i = 0; products && i < rows; i += SEARCH_ROWS) {
    const int64_t left = rows - i;
    search(r, (int32_t *)codes->data + i, 1, (const float *)x->data + i * p->length,
           left < SEARCH_ROWS ? left : SEARCH_ROWS, p, products);
  }
  if (run_ok(r)) {
    scratch_end(r, mark);
  }
}

void fast_rvq_encode(run *r, tensor *codes, tensor *residual, const tensor *x,
                     const weight *const *codebooks, int n_used)
{
  const kernels *k = kernels_of(r->dev);
  const int64_t rows = tensor_rows(x), dim = tensor_channels(x);
  int64_t most = 0;
  for (int c = 0; c < n_used; ++c) {
    most = panels_of(codebooks[c])->n_rows > most ? panels_of(codebooks[c])->n_rows : most;
  }
  const size_t mark = scratch_begin(r);
  float *products = products_new(r, rows, most);
  float *rest = residual ? residual->data : run_scratch(r, tensor_bytes(x));
  if (!run_ok(r)) {
    return;
  }
  memcpy(rest, x->data, tensor_bytes(x));
  for (int64_t begin = 0; begin < rows; begin += SEARCH_ROWS) {
    const int64_t left = rows - begin, count = left < SEARCH_ROWS ? left : SEARCH_ROWS;
    for (int c = 0; c < n_used; ++c) {
      const panels *codebook = panels_of(codebooks[c]);
      int32_t *found = (int32_t *)codes->data + begin * n_used + c;
      search(r, found, n_used, rest + begin * dim, count, codebook, products);
      for (int64_t i = 0; i < count; ++i) {
        float *row = rest + (begin + i) * dim;
        k->subtract(row, row, codebook->matrix.values + found[i * n_used] * dim, dim);
      }
    }
  }
  scratch_end(r, mark);
}

void fast_rvq_decode(run *r, tensor *y, const tensor *codes, const weight *const *codebooks,
                     int n_used)
{
  const kernels *k = kernels_of(r->dev);
  const int64_t dim = tensor_channels(y);
  memset(y->data, 0, tensor_bytes(y));
  for (int64_t i = 0; i < tensor_rows(y); ++i) {
    float *row = (float *)y->data + i * dim;
    for (int c = 0; c < n_used; ++c) {
      const panels *codebook = panels_of(codebooks[c]);
      const int32_t code = ((const int32_t *)codes->data)[i * n_used + c];
      if (code >= 0 && code < codebook->n_rows) {
        k->add(row, row, codebook->matrix.values + code * dim, dim);
      }
    }
  }
}

void fast_embed(run *r, tensor *y, const tensor *codes, const weight *table, bool accumulate)
{
  const kernels *k = kernels_of(r->dev);
  const panels *p = panels_of(table);
  const size_t bytes = (size_t)p->length * sizeof(float);
  for (int64_t i = 0; i < tensor_count(codes); ++i) {
    const int32_t code = ((const int32_t *)codes->data)[i];
    const bool inside = code >= 0 && code < p->n_rows;
    float *row = (float *)y->data + i * p->length;
    if (accumulate && inside) {
      k->add(row, row, p->matrix.values + code * p->length, p->length);
    } else if (!accumulate && inside) {
      memcpy(row, p->matrix.values + code * p->length, bytes);
    } else if (!accumulate) {
      memset(row, 0, bytes);
    }
  }
}
