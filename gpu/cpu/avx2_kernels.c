// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The vector kernels in AVX2, FMA and F16C.
#include "gpu/cpu/vector_avx2.h"

#include "gpu/cpu/kernels_body.h"

const kernels kernels_avx2 = KERNELS("avx2");
