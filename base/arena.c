// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/arena.h"

#include <stdint.h>

void arena_init(arena *a, void *data, size_t size_bytes)
{
  *a = (arena){.data = data, .size_bytes = size_bytes};
}

void *arena_alloc(arena *a, size_t bytes)
{
  const size_t start = a->used_bytes;
  if (bytes > SIZE_MAX - start - ARENA_ALIGN_BYTES) {
    return NULL;
  }
  const size_t end = start + ((bytes + ARENA_ALIGN_BYTES - 1) & ~(size_t)(ARENA_ALIGN_BYTES - 1));
  if (end > a->peak_bytes) {
    a->peak_bytes = end;
  }
  if (end > a->size_bytes) {
    return NULL;
  }
  a->used_bytes = end;
  return a->data + start;
}

size_t arena_mark(const arena *a)
{
  return a->used_bytes;
}

void arena_rewind(arena *a, size_t mark)
{
  a->used_bytes = mark;
}
