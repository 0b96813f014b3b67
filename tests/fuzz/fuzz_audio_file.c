// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// libsndfile behind our reader: whatever it makes of the bytes, what comes out is finite and as
/// long as was said, or ends in an error.
#include "tests/fuzz/fuzz_source.h"

#include "models/io/audio_file.h"

#include <math.h>
#include <stdbool.h>

// LeakSanitizer asks for this by name. libsndfile 1.2.0 forgets its Vorbis state when a damaged Ogg
// file fails to open, which we cannot mend.
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
  return "leak:vorbis_info_init\n";
}

#define CAPACITY 1000
#define MOST_SAMPLES 50000

static void read_all(const char *path, uint32_t rate_hz, uint32_t n_channels)
{
  audio_reader *r = NULL;
  error err = {0};
  if (audio_reader_open(&r, path, rate_hz, n_channels, &err)) {
    fuzz_require(!r && err.message[0]);
    return;
  }
  const audio_info *info = audio_reader_info(r);
  fuzz_require(info->rate_hz > 0 && info->n_channels > 0 && info->file_channels <= 1024);
  float *out = malloc(sizeof *out * CAPACITY * info->n_channels);
  fuzz_require(out);
  uint64_t total = 0;
  size_t n = CAPACITY;
  status code = STATUS_OK;
  while (n == CAPACITY && code == STATUS_OK && total < MOST_SAMPLES) {
    code = audio_reader_read(r, out, CAPACITY, &n, &err);
    fuzz_require(n <= CAPACITY);
    for (size_t i = 0; i < n * info->n_channels; ++i) {
      fuzz_require(rate_hz || isfinite(out[i])); // a resampler's sum of huge values may overflow
    }
    total += n;
  }
  fuzz_require(code == STATUS_OK || err.message[0]);
  free(out);
  audio_reader_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const char *path = fuzz_file(data, size);
  read_all(path, 0, 0);
  read_all(path, 24000, 1);
  return 0;
}
