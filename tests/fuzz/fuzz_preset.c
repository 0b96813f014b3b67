// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Whatever is read as a preset has possible values, and is the same once written and read again;
/// nothing of a newer format is lost on the way.
#include "tests/fuzz/fuzz.h"

#include "engine/preset.h"

#include <string.h>

static char *written(const preset *p, size_t *size)
{
  char *text = NULL;
  FILE *stream = open_memstream(&text, size);
  fuzz_require(stream);
  fuzz_require(preset_write(p, stream, NULL) == STATUS_OK);
  fuzz_require(fclose(stream) == 0);
  return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static preset p, again;
  control controls[PARAMETER_MAX];
  error err = {0};
  if (preset_parse(&p, (const char *)data, size, "input", &err)) {
    fuzz_require(err.message[0] && err.code != STATUS_OK && p.n_kept == 0 && !p.kept);
    return 0;
  }
  for (int i = 0; i < parameter_count(); ++i) {
    fuzz_require(p.values[i] == parameter_clamp(i, p.values[i]));
  }
  fuzz_require(preset_to_controls(&p, true, 0, controls) == parameter_count());
  size_t first_size = 0, second_size = 0;
  char *first = written(&p, &first_size);
  fuzz_require(preset_parse(&again, first, first_size, "written", &err) == STATUS_OK);
  fuzz_require(again.n_kept == p.n_kept && again.format == p.format);
  fuzz_require(memcmp(again.values, p.values, sizeof p.values) == 0);
  fuzz_require(memcmp(again.bound, p.bound, sizeof p.bound) == 0);
  char *second = written(&again, &second_size);
  fuzz_require(first_size == second_size && memcmp(first, second, first_size) == 0);
  free(second);
  free(first);
  preset_free(&again);
  preset_free(&p);
  return 0;
}
