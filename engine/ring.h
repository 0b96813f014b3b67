// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A lock-free ring between one writing and one reading thread. Elements have absolute 64-bit
/// positions that never wrap: position p lies in slot p modulo the capacity, and either side may
/// skip ahead. Elements are interleaved samples [n_channels] f32, or typed messages.
///
/// Thread tags: [writer] the one thread that publishes, [reader] the one that releases, [any].
#ifndef CONTINUO_ENGINE_RING_H
#define CONTINUO_ENGINE_RING_H

#include "base/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHE_LINE_BYTES 64

typedef struct ring {
  _Alignas(CACHE_LINE_BYTES) _Atomic uint64_t head; ///< elements below are written
  _Alignas(CACHE_LINE_BYTES) _Atomic uint64_t tail; ///< elements below are done with
  _Alignas(CACHE_LINE_BYTES) unsigned char *data;   ///< const after init
  uint64_t capacity;                                ///< elements, a power of two
  size_t element_bytes;
} ring;

/// At least `least_capacity` elements, touched and zero. STATUS_NO_MEMORY. `what` names it.
status ring_init(ring *r, uint64_t least_capacity, size_t element_bytes, const char *what,
                 error *err);
void ring_destroy(ring *r); ///< a zeroed ring is fine
size_t ring_bytes(const ring *r);

/// Elements written: those below it may be read. [any]
uint64_t ring_head(const ring *r);

/// Elements released: slots of positions below `ring_tail + capacity` may be written. [any]
uint64_t ring_tail(const ring *r);

/// The slot of `position`. The caller knows that it is its to touch. [writer] [reader]
static inline void *ring_at(const ring *r, uint64_t position)
{
  return r->data + (size_t)(position & (r->capacity - 1)) * r->element_bytes;
}

/// Copy `n` elements into, or out of, slots from `position` on. [writer], [reader]
void ring_write(ring *r, uint64_t position, const void *from, size_t n);
void ring_read(const ring *r, uint64_t position, void *to, size_t n);

void ring_publish(ring *r, uint64_t head); ///< [writer]
void ring_release(ring *r, uint64_t tail); ///< [reader]

/// One element on, or off; false when there is no room, or nothing. [writer], [reader]
bool ring_push(ring *r, const void *element);
bool ring_pull(ring *r, void *element);

#endif
