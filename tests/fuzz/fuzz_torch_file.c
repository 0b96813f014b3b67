// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Any bytes as a whole PyTorch file, with and without checksums (which would keep a fuzzer out).
#include "tests/fuzz/fuzz.h"

#include "models/io/torch_file.h"

static void read_once(const uint8_t *data, size_t size, bool checksums)
{
  torch_file file;
  error err;
  if (torch_file_read(&file, data, size, checksums, "input", &err)) {
    fuzz_require(err.message[0] && !file.tensors);
  }
  for (size_t i = 0; i < file.n_tensors; ++i) {
    const safetensors_tensor *t = &file.tensors[i];
    const size_t count = t->size_bytes / element_bytes(t->type);
    float *values = malloc((count ? count : 1) * sizeof *values);
    fuzz_require(values != NULL);
    element_to_f32(t->type, t->data, count, values);
    free(values);
  }
  torch_file_close(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  read_once(data, size, false);
  read_once(data, size, true);
  return 0;
}
