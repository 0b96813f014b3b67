// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What an oracle remembers: the codes of the newest steps, what class each belongs to, and factor
/// oracles over them that start one after another (see models/oracle.h). Steps have absolute
/// numbers, from 0 at the last clear, that outlive forgetting. All that changes lies in one block
/// of memory. Nothing is allocated; threads: the owner's.
#ifndef CONTINUO_MODELS_ORACLE_MEMORY_H
#define CONTINUO_MODELS_ORACLE_MEMORY_H

#include "models/factor_oracle.h"

#include <stdbool.h>

#define ORACLE_MAX_BANKS 4
#define ORACLE_HELD_STEPS 64 ///< after so many of one class, steps are told apart by their number

/// Fixed when the model is made.
typedef struct oracle_shape {
  uint32_t n_codebooks;
  uint32_t code_bytes;    ///< of a code as stored: 2 (65535: none) or 4
  uint32_t n_classes;     ///< of steps, 1 to 1024
  uint32_t held_cycle;    ///< numbers of held steps of a class
  uint32_t n_banks;       ///< 2 to ORACLE_MAX_BANKS
  uint32_t stagger_steps; ///< from one bank's start to the next's
  uint32_t capacity;      ///< steps at most remembered: n_banks * stagger_steps
  uint32_t rewind_steps;
} oracle_shape;

typedef struct oracle_memory_header {
  uint64_t end;                          ///< number of the next step
  uint64_t bank_start[ORACLE_MAX_BANKS]; ///< first step that each takes
  uint32_t oldest;                       ///< bank
  uint32_t rewindable_steps;             ///< how far back it can still go
} oracle_memory_header;

typedef struct oracle_memory {
  const oracle_shape *shape;
  oracle_memory_header *header;
  factor_oracle banks[ORACLE_MAX_BANKS];
  uint64_t *newest;      ///< [n_classes] last step of each class, plus 1; 0: none
  uint16_t *classes;     ///< [capacity] of each step, at its number modulo capacity
  uint16_t *held;        ///< [capacity] steps of the same class just before
  uint16_t *same_before; ///< [capacity] distance to the last step of the same class; 0: too far
  void *codes;           ///< [capacity, n_codebooks]
} oracle_memory;

/// Choose banks so that `kept_steps` (at most ORACLE_MAX_KEPT) are always remembered; the other
/// members are set.
#define ORACLE_MAX_KEPT 49000
void oracle_shape_plan(oracle_shape *shape, uint32_t kept_steps);

size_t oracle_memory_bytes(const oracle_shape *shape); ///< a multiple of 8
/// Empty, in `block`: zeroed, 8-byte aligned.
void oracle_memory_init(oracle_memory *m, const oracle_shape *shape, void *block);
void oracle_memory_clear(oracle_memory *m);

/// Remember codes [n_codebooks], of class `class_of_step`.
void oracle_memory_add(oracle_memory *m, uint16_t class_of_step, const int32_t *codes);

/// Forget the last steps; returns how many there were to forget, at most n_steps.
uint32_t oracle_memory_rewind(oracle_memory *m, uint32_t n_steps);

/// Remembered are the steps from `start` to before `end`.
uint64_t oracle_memory_start(const oracle_memory *m);
uint64_t oracle_memory_end(const oracle_memory *m);
bool oracle_memory_has(const oracle_memory *m, uint64_t step);

/// The factor oracle over exactly the remembered steps: step `start + i` leads to state i + 1.
const factor_oracle *oracle_memory_oracle(const oracle_memory *m);

/// Of a remembered step.
uint16_t oracle_memory_class(const oracle_memory *m, uint64_t step);
void oracle_memory_codes(const oracle_memory *m, uint64_t step, int32_t *codes);

/// The newest remembered step of a class, and the one before a remembered step; end when none.
uint64_t oracle_memory_newest(const oracle_memory *m, uint16_t class_of_step);
uint64_t oracle_memory_same_before(const oracle_memory *m, uint64_t step);

#endif
