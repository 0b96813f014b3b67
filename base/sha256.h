// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// SHA-256, to name files and groups of tensors by their content. Source: FIPS 180-4. Any thread.
#ifndef CONTINUO_BASE_SHA256_H
#define CONTINUO_BASE_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32
#define SHA256_HEX_BYTES 65 ///< 64 digits and the NUL

typedef struct sha256 {
  uint32_t state[8];
  uint64_t size_bytes;   ///< hashed so far
  uint8_t block[64];     ///< what waits for a whole block
  bool has_instructions; ///< the processor's own rounds are used; same digest either way
} sha256;

void sha256_init(sha256 *h);
void sha256_update(sha256 *h, const void *data, size_t size_bytes); ///< any split, also empty
void sha256_final(sha256 *h, uint8_t digest[SHA256_BYTES]);         ///< `h` is spent

/// The digest in lower-case hex.
void sha256_final_hex(sha256 *h, char hex[SHA256_HEX_BYTES]);

#endif
