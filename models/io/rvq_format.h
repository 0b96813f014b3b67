// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Layout of `.rvq`, shared by its reader and writer; see docs/rvq-format.md. Numbers are
/// little-endian.
#ifndef CONTINUO_MODELS_IO_RVQ_FORMAT_H
#define CONTINUO_MODELS_IO_RVQ_FORMAT_H

#include <stdint.h>
#include <string.h>

#define RVQ_MAGIC "continuo-rvq\0\0\0" // 16 bytes with the terminator
#define RVQ_MAGIC_BYTES 16
#define RVQ_VERSION_MAJOR 1
#define RVQ_VERSION_MINOR 0
#define RVQ_HEADER_BYTES 160
#define RVQ_PACKET_MAX_BYTES 65000 // one packet fills at most one page
#define RVQ_CODES_HEAD_BYTES 4
#define RVQ_SEGMENT_HEAD_BYTES 12 // follows that, in streams with segments
#define RVQ_END_BYTES 20
#define RVQ_END_PAGE_BYTES (27 + 1 + RVQ_END_BYTES)
#define RVQ_PAGE_STEPS_MAX 65535

/// First byte of every packet but the header.
typedef enum rvq_packet { RVQ_CODES = 0, RVQ_LOST = 1, RVQ_COMMENT = 2, RVQ_END = 3 } rvq_packet;

static inline void rvq_put(uint8_t *to, uint64_t value, unsigned n_bytes)
{
  for (unsigned i = 0; i < n_bytes; ++i) {
    to[i] = (uint8_t)(value >> (8 * i));
  }
}

static inline uint64_t rvq_get(const uint8_t *from, unsigned n_bytes)
{
  uint64_t value = 0;
  for (unsigned i = 0; i < n_bytes; ++i) {
    value |= (uint64_t)from[i] << (8 * i);
  }
  return value;
}

static inline void rvq_put_float(uint8_t *to, float value)
{
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  rvq_put(to, bits, 4);
}

static inline float rvq_get_float(const uint8_t *from)
{
  const uint32_t bits = (uint32_t)rvq_get(from, 4);
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// Bits that hold 0 to codebook_size - 1; codebook_size at least 2.
static inline unsigned rvq_code_bits(uint32_t codebook_size)
{
  unsigned n = 1;
  while ((UINT64_C(1) << n) < codebook_size) {
    ++n;
  }
  return n;
}

#endif
