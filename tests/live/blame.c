// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/blame.h"

#include "engine/histogram.h"

#include <stdio.h>

#define CLOCK_DIFFERENCE_NS 200000 // between a thread's CPU time and its time between two switches

// What became of a step's time.
typedef struct share {
  bool known;
  uint64_t own_ns, stolen_ns;
  hole_sum holes;
} share;

static share share_of(const step_entry *step, const hole_witness *w)
{
  const hole_sum sum = hole_witness_sum(w, step->thread, step->from_ns, step->to_ns);
  const uint64_t present_ns = sum.on_ns - sum.away_ns;
  const uint64_t own_ns = present_ns < step->cpu_ns ? present_ns : step->cpu_ns;
  // Less time on a CPU than was charged: switches are missing.
  const bool known = sum.complete && sum.on_ns + CLOCK_DIFFERENCE_NS >= step->cpu_ns;
  return (share){known, own_ns, sum.on_ns - own_ns, sum};
}

static void take_step(blame *b, const step_entry *step, const share *s)
{
  b->complete = b->complete && s->known;
  b->stolen_ns += s->stolen_ns;
  if (s->own_ns >= b->own_ns) {
    b->own_ns = s->own_ns;
    b->charged_ns = step->cpu_ns;
  }
}

// All steps since the conductor last had nothing to do, and the holes beside them. No hole is half
// in a step: the thread itself reads the clock where one begins and ends.
static void take_steps(blame *b, const session_event *e, const hole_witness *w, uint64_t block_ns)
{
  step_entry step;
  uint64_t n = step_log_count();
  if (n == 0 || !step_log_get(n - 1, &step)) {
    b->complete = false;
    return;
  }
  b->holes = hole_witness_sum(w, step.thread, e->since_ns, e->done_ns);
  uint64_t beside_ns = b->holes.away_ns;
  uint64_t n_beside = b->holes.n;
  for (; n > 0 && step.to_ns >= e->since_ns; n--) {
    if (!step_log_get(n - 1, &step)) {
      b->complete = false; // the log does not go back so far
      return;
    }
    if (step.to_ns >= e->since_ns && step.from_ns < e->done_ns) {
      const share s = share_of(&step, w);
      take_step(b, &step, &s);
      beside_ns -= s.holes.away_ns;
      n_beside -= s.holes.n;
    }
  }
  b->complete = b->complete && b->holes.complete;
  b->stolen_ns += beside_ns > n_beside * block_ns ? beside_ns - n_beside * block_ns : 0;
}

blame blame_late(const session_event *e, const hole_witness *w, uint64_t hop_ns, uint64_t block_ns)
{
  blame b = {.complete = w != NULL,
             .overshoot_ns = e->value * 1000,
             .run_delay_ns = e->run_delay_us * 1000};
  take_steps(&b, e, w, block_ns);
  if (b.stolen_ns < e->steal_us * 1000) {
    b.stolen_ns = e->steal_us * 1000;
  }
  b.ours = !b.complete || b.own_ns > hop_ns || b.run_delay_ns + b.stolen_ns < b.overshoot_ns;
  return b;
}

static double ms(uint64_t ns)
{
  return 1e-6 * (double)ns;
}

void blame_say(const blame *b)
{
  printf("  witness: %s. Under the conductor the CPU was away %u times, %.1f ms, at most %.1f ms; "
         "run delay %.1f ms and stolen %.1f ms against %.1f ms too late; the longest step was "
         "charged %.1f ms and used %.1f ms%s\n",
         b->ours ? "our own" : "not our own", b->holes.n, ms(b->holes.away_ns),
         ms(b->holes.longest_ns), ms(b->run_delay_ns), ms(b->stolen_ns), ms(b->overshoot_ns),
         ms(b->charged_ns), ms(b->own_ns), b->complete ? "" : "; records are missing");
}

static void say_times(const char *what, const histogram *h)
{
  printf("  CPU time of a step, %s: p50 %.2f p99 %.2f p99.9 %.2f max %.2f ms\n", what,
         ms(histogram_percentile(h, 0.5)), ms(histogram_percentile(h, 0.99)),
         ms(histogram_percentile(h, 0.999)), ms(histogram_percentile(h, 1)));
}

void blame_say_all(const hole_witness *w)
{
  static histogram charged, own;
  const hole_sum all = hole_witness_all(w);
  step_entry step;
  if (!w) {
    return;
  }
  histogram_reset(&charged);
  histogram_reset(&own);
  for (uint64_t n = step_log_count(); n-- > 0 && step_log_get(n, &step);) {
    const share s = share_of(&step, w);
    if (s.known) {
      histogram_add(&charged, step.cpu_ns);
      histogram_add(&own, s.own_ns);
    }
  }
  printf("  witness: the CPU was away under the session's threads %u times, %.1f ms, at most %.1f "
         "ms\n",
         all.n, ms(all.away_ns), ms(all.longest_ns));
  say_times("as charged", &charged);
  say_times("as used", &own);
}
