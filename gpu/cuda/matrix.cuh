// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A packed weight as a kernel sees it, and one loader per storage type: each widens to f32.
#ifndef CONTINUO_GPU_CUDA_MATRIX_CUH
#define CONTINUO_GPU_CUDA_MATRIX_CUH

#include "gpu/cuda/common.cuh"

#include <cuda_fp16.h>

extern "C" {
#include "gpu/cuda/pack.h"
}

/// [rows, stride] elements, `columns` of each row used and the rest zero.
struct cuda_matrix {
  const unsigned char *data;
  const float *scales; ///< [rows], i8 only
  const float *norms;  ///< [rows], codebooks only
  dtype type;
  int rows, columns, stride;
};

static inline cuda_matrix cuda_matrix_of(const weight *w)
{
  const pack_layout l = pack_layout_of(w);
  const unsigned char *form = (const unsigned char *)w->form;
  cuda_matrix m = {};
  m.data = form + l.matrix_offset_bytes;
  m.scales = l.type == DTYPE_I8 ? (const float *)(const void *)form : nullptr;
  m.norms = (const float *)(const void *)(form + l.norms_offset_bytes);
  m.type = l.type;
  m.rows = (int)l.rows;
  m.columns = (int)l.columns;
  m.stride = (int)l.stride;
  return m;
}

// A loader has UNIT, the elements of one 16-byte load; load(), which reads UNIT elements from
// element j (a multiple of UNIT) of a row; at(), one element; BYTES of an element.

struct load_f32 {
  enum { UNIT = 4, BYTES = 4 };
  static __device__ void load(const unsigned char *row, int j, float *v)
  {
    const float4 q = *(const float4 *)(const void *)(row + (size_t)j * BYTES);
    v[0] = q.x;
    v[1] = q.y;
    v[2] = q.z;
    v[3] = q.w;
  }
  static __device__ float at(const unsigned char *row, int j)
  {
    return ((const float *)(const void *)row)[j];
  }
};

static __device__ inline float widen_f16(unsigned bits)
{
  return __half2float(__ushort_as_half((unsigned short)bits));
}

struct load_f16 {
  enum { UNIT = 8, BYTES = 2 };
  static __device__ void load(const unsigned char *row, int j, float *v)
  {
    const uint4 q = *(const uint4 *)(const void *)(row + (size_t)j * BYTES);
    const unsigned words[4] = {q.x, q.y, q.z, q.w};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      v[2 * i] = widen_f16(words[i] & 0xffff);
      v[2 * i + 1] = widen_f16(words[i] >> 16);
    }
  }
  static __device__ float at(const unsigned char *row, int j)
  {
    return widen_f16(((const uint16_t *)(const void *)row)[j]);
  }
};

struct load_bf16 {
  enum { UNIT = 8, BYTES = 2 };
  static __device__ void load(const unsigned char *row, int j, float *v)
  {
    const uint4 q = *(const uint4 *)(const void *)(row + (size_t)j * BYTES);
    const unsigned words[4] = {q.x, q.y, q.z, q.w};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      v[2 * i] = __uint_as_float(words[i] << 16);
      v[2 * i + 1] = __uint_as_float(words[i] & 0xffff0000u);
    }
  }
  static __device__ float at(const unsigned char *row, int j)
  {
    return __uint_as_float((unsigned)((const uint16_t *)(const void *)row)[j] << 16);
  }
};

/// Gives the integer codes; the caller multiplies the finished sum by the row's scale.
struct load_i8 {
  enum { UNIT = 16, BYTES = 1 };
  static __device__ void load(const unsigned char *row, int j, float *v)
  {
    const uint4 q = *(const uint4 *)(const void *)(row + j);
    const unsigned words[4] = {q.x, q.y, q.z, q.w};
#pragma unroll
    for (int i = 0; i < 16; ++i)
      v[i] = (float)(int8_t)(words[i / 4] >> (8 * (i % 4)));
  }
  static __device__ float at(const unsigned char *row, int j)
  {
    return (float)((const int8_t *)(const void *)row)[j];
  }
};

template <typename Loader>
static __device__ const unsigned char *matrix_row(const cuda_matrix &m, int row)
{
  return m.data + (size_t)row * (size_t)m.stride * Loader::BYTES;
}

static __device__ inline float matrix_scale(const cuda_matrix &m, int row)
{
  return m.scales ? m.scales[row] : 1.0f;
}

/// Products of UNIT elements with as many floats on a 16-byte boundary.
template <typename Loader> static __device__ float dot_unit(const float *v, const float *with)
{
  float sum = 0.0f;
#pragma unroll
  for (int k = 0; k < Loader::UNIT; k += 4) {
    const float4 q = *(const float4 *)(const void *)(with + k);
    sum += v[k] * q.x + v[k + 1] * q.y + v[k + 2] * q.z + v[k + 3] * q.w;
  }
  return sum;
}

/// This lane's share of a row of `count` elements (a multiple of PACK_COLUMNS) times `with`.
template <typename Loader>
static __device__ float dot_lane(const unsigned char *row, const float *with, int count, int lane)
{
  float sum = 0.0f;
#pragma unroll 4
  for (int j = lane * Loader::UNIT; j < count; j += WARP_LANES * Loader::UNIT) {
    float v[Loader::UNIT];
    Loader::load(row, j, v);
    sum += dot_unit<Loader>(v, with + j);
  }
  return sum;
}

/// Call `with<Loader>(...)` for the type of `m`: expands to one switch.
#define CUDA_WITH_LOADER(type_, call_)                                                             \
  do {                                                                                             \
    switch (type_) {                                                                               \
    case DTYPE_F16: {                                                                              \
      typedef load_f16 Loader;                                                                     \
      call_;                                                                                       \
      break;                                                                                       \
    }                                                                                              \
    case DTYPE_BF16: {                                                                             \
      typedef load_bf16 Loader;                                                                    \
      call_;                                                                                       \
      break;                                                                                       \
    }                                                                                              \
    case DTYPE_I8: {                                                                               \
      typedef load_i8 Loader;                                                                      \
      call_;                                                                                       \
      break;                                                                                       \
    }                                                                                              \
    default: {                                                                                     \
      typedef load_f32 Loader;                                                                     \
      call_;                                                                                       \
      break;                                                                                       \
    }                                                                                              \
    }                                                                                              \
  } while (0)

#endif
