// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Linux futexes: sleep until a word changes, wake whoever sleeps on it. Each is one system call.
#ifndef CONTINUO_ENGINE_FUTEX_H
#define CONTINUO_ENGINE_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

/// Sleep while `*word` is `seen`, at most `timeout_ns` (0: without end). May return early.
void futex_wait(_Atomic uint32_t *word, uint32_t seen, uint64_t timeout_ns);

/// Wake the one thread that sleeps on `word`.
void futex_wake(_Atomic uint32_t *word);

#endif
