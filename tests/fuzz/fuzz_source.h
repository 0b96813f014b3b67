// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// An input as a file in memory, for targets whose readers want a file.
#ifndef CONTINUO_TESTS_FUZZ_FUZZ_SOURCE_H
#define CONTINUO_TESTS_FUZZ_FUZZ_SOURCE_H

#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/// Put the input into the one file there is; returns its path.
static inline const char *fuzz_file(const uint8_t *data, size_t size)
{
  static int fd = -1;
  static char path[64];
  if (fd < 0) {
    fd = memfd_create("fuzz", MFD_CLOEXEC);
    fuzz_require(fd >= 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  }
  fuzz_require(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
  return path;
}

#endif
