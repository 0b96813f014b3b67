// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Digs holes, to try hole_witness.h on: takes the CPU away from a thread for some milliseconds as
/// a hypervisor does, so that no other thread and no interrupt runs there, and the kernel charges
/// the time to the thread. A small program for the kernel (bpf(2)) does it, from within a timer
/// interrupt of the thread. Needs root's rights (CAP_BPF, CAP_PERFMON).
#ifndef CONTINUO_TESTS_LIVE_HOLE_DIGGER_H
#define CONTINUO_TESTS_LIVE_HOLE_DIGGER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct hole_digger hole_digger;

/// For the thread with that number (gettid(2)). False, and a printed sentence, where that is not
/// possible here.
bool hole_digger_open(hole_digger **d, uint32_t thread);
void hole_digger_close(hole_digger *d); ///< null is fine

/// Take the CPU away for `ms`, at most 60, once the thread has run for another 0.1 ms. Any thread.
void hole_digger_dig(hole_digger *d, uint32_t ms);

/// The last hole that was dug, in CLOCK_MONOTONIC; false while none has been.
bool hole_digger_dug(const hole_digger *d, uint64_t *from_ns, uint64_t *to_ns);

#endif
