// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Search for the nearest codeword, shared by nearest and rvq_encode.
#ifndef CONTINUO_GPU_CUDA_SEARCH_CUH
#define CONTINUO_GPU_CUDA_SEARCH_CUH

#include "gpu/cuda/matrix.cuh"

/// codes[rows, n_used] and, unless null, what remains of x [rows, D] after the last codebook.
void cuda_search(run *r, const char *what, int32_t *codes, float *rest, const float *x,
                 int64_t rows, const weight *const *codebooks, int n_used);

#endif
