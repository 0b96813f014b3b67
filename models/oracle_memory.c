// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/oracle_memory.h"

#include <string.h>

#define NO_CODE 0xffff

void oracle_shape_plan(oracle_shape *shape, uint32_t kept_steps)
{
  uint32_t n = 2; // fewer banks are less work
  uint32_t stagger = kept_steps;
  while (n < ORACLE_MAX_BANKS && n * stagger > FACTOR_ORACLE_MAX_LENGTH) {
    ++n;
    stagger = (kept_steps + n - 2) / (n - 1);
  }
  shape->n_banks = n;
  shape->stagger_steps = stagger;
  shape->capacity = n * stagger;
}

static size_t round_up(size_t bytes)
{
  return (bytes + 7) / 8 * 8;
}

static size_t row_bytes(const oracle_shape *shape)
{
  return round_up(shape->capacity * sizeof(uint16_t));
}

static size_t codes_bytes(const oracle_shape *shape)
{
  return round_up((size_t)shape->capacity * shape->n_codebooks * shape->code_bytes);
}

size_t oracle_memory_bytes(const oracle_shape *shape)
{
  return sizeof(oracle_memory_header) + shape->n_banks * factor_oracle_bytes(shape->capacity) +
         shape->n_classes * sizeof(uint64_t) + 3 * row_bytes(shape) + codes_bytes(shape);
}

void oracle_memory_init(oracle_memory *m, const oracle_shape *shape, void *block)
{
  char *at = (char *)block + sizeof(oracle_memory_header);
  m->shape = shape;
  m->header = block;
  for (uint32_t i = 0; i < shape->n_banks; ++i) {
    factor_oracle_init(&m->banks[i], shape->capacity, at);
    at += factor_oracle_bytes(shape->capacity);
  }
  m->newest = (uint64_t *)(void *)at;
  at += shape->n_classes * sizeof *m->newest;
  uint16_t **const rows[] = {&m->classes, &m->held, &m->same_before};
  for (int i = 0; i < 3; ++i) {
    *rows[i] = (uint16_t *)(void *)at;
    at += row_bytes(shape);
  }
  m->codes = at;
  oracle_memory_clear(m);
}

void oracle_memory_clear(oracle_memory *m)
{
  const oracle_shape *shape = m->shape;
  *m->header = (oracle_memory_header){0};
  for (uint32_t i = 0; i < shape->n_banks; ++i) {
    m->header->bank_start[i] = (uint64_t)i * shape->stagger_steps;
    factor_oracle_clear(&m->banks[i]);
  }
  memset(m->newest, 0, shape->n_classes * sizeof *m->newest);
}

uint64_t oracle_memory_start(const oracle_memory *m)
{
  return m->header->bank_start[m->header->oldest];
}

uint64_t oracle_memory_end(const oracle_memory *m)
{
  return m->header->end;
}

bool oracle_memory_has(const oracle_memory *m, uint64_t step)
{
  return step >= oracle_memory_start(m) && step < m->header->end;
}

const factor_oracle *oracle_memory_oracle(const oracle_memory *m)
{
  return &m->banks[m->header->oldest];
}

static size_t place_of(const oracle_memory *m, uint64_t step)
{
  return (size_t)(step % m->shape->capacity);
}

uint16_t oracle_memory_class(const oracle_memory *m, uint64_t step)
{
  return m->classes[place_of(m, step)];
}

// ---- codes ----

static void store_codes(oracle_memory *m, const int32_t *codes)
{
  const size_t n = m->shape->n_codebooks, at = place_of(m, m->header->end) * n;
  if (m->shape->code_bytes == 4) {
    memcpy((int32_t *)m->codes + at, codes, n * sizeof *codes);
    return;
  }
  uint16_t *to = (uint16_t *)m->codes + at;
  for (size_t k = 0; k < n; ++k) {
    to[k] = (uint16_t)(codes[k] >= 0 && codes[k] < NO_CODE ? codes[k] : NO_CODE);
  }
}

void oracle_memory_codes(const oracle_memory *m, uint64_t step, int32_t *codes)
{
  const size_t n = m->shape->n_codebooks, at = place_of(m, step) * n;
  if (m->shape->code_bytes == 4) {
    memcpy(codes, (const int32_t *)m->codes + at, n * sizeof *codes);
    return;
  }
  const uint16_t *from = (const uint16_t *)m->codes + at;
  for (size_t k = 0; k < n; ++k) {
    codes[k] = from[k] == NO_CODE ? -1 : from[k];
  }
}

// ---- steps of a class ----

uint64_t oracle_memory_newest(const oracle_memory *m, uint16_t class_of_step)
{
  const uint64_t next = m->newest[class_of_step];
  return next > oracle_memory_start(m) ? next - 1 : m->header->end;
}

uint64_t oracle_memory_same_before(const oracle_memory *m, uint64_t step)
{
  const uint64_t distance = m->same_before[place_of(m, step)];
  return distance && distance <= step - oracle_memory_start(m) ? step - distance : m->header->end;
}

/// Enter the step into the list of its class; returns the symbol that factor oracles read.
/// Without numbers, one long note or silence would hang thousands of states on one chain of suffix
/// links, all of which the first other step would have to visit.
static uint16_t enter_class(oracle_memory *m, uint16_t class_of_step)
{
  const uint64_t step = m->header->end;
  const size_t at = place_of(m, step);
  const uint64_t last = m->newest[class_of_step]; // plus 1
  const uint64_t distance = last ? step + 1 - last : 0;
  uint16_t held = 0;
  if (distance == 1) {
    held = m->held[place_of(m, step - 1)];
    held = (uint16_t)(held < UINT16_MAX ? held + 1 : ORACLE_HELD_STEPS);
  }
  m->classes[at] = class_of_step;
  m->held[at] = held;
  m->same_before[at] = (uint16_t)(distance <= UINT16_MAX ? distance : 0);
  m->newest[class_of_step] = step + 1;
  if (held < ORACLE_HELD_STEPS) {
    return class_of_step;
  }
  const uint32_t number = (held - ORACLE_HELD_STEPS) % m->shape->held_cycle;
  return (uint16_t)(m->shape->n_classes + class_of_step * m->shape->held_cycle + number);
}

/// Take the last step out of the list of its class.
static void leave_class(oracle_memory *m)
{
  const uint64_t step = m->header->end - 1;
  const size_t at = place_of(m, step);
  const uint64_t distance = m->same_before[at];
  m->newest[m->classes[at]] = distance ? step + 1 - distance : 0;
}

// ---- adding and taking back ----

/// The oldest bank is full: the next takes over, and it starts again after the youngest.
static void change_banks(oracle_memory *m)
{
  oracle_memory_header *h = m->header;
  factor_oracle_clear(&m->banks[h->oldest]);
  h->bank_start[h->oldest] += m->shape->capacity;
  h->oldest = (h->oldest + 1) % m->shape->n_banks;
}

void oracle_memory_add(oracle_memory *m, uint16_t class_of_step, const int32_t *codes)
{
  oracle_memory_header *h = m->header;
  if (factor_oracle_length(oracle_memory_oracle(m)) == m->shape->capacity) {
    change_banks(m);
  }
  store_codes(m, codes);
  const uint16_t symbol = enter_class(m, class_of_step);
  for (uint32_t i = 0; i < m->shape->n_banks; ++i) {
    if (h->end >= h->bank_start[i]) {
      factor_oracle_add(&m->banks[i], symbol);
    }
  }
  ++h->end;
  h->rewindable_steps += h->rewindable_steps < m->shape->rewind_steps;
}

uint32_t oracle_memory_rewind(oracle_memory *m, uint32_t n_steps)
{
  oracle_memory_header *h = m->header;
  const uint64_t n_remembered = h->end - oracle_memory_start(m);
  uint32_t n = n_steps < h->rewindable_steps ? n_steps : h->rewindable_steps;
  n = n < n_remembered ? n : (uint32_t)n_remembered;
  for (uint32_t i = 0; i < n; ++i) {
    leave_class(m);
    --h->end;
  }
  h->rewindable_steps -= n;
  for (uint32_t i = 0; i < m->shape->n_banks; ++i) {
    const uint64_t length = h->end > h->bank_start[i] ? h->end - h->bank_start[i] : 0;
    factor_oracle_truncate(&m->banks[i], (uint32_t)length);
  }
  return n;
}
