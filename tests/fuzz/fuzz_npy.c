// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A .npy that opens has all its elements, and its shape written again reads as the same.
#include "tests/fuzz/fuzz.h"

#include "models/io/npy_file.h"
#include "models/io/npy_header.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  npy_file file;
  error err;
  if (npy_file_read(&file, data, size, "input", &err)) {
    fuzz_require(err.message[0] && !file.data);
    return 0;
  }
  const size_t count = file.shape.size_bytes / element_bytes(file.shape.type);
  float *values = malloc((count ? count : 1) * sizeof *values);
  fuzz_require(values != NULL);
  element_to_f32(file.shape.type, file.data, count, values);
  free(values);
  uint8_t header[NPY_WRITTEN_BYTES];
  npy_shape again;
  size_t offset = 0;
  size_t text_bytes = 0;
  fuzz_require(!npy_header_write(header, &file.shape, "written", &err));
  fuzz_require(!npy_preamble_read(header, sizeof header, "written", &offset, &text_bytes, &err));
  fuzz_require(offset + text_bytes == sizeof header);
  fuzz_require(!npy_header_read(&again, (char *)header + offset, text_bytes, "written", &err));
  fuzz_require(again.type == file.shape.type && again.rank == file.shape.rank &&
               again.size_bytes == file.shape.size_bytes &&
               memcmp(again.dims, file.shape.dims, sizeof again.dims) == 0);
  return 0;
}
