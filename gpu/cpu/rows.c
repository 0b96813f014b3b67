// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/cpu/rows.h"

#include <math.h>
#include <string.h>

row_shape row_shape_of(const weight *w)
{
  const int64_t *d = w->dims;
  switch (w->use) {
  case WEIGHT_VECTOR:
    return (row_shape){1, d[0], 1, 1};
  case WEIGHT_CONV1D:
  case WEIGHT_CONV2D:
    return (row_shape){d[0], d[1] * d[2] * d[3], w->groups, d[0]};
  case WEIGHT_CONV_TRANSPOSED1D: {
    const int64_t outputs = d[1] * w->groups;
    const int64_t taps = (d[2] + w->stride - 1) / w->stride;
    return (row_shape){w->stride * outputs, taps * (d[0] / w->groups), w->groups, outputs};
  }
  case WEIGHT_LINEAR:
  case WEIGHT_TABLE:
  case WEIGHT_CODEBOOK:
    break;
  }
  return (row_shape){d[0], d[1], 1, d[0]};
}

// master [O][c][taps] -> rows [O][taps][c]
static void rows_from_conv(float *rows, const weight *w)
{
  const int64_t channels = w->dims[1];
  const int64_t taps = w->dims[2] * w->dims[3];
  for (int64_t o = 0; o < w->dims[0]; ++o) {
    const float *from = w->master + o * channels * taps;
    float *to = rows + o * channels * taps;
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t k = 0; k < taps; ++k) {
        to[k * channels + c] = from[c * taps + k];
      }
    }
  }
}

// master [C][o][K] -> rows [stride][O][M][c]: output t * stride + j takes tap m * stride + j from
// input row t - m; stored oldest row (largest m) first.
static void rows_from_transposed(float *rows, const weight *w)
{
  const int64_t kernel = w->dims[2];
  const int64_t stride = w->stride;
  const int64_t taps = (kernel + stride - 1) / stride;
  const int64_t outputs = w->dims[1];
  const int64_t channels = w->dims[0] / w->groups;
  for (int64_t j = 0; j < stride; ++j) {
    for (int64_t o = 0; o < outputs * w->groups; ++o) {
      float *row = rows + (j * outputs * w->groups + o) * taps * channels;
      const int64_t group = o / outputs;
      for (int64_t m = 0; m < taps; ++m) {
        const int64_t k = m * stride + j;
        for (int64_t c = 0; c < channels; ++c) {
          const int64_t from = ((group * channels + c) * outputs + o % outputs) * kernel + k;
          row[(taps - 1 - m) * channels + c] = k < kernel ? w->master[from] : 0.0f;
        }
      }
    }
  }
}

void rows_from_master(float *rows, const weight *w)
{
  if (w->use == WEIGHT_CONV1D || w->use == WEIGHT_CONV2D) {
    rows_from_conv(rows, w);
  } else if (w->use == WEIGHT_CONV_TRANSPOSED1D) {
    rows_from_transposed(rows, w);
  } else {
    memcpy(rows, w->master, (size_t)weight_count(w) * sizeof *rows);
  }
}

float quantise_row_i8(int8_t *codes, const float *values, int64_t count)
{
  float largest = 0.0f;
  for (int64_t i = 0; i < count; ++i) {
    largest = fmaxf(largest, fabsf(values[i]));
  }
  const float scale = largest > 0.0f ? largest / 127.0f : 1.0f;
  for (int64_t i = 0; i < count; ++i) {
    const float code = nearbyintf(values[i] / scale);
    codes[i] = (int8_t)fmaxf(-127.0f, fminf(127.0f, code));
  }
  return scale;
}

uint16_t f16_from_f32(float value)
{
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  const uint16_t sign = (uint16_t)((bits >> 16) & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude >= 0x7f800000u) { // infinity or NaN
    return (uint16_t)(sign | 0x7c00u | (magnitude > 0x7f800000u ? 0x0200u : 0u));
  }
  if (magnitude >= 0x477ff000u) { // rounds beyond 65504
    return (uint16_t)(sign | 0x7c00u);
  }
  if (magnitude < 0x38800000u) { // subnormal in f16: let the adder round at 2^-24
    const float shifted = fabsf(value) + 0.5f;
    memcpy(&bits, &shifted, sizeof bits);
    return (uint16_t)(sign | (bits - 0x3f000000u));
  }
  const uint32_t odd = (magnitude >> 13) & 1u;
  return (uint16_t)(sign | ((magnitude - 0x38000000u + 0x0fffu + odd) >> 13));
}

float f32_from_f16(uint16_t half)
{
  const uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  const uint32_t fraction = half & 0x3ffu;
  if (exponent == 0) {
    const float tiny = (float)fraction * 0x1p-24f;
    return sign ? -tiny : tiny;
  }
  const uint32_t bits =
      sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | (fraction << 13);
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

uint16_t bf16_from_f32(float value)
{
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return (uint16_t)((bits >> 16) | 0x0040u);
  }
  return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

float f32_from_bf16(uint16_t half)
{
  const uint32_t bits = (uint32_t)half << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

int64_t pad_source(int64_t position, int64_t rows, int64_t reach, pad_mode mode)
{
  if (position >= 0 && position < rows) {
    return position;
  }
  if (rows == 0 || mode == PAD_ZERO) {
    return -1;
  }
  if (mode == PAD_REPLICATE) {
    return position < 0 ? 0 : rows - 1;
  }
  const int64_t extended = rows > reach ? rows : reach + 1; // zeros appended to short input
  int64_t source = position < 0 ? -position : position;
  if (source >= extended) {
    source = 2 * (extended - 1) - source;
  }
  return source >= 0 && source < rows ? source : -1;
}
