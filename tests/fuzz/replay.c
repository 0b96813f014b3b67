// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// main for fuzz targets where libFuzzer is not at hand: every file of the folders named on the
/// command line goes through the target once, whole, truncated at each of 64 places and with one
/// bit flipped at each of 256 places. Deterministic, so it is a unit test.
#include "tests/fuzz/fuzz.h"

#include "base/file.h"
#include "base/random.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

// A copy of exactly `size` bytes, so that address sanitizers see a read past the end.
static void feed(const uint8_t *data, size_t size, size_t flip_bit)
{
  uint8_t *copy = calloc(size ? size : 1, 1);
  if (!copy) {
    abort();
  }
  if (size) {
    memcpy(copy, data, size);
  }
  if (flip_bit < size * 8) {
    copy[flip_bit / 8] ^= (uint8_t)(1u << (flip_bit % 8));
  }
  (void)LLVMFuzzerTestOneInput(copy, size);
  free(copy);
}

static int replay_file(const char *path)
{
  file_map map;
  error err;
  if (file_map_open(&map, path, &err)) {
    fprintf(stderr, "%s\n", err.message);
    return 1;
  }
  feed(map.data, map.size_bytes, SIZE_MAX);
  for (size_t i = 0; i < 64; ++i) {
    feed(map.data, map.size_bytes * i / 64, SIZE_MAX);
  }
  for (uint64_t i = 0; i < 256 && map.size_bytes > 0; ++i) {
    feed(map.data, map.size_bytes, (size_t)(random_bits(1, 2, i) % (map.size_bytes * 8)));
  }
  file_map_close(&map);
  return 0;
}

static int replay_folder(const char *folder, int *n_files)
{
  DIR *dir = opendir(folder);
  if (!dir) {
    perror(folder);
    return 1;
  }
  int failed = 0;
  for (const struct dirent *entry = readdir(dir); entry && !failed; entry = readdir(dir)) {
    if (entry->d_name[0] != '.') {
      char path[4096];
      snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
      failed = replay_file(path);
      ++*n_files;
    }
  }
  closedir(dir);
  return failed;
}

int main(int argc, char **argv)
{
  int n_files = 0;
  feed(NULL, 0, SIZE_MAX);
  for (int i = 1; i < argc; ++i) {
    if (replay_folder(argv[i], &n_files)) {
      return 1;
    }
  }
  if (n_files == 0) {
    fprintf(stderr, "no corpus files\n");
    return 1;
  }
  printf("%d corpus files replayed\n", n_files);
  return 0;
}
