// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Any bytes as the pickle of a sound archive with three storages: what opens has tensors that lie
/// in the archive or in memory of their own, whole.
#include "tests/fuzz/fuzz.h"

#include "models/io/torch_file.h"
#include "tests/models/stored_zip.h"

#include <string.h>

static void touch(const safetensors_tensor *t)
{
  const uint8_t *bytes = t->data;
  uint8_t sum = 0;
  size_t size_bytes = 0;
  for (size_t i = 0; i < t->size_bytes; ++i) {
    sum = (uint8_t)(sum + bytes[i]);
  }
  fuzz_require(sum + 1 > 0); // each byte was read
  fuzz_require(element_size(t->type, t->rank, t->dims, &size_bytes) && size_bytes == t->size_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const uint8_t storages[64] = {1, 2, 3};
  stored_zip zip;
  stored_zip_init(&zip, size + 3 * sizeof storages);
  stored_zip_add(&zip, "x/data.pkl", data, size);
  stored_zip_add(&zip, "x/data/0", storages, 64);
  stored_zip_add(&zip, "x/data/1", storages, 16);
  stored_zip_add(&zip, "x/data/2", storages, 8);
  stored_zip_finish(&zip);
  torch_file file;
  error err;
  if (torch_file_read(&file, zip.bytes, zip.n_bytes, false, "input", &err)) {
    fuzz_require(err.message[0] && !file.tensors);
  }
  for (size_t i = 0; i < file.n_tensors; ++i) {
    touch(&file.tensors[i]);
    fuzz_require(torch_file_find(&file, file.tensors[i].name) == &file.tensors[i]);
  }
  torch_file_close(&file);
  stored_zip_free(&zip);
  return 0;
}
