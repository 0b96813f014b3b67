// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The inner product of gpu/cuda/window.cu: WINDOW_TILE x 8 * PER sums of a block of
/// WINDOW_THREADS, WINDOW_DEPTH terms at a time from tiles in shared memory. Two ways with the same
/// steps: put operands into `tiles`, synchronise, `multiply`, synchronise, and so on; then
/// `finish`, after which thread (tm, tn) finds `at` (i, j) the sum of line tm * WINDOW_MINE + i and
/// column tn * PER + j.
///
///   window_exact    f32 throughout
///   window_rounded  operands rounded to bf16, sums in f32: tensor cores; below compute capability
///                   8.0, which has none for bf16, the same sums without them
#ifndef CONTINUO_GPU_CUDA_WINDOW_TILES_CUH
#define CONTINUO_GPU_CUDA_WINDOW_TILES_CUH

#include <cuda_bf16.h>
#include <mma.h>

#define WINDOW_THREADS 256
#define WINDOW_TILE 128 // the long side: windows, places, or elements of a window
#define WINDOW_DEPTH 16 // terms at a time
#define WINDOW_MINE 4   // of the long side, that a thread sums

template <int PER_> struct window_exact {
  enum { PER = PER_, COLUMNS = 8 * PER };
  struct tiles {
    float a[WINDOW_DEPTH][WINDOW_TILE + 4]; // so that columns do not share a bank
    float b[WINDOW_DEPTH][64];
  };
  float sum[WINDOW_MINE][PER];

  static __device__ float operand(float value) { return value; }

  __device__ void begin()
  {
#pragma unroll
    for (int i = 0; i < WINDOW_MINE * PER; ++i) {
      sum[i / PER][i % PER] = 0.0f;
    }
  }

  // Lines tm * WINDOW_MINE ... of `a` times columns tn * PER ... of `b`.
  __device__ void multiply(const tiles *t, int tm, int tn)
  {
#pragma unroll
    for (int k = 0; k < WINDOW_DEPTH; ++k) {
      const float4 q = *(const float4 *)(const void *)&t->a[k][tm * WINDOW_MINE];
      const float a[WINDOW_MINE] = {q.x, q.y, q.z, q.w};
      float b[PER];
#pragma unroll
      for (int j = 0; j < PER; ++j) {
        b[j] = t->b[k][tn * PER + j];
      }
#pragma unroll
      for (int i = 0; i < WINDOW_MINE; ++i) {
#pragma unroll
        for (int j = 0; j < PER; ++j) {
          sum[i][j] += a[i] * b[j];
        }
      }
    }
  }

  __device__ void finish(tiles *) {}

  __device__ float at(const tiles *, int, int, int i, int j) const
  {
    return sum[i][j];
  }
};

#define WINDOW_SQUARE 16 // side of the squares that a warp multiplies

/// Each warp sums WINDOW_SQUARE lines by all columns. PER is even.
template <int PER_> struct window_rounded {
  enum { PER = PER_, COLUMNS = 8 * PER, SQUARES = COLUMNS / WINDOW_SQUARE };
  // Squares want 32-byte boundaries, and 16 bytes more a line keep lines off one bank.
  union tiles {
    struct {
      __nv_bfloat16 a[WINDOW_DEPTH][WINDOW_TILE + 8], b[WINDOW_DEPTH][64 + 8];
    };
    float sums[WINDOW_TILE][COLUMNS + 4];
  };

  static __device__ __nv_bfloat16 operand(float value) { return __float2bfloat16_rn(value); }

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
  float sum[WINDOW_MINE][PER];

  __device__ void begin()
  {
#pragma unroll
    for (int i = 0; i < WINDOW_MINE * PER; ++i) {
      sum[i / PER][i % PER] = 0.0f;
    }
  }

  __device__ void multiply(const tiles *t, int tm, int tn)
  {
    for (int k = 0; k < WINDOW_DEPTH; ++k) {
#pragma unroll
      for (int i = 0; i < WINDOW_MINE * PER; ++i) {
        sum[i / PER][i % PER] += __bfloat162float(t->a[k][tm * WINDOW_MINE + i / PER]) *
                                 __bfloat162float(t->b[k][tn * PER + i % PER]);
      }
    }
  }

  __device__ void finish(tiles *) {}

  __device__ float at(const tiles *, int, int, int i, int j) const
  {
    return sum[i][j];
  }
#else
  template <typename Use, typename Layout>
  using square = nvcuda::wmma::fragment<Use, WINDOW_SQUARE, WINDOW_SQUARE, WINDOW_SQUARE,
                                        __nv_bfloat16, Layout>;
  nvcuda::wmma::fragment<nvcuda::wmma::accumulator, WINDOW_SQUARE, WINDOW_SQUARE, WINDOW_SQUARE,
                         float>
      squares[SQUARES];

  __device__ void begin()
  {
#pragma unroll
    for (int i = 0; i < SQUARES; ++i) {
      nvcuda::wmma::fill_fragment(squares[i], 0.0f);
    }
  }

  static __device__ int warp_line()
  {
    return (int)threadIdx.x / 32 * WINDOW_SQUARE;
  }

  __device__ void multiply(const tiles *t, int, int)
  {
    square<nvcuda::wmma::matrix_a, nvcuda::wmma::col_major> a;
    nvcuda::wmma::load_matrix_sync(a, &t->a[0][warp_line()], WINDOW_TILE + 8);
#pragma unroll
    for (int i = 0; i < SQUARES; ++i) {
      square<nvcuda::wmma::matrix_b, nvcuda::wmma::row_major> b;
      nvcuda::wmma::load_matrix_sync(b, &t->b[0][i * WINDOW_SQUARE], 64 + 8);
      nvcuda::wmma::mma_sync(squares[i], a, b, squares[i]);
    }
  }

  // All threads of the block; nobody may still read operands.
  __device__ void finish(tiles *t)
  {
#pragma unroll
    for (int i = 0; i < SQUARES; ++i) {
      nvcuda::wmma::store_matrix_sync(&t->sums[warp_line()][i * WINDOW_SQUARE], squares[i],
                                      COLUMNS + 4, nvcuda::wmma::mem_row_major);
    }
    __syncthreads();
  }

  static __device__ float at(const tiles *t, int tm, int tn, int i, int j)
  {
    return t->sums[tm * WINDOW_MINE + i][tn * PER + j];
  }
#endif
};

static_assert(WINDOW_DEPTH == WINDOW_SQUARE, "a tile is one square deep");
static_assert(WINDOW_TILE == WINDOW_THREADS / 32 * WINDOW_SQUARE, "a line of squares a warp");

#endif
