// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Whatever is read makes sense, and is the same, bit for bit, once written and read again.
#include "tests/fuzz/fuzz.h"

#include "train/recipe.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char *text = calloc(size + 1, 1);
  fuzz_require(text);
  if (size) {
    memcpy(text, data, size);
  }
  static recipe r, again;
  error err = {0};
  const char *override = text;
  if (recipe_load(&r, NULL, &override, 1, &err)) { // as one override ...
    fuzz_require(err.message[0]);
  }
  err.message[0] = '\0';
  if (recipe_parse(&r, text, "input", &err)) { // ... and as a file
    fuzz_require(err.message[0]);
    free(text);
    return 0;
  }
  free(text);
  fuzz_require(recipe_check(&r, &err) == STATUS_OK);
  fuzz_require(recipe_write(&r, &text, &err) == STATUS_OK);
  fuzz_require(recipe_parse(&again, text, "written", &err) == STATUS_OK);
  fuzz_require(memcmp(&r, &again, sizeof r) == 0);
  free(text);
  return 0;
}
