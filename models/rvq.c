// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/rvq.h"

#include <stdio.h>

void rvq_init(rvq *q, layer_set *set, int n_codebooks, int64_t size, int64_t dim)
{
  const int64_t dims[TENSOR_MAX_DIMS] = {size, dim};
  q->n_codebooks = n_codebooks;
  q->size = size;
  q->dim = dim;
  for (int k = 0; k < n_codebooks; ++k) {
    char name[WEIGHT_NAME_BYTES];
    snprintf(name, sizeof name, "rvq.%d.codebook", k);
    weight_init(&q->codebooks[k], name, WEIGHT_CODEBOOK, 2, dims);
    layer_set_add(set, &q->codebooks[k]);
    q->stages[k] = &q->codebooks[k];
  }
}

tensor rvq_encode(run *r, const rvq *q, tensor latents, int n_used)
{
  return apply_rvq_encode(r, latents, q->stages, n_used);
}

tensor rvq_decode(run *r, const rvq *q, tensor codes)
{
  return apply_rvq_decode(r, codes, q->stages, (int)tensor_channels(&codes));
}
