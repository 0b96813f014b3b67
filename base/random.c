// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/random.h"

uint64_t random_mix(uint64_t x)
{
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

uint64_t random_bits(uint64_t seed, uint64_t stream, uint64_t counter)
{
  return random_mix(random_mix(random_mix(seed) ^ stream) ^ counter);
}

float random_uniform(uint64_t seed, uint64_t stream, uint64_t counter)
{
  return (float)(random_bits(seed, stream, counter) >> 40) * 0x1p-24f;
}

uint64_t random_name_key(const char *name)
{
  uint64_t hash = 0xcbf29ce484222325u;
  for (; *name; ++name) {
    hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
  }
  return hash;
}
