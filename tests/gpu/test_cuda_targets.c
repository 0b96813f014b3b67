// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Every .cu of the library named on the command line holds machine code for every card we promise,
// and PTX for later ones. Reads the fat binaries as nvcc embeds them: a header (magic, version,
// header size, size of what follows), then entries (kind 1 PTX or 2 machine code, header size,
// size, and the architecture as a number).

#include "base/file.h"

#include <stdio.h>
#include <string.h>

#define MAGIC 0xba55ed50u
#define KIND_PTX 1
#define KIND_CODE 2

static const uint32_t promised[] = {75, 80, 86, 89, 90};
#define N_PROMISED (sizeof promised / sizeof *promised)

static uint64_t number(const uint8_t *at, size_t bytes)
{
  uint64_t value = 0;
  memcpy(&value, at, bytes); // the hosts that nvcc knows are little-endian
  return value;
}

// Entries of one fat binary whose contents lie in [at, end); false when one is missing.
static bool holds_all(const uint8_t *at, const uint8_t *end)
{
  bool found[N_PROMISED] = {false}, ptx = false;
  while (end - at >= 32) {
    const uint64_t kind = number(at, 2), header = number(at + 4, 4), size = number(at + 8, 8);
    for (size_t i = 0; i < N_PROMISED; ++i) {
      found[i] = found[i] || (kind == KIND_CODE && number(at + 28, 4) == promised[i]);
    }
    ptx = ptx || kind == KIND_PTX;
    if (header < 32 || header + size > (uint64_t)(end - at)) {
      break;
    }
    at += header + size;
  }
  for (size_t i = 0; i < N_PROMISED; ++i) {
    if (!found[i]) {
      printf("a fat binary has no code for sm_%u\n", (unsigned)promised[i]);
      return false;
    }
  }
  if (!ptx) {
    printf("a fat binary has no PTX\n");
  }
  return ptx;
}

int main(int argc, char **argv)
{
  error err = {0};
  file_map map;
  if (argc != 2 || file_map_open(&map, argv[1], &err) != STATUS_OK) {
    printf("usage: test_cuda_targets LIBRARY: %s\n", err.message);
    return 2;
  }
  int n_binaries = 0, n_bad = 0;
  for (size_t i = 0; i + 16 <= map.size_bytes; i += 2) { // archive members begin at even offsets
    const uint8_t *at = map.data + i;
    if (number(at, 4) != MAGIC) {
      continue;
    }
    const uint64_t header = number(at + 6, 2), size = number(at + 8, 8);
    if (header >= 16 && size <= map.size_bytes - i - header) {
      ++n_binaries;
      n_bad += !holds_all(at + header, at + header + size);
    }
  }
  file_map_close(&map);
  printf("%d fat binaries, %d incomplete\n", n_binaries, n_bad);
  return n_binaries > 0 && n_bad == 0 ? 0 : 1;
}
