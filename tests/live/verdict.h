// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What every live scenario is judged by. Each demand is printed with its figures (stage.h).
#ifndef CONTINUO_TESTS_LIVE_VERDICT_H
#define CONTINUO_TESTS_LIVE_VERDICT_H

#include "tests/live/stage.h"
#include "tests/live/take.h"

#define SKIPPED 77 ///< exit code
#define MAX_STRETCHES 64
#define FADE_MS 5 ///< the session's own default

/// Open the stage. False: `*code` is the scenario's exit code.
bool verdict_set_up(stage *s, const stage_options *options, int *code);

/// Read what the take is judged by into s->counts, and print it: the session plays on while it is
/// compared, but nobody listens.
void verdict_count_up(stage *s);

/// No allocation, no system call but one wake, in every callback of the run (rt_guard.h).
bool verdict_callback_is_clean(const stage *s);

/// By the kernel's figures, or else by the witness's (blame.h). After verdict_count_up.
bool verdict_no_own_miss(stage *s);

/// From the events of one session (`returns`: jack_host_returns), since its last timeline began, to
/// the stretches where output must equal offline. Returns how many.
int verdict_stretches(const stage *s, unsigned returns, uint32_t first_latency_samples,
                      uint32_t rate_hz, take_stretch stretches[MAX_STRETCHES]);

#endif
