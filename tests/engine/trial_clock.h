// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Clocks that go only when told, in place of engine/thread_times.c: link trial_clock.c into a test
/// and the library's own is left out. Nothing that holds the machine up can then be seen, so what a
/// session says of time can be foretold to the microsecond. Any thread.
#ifndef CONTINUO_TESTS_ENGINE_TRIAL_CLOCK_H
#define CONTINUO_TESTS_ENGINE_TRIAL_CLOCK_H

#include <stdint.h>

/// What the clocks say to all threads alike. CPU time also grows by 1 us with each look, so that
/// no step takes none.
void trial_clock_pass(uint64_t wall_ns);
void trial_clock_charge(uint64_t cpu_ns);
void trial_clock_delay(uint64_t run_delay_ns);
void trial_clock_steal(uint64_t steal_ns);

#endif
