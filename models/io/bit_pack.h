// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Numbers of 1 to 32 bits, packed into bytes from the lowest bit up, without gaps.
#ifndef CONTINUO_MODELS_IO_BIT_PACK_H
#define CONTINUO_MODELS_IO_BIT_PACK_H

#include <stddef.h>
#include <stdint.h>

/// Bits on their way; start and end with zeros.
typedef struct bit_queue {
  uint64_t bits;
  unsigned n_bits;
} bit_queue;

/// Add `value` (below 2^n_bits); `out` takes the bytes that are full, up to 4. Returns how many.
static inline size_t bit_pack(bit_queue *q, uint32_t value, unsigned n_bits, uint8_t *out)
{
  size_t n = 0;
  q->bits |= (uint64_t)value << q->n_bits;
  for (q->n_bits += n_bits; q->n_bits >= 8; q->n_bits -= 8) {
    out[n++] = (uint8_t)q->bits;
    q->bits >>= 8;
  }
  return n;
}

/// The last byte, filled up with zero bits, if any bits are left. Returns 0 or 1.
static inline size_t bit_pack_end(bit_queue *q, uint8_t *out)
{
  const size_t n = q->n_bits > 0;
  if (n) {
    out[0] = (uint8_t)q->bits;
  }
  *q = (bit_queue){0};
  return n;
}

/// Take the next value; `data` gives the bytes that are missing (fewer than 5, advanced by those).
static inline uint32_t bit_unpack(bit_queue *q, unsigned n_bits, const uint8_t **data)
{
  for (; q->n_bits < n_bits; q->n_bits += 8) {
    q->bits |= (uint64_t) * (*data)++ << q->n_bits;
  }
  const uint32_t value = (uint32_t)(q->bits & ((UINT64_C(1) << n_bits) - 1));
  q->bits >>= n_bits;
  q->n_bits -= n_bits;
  return value;
}

#endif
