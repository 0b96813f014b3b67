// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The factor oracle of a word: the smallest automaton of length + 1 states that reads every factor
/// of it, built symbol by symbol; each state knows where its longest repeated suffix was first
/// heard. Sources: Allauzen, Crochemore, Raffinot 1999, "Factor oracle: a new structure for pattern
/// matching"; repeat lengths after the use that Lefebvre and Lecroq 2000 made of them, but exact.
///
/// States are 0 (nothing read) to length; state i is reached by reading the first i symbols.
/// Taking back symbols restores what was there before them: everything is added at the end of some
/// list, so it comes off in the opposite order.
///
/// All that changes lies in one block of memory, so a snapshot is a copy of it. Times: adding is
/// amortised constant (one call is bounded by the repeats of its past, each some ns); taking back
/// costs what adding did. Nothing is allocated. Threads: the owner's.
#ifndef CONTINUO_MODELS_FACTOR_ORACLE_H
#define CONTINUO_MODELS_FACTOR_ORACLE_H

#include <stddef.h>
#include <stdint.h>

#define FACTOR_ORACLE_MAX_LENGTH 65534
#define FACTOR_ORACLE_NONE UINT16_MAX ///< no such state
#define FACTOR_ORACLE_MAX_REPEAT 1000 ///< repeat lengths are counted up to here

typedef struct factor_oracle_header factor_oracle_header;
typedef struct factor_oracle_slot factor_oracle_slot;

typedef struct factor_oracle {
  factor_oracle_header *header; ///< start of the block
  size_t block_bytes;
  uint32_t capacity;         ///< symbols that fit
  uint32_t slot_mask;        ///< of the table of transitions
  uint16_t *symbol;          ///< [capacity + 1] read on the way into a state
  uint16_t *suffix;          ///< [capacity + 1] where the longest repeated suffix ends first
  uint16_t *repeat;          ///< [capacity + 1] length that a state and its suffix have in common
  uint16_t *first_back;      ///< [capacity + 1] newest state whose suffix link leads here, or none
  uint16_t *next_back;       ///< [capacity + 1] the next older one with the same suffix link
  uint32_t *undo;            ///< [capacity] slots in the order of their filling
  uint32_t *n_skips;         ///< [capacity + 1] slots filled before a state was added
  factor_oracle_slot *slots; ///< transitions that skip states
} factor_oracle;

/// Bytes of the block for words of up to `capacity` symbols (1 to FACTOR_ORACLE_MAX_LENGTH).
size_t factor_oracle_bytes(uint32_t capacity);

/// An empty oracle in `block`: zeroed memory, 8-byte aligned, that outlives it.
void factor_oracle_init(factor_oracle *o, uint32_t capacity, void *block);

/// Forget everything, in no time.
void factor_oracle_clear(factor_oracle *o);

uint32_t factor_oracle_length(const factor_oracle *o);

/// Read one more symbol; the length is below the capacity.
void factor_oracle_add(factor_oracle *o, uint16_t symbol);

/// Take back all but the first `length` symbols.
void factor_oracle_truncate(factor_oracle *o, uint32_t length);

/// The state that `symbol` leads to from `state`, or FACTOR_ORACLE_NONE.
uint16_t factor_oracle_next(const factor_oracle *o, uint16_t state, uint16_t symbol);

/// Transitions but those from each state to the next.
uint32_t factor_oracle_n_skips(const factor_oracle *o);

#endif
