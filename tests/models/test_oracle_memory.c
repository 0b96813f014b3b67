// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// An oracle's memory against plain lists: at all times a plain factor oracle over exactly the steps
// remembered, whatever was forgotten or taken back.

#include "base/random.h"
#include "models/oracle_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/models/plain_oracle.h"

enum { CLASSES = 5, BOOKS = 2, MOST = 4000 };

typedef struct fixture {
  oracle_shape shape;
  oracle_memory m;
  void *block;
  plain_oracle plain;
  uint16_t classes[MOST]; ///< of all steps so far
  int32_t codes[MOST][BOOKS];
  uint64_t end;
} fixture;

static fixture *open_memory(uint32_t kept, uint32_t n_banks, uint32_t code_bytes)
{
  fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  f->shape = (oracle_shape){.n_codebooks = BOOKS,
                            .code_bytes = code_bytes,
                            .n_classes = CLASSES,
                            .held_cycle = 10,
                            .rewind_steps = 20};
  f->shape.n_banks = n_banks;
  f->shape.stagger_steps = (kept + n_banks - 2) / (n_banks - 1);
  f->shape.capacity = n_banks * f->shape.stagger_steps;
  f->block = calloc(1, oracle_memory_bytes(&f->shape));
  assert_non_null(f->block);
  oracle_memory_init(&f->m, &f->shape, f->block);
  return f;
}

static void close_memory(fixture *f)
{
  free(f->block);
  free(f);
}

static void add(fixture *f, uint16_t class_of_step, uint64_t seed)
{
  f->classes[f->end] = class_of_step;
  for (uint64_t k = 0; k < BOOKS; ++k) {
    f->codes[f->end][k] = (int32_t)(random_bits(seed, k, f->end) % 1000) - 1;
  }
  oracle_memory_add(&f->m, class_of_step, f->codes[f->end]);
  ++f->end;
}

/// Fails unless the memory is what plain lists say.
static void compare(fixture *f)
{
  static const uint16_t symbols[PLAIN_SYMBOLS] = {0, 1, 2, 3, 4, 60001, 60002, 60003};
  const uint64_t start = oracle_memory_start(&f->m);
  assert_int_equal(oracle_memory_end(&f->m), f->end);
  plain_oracle_make(&f->plain, f->classes + start, (int)(f->end - start));
  plain_oracle_compare(&f->plain, oracle_memory_oracle(&f->m), symbols);
  uint64_t newest[CLASSES];
  for (int c = 0; c < CLASSES; ++c) {
    newest[c] = f->end;
  }
  for (uint64_t t = start; t < f->end; ++t) {
    int32_t codes[BOOKS];
    oracle_memory_codes(&f->m, t, codes);
    assert_memory_equal(codes, f->codes[t], sizeof codes);
    assert_int_equal(oracle_memory_class(&f->m, t), f->classes[t]);
    assert_int_equal(oracle_memory_same_before(&f->m, t), newest[f->classes[t]]);
    newest[f->classes[t]] = t;
  }
  for (uint16_t c = 0; c < CLASSES; ++c) {
    assert_int_equal(oracle_memory_newest(&f->m, c), newest[c]);
  }
  assert_true(start == 0 || !oracle_memory_has(&f->m, start - 1));
  assert_false(oracle_memory_has(&f->m, f->end));
}

static void remembers_and_forgets(uint32_t kept, uint32_t n_banks, uint32_t code_bytes)
{
  fixture *f = open_memory(kept, n_banks, code_bytes);
  for (uint64_t t = 0; t < 400; ++t) {
    add(f, (uint16_t)(random_bits(1, kept, t) % CLASSES), 1);
    const uint64_t count = f->end - oracle_memory_start(&f->m);
    assert_true(count >= (t + 1 < kept ? t + 1 : kept) && count <= f->shape.capacity);
    compare(f);
  }
  close_memory(f);
}

static void any_number_of_banks(void **unused)
{
  (void)unused;
  remembers_and_forgets(30, 2, 2);
  remembers_and_forgets(40, 3, 4);
  remembers_and_forgets(47, 4, 2);
}

/// What is taken back is as if it had never been, but for what was forgotten on the way.
static void taken_back_at_any_time(void **unused)
{
  (void)unused;
  for (uint32_t n_banks = 2; n_banks <= 4; ++n_banks) {
    fixture *f = open_memory(30, n_banks, 2);
    for (uint64_t trial = 0; trial < 150; ++trial) {
      const uint32_t count = (uint32_t)(random_bits(2, n_banks, trial) % 23);
      for (uint32_t i = 0; i < count; ++i) {
        const uint64_t bits = random_bits(3, n_banks, 100 * trial + i);
        add(f, (uint16_t)(trial % 3 ? bits % CLASSES : f->end % 2), trial);
      }
      const uint32_t wanted = (uint32_t)(random_bits(4, n_banks, trial) % 24);
      const uint64_t there = f->end - oracle_memory_start(&f->m);
      const uint32_t most = f->m.header->rewindable_steps;
      const uint32_t expected = wanted < most ? wanted : most;
      const uint32_t found = oracle_memory_rewind(&f->m, wanted);
      assert_int_equal(found, expected < there ? expected : there);
      f->end -= found;
      compare(f);
    }
    close_memory(f);
  }
}

static void cleared_is_new(void **unused)
{
  (void)unused;
  fixture *f = open_memory(30, 3, 2);
  for (int round = 0; round < 3; ++round) {
    for (uint64_t t = 0; t < 100; ++t) {
      add(f, (uint16_t)(t * t % CLASSES), 5);
    }
    compare(f);
    oracle_memory_clear(&f->m);
    f->end = 0;
    compare(f);
    assert_int_equal(oracle_memory_rewind(&f->m, 3), 0);
  }
  close_memory(f);
}

/// A long note or silence is numbered, so that no chain of suffix links grows with it.
static void what_is_held_is_numbered(void **unused)
{
  (void)unused;
  fixture *f = open_memory(1000, 2, 2);
  for (int note = 0; note < 3; ++note) {
    for (int t = 0; t < 300; ++t) {
      add(f, 1, 6);
    }
    add(f, 2, 6);
  }
  const factor_oracle *o = oracle_memory_oracle(&f->m);
  int longest = 0;
  for (uint32_t state = 1; state <= factor_oracle_length(o); ++state) {
    int links = 0;
    for (uint16_t at = (uint16_t)state; at != FACTOR_ORACLE_NONE; at = o->suffix[at]) {
      ++links;
    }
    longest = links > longest ? links : longest;
  }
  assert_in_range(longest, ORACLE_HELD_STEPS, ORACLE_HELD_STEPS + 300 / 10 + 10);
  uint16_t lowest = UINT16_MAX, highest = 0;
  for (uint32_t state = 1; state <= 300; ++state) {
    const bool held = state > ORACLE_HELD_STEPS;
    assert_true(held ? o->symbol[state] >= CLASSES : o->symbol[state] == 1);
    if (held) {
      lowest = o->symbol[state] < lowest ? o->symbol[state] : lowest;
      highest = o->symbol[state] > highest ? o->symbol[state] : highest;
    }
  }
  assert_int_equal(highest - lowest, 9); // held_cycle of them
  assert_int_equal(o->symbol[301], 2);
  assert_int_equal(oracle_memory_newest(&f->m, 1), 901); // but of the same class all along
  assert_int_equal(oracle_memory_same_before(&f->m, 299), 298);
  close_memory(f);
}

static void plans_hold_what_they_promise(void **unused)
{
  (void)unused;
  for (uint32_t kept = 16; kept <= ORACLE_MAX_KEPT; kept += kept < 100 ? 1 : 997) {
    oracle_shape shape = {0};
    oracle_shape_plan(&shape, kept);
    assert_in_range(shape.n_banks, 2, ORACLE_MAX_BANKS);
    assert_int_equal(shape.capacity, shape.n_banks * shape.stagger_steps);
    assert_true(shape.capacity - shape.stagger_steps >= kept);
    assert_true(shape.capacity <= FACTOR_ORACLE_MAX_LENGTH);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_number_of_banks),
      cmocka_unit_test(taken_back_at_any_time),
      cmocka_unit_test(cleared_is_new),
      cmocka_unit_test(what_is_held_is_numbered),
      cmocka_unit_test(plans_hold_what_they_promise),
  };
  return cmocka_run_group_tests_name("oracle_memory", tests, NULL, NULL);
}
