// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The vector kernels in AVX-512 (F, BW, VL, DQ, VNNI).
#include "gpu/cpu/vector_avx512.h"

#include "gpu/cpu/kernels_body.h"

const kernels kernels_avx512 = KERNELS("avx512");
