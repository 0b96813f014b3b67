// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Whether a miss was our own, by more than the kernel's figures.
///
/// The session's own judgement (engine/conductor.c) believes the kernel: CPU time that it charges
/// is time that we used. Where a hypervisor takes the CPU away unreported, that is not so. Here the
/// holes that hole_witness.h saw under the conductor are taken out again, and the same two rules
/// applied: a miss is our own if a step used more CPU time than a hop lasts, or if run delay and
/// stolen time do not cover the overshoot, so that the result would have been late without them
/// too.
///
/// Nothing counts twice. Run delay and holes never overlap: in a hole the thread has the CPU. Time
/// that the hypervisor does report is not charged; so a step's own time is what was charged or what
/// it had of a CPU that was there, whichever is less, and the rest of its time on a CPU is stolen.
/// A hole beside the steps, where the conductor looks for work, may begin before there is any, at
/// most a block before: so much of it is taken off.
#ifndef CONTINUO_TESTS_LIVE_BLAME_H
#define CONTINUO_TESTS_LIVE_BLAME_H

#include "engine/session.h"
#include "tests/live/hole_witness.h"
#include "tests/live/step_log.h"

typedef struct blame {
  bool ours;
  bool complete;         ///< false: records are missing, so nothing is excused
  uint64_t overshoot_ns; ///< from the callback that missed the result until it was there
  uint64_t run_delay_ns; ///< since the conductor last had nothing to do, as below
  uint64_t stolen_ns;    ///< by the kernel's account or by the witness's, whichever is more
  hole_sum holes;        ///< the witness's
  uint64_t charged_ns;   ///< CPU time of the step that used most of its own,
  uint64_t own_ns;       ///< and what of it was its own
} blame;

/// Judge an EVENT_LATE, soon after it came and the witness was read; given how long a hop lasts and
/// a block. Null witness: by the kernel's figures alone.
blame blame_late(const session_event *e, const hole_witness *w, uint64_t hop_ns, uint64_t block_ns);

/// The verdict with its figures, as a line on stdout.
void blame_say(const blame *b);

/// Three more: all holes of the run, and what CPU time the steps that are still on record were
/// charged and used, so that a CPU that is slow can be told from one that is away. Null witness:
/// nothing.
void blame_say_all(const hole_witness *w);

#endif
