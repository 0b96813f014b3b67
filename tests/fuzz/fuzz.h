// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What every fuzz target defines, and helpers for them. Under clang with CONTINUO_FUZZ libFuzzer
/// calls it; in any other build replay.c feeds it the committed corpus, as a unit test.
#ifndef CONTINUO_TESTS_FUZZ_FUZZ_H
#define CONTINUO_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/// One input, any bytes. Crash, sanitizer report or `fuzz_require` failure is a finding. Returns 0.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/// A property that must hold for every input.
#define fuzz_require(condition)                                                                    \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

#endif
