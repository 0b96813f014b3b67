// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Any bytes as a model file: loaded as every kind of ours, and imported as a foreign one.
#include "tests/fuzz/fuzz.h"

#include "models/import_encodec.h"
#include "models/lyra_file.h"
#include "models/seanet_file.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

// The loaders take a path: one file in memory, written anew for each input.
static bool write_input(int fd, const uint8_t *data, size_t size)
{
  return fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static int fd = -1;
  if (fd < 0) {
    fd = memfd_create("input", MFD_CLOEXEC);
  }
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  fuzz_require(write_input(fd, data, size));
  const char *const paths[1] = {path};
  seanet *net = NULL;
  lyra *other = NULL;
  error err = {0};
  fuzz_require(seanet_load(&net, path, &err) == STATUS_OK || (!net && err.message[0]));
  seanet_free(net, NULL);
  fuzz_require(lyra_load(&other, path, &err) == STATUS_OK || (!other && err.message[0]));
  lyra_free(other, NULL);
  fuzz_require(import_encodec_read(&net, paths, 1, &err) == STATUS_OK || (!net && err.message[0]));
  seanet_free(net, NULL);
  return 0;
}
