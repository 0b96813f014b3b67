// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Whatever is read comes in order and within the codebook, and ends where the file says or in an
/// error.
#include "tests/fuzz/fuzz_source.h"

#include "models/io/ecdc_file.h"

#include <math.h>

#define CAPACITY 50

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static int32_t codes[CAPACITY * 32];
  ecdc_reader *r = NULL;
  error err = {0};
  if (ecdc_reader_open(&r, fuzz_file(data, size), &err)) {
    fuzz_require(!r && err.message[0]);
    return 0;
  }
  const code_info *info = ecdc_reader_info(r);
  fuzz_require(info->n_codebooks >= 1 && info->n_codebooks <= 32);
  uint64_t step = 0;
  code_run run;
  status code = STATUS_OK;
  while ((code = ecdc_reader_read(r, codes, 1 + step % CAPACITY, &run, &err)) == STATUS_OK &&
         run.n_steps) {
    fuzz_require(run.first_step == step && run.n_steps <= CAPACITY && isfinite(run.scale));
    for (size_t i = 0; i < run.n_steps * info->n_codebooks; ++i) {
      fuzz_require(codes[i] >= 0 && codes[i] < 1024);
    }
    step += run.n_steps;
  }
  fuzz_require(ecdc_reader_ended(r) == (code == STATUS_OK));
  fuzz_require(step * info->n_codebooks * 10 <= size * 8);
  ecdc_reader_close(r);
  return 0;
}
