// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// When a result is late, when input is lost, when the host changes its mind: fade, count, event,
// recovery, and equality with the offline result again afterwards.

#include "engine/session.h"
#include "tests/engine/trial_codec.h"
#include "tests/engine/trial_host.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#define RATE_HZ 48000
#define BLOCK 256
#define FADE 240

static trial_host h;

static const session_config plain = {.host_rate_hz = RATE_HZ, .block_samples = BLOCK};

static codec *open_model(void)
{
  return trial_host_codec(24000, 320, 1, 33);
}

// --- late ---

// A stall of 150 ms after 0.3 s, in 1 s; the outcome is left in `h`.
static live_verdict play_with_stall(codec *model, session_fallback fallback)
{
  session_config config = plain;
  config.fallback = fallback;
  trial_host_open(&h, model, &config, 1.0, 1.0);
  trial_host_run(&h, 0.3, BLOCK);
  trial_host_stall(&h, 0.15);
  trial_host_run(&h, 1.0, BLOCK);
  return trial_host_close(&h);
}

// The lateness that the stall caused: the longest.
static const session_event *worst_late(void)
{
  const session_event *worst = NULL;
  const session_event *e = NULL;
  for (int i = 0; (e = trial_host_event(&h, EVENT_LATE, i)); ++i) {
    worst = !worst || e->value > worst->value ? e : worst;
  }
  return worst;
}

static const session_event *recovery_after(const session_event *late)
{
  const session_event *e = NULL;
  for (int i = 0; (e = trial_host_event(&h, EVENT_RECOVERED, i)); ++i) {
    if (e->position_samples > late->position_samples) {
      return e;
    }
  }
  return NULL;
}

static void a_stall_is_covered_counted_and_recovered_from(void **unused)
{
  (void)unused;
  codec *model = open_model();
  const live_verdict v = play_with_stall(model, FALLBACK_SILENCE);
  const session_event *late = worst_late();
  assert_int_equal(v.n_different, 0);
  assert_int_equal(v.n_timelines, 1);
  assert_non_null(late);
  assert_true(late->own); // nobody took the CPU away: the conductor slept
  assert_true(late->value > 60000 && late->value < 2000000); // of the 150 ms, what L did not cover
  assert_true(late->position_samples >= RATE_HZ * 3 / 10);
  const session_event *back = recovery_after(late);
  assert_non_null(back);
  const size_t end = (size_t)back->position_samples;
  for (size_t i = (size_t)late->position_samples + FADE; i < end; ++i) {
    assert_true(h.out[i] == 0.0f);
  }
  assert_true(end - late->position_samples > RATE_HZ * 60 / 1000);
  trial_host_free(&h);
  codec_unref(model);
}

static void the_fades_are_between_wet_and_fallback(void **unused)
{
  (void)unused;
  codec *model = NULL; // bypass: wet is the input itself, L later
  assert_int_equal(codec_open_bypass(&model, RATE_HZ, 640, 1, NULL), STATUS_OK);
  const live_verdict v = play_with_stall(model, FALLBACK_SILENCE);
  const session_event *late = worst_late();
  assert_int_equal(v.n_different, 0);
  assert_non_null(late);
  const session_event *back = recovery_after(late);
  assert_non_null(back);
  for (uint32_t i = 0; i < FADE; ++i) {
    const size_t down = (size_t)late->position_samples + i;
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
  const live_verdict v = play_with_stall(model, FALLBACK_DRY);
  const session_event *late = worst_late();
  assert_int_equal(v.n_different, 0);
  assert_non_null(late);
  const size_t end = (size_t)recovery_after(late)->position_samples;
  for (size_t i = (size_t)late->position_samples + FADE; i < end; ++i) {
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
  const live_verdict v = play_with_stall(model, FALLBACK_HOLD);
  const session_event *late = worst_late();
  assert_int_equal(v.n_different, 0);
  assert_non_null(late);
  const size_t begin = (size_t)late->position_samples + FADE;
  const size_t end = (size_t)recovery_after(late)->position_samples;
  assert_true(end - begin > 3000);
  const double early = power(h.out + begin, 500);
  const double before = power(h.out + late->position_samples - 500, 500);
  const double last = power(h.out + end - 500, 500);
  assert_true(early > 0.3 * before && early < 1.2 * before);
  assert_true(last < 0.9 * early && last > 0.0);
  // Backwards from the last wet sample, the fade having used the first FADE of them.
  const float expected = h.out[late->position_samples - 1 - FADE];
  assert_true(fabsf(h.out[begin] - expected) < 0.1f * fabsf(expected) + 1e-4f);
  trial_host_free(&h);
  codec_unref(model);
}

static void a_slow_step_is_our_own_miss(void **unused)
{
  (void)unused;
  codec *model = open_model();
  trial_host_open(&h, model, &plain, 1.0, 1.0);
  trial_host_run(&h, 0.3, BLOCK);
  trial_codec_be_slow(model, 4, (uint32_t)(40.0 / h.pace));
  trial_host_run(&h, 1.0, BLOCK);
  session_telemetry t;
  session_read_telemetry(h.s, &t);
  const live_verdict v = trial_host_close(&h);
  const session_event *late = worst_late();
  assert_int_equal(v.n_different, 0);
  assert_non_null(late);
  assert_true(late->own);
  assert_true(late->cpu_us >= 40000);
  assert_true(t.misses >= 1 && t.own_misses >= 1);
  assert_true(t.late_samples > 0);
  trial_host_free(&h);
  codec_unref(model);
}

static atomic_bool hogs_stop;

static void *hog(void *cpus)
{
  volatile unsigned n = 0;
  pthread_setaffinity_np(pthread_self(), sizeof(cpu_set_t), cpus);
  while (!atomic_load(&hogs_stop)) {
    ++n;
  }
  return NULL;
}

static void start_hogs(pthread_t *threads, int n, cpu_set_t *cpus)
{
  atomic_store(&hogs_stop, false);
  for (int i = 0; i < n; ++i) {
    assert_int_equal(pthread_create(&threads[i], NULL, hog, cpus), 0);
  }
}

static void stop_hogs(pthread_t *threads, int n)
{
  atomic_store(&hogs_stop, true);
  for (int i = 0; i < n; ++i) {
    pthread_join(threads[i], NULL);
  }
}

// The conductor shares a CPU with six threads that never rest; the host has another.
static void a_cpu_taken_away_is_not_our_own_miss(void **unused)
{
  (void)unused;
  cpu_set_t all;
  cpu_set_t shared;
  pthread_t threads[6];
  int first = 0;
  assert_int_equal(pthread_getaffinity_np(pthread_self(), sizeof all, &all), 0);
  if (CPU_COUNT(&all) < 2 || access("/proc/thread-self/schedstat", R_OK) != 0) {
    print_message("needs two CPUs and schedstat\n");
    skip();
  }
  for (; !CPU_ISSET(first, &all); ++first) {
  }
  cpu_set_t host = all;
  CPU_CLR(first, &host);
  CPU_ZERO(&shared);
  CPU_SET(first, &shared);
  codec *model = open_model();
  session_config config = plain;
  config.block_samples = 64;
  config.slack_samples = FADE; // nothing to spare
  pthread_setaffinity_np(pthread_self(), sizeof shared, &shared);
  trial_host_open(&h, model, &config, 1.0, 1.0);
  pthread_setaffinity_np(pthread_self(), sizeof host, &host);
  start_hogs(threads, 6, &shared);
  trial_host_run(&h, 1.0, 64);
  stop_hogs(threads, 6);
  pthread_setaffinity_np(pthread_self(), sizeof all, &all);
  const live_verdict v = trial_host_close(&h);
  const session_event *e = NULL;
  int n_others = 0;
  for (int i = 0; (e = trial_host_event(&h, EVENT_LATE, i)); ++i) {
    n_others += !e->own;
    assert_true(e->own || e->run_delay_us + e->steal_us >= e->value);
  }
  assert_int_equal(v.n_different, 0);
  assert_true(n_others > 0);
  trial_host_free(&h);
  codec_unref(model);
}

static void many_stalls_in_a_row(void **unused)
{
  (void)unused;
  codec *model = open_model();
  trial_host_open(&h, model, &plain, 4.0, 2.0);
  for (int i = 1; i <= 16; ++i) {
    trial_host_stall(&h, (i % 5) * 0.02 + 0.01);
    trial_host_run(&h, i * 0.25, BLOCK);
  }
  const live_verdict v = trial_host_close(&h);
  assert_int_equal(v.n_different, 0);
  assert_true(v.n_late >= 4);
  assert_true(v.n_recovered >= v.n_late - 1);
  trial_host_free(&h);
  codec_unref(model);
}

// --- overflow ---

static void an_overflow_begins_a_new_timeline(void **unused)
{
  (void)unused;
  codec *model = open_model();
  trial_host_open(&h, model, &plain, 12.0, 8.0);
  trial_host_run(&h, 1.0, BLOCK);
  trial_host_stall(&h, 5.6); // more than the ring holds
  trial_host_run(&h, 12.0, BLOCK);
  session_telemetry t;
  session_read_telemetry(h.s, &t);
  const session_timeline line = session_get_timeline(h.s);
  const live_verdict v = trial_host_close(&h);
  assert_int_equal(v.n_different, 0);
  assert_int_equal(v.n_timelines, 2);
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
  trial_host_open(&h, model, &plain, 2.0, 2.0);
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
  trial_host_open(&h, model, &plain, 5.5, 4.0);
  for (int i = 0; i < 11; ++i) {
    assert_int_equal(session_set_block(h.s, sizes[i], NULL), STATUS_OK);
    assert_true(session_latency_samples(h.s) >= latency); // a smaller block keeps it
    latency = session_latency_samples(h.s);
    trial_host_run(&h, 0.5 * (1 + i), sizes[i]);
  }
  const live_verdict v = trial_host_close(&h);
  assert_int_equal(v.n_different, 0);
  assert_int_equal(v.n_timelines, 1);
  assert_true(v.n_compared > 2 * RATE_HZ);
  const session_event *last = trial_host_event(&h, EVENT_LATENCY, 4);
  assert_non_null(last); // 512, 1024, 2048, 4096, 8192
  assert_int_equal(last->value, latency);
  trial_host_free(&h);
  codec_unref(model);
}

static void a_larger_block_that_nobody_announced(void **unused)
{
  (void)unused;
  codec *model = open_model();
  session_telemetry t;
  trial_host_open(&h, model, &plain, 3.0, 2.0);
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
  assert_non_null(longer);
  assert_non_null(recovery_after(longer));
  trial_host_free(&h);
  codec_unref(model);
}

static void another_rate_begins_a_new_timeline(void **unused)
{
  (void)unused;
  codec *model = open_model();
  trial_host_open(&h, model, &plain, 6.0, 4.0);
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
  assert_int_equal(v.n_timelines, 3);
  assert_true(v.n_compared > 2 * RATE_HZ);
  assert_true(v.n_compared_last > RATE_HZ / 2);
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
  trial_host_open(&h, model, &config, 2.0, 2.0);
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
      cmocka_unit_test(the_fades_are_between_wet_and_fallback),
      cmocka_unit_test(dry_fallback_is_the_input_delayed_by_latency),
      cmocka_unit_test(hold_fallback_repeats_and_fades),
      cmocka_unit_test(a_slow_step_is_our_own_miss),
      cmocka_unit_test(a_cpu_taken_away_is_not_our_own_miss),
      cmocka_unit_test(many_stalls_in_a_row),
      cmocka_unit_test(an_overflow_begins_a_new_timeline),
      cmocka_unit_test(a_block_beyond_all_bounds_is_refused),
      cmocka_unit_test(ten_block_sizes),
      cmocka_unit_test(a_larger_block_that_nobody_announced),
      cmocka_unit_test(another_rate_begins_a_new_timeline),
      cmocka_unit_test(changes_before_the_first_block),
      cmocka_unit_test(a_codec_that_fails_leaves_the_fallback),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
