// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The vector vocabulary in AVX-512 (F, BW, VL, DQ, VNNI: Ice Lake and Zen 4 on): sixteen float
/// lanes. The kernel bodies are written in these words only, so that each is written once and
/// compiled for both widths. vector_avx2.h says the same words in eight lanes.
#ifndef CONTINUO_GPU_CPU_VECTOR_AVX512_H
#define CONTINUO_GPU_CPU_VECTOR_AVX512_H

#include <immintrin.h>
#include <stdint.h>

#define VEC_LANES 16
#define VEC_REGISTERS 32

/// Before a loop over registers: it has to vanish.
#if defined(__clang__)
#define VEC_UNROLL _Pragma("clang loop unroll(full)")
#else
#define VEC_UNROLL _Pragma("GCC unroll 16")
#endif

typedef __m512 vec;
typedef __m512i vec_int;
typedef __mmask16 vec_mask;

static inline vec vec_set(float a)
{
  return _mm512_set1_ps(a);
}
static inline vec vec_zero(void)
{
  return _mm512_setzero_ps();
}
static inline vec vec_load(const float *p)
{
  return _mm512_loadu_ps(p);
}
static inline void vec_store(float *p, vec a)
{
  _mm512_storeu_ps(p, a);
}

/// The first `n` lanes; all of them from VEC_LANES on, none at 0 and below.
static inline vec_mask vec_first(int64_t n)
{
  return n >= VEC_LANES ? (vec_mask)0xffffu : (vec_mask)(n > 0 ? (1u << n) - 1u : 0u);
}

/// Lanes outside the mask read as zero and touch no memory.
static inline vec vec_load_masked(const float *p, vec_mask m)
{
  return _mm512_maskz_loadu_ps(m, p);
}
static inline void vec_store_masked(float *p, vec_mask m, vec a)
{
  _mm512_mask_storeu_ps(p, m, a);
}

static inline vec vec_load_f16(const uint16_t *p)
{
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
static inline vec vec_load_bf16(const uint16_t *p)
{
  const __m256i half = _mm256_loadu_si256((const __m256i *)(const void *)p);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

static inline vec vec_add(vec a, vec b)
{
  return _mm512_add_ps(a, b);
}
static inline vec vec_sub(vec a, vec b)
{
  return _mm512_sub_ps(a, b);
}
static inline vec vec_mul(vec a, vec b)
{
  return _mm512_mul_ps(a, b);
}
static inline vec vec_div(vec a, vec b)
{
  return _mm512_div_ps(a, b);
}
/// As the instructions have it: the second operand where either is not a number.
static inline vec vec_min(vec a, vec b)
{
  return _mm512_min_ps(a, b);
}
static inline vec vec_max(vec a, vec b)
{
  return _mm512_max_ps(a, b);
}
static inline vec vec_sqrt(vec a)
{
  return _mm512_sqrt_ps(a);
}
/// a * b + c and c - a * b, rounded once.
static inline vec vec_fma(vec a, vec b, vec c)
{
  return _mm512_fmadd_ps(a, b, c);
}
static inline vec vec_fnma(vec a, vec b, vec c)
{
  return _mm512_fnmadd_ps(a, b, c);
}
/// Nearest whole number, half to even.
static inline vec vec_round(vec a)
{
  return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline vec vec_abs(vec a)
{
  return _mm512_abs_ps(a);
}
/// |a| with the sign of b.
static inline vec vec_copysign(vec a, vec b)
{
  const __m512i sign = _mm512_set1_epi32(INT32_MIN);
  return _mm512_castsi512_ps(
      _mm512_ternarylogic_epi32(sign, _mm512_castps_si512(b), _mm512_castps_si512(a), 0xca));
}
/// 2^n for whole n in [-126, 127].
static inline vec vec_exp2_whole(vec n)
{
  const __m512i biased = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
  return _mm512_castsi512_ps(_mm512_slli_epi32(biased, 23));
}

static inline vec_mask vec_less(vec a, vec b)
{
  return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}
/// Lane by lane m ? a : b.
static inline vec vec_select(vec_mask m, vec a, vec b)
{
  return _mm512_mask_blend_ps(m, b, a);
}

static inline vec_int vec_int_set(int32_t a)
{
  return _mm512_set1_epi32(a);
}
static inline vec_int vec_int_load(const int32_t *p)
{
  return _mm512_loadu_si512(p);
}
static inline void vec_int_store(int32_t *p, vec_int a)
{
  _mm512_storeu_si512(p, a);
}
static inline vec_int vec_int_select(vec_mask m, vec_int a, vec_int b)
{
  return _mm512_mask_blend_epi32(m, b, a);
}
static inline vec vec_from_int(vec_int a)
{
  return _mm512_cvtepi32_ps(a);
}
static inline vec_int vec_to_int(vec a)
{
  return _mm512_cvtps_epi32(a);
}
/// a - b * c in whole numbers.
static inline vec_int vec_int_less(vec_int a, vec_int b, int32_t c)
{
  return _mm512_sub_epi32(a, _mm512_mullo_epi32(b, _mm512_set1_epi32(c)));
}
static inline vec_int vec_int_load_masked(const int32_t *p, vec_mask m)
{
  return _mm512_maskz_loadu_epi32(m, p);
}

/// m[i] lane j <-> m[j] lane i.
static inline void vec_transpose(vec m[VEC_LANES])
{
  vec t[VEC_LANES];
  VEC_UNROLL
  for (int i = 0; i < 16; i += 4) { // 4 x 4 within quarters
    const vec a = _mm512_unpacklo_ps(m[i], m[i + 1]), b = _mm512_unpackhi_ps(m[i], m[i + 1]);
    const vec c = _mm512_unpacklo_ps(m[i + 2], m[i + 3]),
              d = _mm512_unpackhi_ps(m[i + 2], m[i + 3]);
    t[i] = _mm512_shuffle_ps(a, c, 0x44);
    t[i + 1] = _mm512_shuffle_ps(a, c, 0xee);
    t[i + 2] = _mm512_shuffle_ps(b, d, 0x44);
    t[i + 3] = _mm512_shuffle_ps(b, d, 0xee);
  }
  VEC_UNROLL
  for (int i = 0; i < 4; ++i) { // then 4 x 4 of quarters
    const vec a = _mm512_shuffle_f32x4(t[i], t[4 + i], 0x88);
    const vec b = _mm512_shuffle_f32x4(t[i], t[4 + i], 0xdd);
    const vec c = _mm512_shuffle_f32x4(t[8 + i], t[12 + i], 0x88);
    const vec d = _mm512_shuffle_f32x4(t[8 + i], t[12 + i], 0xdd);
    m[i] = _mm512_shuffle_f32x4(a, c, 0x88);
    m[4 + i] = _mm512_shuffle_f32x4(b, d, 0x88);
    m[8 + i] = _mm512_shuffle_f32x4(a, c, 0xdd);
    m[12 + i] = _mm512_shuffle_f32x4(b, d, 0xdd);
  }
}

/// int8 products: four terms of each lane at once (VNNI). x is biased by 128, because the
/// instruction multiplies unsigned by signed; VEC_CODE_BIAS times the weights' sum is taken off.
#define VEC_CODE_GROUP 4
#define VEC_CODE_BIAS 128
static inline vec_int vec_code_set(const int8_t *x)
{
  int32_t four;
  __builtin_memcpy(&four, x, sizeof four);
  return _mm512_set1_epi32(four ^ (int32_t)0x80808080u);
}
/// The first `n` whole-numbered lanes as int8.
static inline void vec_code_store(int8_t *to, int64_t n, vec a)
{
  _mm512_mask_cvtepi32_storeu_epi8(to, vec_first(n), _mm512_cvtps_epi32(a));
}
static inline vec_int vec_code_load(const int8_t *w)
{
  return _mm512_loadu_si512(w);
}
static inline vec_int vec_code_dot(vec_int sum, vec_int x, vec_int w)
{
  return _mm512_dpbusd_epi32(sum, x, w);
}

/// Sum and largest of all lanes, always in the same order: halves are folded on each other.
static inline float vec_sum(vec a)
{
  const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
  const __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  const __m128 pair = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)));
}
static inline float vec_largest(vec a)
{
  return _mm512_reduce_max_ps(a);
}

#endif
