// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The factor oracle of a short word straight from its definition, to test the real one by. Source:
/// Allauzen, Crochemore, Raffinot 1999, the definition by factors and shortest words, not the
/// algorithm. Slow. Include after cmocka.h.
#ifndef CONTINUO_TESTS_MODELS_PLAIN_ORACLE_H
#define CONTINUO_TESTS_MODELS_PLAIN_ORACLE_H

#include "models/factor_oracle.h"

#include <stdbool.h>
#include <string.h>

enum { PLAIN_LENGTH = 96, PLAIN_SYMBOLS = 8 };

typedef struct plain_oracle {
  const uint16_t *word; ///< [length]; symbols below PLAIN_SYMBOLS
  int length;
  int next[PLAIN_LENGTH + 1][PLAIN_SYMBOLS]; ///< -1: none
  int shortest[PLAIN_LENGTH + 1];            ///< length of the shortest word read up to a state
  int suffix[PLAIN_LENGTH + 1];
  int repeat[PLAIN_LENGTH + 1];
} plain_oracle;

/// Where word[from .. from + count) followed by `symbol` ends for the first time in word[from ..);
/// -1: nowhere.
static inline int plain_first_end(const plain_oracle *p, int from, int count, uint16_t symbol)
{
  for (int at = from; at + count < p->length; ++at) {
    if (p->word[at + count] == symbol &&
        memcmp(p->word + at, p->word + from, (size_t)count * sizeof *p->word) == 0) {
      return at + count + 1;
    }
  }
  return -1;
}

static inline void plain_transitions(plain_oracle *p)
{
  memset(p->next, -1, sizeof p->next);
  for (int i = 0; i < p->length; ++i) {
    p->next[i][p->word[i]] = i + 1;
  }
  for (int i = 0; i <= p->length; ++i) {
    p->shortest[i] = i;
    for (int j = 0; j < i; ++j) { // all transitions into state i are known by now
      for (int c = 0; c < PLAIN_SYMBOLS; ++c) {
        if (p->next[j][c] == i && p->shortest[j] + 1 < p->shortest[i]) {
          p->shortest[i] = p->shortest[j] + 1;
        }
      }
    }
    for (uint16_t c = 0; i < p->length && c < PLAIN_SYMBOLS; ++c) {
      if (c != p->word[i]) {
        p->next[i][c] = plain_first_end(p, i - p->shortest[i], p->shortest[i], c);
      }
    }
  }
}

/// Whether the last `count` symbols of the first `end` are there earlier too.
static inline bool plain_is_repeated(const plain_oracle *p, int end, int count)
{
  for (int at = 0; at < end - count; ++at) {
    if (memcmp(p->word + at, p->word + end - count, (size_t)count * sizeof *p->word) == 0) {
      return true;
    }
  }
  return false;
}

static inline void plain_suffixes(plain_oracle *p)
{
  p->suffix[0] = -1;
  p->repeat[0] = 0;
  for (int i = 1; i <= p->length; ++i) {
    int count = i - 1, state = 0;
    while (count > 0 && !plain_is_repeated(p, i, count)) {
      --count;
    }
    for (int k = i - count; k < i; ++k) { // read the longest repeated suffix
      state = p->next[state][p->word[k]];
    }
    p->suffix[i] = state;
    p->repeat[i] = 0;
    while (p->repeat[i] < state &&
           p->word[state - 1 - p->repeat[i]] == p->word[i - 1 - p->repeat[i]]) {
      ++p->repeat[i];
    }
  }
}

static inline void plain_oracle_make(plain_oracle *p, const uint16_t *word, int length)
{
  p->word = word;
  p->length = length;
  plain_transitions(p);
  plain_suffixes(p);
}

/// Fails the test where `o` is not the oracle of the same word. `symbols`: how the word's symbols
/// are called in `o`.
static inline void plain_oracle_compare(const plain_oracle *p, const factor_oracle *o,
                                        const uint16_t *symbols)
{
  uint32_t n_skips = 0;
  assert_int_equal(factor_oracle_length(o), p->length);
  for (int i = 0; i <= p->length; ++i) {
    const int suffix = o->suffix[i] == FACTOR_ORACLE_NONE ? -1 : o->suffix[i];
    assert_int_equal(suffix, p->suffix[i]);
    assert_int_equal(o->repeat[i], p->repeat[i]);
    for (int c = 0; c < PLAIN_SYMBOLS; ++c) {
      const uint16_t found = factor_oracle_next(o, (uint16_t)i, symbols[c]);
      assert_int_equal(found == FACTOR_ORACLE_NONE ? -1 : found, p->next[i][c]);
      n_skips += p->next[i][c] > i + 1;
    }
    uint16_t back = o->first_back[i]; // newest first, every one, no other
    for (int k = p->length; k > 0; --k) {
      if (p->suffix[k] == i) {
        assert_int_equal(back, k);
        back = o->next_back[back];
      }
    }
    assert_int_equal(back, FACTOR_ORACLE_NONE);
  }
  assert_int_equal(factor_oracle_n_skips(o), n_skips);
}

#endif
