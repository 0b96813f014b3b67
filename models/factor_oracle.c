// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/factor_oracle.h"

#include <string.h>

struct factor_oracle_header {
  uint32_t length;
  uint32_t n_skips; ///< transitions in the table
  uint32_t epoch;   ///< 1 up; slots of another one are empty
  uint32_t unused;
};

/// One transition of an open-addressing table, probed linearly.
struct factor_oracle_slot {
  uint16_t source, symbol, target;
  uint16_t epoch;
};

/// An oracle has fewer skips than symbols, so the table is at most half full.
static uint32_t count_slots(uint32_t capacity)
{
  uint32_t count = 16;
  while (count < 2 * capacity) {
    count *= 2;
  }
  return count;
}

static size_t state_bytes(uint32_t capacity)
{
  return (((size_t)capacity + 1) * sizeof(uint16_t) + 7) / 8 * 8;
}

static size_t undo_bytes(uint32_t capacity)
{
  return ((size_t)capacity * sizeof(uint32_t) + 7) / 8 * 8;
}

static size_t n_skips_bytes(uint32_t capacity)
{
  return (((size_t)capacity + 1) * sizeof(uint32_t) + 7) / 8 * 8;
}

size_t factor_oracle_bytes(uint32_t capacity)
{
  return sizeof(factor_oracle_header) + 5 * state_bytes(capacity) + undo_bytes(capacity) +
         count_slots(capacity) * sizeof(factor_oracle_slot) + n_skips_bytes(capacity);
}

void factor_oracle_init(factor_oracle *o, uint32_t capacity, void *block)
{
  char *at = block;
  o->header = block;
  o->block_bytes = factor_oracle_bytes(capacity);
  o->capacity = capacity;
  o->slot_mask = count_slots(capacity) - 1;
  at += sizeof(factor_oracle_header);
  uint16_t **const states[] = {&o->symbol, &o->suffix, &o->repeat, &o->first_back, &o->next_back};
  for (size_t i = 0; i < sizeof states / sizeof *states; ++i) {
    *states[i] = (uint16_t *)(void *)at;
    at += state_bytes(capacity);
  }
  o->undo = (uint32_t *)(void *)at;
  at += undo_bytes(capacity);
  o->n_skips = (uint32_t *)(void *)at;
  o->slots = (factor_oracle_slot *)(void *)(at + n_skips_bytes(capacity));
  factor_oracle_clear(o);
}

void factor_oracle_clear(factor_oracle *o)
{
  factor_oracle_header *h = o->header;
  if (++h->epoch > UINT16_MAX) { // after years of forgetting
    memset(o->slots, 0, ((size_t)o->slot_mask + 1) * sizeof *o->slots);
    h->epoch = 1;
  }
  h->length = h->n_skips = 0;
  o->symbol[0] = 0;
  o->suffix[0] = FACTOR_ORACLE_NONE;
  o->repeat[0] = 0;
  o->first_back[0] = o->next_back[0] = FACTOR_ORACLE_NONE;
}

uint32_t factor_oracle_length(const factor_oracle *o)
{
  return o->header->length;
}

uint32_t factor_oracle_n_skips(const factor_oracle *o)
{
  return o->header->n_skips;
}

/// The slot of a transition, or the empty one where it would go.
static uint32_t find_slot(const factor_oracle *o, uint16_t state, uint16_t symbol)
{
  const uint32_t key = (uint32_t)state << 16 | symbol;
  const uint16_t epoch = (uint16_t)o->header->epoch;
  uint32_t at = (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 40) & o->slot_mask;
  for (;;) {
    const factor_oracle_slot *slot = &o->slots[at];
    if (slot->epoch != epoch || (slot->source == state && slot->symbol == symbol)) {
      return at;
    }
    at = (at + 1) & o->slot_mask;
  }
}

uint16_t factor_oracle_next(const factor_oracle *o, uint16_t state, uint16_t symbol)
{
  if (state < o->header->length && o->symbol[state + 1] == symbol) {
    return (uint16_t)(state + 1);
  }
  const factor_oracle_slot *slot = &o->slots[find_slot(o, state, symbol)];
  return slot->epoch == (uint16_t)o->header->epoch ? slot->target : FACTOR_ORACLE_NONE;
}

static void add_skip(factor_oracle *o, uint16_t state, uint16_t symbol, uint16_t target)
{
  const uint32_t at = find_slot(o, state, symbol);
  o->slots[at] = (factor_oracle_slot){state, symbol, target, (uint16_t)o->header->epoch};
  o->undo[o->header->n_skips++] = at;
}

/// What the words read up to two states have in common at their ends, the last symbol included.
static uint16_t common_suffix(const factor_oracle *o, uint16_t state, uint16_t earlier)
{
  if (o->suffix[state - 1] == earlier - 1) {
    const uint16_t before = o->repeat[state - 1];
    return before < FACTOR_ORACLE_MAX_REPEAT ? (uint16_t)(before + 1) : before;
  }
  uint16_t count = 0;
  while (count < FACTOR_ORACLE_MAX_REPEAT && count < earlier &&
         o->symbol[earlier - count] == o->symbol[state - count]) {
    ++count;
  }
  return count;
}

void factor_oracle_add(factor_oracle *o, uint16_t symbol)
{
  factor_oracle_header *h = o->header;
  const uint16_t last = (uint16_t)h->length, state = (uint16_t)(last + 1);
  uint16_t k = o->suffix[last], found = FACTOR_ORACLE_NONE;
  o->n_skips[state] = h->n_skips;
  while (k != FACTOR_ORACLE_NONE &&
         (found = factor_oracle_next(o, k, symbol)) == FACTOR_ORACLE_NONE) {
    add_skip(o, k, symbol, state);
    k = o->suffix[k];
  }
  h->length = state;
  o->symbol[state] = symbol;
  o->first_back[state] = FACTOR_ORACLE_NONE;
  const uint16_t suffix = k == FACTOR_ORACLE_NONE ? 0 : found;
  o->suffix[state] = suffix;
  o->repeat[state] = suffix ? common_suffix(o, state, suffix) : 0;
  o->next_back[state] = o->first_back[suffix];
  o->first_back[suffix] = state;
}

void factor_oracle_truncate(factor_oracle *o, uint32_t length)
{
  factor_oracle_header *h = o->header;
  if (length >= h->length) {
    return;
  }
  const uint32_t n_skips = o->n_skips[length + 1];
  while (h->n_skips > n_skips) { // the slot filled last blocks no other's way: it may just go
    o->slots[o->undo[--h->n_skips]].epoch = 0;
  }
  for (; h->length > length; --h->length) {
    o->first_back[o->suffix[h->length]] = o->next_back[h->length];
  }
}
