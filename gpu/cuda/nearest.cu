// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// x [rows, D], codebook [entries, D] -> codes [rows]. The search of gpu/cuda/rvq.cu with one
// codebook and no residual.
#include "gpu/cuda/search.cuh"

// ---------------------------------------------------------------------------------------------
// launcher

void cuda_nearest(run *r, tensor *codes, const tensor *x, const weight *codebook)
{
  cuda_search(r, "nearest", (int32_t *)codes->data, nullptr, cuda_floats(x), tensor_rows(x),
              &codebook, 1);
}
