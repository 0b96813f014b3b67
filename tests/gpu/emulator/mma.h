// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Squares of 16 x 16 for the emulator's tensor cores: as much of nvcuda::wmma as gpu/cuda uses,
/// with the boundaries that the original wants. Lane l of a warp sums row l / 2, columns l % 2 * 8
/// to
/// + 7; it keeps what it needs of a loaded square. That all lanes come is not checked.
#ifndef CONTINUO_TESTS_GPU_EMULATOR_MMA_H
#define CONTINUO_TESTS_GPU_EMULATOR_MMA_H

#include <cuda_bf16.h>
#include <cuda_runtime.h>

void emulated_failure(const char *what); ///< says where, and ends the process

namespace nvcuda {
namespace wmma {

struct matrix_a;
struct matrix_b;
struct accumulator;
struct row_major;
struct col_major;
enum layout_t { mem_row_major };

template <typename Use, int M, int N, int K, typename T, typename Layout = void> struct fragment;

template <> struct fragment<matrix_a, 16, 16, 16, __nv_bfloat16, col_major> {
  float row[16];
};
template <> struct fragment<matrix_b, 16, 16, 16, __nv_bfloat16, row_major> {
  float columns[16][8];
};
template <> struct fragment<accumulator, 16, 16, 16, float> {
  float sums[8];
};

static inline unsigned own_row()
{
  return threadIdx.x % 32 / 2;
}

static inline unsigned own_column()
{
  return threadIdx.x % 2 * 8;
}

static inline void expect_aligned(const void *data, unsigned bytes_a_line)
{
  if ((uintptr_t)data % 32 != 0 || bytes_a_line % 16 != 0) {
    emulated_failure("a square off its boundary");
  }
}

static inline void load_matrix_sync(fragment<matrix_a, 16, 16, 16, __nv_bfloat16, col_major> &a,
                                    const __nv_bfloat16 *from, unsigned ld)
{
  expect_aligned(from, ld * 2);
  for (unsigned k = 0; k < 16; ++k) {
    a.row[k] = __bfloat162float(from[k * ld + own_row()]);
  }
}

static inline void load_matrix_sync(fragment<matrix_b, 16, 16, 16, __nv_bfloat16, row_major> &b,
                                    const __nv_bfloat16 *from, unsigned ld)
{
  expect_aligned(from, ld * 2);
  for (unsigned k = 0; k < 16; ++k) {
    for (unsigned j = 0; j < 8; ++j) {
      b.columns[k][j] = __bfloat162float(from[k * ld + own_column() + j]);
    }
  }
}

static inline void fill_fragment(fragment<accumulator, 16, 16, 16, float> &c, float value)
{
  for (float &sum : c.sums) {
    sum = value;
  }
}

static inline void mma_sync(fragment<accumulator, 16, 16, 16, float> &to,
                            const fragment<matrix_a, 16, 16, 16, __nv_bfloat16, col_major> &a,
                            const fragment<matrix_b, 16, 16, 16, __nv_bfloat16, row_major> &b,
                            const fragment<accumulator, 16, 16, 16, float> &c)
{
  to = c;
  for (unsigned k = 0; k < 16; ++k) {
    for (unsigned j = 0; j < 8; ++j) {
      to.sums[j] += a.row[k] * b.columns[k][j];
    }
  }
}

static inline void store_matrix_sync(float *to, const fragment<accumulator, 16, 16, 16, float> &c,
                                     unsigned ld, layout_t)
{
  expect_aligned(to, ld * 4);
  for (unsigned j = 0; j < 8; ++j) {
    to[own_row() * ld + own_column() + j] = c.sums[j];
  }
}

} // namespace wmma
} // namespace nvcuda

#endif
