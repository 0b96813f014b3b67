// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The vector vocabulary in AVX2, FMA and F16C: eight float lanes. Same words as vector_avx512.h.
#ifndef CONTINUO_GPU_CPU_VECTOR_AVX2_H
#define CONTINUO_GPU_CPU_VECTOR_AVX2_H

#include <immintrin.h>
#include <stdint.h>

#define VEC_LANES 8
#define VEC_REGISTERS 16

/// Before a loop over registers: it has to vanish.
#if defined(__clang__)
#define VEC_UNROLL _Pragma("clang loop unroll(full)")
#else
#define VEC_UNROLL _Pragma("GCC unroll 16")
#endif

typedef __m256 vec;
typedef __m256i vec_int;
typedef __m256i vec_mask; // all bits of a chosen lane

static inline vec vec_set(float a)
{
  return _mm256_set1_ps(a);
}
static inline vec vec_zero(void)
{
  return _mm256_setzero_ps();
}
static inline vec vec_load(const float *p)
{
  return _mm256_loadu_ps(p);
}
static inline void vec_store(float *p, vec a)
{
  _mm256_storeu_ps(p, a);
}

/// The first `n` lanes; all of them from VEC_LANES on, none at 0 and below.
static inline vec_mask vec_first(int64_t n)
{
  const int32_t count = n >= VEC_LANES ? VEC_LANES : (int32_t)(n > 0 ? n : 0);
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), lane);
}

/// Lanes outside the mask read as zero and touch no memory.
static inline vec vec_load_masked(const float *p, vec_mask m)
{
  return _mm256_maskload_ps(p, m);
}
static inline void vec_store_masked(float *p, vec_mask m, vec a)
{
  if (_mm256_movemask_ps(_mm256_castsi256_ps(m)) == 0xff) { // a masked store is slow on AMD
    _mm256_storeu_ps(p, a);
  } else {
    _mm256_maskstore_ps(p, m, a);
  }
}

static inline vec vec_load_f16(const uint16_t *p)
{
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}
static inline vec vec_load_bf16(const uint16_t *p)
{
  const __m128i half = _mm_loadu_si128((const __m128i *)(const void *)p);
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}

static inline vec vec_add(vec a, vec b)
{
  return _mm256_add_ps(a, b);
}
static inline vec vec_sub(vec a, vec b)
{
  return _mm256_sub_ps(a, b);
}
static inline vec vec_mul(vec a, vec b)
{
  return _mm256_mul_ps(a, b);
}
static inline vec vec_div(vec a, vec b)
{
  return _mm256_div_ps(a, b);
}
/// As the instructions have it: the second operand where either is not a number.
static inline vec vec_min(vec a, vec b)
{
  return _mm256_min_ps(a, b);
}
static inline vec vec_max(vec a, vec b)
{
  return _mm256_max_ps(a, b);
}
static inline vec vec_sqrt(vec a)
{
  return _mm256_sqrt_ps(a);
}
/// a * b + c and c - a * b, rounded once.
static inline vec vec_fma(vec a, vec b, vec c)
{
  return _mm256_fmadd_ps(a, b, c);
}
static inline vec vec_fnma(vec a, vec b, vec c)
{
  return _mm256_fnmadd_ps(a, b, c);
}
/// Nearest whole number, half to even.
static inline vec vec_round(vec a)
{
  return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline vec vec_abs(vec a)
{
  return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}
/// |a| with the sign of b.
static inline vec vec_copysign(vec a, vec b)
{
  const vec sign = _mm256_set1_ps(-0.0f);
  return _mm256_or_ps(_mm256_andnot_ps(sign, a), _mm256_and_ps(sign, b));
}
/// 2^n for whole n in [-126, 127].
static inline vec vec_exp2_whole(vec n)
{
  const __m256i biased = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
  return _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23));
}

static inline vec_mask vec_less(vec a, vec b)
{
  return _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
/// Lane by lane m ? a : b.
static inline vec vec_select(vec_mask m, vec a, vec b)
{
  return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(m));
}

static inline vec_int vec_int_set(int32_t a)
{
  return _mm256_set1_epi32(a);
}
static inline vec_int vec_int_load(const int32_t *p)
{
  return _mm256_loadu_si256((const __m256i *)(const void *)p);
}
static inline void vec_int_store(int32_t *p, vec_int a)
{
  _mm256_storeu_si256((__m256i *)(void *)p, a);
}
static inline vec_int vec_int_select(vec_mask m, vec_int a, vec_int b)
{
  return _mm256_blendv_epi8(b, a, m);
}
static inline vec vec_from_int(vec_int a)
{
  return _mm256_cvtepi32_ps(a);
}
static inline vec_int vec_to_int(vec a)
{
  return _mm256_cvtps_epi32(a);
}
/// a - b * c in whole numbers.
static inline vec_int vec_int_less(vec_int a, vec_int b, int32_t c)
{
  return _mm256_sub_epi32(a, _mm256_mullo_epi32(b, _mm256_set1_epi32(c)));
}
static inline vec_int vec_int_load_masked(const int32_t *p, vec_mask m)
{
  return _mm256_maskload_epi32(p, m);
}

/// m[i] lane j <-> m[j] lane i.
static inline void vec_transpose(vec m[VEC_LANES])
{
  vec t[VEC_LANES];
  VEC_UNROLL
  for (int i = 0; i < 8; i += 4) { // 4 x 4 within halves
    const vec a = _mm256_unpacklo_ps(m[i], m[i + 1]), b = _mm256_unpackhi_ps(m[i], m[i + 1]);
    const vec c = _mm256_unpacklo_ps(m[i + 2], m[i + 3]),
              d = _mm256_unpackhi_ps(m[i + 2], m[i + 3]);
    t[i] = _mm256_shuffle_ps(a, c, 0x44);
    t[i + 1] = _mm256_shuffle_ps(a, c, 0xee);
    t[i + 2] = _mm256_shuffle_ps(b, d, 0x44);
    t[i + 3] = _mm256_shuffle_ps(b, d, 0xee);
  }
  VEC_UNROLL
  for (int i = 0; i < 4; ++i) { // then halves change places
    m[i] = _mm256_permute2f128_ps(t[i], t[4 + i], 0x20);
    m[4 + i] = _mm256_permute2f128_ps(t[i], t[4 + i], 0x31);
  }
}

/// int8 products: two terms of each lane at once, widened to 16 bits, because the 8-bit
/// instruction saturates. No bias is needed.
#define VEC_CODE_GROUP 2
#define VEC_CODE_BIAS 0
static inline vec_int vec_code_set(const int8_t *x)
{
  return _mm256_set1_epi32((int32_t)((uint16_t)(int16_t)x[0] | (uint32_t)(int32_t)x[1] << 16));
}
/// The first `n` whole-numbered lanes as int8.
static inline void vec_code_store(int8_t *to, int64_t n, vec a)
{
  int32_t lanes[VEC_LANES];
  vec_int_store(lanes, _mm256_cvtps_epi32(a));
  for (int64_t i = 0; i < VEC_LANES && i < n; ++i) {
    to[i] = (int8_t)lanes[i];
  }
}
static inline vec_int vec_code_load(const int8_t *w)
{
  return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)w));
}
static inline vec_int vec_code_dot(vec_int sum, vec_int x, vec_int w)
{
  return _mm256_add_epi32(sum, _mm256_madd_epi16(x, w));
}

/// Sum and largest of all lanes, always in the same order: halves are folded on each other.
static inline float vec_sum(vec a)
{
  const __m128 half = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  const __m128 pair = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)));
}
static inline float vec_largest(vec a)
{
  const __m128 half = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  const __m128 pair = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(pair, _mm_movehdup_ps(pair)));
}

#endif
