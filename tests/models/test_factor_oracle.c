// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The factor oracle against its definition, over random words, grown and cut at random.

#include "base/random.h"
#include "models/factor_oracle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/models/plain_oracle.h"

static const uint16_t names[PLAIN_SYMBOLS] = {7, 0, 65535, 3, 256, 12, 1, 40000};

typedef struct fixture {
  factor_oracle o;
  void *block;
  plain_oracle plain;
  uint16_t word[PLAIN_LENGTH];
} fixture;

static int setup(void **state)
{
  fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  f->block = calloc(1, factor_oracle_bytes(PLAIN_LENGTH));
  assert_non_null(f->block);
  factor_oracle_init(&f->o, PLAIN_LENGTH, f->block);
  *state = f;
  return 0;
}

static int teardown(void **state)
{
  fixture *f = *state;
  free(f->block);
  free(f);
  return 0;
}

static void compare(fixture *f)
{
  const int length = (int)factor_oracle_length(&f->o);
  plain_oracle_make(&f->plain, f->word, length);
  plain_oracle_compare(&f->plain, &f->o, names);
}

static void add(fixture *f, uint16_t c)
{
  f->word[factor_oracle_length(&f->o)] = c;
  factor_oracle_add(&f->o, names[c]);
}

static uint32_t draw(uint64_t trial, uint64_t counter, uint32_t below)
{
  return (uint32_t)(random_bits(5, trial, counter) % below);
}

static void a_known_word(void **state)
{
  fixture *f = *state; // abbbaab: the example of the paper
  const uint16_t word[] = {0, 1, 1, 1, 0, 0, 1};
  const int suffixes[] = {-1, 0, 0, 2, 3, 1, 1, 2};
  for (int i = 0; i < 7; ++i) {
    add(f, word[i]);
  }
  for (int i = 1; i < 8; ++i) {
    assert_int_equal(f->o.suffix[i], suffixes[i]);
  }
  assert_int_equal(factor_oracle_next(&f->o, 0, names[1]), 2);
  assert_int_equal(factor_oracle_next(&f->o, 1, names[0]), 6);
  assert_int_equal(factor_oracle_next(&f->o, 2, names[0]), 5);
  assert_int_equal(factor_oracle_next(&f->o, 3, names[0]), 5);
  assert_int_equal(factor_oracle_next(&f->o, 6, names[0]), FACTOR_ORACLE_NONE);
  assert_int_equal(factor_oracle_n_skips(&f->o), 4);
}

static void every_prefix_of_random_words(void **state)
{
  fixture *f = *state;
  for (uint64_t trial = 0; trial < 60; ++trial) {
    const uint32_t n_symbols = 1 + (uint32_t)trial % 5;
    factor_oracle_clear(&f->o);
    compare(f);
    for (uint64_t i = 0; i < 48; ++i) {
      add(f, (uint16_t)draw(trial, i, n_symbols));
      compare(f);
    }
  }
}

/// Words that grow, are cut back, grow differently, are forgotten: always as if read at once.
static void cut_and_grown_again(void **state)
{
  fixture *f = *state;
  for (uint64_t trial = 100; trial < 160; ++trial) {
    const uint32_t n_symbols = 2 + (uint32_t)trial % 6;
    for (uint64_t i = 0; i < 60; ++i) {
      const uint32_t length = factor_oracle_length(&f->o);
      const uint32_t what = draw(trial, 4 * i, 10);
      if (what < 6) {
        const uint32_t count = draw(trial, 4 * i + 1, 12);
        for (uint32_t k = 0; k < count && length + k < PLAIN_LENGTH; ++k) {
          const bool again = what < 3 && length > 6; // periods make long chains
          const uint16_t c = (uint16_t)draw(trial, 1000 * i + k, n_symbols);
          add(f, again ? f->word[length + k - 6] : c);
        }
      } else if (what < 9) {
        factor_oracle_truncate(&f->o, draw(trial, 4 * i + 2, length + 1));
      } else {
        factor_oracle_clear(&f->o);
      }
      compare(f);
    }
  }
}

/// A copy of the block is a copy of the oracle.
static void snapshots_are_copies(void **state)
{
  fixture *f = *state;
  void *copy = malloc(f->o.block_bytes);
  assert_non_null(copy);
  for (uint64_t i = 0; i < 50; ++i) {
    add(f, (uint16_t)draw(7, i, 3));
  }
  memcpy(copy, f->block, f->o.block_bytes);
  factor_oracle_truncate(&f->o, 20);
  add(f, 5);
  memcpy(f->block, copy, f->o.block_bytes);
  for (uint64_t i = 0; i < 50; ++i) {
    f->word[i] = (uint16_t)draw(7, i, 3);
  }
  compare(f);
  add(f, 1);
  compare(f);
  free(copy);
}

/// The clearing that costs nothing does so after 65535 times too.
static void cleared_without_end(void **state)
{
  fixture *f = *state;
  for (uint32_t i = 0; i < 140000; ++i) {
    factor_oracle_clear(&f->o);
    add(f, (uint16_t)(i % 2));
    add(f, (uint16_t)(i / 2 % 2));
    add(f, (uint16_t)(i / 4 % 2));
    if (i % 1001 == 0 || (i > 65000 && i < 66000 && i % 7 == 0)) {
      compare(f);
    }
  }
}

static void filled_to_the_last(void **state)
{
  (void)state;
  enum { MOST = FACTOR_ORACLE_MAX_LENGTH };
  factor_oracle o;
  void *block = calloc(1, factor_oracle_bytes(MOST));
  assert_non_null(block);
  factor_oracle_init(&o, MOST, block);
  for (int round = 0; round < 2; ++round) {
    for (uint32_t i = 0; i < MOST; ++i) {
      factor_oracle_add(&o, (uint16_t)(i % 1000 == 999 ? i / 1000 : draw(9, i, 64)));
    }
    assert_int_equal(factor_oracle_length(&o), MOST);
    assert_true(factor_oracle_n_skips(&o) < MOST);
    for (uint16_t i = 1; i < 100; ++i) { // what is there is read
      uint16_t at = 0;
      for (uint16_t k = 0; k < 600; ++k) {
        at = factor_oracle_next(&o, at, o.symbol[i * 650 + k]);
        assert_int_not_equal(at, FACTOR_ORACLE_NONE);
      }
    }
    factor_oracle_truncate(&o, 0);
    assert_int_equal(factor_oracle_n_skips(&o), 0);
  }
  free(block);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_known_word, setup, teardown),
      cmocka_unit_test_setup_teardown(every_prefix_of_random_words, setup, teardown),
      cmocka_unit_test_setup_teardown(cut_and_grown_again, setup, teardown),
      cmocka_unit_test_setup_teardown(snapshots_are_copies, setup, teardown),
      cmocka_unit_test_setup_teardown(cleared_without_end, setup, teardown),
      cmocka_unit_test(filled_to_the_last),
  };
  return cmocka_run_group_tests_name("factor_oracle", tests, NULL, NULL);
}
