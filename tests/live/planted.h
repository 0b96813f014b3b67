// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The judge of misses (blame.h) on trial, in a live session: one miss that is our own and one that
/// is not, both of which the kernel charges to us.
#ifndef CONTINUO_TESTS_LIVE_PLANTED_H
#define CONTINUO_TESTS_LIVE_PLANTED_H

#include "tests/live/stage.h"

/// One step works for 60 ms: our own, witness or not. Exit code as in live_test.c.
int planted_step(stage *s, char **argv);

/// The CPU is taken away from the conductor for 45 ms (hole_digger.h): not our own. Skipped where
/// that cannot be done or seen.
int planted_hole(stage *s, char **argv);

#endif
