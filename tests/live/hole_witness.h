// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Sees when a CPU was away: given to somebody else by a hypervisor that does not report it as
/// stolen, so that the kernel charges the hole to the thread that was running.
///
/// Every thread of this process carries a timer of the kernel's (perf_event_open(2),
/// PERF_COUNT_SW_CPU_CLOCK) that interrupts it every 2 ms for as long as it has a CPU. Each
/// interrupt leaves a record of its moment, and so does each switch of the thread on or off the
/// CPU. No program, of whatever priority, can hold an interrupt up. So where a record is overdue
/// although the thread was on the CPU all along, the CPU took no interrupt: from the moment it was
/// due until it came there is a *hole*. What another thread took is none: there the thread was
/// switched off, and the kernel accounts for it as run delay. A hole is never made longer than it
/// was, but up to 2 ms of it are not seen, and one between two interrupts is not seen at all.
///
/// More often would see more and disturb: in a virtual machine each interrupt is itself a way out
/// to the hypervisor and back, measured at 12 us, and at hundreds of us where its host is busy.
///
/// Rights: CAP_PERFMON, or kernel.perf_event_paranoid at most 1. One thread at a time.
#ifndef CONTINUO_TESTS_LIVE_HOLE_WITNESS_H
#define CONTINUO_TESTS_LIVE_HOLE_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

#define HOLE_PERIOD_NS 2000000   ///< between two interrupts
#define HOLE_TOLERANCE_NS 200000 ///< an interrupt that is less overdue is on time
#define HOLE_MAX_CPUS 256        ///< further CPUs are not watched

/// What is known about a thread within a stretch of CLOCK_MONOTONIC.
typedef struct hole_sum {
  uint64_t on_ns;      ///< it had a CPU, holes included
  uint64_t away_ns;    ///< holes, all together
  uint64_t longest_ns; ///< the longest
  unsigned n;          ///< holes
  bool complete;       ///< false: records are missing, so all of this may be too little
} hole_sum;

typedef struct hole_witness hole_witness;

/// Watch the calling thread and every thread started from now on by a watched one. False, and a
/// printed sentence, where that is not possible here.
bool hole_witness_open(hole_witness **w);
void hole_witness_close(hole_witness *w); ///< null is fine

/// Take in what the kernel has recorded; every few seconds, or records are lost.
void hole_witness_read(hole_witness *w);

/// What has been read about `thread` (as gettid(2)) in [from_ns, to_ns]. The last 65536 stays and
/// holes of each CPU are kept. Null witness: nothing, not complete.
hole_sum hole_witness_sum(const hole_witness *w, uint32_t thread, uint64_t from_ns, uint64_t to_ns);

/// The holes of all watched threads since open; on_ns is not counted.
hole_sum hole_witness_all(const hole_witness *w);

/// What the kernel records, for tests: a stream of its own per CPU, in order of time.
typedef enum hole_record {
  HOLE_RECORD_ON,      ///< the thread was switched on
  HOLE_RECORD_TICK,    ///< its timer fired
  HOLE_RECORD_OFF,     ///< the thread was switched off
  HOLE_RECORD_UNKNOWN, ///< the kernel stopped the timer, or lost records since the last one
} hole_record;

/// A witness of `n_cpus` that watches nothing. False: no memory.
bool hole_witness_blank(hole_witness **w, uint32_t n_cpus);
void hole_witness_take(hole_witness *w, uint32_t cpu, hole_record kind, uint32_t thread,
                       uint64_t at_ns);

#endif
