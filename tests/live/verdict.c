// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/verdict.h"

#include "tests/live/blame.h"
#include "tests/live/rt_guard.h"

#include <inttypes.h>

bool verdict_set_up(stage *s, const stage_options *options, int *code)
{
  stage_result ready = stage_open(s, options);
  *code = ready == STAGE_IMPOSSIBLE ? SKIPPED : 1;
  if (ready == STAGE_FAILED)
    demand(false, "the stage is set");
  return ready == STAGE_READY;
}

void verdict_count_up(stage *s)
{
  jack_host_read_telemetry(s->host, &s->counts);
  stage_run(s, 20); // whose misses were all looked at now
  const session_telemetry t = s->counts;
  printf("%" PRIu64 " steps, total p50 %.0f p99 %.0f p99.9 %.0f max %.0f us; misses %" PRIu64
         " (own %" PRIu64 "), late samples %" PRIu64 ", gaps %" PRIu64 " (%" PRIu64
         " samples), xruns %" PRIu64 ", overflows %" PRIu64 "\n",
         t.steps, t.total.p50_us, t.total.p99_us, t.total.p999_us, t.total.max_us, t.misses,
         t.own_misses, t.late_samples, t.gaps, t.gap_samples, t.xruns, t.overflows);
  blame_say_all(s->witness);
}

bool verdict_callback_is_clean(const stage *s)
{
  rt_guard_report r;
  rt_guard_read(&r);
  printf("%" PRIu64 " callbacks: %" PRIu64 " allocations, %" PRIu64
         " system calls (first: %ld), %" PRIu64 " wakes, at most %" PRIu64 " in one\n",
         r.calls, r.allocations, r.system_calls, r.first_system_call, r.wakes, r.most_wakes);
  bool good = demand(s->options.renders || r.calls > 0, "the callback was watched");
  return demand(r.allocations == 0 && r.system_calls == 0 && r.most_wakes <= 1,
                "no allocation, no system call but one wake") &&
         good;
}

bool verdict_no_own_miss(stage *s)
{
  printf("%" PRIu64 " misses of our own as the kernel has it, %u as the witness has it\n",
         s->counts.own_misses, s->n_own);
  bool all = s->counts.own_misses <= s->n_own + s->n_excused;
  return demand(all && s->n_own == 0, "no miss of our own");
}

int verdict_stretches(const stage *s, unsigned returns, uint32_t first_latency_samples,
                      uint32_t rate_hz, take_stretch stretches[MAX_STRETCHES])
{
  uint32_t latency_samples = first_latency_samples;
  int n = 0;
  stretches[n] = (take_stretch){0, UINT64_MAX, latency_samples};
  for (size_t i = 0; i < s->n_events && n < MAX_STRETCHES - 1; i++) {
    const session_event *e = &s->events[i].event;
    uint64_t at = e->position_samples;
    if (s->events[i].returns != returns)
      continue;
    if (e->kind == EVENT_TIMELINE) { // a later one begins in silence
      n = 0;
      stretches[n] = (take_stretch){0, e->value > 1 ? 0 : UINT64_MAX, latency_samples};
    } else if (e->kind == EVENT_LATE || e->kind == EVENT_PAUSED) {
      stretches[n].to = at < stretches[n].to ? at : stretches[n].to;
    } else if (e->kind == EVENT_LATENCY) {
      latency_samples = (uint32_t)e->value;
    } else if (e->kind == EVENT_RECOVERED) {
      stretches[++n] =
          (take_stretch){at + rate_hz * FADE_MS / 1000 + 1, UINT64_MAX, latency_samples};
    }
  }
  return n + 1;
}
