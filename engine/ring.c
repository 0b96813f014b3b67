// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/ring.h"

#include "base/touched.h"

#include <stdlib.h>
#include <string.h>

status ring_init(ring *r, uint64_t least_capacity, size_t element_bytes, const char *what,
                 error *err)
{
  uint64_t capacity = 1;
  while (capacity < least_capacity) {
    capacity *= 2;
  }
  atomic_init(&r->head, 0);
  atomic_init(&r->tail, 0);
  r->capacity = capacity;
  r->element_bytes = element_bytes;
  r->data = touched_new(ring_bytes(r)); // every page is there before the audio
  if (!r->data) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for the %s (%zu bytes)", what,
                     ring_bytes(r));
  }
  return STATUS_OK;
}

void ring_destroy(ring *r)
{
  free(r->data);
  r->data = NULL;
}

size_t ring_bytes(const ring *r)
{
  return (size_t)r->capacity * r->element_bytes;
}

uint64_t ring_head(const ring *r)
{
  return atomic_load_explicit(&r->head, memory_order_acquire);
}

uint64_t ring_tail(const ring *r)
{
  return atomic_load_explicit(&r->tail, memory_order_acquire);
}

// Elements from `position` to the end of the memory, at most n.
static size_t until_wrap(const ring *r, uint64_t position, size_t n)
{
  const uint64_t rest = r->capacity - (position & (r->capacity - 1));
  return rest < n ? (size_t)rest : n;
}

void ring_write(ring *r, uint64_t position, const void *from, size_t n)
{
  const size_t first = until_wrap(r, position, n);
  const size_t bytes = first * r->element_bytes;
  memcpy(ring_at(r, position), from, bytes);
  if (n > first) {
    memcpy(r->data, (const unsigned char *)from + bytes, (n - first) * r->element_bytes);
  }
}

void ring_read(const ring *r, uint64_t position, void *to, size_t n)
{
  const size_t first = until_wrap(r, position, n);
  const size_t bytes = first * r->element_bytes;
  memcpy(to, ring_at(r, position), bytes);
  if (n > first) {
    memcpy((unsigned char *)to + bytes, r->data, (n - first) * r->element_bytes);
  }
}

void ring_publish(ring *r, uint64_t head)
{
  atomic_store_explicit(&r->head, head, memory_order_release);
}

void ring_release(ring *r, uint64_t tail)
{
  atomic_store_explicit(&r->tail, tail, memory_order_release);
}

bool ring_push(ring *r, const void *element)
{
  const uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
  if (head - ring_tail(r) >= r->capacity) {
    return false;
  }
  ring_write(r, head, element, 1);
  ring_publish(r, head + 1);
  return true;
}

bool ring_pull(ring *r, void *element)
{
  const uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
  if (tail == ring_head(r)) {
    return false;
  }
  ring_read(r, tail, element, 1);
  ring_release(r, tail + 1);
  return true;
}
