// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A bump allocator over one block: activations of one step, freed all at once.
/// Not thread-safe; one arena belongs to one run.
#ifndef CONTINUO_BASE_ARENA_H
#define CONTINUO_BASE_ARENA_H

#include <stddef.h>

#define ARENA_ALIGN_BYTES 64

typedef struct arena {
  unsigned char *data; ///< 64-byte aligned; host or device memory, owned by whoever made it
  size_t size_bytes;   ///< capacity
  size_t used_bytes;   ///< bump position
  size_t peak_bytes;   ///< highest position ever asked for, also beyond the capacity
} arena;

/// Use `size_bytes` at `data` (64-byte aligned). A null `data` with size 0 only measures.
void arena_init(arena *a, void *data, size_t size_bytes);

/// 64-byte aligned bytes, not cleared; null when they do not fit (peak_bytes still grows).
void *arena_alloc(arena *a, size_t bytes);

/// Position to return to with `arena_rewind`.
size_t arena_mark(const arena *a);
void arena_rewind(arena *a, size_t mark);

#endif
