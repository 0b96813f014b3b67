// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Reference quantisation and stream control: part of reference_body.h.

// Index of the codeword nearest to x [D]: least |e|^2 - 2 x.e, the lowest index at a tie.
static int32_t FN(nearest_entry)(const real *x, const FN(form) * codebook)
{
  const int64_t dim = codebook->shape.length;
  int32_t best = 0;
  real least = 0;
  for (int64_t e = 0; e < codebook->shape.n_rows; ++e) {
    const real *entry = codebook->values + e * dim;
    real norm = 0, product = 0;
    for (int64_t d = 0; d < dim; ++d) {
      norm += entry[d] * entry[d];
      product += x[d] * entry[d];
    }
    const real distance = norm - 2 * product;
    if (e == 0 || distance < least) {
      least = distance;
      best = (int32_t)e;
    }
  }
  return best;
}

static void FN(nearest)(run *r, tensor *codes, const tensor *x, const weight *codebook)
{
  (void)r;
  const int64_t dim = tensor_channels(x);
  for (int64_t i = 0; i < tensor_rows(x); ++i) {
    ((int32_t *)codes->data)[i] =
        FN(nearest_entry)((const real *)x->data + i * dim, FN(form_of)(codebook));
  }
}

static void FN(rvq_encode)(run *r, tensor *codes, tensor *residual, const tensor *x,
                           const weight *const *codebooks, int n_used)
{
  const int64_t rows = tensor_rows(x), dim = tensor_channels(x);
  real *rest = residual ? residual->data : run_scratch(r, tensor_bytes(x));
  if (!run_ok(r)) {
    return;
  }
  memcpy(rest, x->data, tensor_bytes(x));
  for (int64_t i = 0; i < rows; ++i, rest += dim) {
    for (int k = 0; k < n_used; ++k) {
      const FN(form) *codebook = FN(form_of)(codebooks[k]);
      const int32_t code = FN(nearest_entry)(rest, codebook);
      ((int32_t *)codes->data)[i * n_used + k] = code;
      for (int64_t d = 0; d < dim; ++d) {
        rest[d] -= codebook->values[code * dim + d];
      }
    }
  }
}

static void FN(rvq_decode)(run *r, tensor *y, const tensor *codes, const weight *const *codebooks,
                           int n_used)
{
  (void)r;
  const int64_t dim = tensor_channels(y);
  memset(y->data, 0, tensor_bytes(y));
  for (int64_t i = 0; i < tensor_rows(y); ++i) {
    for (int k = 0; k < n_used; ++k) {
      const FN(form) *codebook = FN(form_of)(codebooks[k]);
      const int32_t code = ((const int32_t *)codes->data)[i * n_used + k];
      for (int64_t d = 0; code >= 0 && code < codebook->shape.n_rows && d < dim; ++d) {
        ((real *)y->data)[i * dim + d] += codebook->values[code * dim + d];
      }
    }
  }
}

static void FN(advance)(run *r, stream_control *control, int64_t n_steps)
{
  (void)r;
  for (int64_t n = 0; n_steps > 0 && n < control->n_streams; ++n) {
    control->position[n] += n_steps;
    control->reset[n] = 0;
  }
}
