// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Elementary functions in the vector vocabulary (include vector_avx512.h or vector_avx2.h first).
/// Argument reduction after Cody and Waite 1980; the polynomials are our own Chebyshev fits. Every
/// lane goes through the same instructions, so a value does not depend on its neighbours.
#ifndef CONTINUO_GPU_CPU_VECTOR_MATH_H
#define CONTINUO_GPU_CPU_VECTOR_MATH_H

#include "gpu/ops.h"

/// x = n ln 2 + r with |r| <= ln 2 / 2: returns e^r - 1 to 3e-8 of its own size, and 2^n. Below
/// -87 and above 88 the argument is held there; not-a-number stays (second operand of max, min).
static inline vec vec_expm1_reduced(vec x, vec *power)
{
  const vec held = vec_min(vec_set(88.0f), vec_max(vec_set(-87.0f), x));
  const vec n = vec_round(vec_mul(held, vec_set(1.44269504f)));
  vec r = vec_fnma(n, vec_set(0x1.62e4p-1f), held); // ln 2 in two parts, the first one exact * n
  r = vec_fnma(n, vec_set(0x1.7f7d1cp-20f), r);
  vec p = vec_set(1.39345445e-3f);
  p = vec_fma(p, r, vec_set(8.36377647e-3f));
  p = vec_fma(p, r, vec_set(4.16664568e-2f));
  p = vec_fma(p, r, vec_set(1.66665734e-1f));
  p = vec_fma(p, r, vec_set(5.00000001e-1f));
  *power = vec_exp2_whole(n);
  return vec_fma(vec_mul(r, r), p, r);
}

static inline vec vec_exp(vec x)
{
  vec power;
  const vec less_one = vec_expm1_reduced(x, &power);
  return vec_fma(power, less_one, power);
}

/// Keeps its relative accuracy at 0, which ELU and tanh need: 2^n - 1 is exact there.
static inline vec vec_expm1(vec x)
{
  vec power;
  const vec less_one = vec_expm1_reduced(x, &power);
  return vec_fma(power, less_one, vec_sub(power, vec_set(1.0f)));
}

static inline vec vec_tanh(vec x)
{
  const vec e = vec_expm1(vec_mul(vec_abs(x), vec_set(-2.0f)));
  return vec_copysign(vec_div(e, vec_add(e, vec_set(2.0f))), x);
}

static inline vec vec_sigmoid(vec x)
{
  const vec one = vec_set(1.0f);
  return vec_div(one, vec_add(one, vec_exp(vec_sub(vec_zero(), x))));
}

/// erfc(z) e^(z^2) for z >= 0, a polynomial in t = 1 / (1 + z / 2), to 6e-8 of its own size.
static inline vec vec_erfc_scaled(vec z)
{
  const vec t = vec_div(vec_set(1.0f), vec_fma(z, vec_set(0.5f), vec_set(1.0f)));
  vec p = vec_set(-0.0579435811f);
  p = vec_fma(p, t, vec_set(0.27935907f));
  p = vec_fma(p, t, vec_set(-0.476999494f));
  p = vec_fma(p, t, vec_set(0.267113867f));
  p = vec_fma(p, t, vec_set(-0.0195887597f));
  p = vec_fma(p, t, vec_set(0.199927214f));
  p = vec_fma(p, t, vec_set(0.24374696f));
  p = vec_fma(p, t, vec_set(0.282294008f));
  p = vec_fma(p, t, vec_set(0.282090683f));
  return vec_mul(p, t);
}

/// 0.5 x erfc(-x / sqrt 2): the tail is computed on its own side, so it keeps its accuracy.
static inline vec vec_gelu(vec x)
{
  const vec z = vec_mul(vec_abs(x), vec_set(0.707106781f));
  const vec tail = vec_mul(vec_exp(vec_sub(vec_zero(), vec_mul(z, z))), vec_erfc_scaled(z));
  const vec both = vec_select(vec_less(x, vec_zero()), tail, vec_sub(vec_set(2.0f), tail));
  return vec_mul(vec_mul(x, vec_set(0.5f)), both);
}

/// One activation of gpu/ops.h; `slope` as there.
static inline vec vec_activate(vec x, activation act, vec slope)
{
  const vec zero = vec_zero();
  switch (act) {
  case ACT_ELU:
    return vec_select(vec_less(zero, x), x, vec_mul(slope, vec_expm1(vec_min(zero, x))));
  case ACT_LEAKY_RELU:
    return vec_select(vec_less(zero, x), x, vec_mul(slope, x));
  case ACT_RELU:
    return vec_max(zero, x);
  case ACT_GELU:
    return vec_gelu(x);
  case ACT_SILU:
    return vec_mul(x, vec_sigmoid(x));
  case ACT_TANH:
    return vec_tanh(x);
  case ACT_SIGMOID:
    return vec_sigmoid(x);
  case ACT_NONE:
    break;
  }
  return x;
}

/// d gelu / dx = Phi(x) + x phi(x), the tail of Phi on its own side.
static inline vec vec_gelu_derivative(vec x)
{
  const vec z = vec_mul(vec_abs(x), vec_set(0.707106781f));
  const vec bell = vec_exp(vec_sub(vec_zero(), vec_mul(z, z)));
  const vec tail = vec_mul(bell, vec_erfc_scaled(z));
  const vec both = vec_select(vec_less(x, vec_zero()), tail, vec_sub(vec_set(2.0f), tail));
  return vec_fma(vec_mul(x, vec_set(0.39894228f)), bell, vec_mul(vec_set(0.5f), both));
}

/// d act / dx of one activation of gpu/ops.h.
static inline vec vec_derivative(vec x, activation act, vec slope)
{
  const vec zero = vec_zero(), one = vec_set(1.0f);
  switch (act) {
  case ACT_ELU:
    return vec_select(vec_less(zero, x), one, vec_mul(slope, vec_exp(vec_min(zero, x))));
  case ACT_LEAKY_RELU:
    return vec_select(vec_less(zero, x), one, slope);
  case ACT_RELU:
    return vec_select(vec_less(zero, x), one, zero);
  case ACT_GELU:
    return vec_gelu_derivative(x);
  case ACT_SILU: {
    const vec share = vec_sigmoid(x);
    return vec_mul(share, vec_fma(x, vec_sub(one, share), one));
  }
  case ACT_TANH: {
    const vec y = vec_tanh(x);
    return vec_fnma(y, y, one);
  }
  case ACT_SIGMOID: {
    const vec y = vec_sigmoid(x);
    return vec_mul(y, vec_sub(one, y));
  }
  case ACT_NONE:
    break;
  }
  return one;
}

/// d act / dx from y = act(x), for those that it tells (slopes above zero).
static inline vec vec_derivative_of_result(vec y, activation act, vec slope)
{
  const vec zero = vec_zero(), one = vec_set(1.0f);
  switch (act) {
  case ACT_ELU:
    return vec_select(vec_less(zero, y), one, vec_add(y, slope));
  case ACT_LEAKY_RELU:
    return vec_select(vec_less(zero, y), one, slope);
  case ACT_RELU:
    return vec_select(vec_less(zero, y), one, zero);
  case ACT_TANH:
    return vec_fnma(y, y, one);
  case ACT_SIGMOID:
    return vec_mul(y, vec_sub(one, y));
  default:
    return one;
  }
}

#endif
