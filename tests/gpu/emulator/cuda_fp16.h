// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Half precision for the emulator: bits and their value.
#ifndef CONTINUO_TESTS_GPU_EMULATOR_CUDA_FP16_H
#define CONTINUO_TESTS_GPU_EMULATOR_CUDA_FP16_H

extern "C" {
#include "gpu/cpu/rows.h"
}

struct __half {
  unsigned short bits;
};

static inline __half __ushort_as_half(unsigned short bits)
{
  return {bits};
}

static inline float __half2float(__half value)
{
  return f32_from_f16(value.bits);
}

#endif
