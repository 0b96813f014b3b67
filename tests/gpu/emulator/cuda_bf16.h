// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// bf16 for the emulator: bits, and the nearest (half to even) to a finite value.
#ifndef CONTINUO_TESTS_GPU_EMULATOR_CUDA_BF16_H
#define CONTINUO_TESTS_GPU_EMULATOR_CUDA_BF16_H

#include <stdint.h>
#include <string.h>

struct __nv_bfloat16 {
  uint16_t bits;
};

static inline __nv_bfloat16 __float2bfloat16_rn(float value)
{
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return {(uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
}

static inline float __bfloat162float(__nv_bfloat16 value)
{
  const uint32_t bits = (uint32_t)value.bits << 16;
  float wide;
  memcpy(&wide, &bits, sizeof wide);
  return wide;
}

#endif
