// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// When a result is late, when input is lost, when the host changes its mind: fade, count, event,
// recovery, and equality with the offline result again afterwards. Hosts are stepped and clocks are
// made (trial_clock.h), so each lateness is foretold to the block and to the microsecond; only the
// kernel's real figures are left to test_session_fault.c.

#include "engine/session_internal.h"
#include "engine/thread_times.h"
#include "tests/engine/trial_clock.h"
#include "tests/engine/trial_codec.h"
#include "tests/engine/trial_host.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

#define RATE_HZ 48000
#define BLOCK 256
#define FADE 240
#define HOP_US 13333 // of the codec below
#define BLOCK_NS (UINT64_C(1000000000) * BLOCK / RATE_HZ)

static trial_host h;

static const session_config plain = {.host_rate_hz = RATE_HZ, .block_samples = BLOCK};

static codec *open_model(void)
{
  return trial_host_codec(24000, 320, 1, 33);
}

static void a_block_passes(void)
{
  trial_clock_pass(BLOCK_NS);
}

static void open_host(codec *model, session_fallback fallback, double seconds)
{
  session_config config = plain;
  config.fallback = fallback;
  trial_host_open_stepped(&h, model, &config, seconds);
  h.before_process = a_block_passes;
}

// --- late ---

// Where lateness must begin when the conductor gives nothing more from now on: at the first block
// beyond which less than a fade is left.
static size_t lateness_begins(void)
{
  const uint64_t wet = ring_head(&h.s->output) + h.latency_samples; // there is up to here
  size_t at = h.done;
  for (; at + BLOCK + FADE <= wet; at += BLOCK) {
  }
  return at;
}

// What a hold-up must come to.
typedef struct foretold {
  size_t late;        // sample where the fade to the fallback begins
  uint64_t due_ns;    // block in which it does
  uint64_t late_us;   // until the result is there
  size_t released_at; // sample at which the conductor goes on
} foretold;

// Hold the conductor up for 150 ms from its next step on, and stop just before it goes on.
static foretold hold_up(void)
{
  foretold f;
  trial_host_hold(&h, 0.15);
  f.late = lateness_begins();
  f.released_at = (h.hold_until + BLOCK - 1) / BLOCK * BLOCK;
  const size_t n_blocks = (f.released_at - f.late) / BLOCK - 1; // the release is within the last
  f.late_us = n_blocks * BLOCK_NS / 1000;
  while (h.done + BLOCK < f.released_at) {
    trial_host_block(&h, BLOCK);
  }
  assert_true(trial_host_holds(&h));
  f.due_ns = clock_wall_ns() - (n_blocks - 1) * BLOCK_NS;
  return f;
}

// The same in 1 s; the outcome is left in `h`.
static live_verdict play_with_stall(codec *model, session_fallback fallback, foretold *f)
{
  open_host(model, fallback, 1.0);
  trial_host_run(&h, 0.3, BLOCK);
  *f = hold_up();
  trial_host_run(&h, 1.0, BLOCK);
  const live_verdict v = trial_host_close(&h);
  assert_int_equal(v.n_different, 0);
  assert_int_equal(v.n_timelines, 1);
  assert_int_equal(v.n_late, 1);
  assert_int_equal(v.n_recovered, 1);
  assert_int_equal(trial_host_event(&h, EVENT_LATE, 0)->position_samples, f->late);
  return v;
}

static void a_stall_is_covered_counted_and_recovered_from(void **unused)
{
  (void)unused;
  foretold f;
  codec *model = open_model();
  play_with_stall(model, FALLBACK_SILENCE, &f);
  const session_event *late = trial_host_event(&h, EVENT_LATE, 0);
  const session_event *back = trial_host_event(&h, EVENT_RECOVERED, 0);
  assert_int_equal(late->value, f.late_us);
  assert_int_equal(late->due_ns, f.due_ns);
  assert_int_equal((late->done_ns - late->due_ns) / 1000, f.late_us);
  assert_true(late->since_ns < late->due_ns);
  assert_true(late->own); // nobody took the CPU away: the conductor slept
  assert_true(back->position_samples >= f.released_at);
  assert_true(back->position_samples <= f.released_at + 640 + BLOCK); // a hop, in blocks
  const size_t end = (size_t)back->position_samples;
  for (size_t i = f.late + FADE; i < end; ++i) {
    assert_true(h.out[i] == 0.0f);
  }
  assert_true(h.out[f.late + FADE - 1] != 0.0f);
  assert_true(end - f.late > RATE_HZ * 120 / 1000);
  trial_host_free(&h);
  codec_unref(model);
}

// What the kernel charges. `late` stands for the overshoot, to which the next two are added, in us.
typedef struct charge {
  bool delay_late, steal_late;
  int64_t delay, steal;
  uint64_t cpu; // of one step
} charge;

// The same before the conductor had nothing to do for the last time, in the step before, and then
// within the step that is late; and whose fault the miss is then.
typedef struct fault {
  charge before, within;
  bool own;
} fault;

static const fault faults[] = {
    {.own = true},
    {.within = {.delay_late = true}, .own = false},
    {.within = {.delay_late = true, .delay = -1}, .own = true},
    {.within = {.steal_late = true}, .own = false},
    {.within = {.steal_late = true, .steal = -1}, .own = true},
    {.within = {.delay_late = true, .delay = -10000, .steal = 10000}, .own = false},
    {.within = {.delay_late = true, .delay = -10000, .steal = 9999}, .own = true},
    {.within = {.delay_late = true, .steal_late = true}, .own = false},
    {.within = {.delay_late = true, .cpu = HOP_US - 20}, .own = false},
    {.within = {.delay_late = true, .cpu = HOP_US + 1}, .own = true},
    {.within = {.steal_late = true, .cpu = HOP_US + 1}, .own = true},
    {.within = {.cpu = 1000}, .own = true},
    {.before = {.delay_late = true}, .own = true},
    {.before = {.steal_late = true}, .own = true},
    {.before = {.cpu = HOP_US + 1}, .within = {.delay_late = true}, .own = false},
};

static atomic_ullong step_cpu_us; // charged once, in the conductor

static void charge_step(void)
{
  trial_clock_charge(1000 * atomic_exchange(&step_cpu_us, 0));
}

static void charge_up(const charge *c, uint64_t late_us)
{
  const int64_t late = (int64_t)late_us;
  trial_clock_delay((uint64_t)((c->delay_late ? late : 0) + c->delay) * 1000);
  trial_clock_steal((uint64_t)((c->steal_late ? late : 0) + c->steal) * 1000);
}

// One more step, and no more, before the hold-up.
static void step_before(const charge *c, uint64_t late_us)
{
  trial_host_run(&h, 0.28, BLOCK);
  const session *s = h.s;
  const uint64_t given = s->conductor.n_given;
  charge_up(c, late_us);
  atomic_store(&step_cpu_us, c->cpu);
  while (s->conductor.n_given == given) {
    trial_host_block(&h, BLOCK);
  }
  assert_int_equal(atomic_load(&step_cpu_us), 0);
}

static void check_fault(const fault *f, const session_event *late, uint64_t late_us)
{
  if (late->own != f->own) {
    fail_msg("fault %d: late %d us, delay %d, stolen %d, CPU %d: own %d", (int)(f - faults),
             (int)late->value, (int)late->run_delay_us, (int)late->steal_us, (int)late->cpu_us,
             late->own);
  }
  assert_int_equal(late->value, late_us);
  assert_in_range(late->cpu_us, f->within.cpu, f->within.cpu + 20); // and looks at the clock
}

static void whose_fault_it_was(void **unused)
{
  (void)unused;
  uint64_t late_us = 0; // the same each time
  codec *model = open_model();
  for (size_t i = 0; i < sizeof faults / sizeof *faults; ++i) {
    session_telemetry t;
    open_host(model, FALLBACK_SILENCE, 0.6);
    h.at_step = charge_step;
    step_before(&faults[i].before, late_us);
    late_us = hold_up().late_us;
    charge_up(&faults[i].within, late_us);
    trial_clock_charge(1000 * faults[i].within.cpu); // it is in that step
    trial_host_run(&h, 0.6, BLOCK);
    session_read_telemetry(h.s, &t);
    trial_host_close(&h);
    check_fault(&faults[i], trial_host_event(&h, EVENT_LATE, 0), late_us);
    assert_int_equal(t.misses, 1);
    assert_int_equal(t.own_misses, faults[i].own);
    trial_host_free(&h);
  }
  codec_unref(model);
}

static void the_fades_are_between_wet_and_fallback(void **unused)
{
  (void)unused;
  foretold f;
  codec *model = trial_host_codec(RATE_HZ, 640, 1, 0); // wet is the input itself, L later
  trial_codec_be_transparent(model);
  play_with_stall(model, FALLBACK_SILENCE, &f);
  const session_event *back = trial_host_event(&h, EVENT_RECOVERED, 0);
  for (uint32_t i = 0; i < FADE; ++i) {
    const size_t down = f.late + i;
    const size_t up = (size_t)back->position_samples + i;
    const float wet_down = h.in[down - h.latency_samples];
    const float wet_up = h.in[up - h.latency_samples];
    assert_true(fabsf(h.out[down] - wet_down * (float)(FADE - i) / FADE) < 1e-5f);
    assert_true(fabsf(h.out[up] - wet_up * (float)i / FADE) < 1e-5f);
  }
  trial_host_free(&h);
  codec_unref(model);
}

static void dry_fallback_is_the_input_delayed_by_latency(void **unused)
{
  (void)unused;
  codec *model = open_model();
  foretold f;
  play_with_stall(model, FALLBACK_DRY, &f);
  const size_t end = (size_t)trial_host_event(&h, EVENT_RECOVERED, 0)->position_samples;
  for (size_t i = f.late + FADE; i < end; ++i) {
    assert_true(h.out[i] == h.in[i - h.latency_samples]);
  }
  trial_host_free(&h);
  codec_unref(model);
}

static double power(const float *x, size_t n)
{
  double sum = 0.0;
  for (size_t i = 0; i < n; ++i) {
    sum += (double)x[i] * (double)x[i];
  }
  return sum / (double)n;
}

static void hold_fallback_repeats_and_fades(void **unused)
{
  (void)unused;
  codec *model = open_model();
  foretold f;
  play_with_stall(model, FALLBACK_HOLD, &f);
  const size_t begin = f.late + FADE;
  const size_t end = (size_t)trial_host_event(&h, EVENT_RECOVERED, 0)->position_samples;
  assert_true(end - begin > 3000);
  const double early = power(h.out + begin, 500);
  const double before = power(h.out + f.late - 500, 500);
  const double last = power(h.out + end - 500, 500);
  assert_true(early > 0.3 * before && early < 1.2 * before);
  assert_true(last < 0.9 * early && last > 0.0);
  // Backwards from the last wet sample, the fade having used the first FADE of them.
  const float expected = h.out[f.late - 1 - FADE];
  assert_true(fabsf(h.out[begin] - expected) < 0.1f * fabsf(expected) + 1e-4f);
  trial_host_free(&h);
  codec_unref(model);
}

static void many_stalls_in_a_row(void **unused)
{
  (void)unused;
  codec *model = open_model();
  int n_late = 0;
  open_host(model, FALLBACK_SILENCE, 4.0);
  for (int i = 1; i <= 16; ++i) {
    trial_host_hold(&h, (i % 5) * 0.02 + 0.01);
    n_late += lateness_begins() < h.hold_until;
    trial_host_run(&h, i * 0.25, BLOCK);
  }
  const live_verdict v = trial_host_close(&h);
  assert_int_equal(v.n_different, 0);
  assert_int_equal(v.n_late, n_late);
  assert_int_equal(v.n_recovered, n_late);
  assert_true(n_late >= 8 && n_late < 16); // some were too short
  trial_host_free(&h);
  codec_unref(model);
}

// --- overflow ---

static void an_overflow_begins_a_new_timeline(void **unused)
{
  (void)unused;
  codec *model = open_model();
  open_host(model, FALLBACK_SILENCE, 12.0);
  trial_host_run(&h, 1.0, BLOCK);
  trial_host_hold(&h, 5.6); // more than the ring holds
  trial_host_run(&h, 12.0, BLOCK);
  session_telemetry t;
  session_read_telemetry(h.s, &t);
  const session_timeline line = session_get_timeline(h.s);
  const live_verdict v = trial_host_close(&h);
  assert_int_equal(v.n_different, 0);
  assert_int_equal(v.n_timelines, 2);
  assert_int_equal(v.n_late, 1);
  assert_int_equal(t.overflows, 1);
  assert_int_equal(line.number, 2);
  assert_non_null(trial_host_event(&h, EVENT_OVERFLOW, 0));
  const session_event *second = trial_host_event(&h, EVENT_TIMELINE, 1);
  assert_non_null(second);
  assert_int_equal(second->position_samples, line.host_time_samples);
  assert_true(v.n_compared_last > RATE_HZ / 2); // heard wet again
  trial_host_free(&h);
  codec_unref(model);
}

static void a_block_beyond_all_bounds_is_refused(void **unused)
{
  (void)unused;
  codec *model = open_model();
  open_host(model, FALLBACK_SILENCE, 2.0);
  trial_host_run(&h, 0.5, BLOCK);
  trial_host_block(&h, SESSION_MAX_BLOCK_SAMPLES + 1);
  trial_host_run(&h, 2.0, BLOCK);
  const live_verdict v = trial_host_close(&h);
  assert_int_equal(v.n_different, 0);
  assert_int_equal(v.n_timelines, 2);
  assert_true(v.n_compared_last > RATE_HZ / 4);
  trial_host_free(&h);
  codec_unref(model);
}

// --- the host changes ---

static void ten_block_sizes(void **unused)
{
  (void)unused;
  static const uint32_t sizes[] = {256, 512, 64, 1024, 100, 2048, 441, 4096, 1, 8192, 128};
  codec *model = open_model();
  uint32_t latency = 0;
  trial_host_open_stepped(&h, model, &plain, 5.5);
  for (int i = 0; i < 11; ++i) {
    assert_int_equal(session_set_block(h.s, sizes[i], NULL), STATUS_OK);
    assert_true(session_latency_samples(h.s) >= latency); // a smaller block keeps it
    latency = session_latency_samples(h.s);
    trial_host_run(&h, 0.5 * (1 + i), sizes[i]);
  }
  const live_verdict v = trial_host_close(&h);
  assert_int_equal(v.n_different, 0);
  assert_int_equal(v.n_late, 0);
  assert_int_equal(v.n_timelines, 1);
  assert_true(v.n_compared > 2 * RATE_HZ);
  const session_event *last = trial_host_event(&h, EVENT_LATENCY, 4);
  assert_non_null(last); // 512, 1024, 2048, 4096, 8192
  assert_int_equal(last->value, latency);
  trial_host_free(&h);
  codec_unref(model);
}

static const session_event *recovery_after(const session_event *event)
{
  const session_event *e = NULL;
  for (int i = 0; (e = trial_host_event(&h, EVENT_RECOVERED, i)); ++i) {
    if (e->position_samples > event->position_samples) {
      return e;
    }
  }
  return NULL;
}

static void a_larger_block_that_nobody_announced(void **unused)
{
  (void)unused;
  codec *model = open_model();
  session_telemetry t;
  trial_host_open_stepped(&h, model, &plain, 3.0);
  trial_host_run(&h, 0.5, BLOCK);
  trial_host_run(&h, 1.5, 1024);
  session_read_telemetry(h.s, &t);
  assert_int_equal(t.block_samples, BLOCK);
  assert_int_equal(t.largest_block_samples, 1024);
  assert_int_equal(session_set_block(h.s, t.largest_block_samples, NULL), STATUS_OK);
  trial_host_run(&h, 3.0, 1024);
  const live_verdict v = trial_host_close(&h);
  const session_event *longer = trial_host_event(&h, EVENT_LATENCY, 0);
  assert_int_equal(v.n_different, 0);
  assert_int_equal(v.n_late, 0);
  assert_non_null(longer);
  assert_non_null(recovery_after(longer));
  trial_host_free(&h);
  codec_unref(model);
}

static void another_rate_begins_a_new_timeline(void **unused)
{
  (void)unused;
  codec *model = open_model();
  trial_host_open_stepped(&h, model, &plain, 6.0);
  h.timeline_rates_hz[1] = 44100;
  h.timeline_rates_hz[2] = 96000;
  trial_host_run(&h, 1.0, BLOCK);
  assert_int_equal(session_set_rate(h.s, 44100, NULL), STATUS_OK);
  assert_int_equal(session_set_rate(h.s, 44100, NULL), STATUS_OK); // nothing to do
  trial_host_run(&h, 3.0, BLOCK);
  assert_int_equal(session_set_rate(h.s, 96000, NULL), STATUS_OK);
  trial_host_run(&h, 6.0, BLOCK);
  const live_verdict v = trial_host_close(&h);
  assert_int_equal(v.n_different, 0);
  assert_int_equal(v.n_late, 0);
  assert_int_equal(v.n_timelines, 3);
  assert_true(v.n_compared > 2 * RATE_HZ);
  assert_true(v.n_compared_last > RATE_HZ / 2);
  trial_host_free(&h);
  codec_unref(model);
}

static void another_caller_begins_a_new_timeline(void **unused)
{
  (void)unused;
  codec *model = open_model();
  trial_host_open_stepped(&h, model, &plain, 6.0);
  trial_host_run(&h, 2.0, BLOCK);
  session_restart(h.s);
  trial_host_run(&h, 3.0, BLOCK);
  session_restart(h.s); // it had died in freewheel, say, at another rate
  h.timeline_rates_hz[2] = 44100;
  assert_int_equal(session_set_rate(h.s, 44100, NULL), STATUS_OK);
  session_set_priority(h.s, 0);
  trial_host_run(&h, 6.0, BLOCK);
  const live_verdict v = trial_host_close(&h);
  assert_int_equal(v.n_different, 0);
  assert_int_equal(v.n_late, 0);
  assert_int_equal(v.n_timelines, 3);
  assert_true(v.n_compared > 3 * RATE_HZ);
  assert_non_null(trial_host_event(&h, EVENT_RECOVERED, 1));
  trial_host_free(&h);
  codec_unref(model);
}

static void changes_before_the_first_block(void **unused)
{
  (void)unused;
  codec *model = open_model();
  session_config config = plain;
  config.offline = true;
  config.fade_ms = 10.0f;
  config.slack_samples = 2000;
  trial_host_open(&h, model, &config, 0.5, 0.0);
  h.timeline_rates_hz[0] = 44100;
  assert_int_equal(session_set_block(h.s, 512, NULL), STATUS_OK);
  assert_int_equal(session_set_rate(h.s, 44100, NULL), STATUS_OK);
  assert_int_equal(session_set_block(h.s, 700, NULL), STATUS_OK);
  const uint32_t latency = session_latency_samples(h.s);
  trial_host_run(&h, 0.5, 700);
  const live_verdict v = trial_host_close(&h);
  assert_int_equal(v.n_different, 0);
  assert_int_equal(v.n_excluded, 0);
  assert_int_equal(v.n_timelines, 1);
  assert_int_equal(trial_host_event(&h, EVENT_LATENCY, 0)->value, latency);
  assert_true(latency > 2000 + 700);
  trial_host_free(&h);
  codec_unref(model);
}

// --- the codec fails ---

static void a_codec_that_fails_leaves_the_fallback(void **unused)
{
  (void)unused;
  codec *model = open_model();
  session_config config = plain;
  config.fallback = FALLBACK_DRY;
  trial_host_open_stepped(&h, model, &config, 2.0);
  trial_host_run(&h, 0.5, BLOCK);
  trial_codec_fail(model);
  trial_host_run(&h, 1.0, BLOCK);
  session_set_freewheel(h.s, true); // must not wait for what never comes
  trial_host_run(&h, 2.0, BLOCK);
  trial_host_take_events(&h);
  session_close(h.s);
  const session_event *failed = trial_host_event(&h, EVENT_FAILED, 0);
  assert_non_null(failed);
  assert_int_equal(failed->value, STATUS_DEVICE);
  for (size_t i = RATE_HZ; i < h.n_samples; ++i) {
    assert_true(h.out[i] == h.in[i - h.latency_samples]);
  }
  trial_host_free(&h);
  codec_unref(model);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_stall_is_covered_counted_and_recovered_from),
      cmocka_unit_test(whose_fault_it_was),
      cmocka_unit_test(the_fades_are_between_wet_and_fallback),
      cmocka_unit_test(dry_fallback_is_the_input_delayed_by_latency),
      cmocka_unit_test(hold_fallback_repeats_and_fades),
      cmocka_unit_test(many_stalls_in_a_row),
      cmocka_unit_test(an_overflow_begins_a_new_timeline),
      cmocka_unit_test(a_block_beyond_all_bounds_is_refused),
      cmocka_unit_test(ten_block_sizes),
      cmocka_unit_test(a_larger_block_that_nobody_announced),
      cmocka_unit_test(another_rate_begins_a_new_timeline),
      cmocka_unit_test(another_caller_begins_a_new_timeline),
      cmocka_unit_test(changes_before_the_first_block),
      cmocka_unit_test(a_codec_that_fails_leaves_the_fallback),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
