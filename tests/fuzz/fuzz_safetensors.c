// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Whatever opens has tensors that lie inside the file and can be converted, hashed and found.
#include "tests/fuzz/fuzz.h"

#include "base/safetensors.h"

#include <string.h>

static void check_tensor(const safetensors *st, const safetensors_tensor *t)
{
  const size_t count = t->size_bytes / element_bytes(t->type);
  float *values = malloc((count ? count : 1) * sizeof *values);
  error err;
  fuzz_require(values != NULL && safetensors_find(st, t->name) == t);
  fuzz_require(safetensors_read_f32(st, t->name, t->rank, t->dims, values, &err) == STATUS_OK);
  free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  safetensors st;
  error err;
  if (safetensors_read(&st, data, size, "input", &err)) {
    fuzz_require(err.message[0] && !st.tensors && !st.header);
    return 0;
  }
  size_t sum_bytes = 0;
  for (size_t i = 0; i < st.n_tensors; ++i) {
    check_tensor(&st, &st.tensors[i]);
    sum_bytes += st.tensors[i].size_bytes;
  }
  fuzz_require(sum_bytes < size);
  char hex[SHA256_HEX_BYTES];
  const char *all[] = {""};
  fuzz_require(safetensors_hash(st.tensors, st.n_tensors, all, 1, hex, &err) == STATUS_OK);
  fuzz_require(strlen(hex) == SHA256_HEX_BYTES - 1);
  json *config = NULL;
  (void)safetensors_config(&st, &config, &err);
  json_free(config);
  safetensors_close(&st);
  return 0;
}
