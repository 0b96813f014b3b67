// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Stands in where MPI is missing.

#include "train/processes.h"

#include <stdlib.h>

status processes_open(processes *p, error *err)
{
  const char *count = getenv("OMPI_COMM_WORLD_SIZE");
  *p = PROCESSES_ALONE;
  if (count && strtol(count, NULL, 10) > 1) {
    return error_set(err, STATUS_UNSUPPORTED,
                     "cannot train in %s processes: this build has no MPI (libopenmpi-dev)", count);
  }
  return STATUS_OK;
}

void processes_close(processes *p)
{
  *p = PROCESSES_ALONE;
}

void processes_gather(const processes *p, void *all, size_t block_bytes)
{
  (void)p;
  (void)all;
  (void)block_bytes;
}
