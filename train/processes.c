// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// What processes say to each other beyond a gathering, with MPI or without.

#include "train/processes.h"

#include <stdint.h>
#include <string.h>

status processes_agree(const processes *p, status mine, error *err)
{
  if (p->count == 1) {
    return mine;
  }
  err->code = mine;
  p->words[p->rank] = *err;
  processes_gather(p, p->words, sizeof *err);
  for (int i = 0; i < p->count; ++i) {
    if (p->words[i].code != STATUS_OK) {
      *err = p->words[i];
      break;
    }
  }
  return err->code;
}

bool processes_any(const processes *p, bool mine)
{
  error word = {0};
  return processes_agree(p, mine ? STATUS_INTERRUPTED : STATUS_OK, &word) != STATUS_OK || mine;
}

status processes_expect_same(const processes *p, const char *what, const void *mine,
                             size_t size_bytes, error *err)
{
  // The words carry a part of the bytes each time: they are the only room that is sure to be there.
  const uint8_t *bytes = mine;
  for (size_t at = 0; p->count > 1 && at < size_bytes; at += sizeof p->words[0].message) {
    const size_t left = size_bytes - at, most = sizeof p->words[0].message;
    const size_t part = left < most ? left : most;
    memcpy(p->words[p->rank].message, bytes + at, part);
    processes_gather(p, p->words, sizeof *p->words);
    for (int i = 1; i < p->count; ++i) {
      if (memcmp(p->words[i].message, p->words[0].message, part) != 0) {
        return error_set(err, STATUS_USAGE, "process %d has another %s than process 0", i, what);
      }
    }
  }
  return STATUS_OK;
}
