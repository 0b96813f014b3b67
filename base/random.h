// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Counter-based randomness: a value is a pure function of its key, so that order, threads and
/// restarts cannot change it. Source: splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
#ifndef CONTINUO_BASE_RANDOM_H
#define CONTINUO_BASE_RANDOM_H

#include <stdint.h>

/// One round of splitmix64's finaliser over `x + 0x9e3779b97f4a7c15`.
uint64_t random_mix(uint64_t x);

/// 64 random bits for (seed, stream, counter): mix(mix(mix(seed) ^ stream) ^ counter).
uint64_t random_bits(uint64_t seed, uint64_t stream, uint64_t counter);

/// Uniform in [0, 1): the top 24 bits of `random_bits`, so exact in f32.
float random_uniform(uint64_t seed, uint64_t stream, uint64_t counter);

/// FNV-1a of a name, to key a stream by tensor name.
uint64_t random_name_key(const char *name);

#endif
