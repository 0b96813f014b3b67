// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/element.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "model files are mapped as they are");

size_t element_bytes(element_type type)
{
  switch (type) {
  case ELEMENT_F64:
  case ELEMENT_I64:
  case ELEMENT_U64:
    return 8;
  case ELEMENT_F32:
  case ELEMENT_I32:
  case ELEMENT_U32:
    return 4;
  case ELEMENT_F16:
  case ELEMENT_BF16:
  case ELEMENT_I16:
  case ELEMENT_U16:
    return 2;
  case ELEMENT_I8:
  case ELEMENT_U8:
  case ELEMENT_BOOL:
    return 1;
  }
  return 0;
}

const char *element_name(element_type type)
{
  switch (type) {
  case ELEMENT_F64:
    return "f64";
  case ELEMENT_I64:
    return "i64";
  case ELEMENT_U64:
    return "u64";
  case ELEMENT_F32:
    return "f32";
  case ELEMENT_I32:
    return "i32";
  case ELEMENT_U32:
    return "u32";
  case ELEMENT_F16:
    return "f16";
  case ELEMENT_BF16:
    return "bf16";
  case ELEMENT_I16:
    return "i16";
  case ELEMENT_U16:
    return "u16";
  case ELEMENT_I8:
    return "i8";
  case ELEMENT_U8:
    return "u8";
  case ELEMENT_BOOL:
    return "bool";
  }
  return "?";
}

bool element_count(int rank, const int64_t *dims, size_t *count)
{
  size_t product = 1;
  bool empty = false;
  for (int i = 0; i < rank; ++i) {
    if (dims[i] < 0 || (uint64_t)dims[i] > SIZE_MAX) {
      return false;
    }
    empty = empty || dims[i] == 0;
    // Even an empty tensor's other dimensions must be sane: nobody then multiplies past the end.
    if (dims[i] != 0 && __builtin_mul_overflow(product, (size_t)dims[i], &product)) {
      return false;
    }
  }
  *count = empty ? 0 : product;
  return true;
}

bool element_size(element_type type, int rank, const int64_t *dims, size_t *size_bytes)
{
  size_t count = 0;
  return element_count(rank, dims, &count) &&
         !__builtin_mul_overflow(count, element_bytes(type), size_bytes);
}

// IEEE 754 binary16: subnormals are normalised, infinities and NaN keep their payload.
static float half_to_float(uint16_t half)
{
  const uint32_t sign = (uint32_t)(half & 0x8000) << 16;
  uint32_t exponent = (half >> 10) & 0x1f;
  uint32_t fraction = half & 0x3ff;
  uint32_t bits = sign;
  if (exponent == 31) {
    bits |= 0x7f800000u | fraction << 13;
  } else if (exponent != 0) {
    bits |= (exponent + 112) << 23 | fraction << 13;
  } else if (fraction != 0) {
    exponent = 113;
    while (!(fraction & 0x400)) {
      fraction <<= 1;
      --exponent;
    }
    bits |= exponent << 23 | (fraction & 0x3ff) << 13;
  }
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static float one_to_f32(element_type type, const unsigned char *at)
{
  union {
    double f64;
    int64_t i64;
    uint64_t u64;
    float f32;
    int32_t i32;
    uint32_t u32;
    int16_t i16;
    uint16_t u16;
    int8_t i8;
    uint8_t u8;
  } value = {0};
  memcpy(&value, at, element_bytes(type));
  switch (type) {
  case ELEMENT_F64:
    return (float)value.f64;
  case ELEMENT_I64:
    return (float)value.i64;
  case ELEMENT_U64:
    return (float)value.u64;
  case ELEMENT_F32:
    return value.f32;
  case ELEMENT_I32:
    return (float)value.i32;
  case ELEMENT_U32:
    return (float)value.u32;
  case ELEMENT_F16:
    return half_to_float(value.u16);
  case ELEMENT_BF16:
    value.u32 = (uint32_t)value.u16 << 16;
    return value.f32;
  case ELEMENT_I16:
    return value.i16;
  case ELEMENT_U16:
    return value.u16;
  case ELEMENT_I8:
    return value.i8;
  case ELEMENT_U8:
  case ELEMENT_BOOL:
    return value.u8;
  }
  return 0.0f;
}

void element_to_f32(element_type type, const void *data, size_t count, float *out)
{
  const unsigned char *at = data;
  const size_t stride = element_bytes(type);
  if (type == ELEMENT_F32 && count > 0) {
    memcpy(out, data, count * sizeof *out);
    return;
  }
  for (size_t i = 0; i < count; ++i) {
    out[i] = one_to_f32(type, at + i * stride);
  }
}

char *element_shape_text(int rank, const int64_t *dims, char text[static 192])
{
  size_t used = 1;
  text[0] = '[';
  for (int i = 0; i < rank && i < ELEMENT_MAX_RANK; ++i) { // 8 x 22 characters fit
    used += (size_t)snprintf(text + used, 192 - used, "%s%" PRId64, i ? ", " : "", dims[i]);
  }
  snprintf(text + used, 192 - used, "]");
  return text;
}
