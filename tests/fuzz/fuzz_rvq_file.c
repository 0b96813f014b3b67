// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Every input is read as it is and with the checksums of its pages put right. Whatever is read
/// comes in order, without omission, and within the codebook.
#include "tests/fuzz/fuzz_source.h"

#include "models/io/rvq_file.h"

#include <ogg/ogg.h>
#include <stdbool.h>
#include <string.h>

#define CAPACITY 64
#define MOST_STEPS 2000 // a small file may truthfully claim to have lost a day

static void read_all(const uint8_t *data, size_t size)
{
  static int32_t codes[CAPACITY * CODE_MAX_CODEBOOKS];
  rvq_reader *r = NULL;
  error err = {0};
  if (rvq_reader_open(&r, fuzz_file(data, size), &err)) {
    fuzz_require(!r && err.message[0]);
    return;
  }
  const code_info *info = rvq_reader_info(r);
  uint64_t step = 0;
  code_run run = {.n_steps = 1};
  while (run.n_steps && step < MOST_STEPS) {
    fuzz_require(rvq_reader_read(r, codes, 1 + step % CAPACITY, &run, &err) == STATUS_OK);
    fuzz_require(run.first_step == step && run.n_steps <= CAPACITY);
    for (size_t i = 0; i < run.n_steps * info->n_codebooks; ++i) {
      fuzz_require(run.lost ? codes[i] == -1
                            : codes[i] >= 0 && codes[i] < (int32_t)info->codebook_size);
    }
    step += run.n_steps;
  }
  rvq_reader_close(r);
}

static void put_checksums_right(uint8_t *data, size_t size)
{
  size_t at = 0;
  while (size - at >= 27) {
    if (memcmp(data + at, "OggS", 4) != 0) {
      ++at;
      continue;
    }
    size_t head = 27 + (size_t)data[at + 26];
    size_t body = 0;
    for (size_t i = 27; i < head && at + i < size; ++i) {
      body += data[at + i];
    }
    if (size - at < head + body) {
      ++at;
      continue;
    }
    ogg_page page = {data + at, (long)head, data + at + head, (long)body};
    ogg_page_checksum_set(&page);
    at += head + body;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  read_all(data, size);
  uint8_t *copy = malloc(size + 1);
  fuzz_require(copy);
  if (size) {
    memcpy(copy, data, size);
  }
  put_checksums_right(copy, size);
  read_all(copy, size);
  free(copy);
  return 0;
}
