// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/sha256.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

// First 32 bits of the fractional parts of the cube roots of the first 64 primes (4.2.2).
static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, int n)
{
  return x >> n | x << (32 - n);
}

static void expand(uint32_t w[64], const uint8_t block[64])
{
  for (int t = 0; t < 16; ++t) {
    w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
           (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
  }
  for (int t = 16; t < 64; ++t) {
    const uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
    const uint32_t s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;
    w[t] = s1 + w[t - 7] + s0 + w[t - 16];
  }
}

// One block (6.2.2); the letters are the standard's.
static void compress(uint32_t state[8], const uint8_t block[64])
{
  uint32_t w[64];
  expand(w, block);
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
  for (int t = 0; t < 64; ++t) {
    const uint32_t t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) +
                        round_constants[t] + w[t];
    const uint32_t t2 =
        (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  const uint32_t sums[8] = {a, b, c, d, e, f, g, h};
  for (int i = 0; i < 8; ++i) {
    state[i] += sums[i];
  }
}

#if defined(__x86_64__)

static bool find_instructions(void)
{
  unsigned a, b, c, d;
  return __builtin_cpu_supports("sse4.1") && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
         (b >> 29 & 1);
}

// The same block by the SHA extensions, which do two rounds at a time on {A B E F} and {C D G H}
// (Intel's instruction set reference, SHA256RNDS2, SHA256MSG1, SHA256MSG2).
__attribute__((target("sha,sse4.1"))) static void compress_fast(uint32_t state[8],
                                                                const uint8_t block[64])
{
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  const __m128i abef_in = _mm_set_epi32((int)state[0], (int)state[1], (int)state[4], (int)state[5]);
  const __m128i cdgh_in = _mm_set_epi32((int)state[2], (int)state[3], (int)state[6], (int)state[7]);
  __m128i abef = abef_in, cdgh = cdgh_in, w[4];
  for (int t = 0; t < 16; ++t) { // four rounds each
    __m128i *now = &w[t % 4];
    if (t < 4) {
      *now = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)block + t), big_endian);
    } else {
      const __m128i next = w[(t + 1) % 4], after = w[(t + 2) % 4], last = w[(t + 3) % 4];
      const __m128i sum =
          _mm_add_epi32(_mm_sha256msg1_epu32(*now, next), _mm_alignr_epi8(last, after, 4));
      *now = _mm_sha256msg2_epu32(sum, last);
    }
    const __m128i constants = _mm_loadu_si128((const __m128i *)round_constants + t);
    const __m128i wk = _mm_add_epi32(*now, constants);
    cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);
    abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(wk, 0x0e));
  }
  uint32_t sums[8];
  _mm_storeu_si128((__m128i *)sums, _mm_add_epi32(abef, abef_in));
  _mm_storeu_si128((__m128i *)sums + 1, _mm_add_epi32(cdgh, cdgh_in));
  const uint8_t from[8] = {3, 2, 7, 6, 1, 0, 5, 4};
  for (int i = 0; i < 8; ++i) {
    state[i] = sums[from[i]];
  }
}

#else

static bool find_instructions(void)
{
  return false;
}

static void compress_fast(uint32_t state[8], const uint8_t block[64])
{
  compress(state, block);
}

#endif

static void take_block(sha256 *h, const uint8_t block[64])
{
  (h->has_instructions ? compress_fast : compress)(h->state, block);
}

void sha256_init(sha256 *h)
{
  static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  memset(h, 0, sizeof *h);
  memcpy(h->state, start, sizeof start);
  h->has_instructions = find_instructions();
}

void sha256_update(sha256 *h, const void *data, size_t size_bytes)
{
  const uint8_t *at = data;
  size_t waiting = (size_t)(h->size_bytes % 64);
  h->size_bytes += size_bytes;
  while (size_bytes > 0) {
    if (waiting == 0 && size_bytes >= 64) {
      take_block(h, at);
      at += 64;
      size_bytes -= 64;
      continue;
    }
    const size_t n = size_bytes < 64 - waiting ? size_bytes : 64 - waiting;
    memcpy(h->block + waiting, at, n);
    at += n;
    size_bytes -= n;
    waiting += n;
    if (waiting == 64) {
      take_block(h, h->block);
      waiting = 0;
    }
  }
}

void sha256_final(sha256 *h, uint8_t digest[SHA256_BYTES])
{
  static const uint8_t padding[64] = {0x80};
  const uint64_t bits = h->size_bytes * 8;
  const size_t waiting = (size_t)(h->size_bytes % 64);
  sha256_update(h, padding, (waiting < 56 ? 56 : 120) - waiting);
  uint8_t length[8];
  for (int i = 0; i < 8; ++i) {
    length[i] = (uint8_t)(bits >> (56 - 8 * i));
  }
  sha256_update(h, length, sizeof length);
  for (int i = 0; i < SHA256_BYTES; ++i) {
    digest[i] = (uint8_t)(h->state[i / 4] >> (24 - 8 * (i % 4)));
  }
}

void sha256_final_hex(sha256 *h, char hex[SHA256_HEX_BYTES])
{
  static const char digits[] = "0123456789abcdef";
  uint8_t digest[SHA256_BYTES];
  sha256_final(h, digest);
  for (int i = 0; i < SHA256_BYTES; ++i) {
    hex[2 * i] = digits[digest[i] >> 4];
    hex[2 * i + 1] = digits[digest[i] & 15];
  }
  hex[SHA256_HEX_BYTES - 1] = '\0';
}
