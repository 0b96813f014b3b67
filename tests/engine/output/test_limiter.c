// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/output/limiter.h"

#include "tests/engine/output/fine_peak.h"
#include "tests/failing_alloc.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include <cmocka.h>

#define RATE 48000
#define N 96000

static float *samples(size_t n)
{
  float *x = calloc(n, sizeof *x);
  assert_non_null(x);
  return x;
}

// --- signals ---

static uint32_t next_random(uint32_t *seed)
{
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

static float noise(uint32_t *seed)
{
  return (float)next_random(seed) / 8388608.0f - 1.0f;
}

static void fill_noise(float *x, size_t n, float amplitude, uint32_t seed)
{
  for (size_t i = 0; i < n; ++i) {
    x[i] = amplitude * noise(&seed);
  }
}

// Windowed sinc, 255 taps: noise below `top` of the rate.
static void fill_noise_below(float *x, size_t n, float amplitude, double top, uint32_t seed)
{
  float *white = samples(n + 254);
  fill_noise(white, n + 254, amplitude, seed);
  double taps[255];
  for (int t = 0; t < 255; ++t) {
    const double d = t - 127;
    const double sinc = d == 0.0 ? 2.0 * top : sin(2.0 * M_PI * top * d) / (M_PI * d);
    taps[t] = sinc * (0.54 + 0.46 * cos(M_PI * d / 127.5));
  }
  for (size_t i = 0; i < n; ++i) {
    double sum = 0.0;
    for (int t = 0; t < 255; ++t) {
      sum += taps[t] * (double)white[i + (size_t)t];
    }
    x[i] = (float)sum;
  }
  free(white);
}

// Fades in: a sudden beginning has all frequencies.
static void fill_sine(float *x, size_t n, double amplitude, double of_rate, double phase)
{
  for (size_t i = 0; i < n; ++i) {
    const double fade = i < 300 ? 0.5 - 0.5 * cos(M_PI * (double)i / 300.0) : 1.0;
    x[i] = (float)(fade * amplitude * sin(2.0 * M_PI * (of_rate * (double)i + phase)));
  }
}

// --- exactness ---

static void quiet_sound_passes_bit_for_bit(void **unused)
{
  (void)unused;
  const uint32_t rates[] = {8000, 24000, 44100, 48000, 192000, 1, 768000};
  for (unsigned r = 0; r < 7; ++r) {
    for (uint32_t n_channels = 1; n_channels <= 3; ++n_channels) {
      limiter l = {0};
      assert_int_equal(limiter_init(&l, rates[r], n_channels, NULL), STATUS_OK);
      const size_t n = 3 * (size_t)limiter_delay_samples(&l) + 100;
      const size_t delay = (size_t)limiter_delay_samples(&l) * n_channels;
      float *in = samples(n * n_channels);
      float *out = samples(n * n_channels);
      fill_noise(in, n * n_channels, 0.3f, 7);
      in[5] = -0.0f;
      in[6] = 1e-42f;
      in[7] = -1e-30f;
      limiter_process(&l, in, out, n);
      for (size_t i = 0; i < delay; ++i) {
        assert_true(out[i] == 0.0f);
      }
      assert_memory_equal(out + delay, in, (n * n_channels - delay) * sizeof *in);
      assert_true(limiter_reduction_db(&l) == 0.0f);
      limiter_destroy(&l);
      limiter_destroy(&l);
      free(in);
      free(out);
    }
  }
}

static void the_delay_at_48_khz_is_as_stated(void **unused)
{
  (void)unused;
  limiter l = {0};
  assert_int_equal(limiter_init(&l, 48000, 1, NULL), STATUS_OK);
  assert_int_equal(limiter_delay_samples(&l), 84);
  limiter_destroy(&l);
}

static void a_host_that_flushes_to_zero_changes_nothing(void **unused)
{
  (void)unused;
#if defined(__SSE2__)
  limiter l = {0};
  assert_int_equal(limiter_init(&l, RATE, 1, NULL), STATUS_OK);
  const uint32_t delay = limiter_delay_samples(&l);
  float in[200] = {0};
  float out[200] = {0};
  for (int i = 0; i < 100; ++i) {
    in[i] = (float)i * 1e-41f;
  }
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040); // flush to zero, denormals are zero
  limiter_process(&l, in, out, 200);
  _mm_setcsr(before);
  assert_memory_equal(out + delay, in, (200 - delay) * sizeof *in);
  limiter_destroy(&l);
#else
  skip();
#endif
}

static void after_a_burst_it_is_exact_again_in_time(void **unused)
{
  (void)unused;
  limiter l = {0};
  assert_int_equal(limiter_init(&l, RATE, 1, NULL), STATUS_OK);
  limiter_set_release(&l, 100.0f);
  const size_t delay = limiter_delay_samples(&l);
  const size_t burst = 1000;
  const size_t exact = burst + 8 * RATE / 10;
  float *in = samples(N);
  float *out = samples(N);
  fill_noise(in, N, 0.2f, 3);
  fill_noise(in, burst, 1e5f, 4); // -100 dB
  limiter_process(&l, in, out, N);
  assert_memory_not_equal(out + delay, in, burst * sizeof *in);
  assert_memory_equal(out + exact + delay, in + exact, (N - exact - delay) * sizeof *in);
  assert_true(limiter_reduction_db(&l) > 95.0f);
  assert_true(limiter_reduction_db(&l) == 0.0f);
  limiter_destroy(&l);
  free(in);
  free(out);
}

static void any_cutting_gives_the_same_bits(void **unused)
{
  (void)unused;
  limiter a = {0}, b = {0};
  assert_int_equal(limiter_init(&a, RATE, 2, NULL), STATUS_OK);
  assert_int_equal(limiter_init(&b, RATE, 2, NULL), STATUS_OK);
  float *in = samples(2 * 20000);
  float *whole = samples(2 * 20000);
  fill_noise(in, 2 * 20000, 3.0f, 9);
  limiter_process(&a, in, whole, 20000);
  uint32_t seed = 1;
  for (size_t i = 0; i < 20000;) { // in place, in pieces, of nothing too
    const size_t wanted = next_random(&seed) % 300;
    const size_t n = wanted < 20000 - i ? wanted : 20000 - i;
    limiter_process(&b, in + 2 * i, in + 2 * i, n);
    i += n;
  }
  assert_memory_equal(in, whole, 2 * 20000 * sizeof *in);
  limiter_destroy(&a);
  limiter_destroy(&b);
  free(in);
  free(whole);
}

static void reset_equals_fresh(void **unused)
{
  (void)unused;
  limiter a = {0}, b = {0};
  assert_int_equal(limiter_init(&a, RATE, 2, NULL), STATUS_OK);
  assert_int_equal(limiter_init(&b, RATE, 2, NULL), STATUS_OK);
  float in[2 * 3000], out_a[2 * 3000], out_b[2 * 3000];
  fill_noise(in, 2 * 3000, 5.0f, 2);
  limiter_process(&a, in, out_a, 2711);
  limiter_reset(&a);
  assert_true(limiter_reduction_db(&a) == 0.0f);
  limiter_process(&a, in, out_a, 3000);
  limiter_process(&b, in, out_b, 3000);
  assert_memory_equal(out_a, out_b, sizeof out_a);
  limiter_destroy(&a);
  limiter_destroy(&b);
}

// --- the ceiling ---

// A ceiling that jumps now and then holds for each sample as it stood when that went in.
static void no_sample_is_ever_above_its_ceiling(void **unused)
{
  (void)unused;
  limiter l = {0};
  assert_int_equal(limiter_init(&l, RATE, 1, NULL), STATUS_OK);
  const size_t delay = limiter_delay_samples(&l);
  float *ceilings = samples(N);
  uint32_t seed = 5;
  float ceiling = 0.9f;
  float loudness = 1.0f;
  float nearest = 0.0f;
  for (size_t i = 0; i < N; ++i) {
    if (next_random(&seed) % 700 == 0) {
      ceiling = 0.01f + fabsf(noise(&seed));
    }
    if (next_random(&seed) % 500 == 0) {
      loudness = powf(10.0f, 2.0f * noise(&seed));
    }
    limiter_set_ceiling(&l, ceiling);
    ceilings[i] = ceiling;
    const float in = next_random(&seed) % 3000 == 0 ? 1e4f : loudness * noise(&seed);
    float out;
    limiter_step(&l, &in, &out);
    if (i >= delay) {
      const float part = fabsf(out) / ceilings[i - delay];
      assert_true(fabsf(out) <= ceilings[i - delay]);
      nearest = part > nearest ? part : nearest;
    }
  }
  assert_true(nearest > 0.95f); // and it is used
  limiter_destroy(&l);
  free(ceilings);
}

// Lone samples read as they are, so each comes out at the ceiling but for rounding, half of which
// is upward.
static void rounding_does_not_lift_a_sample_above(void **unused)
{
  (void)unused;
  limiter l = {0};
  assert_int_equal(limiter_init(&l, RATE, 1, NULL), STATUS_OK);
  limiter_set_release(&l, 1.0f);
  uint32_t seed = 8;
  int n_near = 0;
  for (int i = 0; i < 1200000; ++i) {
    const float in = i % 600 ? 0.0f : 1.0f + 8.0f * fabsf(noise(&seed));
    float out;
    limiter_step(&l, &in, &out);
    assert_true(out <= LIMITER_DEFAULT_CEILING);
    n_near += out > 0.999999f * LIMITER_DEFAULT_CEILING;
  }
  assert_true(n_near > 1990);
  limiter_destroy(&l);
}

// What went in before the ceiling fell is turned down on the way to it, and not cut off.
static void a_falling_ceiling_is_met_smoothly(void **unused)
{
  (void)unused;
  limiter l = {0};
  assert_int_equal(limiter_init(&l, RATE, 1, NULL), STATUS_OK);
  float last = 0.0f;
  for (int i = 0; i < 2000; ++i) {
    limiter_set_ceiling(&l, i < 1000 ? 0.9f : 0.1f);
    const float in = 0.5f * (i < 200 ? (float)i / 200.0f : 1.0f);
    float out;
    limiter_step(&l, &in, &out);
    assert_true(fabsf(out - last) < 0.41f / 36.0f);
    last = out;
  }
  assert_true(last <= 0.1f && last > 0.098f);
  limiter_destroy(&l);
}

// What limiting leaves above the ceiling, in dB, between the samples.
static double excess_db(const float *in, size_t n, float release_ms)
{
  limiter l = {0};
  assert_int_equal(limiter_init(&l, RATE, 1, NULL), STATUS_OK);
  limiter_set_ceiling(&l, 0.5f);
  limiter_set_release(&l, release_ms);
  float *out = samples(n);
  limiter_process(&l, in, out, n);
  const double peak = fine_peak(out, n);
  limiter_destroy(&l);
  free(out);
  return 20.0 * log10(peak / 0.5);
}

static void true_peaks_of_tones_stay_within(void **unused)
{
  (void)unused;
  const size_t n = 4000;
  float *x = samples(n);
  double worst = -100.0;
  for (double of_rate = 0.001; of_rate <= 0.417; of_rate += 0.0173) {
    for (double phase = 0.0; phase < 0.25; phase += 0.0624) {
      fill_sine(x, n, 1.7, of_rate, phase);
      worst = fmax(worst, excess_db(x, n, 100.0f));
    }
  }
  for (int part = 3; part <= 12; ++part) { // the same few phases for ever
    fill_sine(x, n, 4.0, 1.0 / part, 1.0 / 48.0);
    worst = fmax(worst, excess_db(x, n, 1000.0f));
  }
  print_message("tones: %.3f dB above the ceiling\n", worst);
  assert_true(worst < 0.2 && worst > -0.1);
  free(x);
}

static void true_peaks_of_noise_and_steps_stay_within(void **unused)
{
  (void)unused;
  const size_t n = 24000;
  float *x = samples(n);
  double worst = -100.0;
  for (uint32_t seed = 0; seed < 6; ++seed) {
    fill_noise_below(x, n, 0.5f + (float)seed, 0.417, seed);
    worst = fmax(worst, excess_db(x, n, seed % 2 ? 1.0f : 100.0f));
  }
  for (size_t i = 0; i < n; ++i) { // a square wave, as steep as half the band allows
    x[i] = (float)(4.0 * tanh(8.0 * sin(2.0 * M_PI * (double)i / 96.3)));
  }
  worst = fmax(worst, excess_db(x, n, 50.0f));
  print_message("noise to 20 kHz, squares: %.3f dB above the ceiling\n", worst);
  assert_true(worst < 0.2);
  fill_noise(x, n, 4.0f, 11);
  const double white = excess_db(x, n, 100.0f);
  print_message("white noise: %.3f dB above the ceiling\n", white);
  assert_true(white < 1.5 && white > worst); // the meter tells the two apart
  free(x);
}

// --- the gain ---

// Channel 1 is quiet and constant, so it shows the gain that channel 0's peaks make.
static void make_gain(float *gain, size_t n, size_t at, size_t length, float release_ms)
{
  limiter l = {0};
  assert_int_equal(limiter_init(&l, RATE, 2, NULL), STATUS_OK);
  limiter_set_ceiling(&l, 0.5f);
  limiter_set_release(&l, release_ms);
  const size_t delay = limiter_delay_samples(&l);
  for (size_t i = 0; i < n + delay; ++i) {
    const float in[2] = {i >= at && i < at + length ? 2.0f : 0.0f, 0.125f};
    float out[2];
    limiter_step(&l, in, out);
    if (i >= delay) {
      gain[i - delay] = out[1] * 8.0f;
    }
  }
  limiter_destroy(&l);
}

static void the_gain_is_a_smooth_curve_that_arrives_in_time(void **unused)
{
  (void)unused;
  const size_t at = 1000;
  float *gain = samples(20000);
  make_gain(gain, 20000, at, 300, 100.0f);
  const double half = 36.0;
  double first = 0.0, second = 0.0;
  for (size_t i = 2; i < 20000; ++i) {
    const double slope = (double)gain[i] - (double)gain[i - 1];
    first = fmax(first, fabs(slope));
    second = fmax(second, fabs(slope - ((double)gain[i - 1] - (double)gain[i - 2])));
  }
  assert_true(first < 1.001 / half && first > 0.5 / half);
  assert_true(second < 1.01 / (half * half)); // no corner
  assert_true(gain[at - 84] == 1.0f);         // nothing happens before the lookahead
  for (size_t i = at - 2; i < at + 302; ++i) {
    assert_true(gain[i] <= 0.25f && gain[i] > 0.21f); // the edge overshoots between the samples
  }
  free(gain);
}

static void the_release_takes_its_time(void **unused)
{
  (void)unused;
  float *gain = samples(30000);
  make_gain(gain, 30000, 500, 100, 100.0f);
  size_t low = 700;
  while (gain[low + 1] <= gain[low]) {
    ++low;
  }
  for (size_t i = low + 1; i < 30000; ++i) {
    assert_true(gain[i] >= gain[i - 1]);
  }
  // One time constant after any moment 63 % of what was missing have gone.
  const double missing = 1.0 - (double)gain[2000];
  assert_true(fabs((1.0 - (double)gain[2000 + RATE / 10]) / missing - exp(-1.0)) < 0.01);
  free(gain);
}

static void bad_samples_do_no_lasting_harm(void **unused)
{
  (void)unused;
  limiter l = {0};
  assert_int_equal(limiter_init(&l, RATE, 2, NULL), STATUS_OK);
  limiter_set_release(&l, 10.0f);
  const size_t delay = limiter_delay_samples(&l);
  float *in = samples(2 * N);
  float *out = samples(2 * N);
  fill_noise(in, 2 * N, 0.25f, 3);
  in[100] = NAN;
  in[203] = INFINITY;
  in[304] = -INFINITY;
  in[1000] = 3.4e38f;
  in[1003] = -3.4e38f;
  limiter_set_ceiling(&l, NAN);
  limiter_process(&l, in, out, N);
  for (size_t i = 0; i < 2 * N; ++i) {
    assert_true(fabsf(out[i]) <= LIMITER_DEFAULT_CEILING);
  }
  assert_true(out[100 + 2 * delay] == 0.0f && out[203 + 2 * delay] == 0.0f);
  assert_true(out[1000 + 2 * delay] > 0.0f && out[1003 + 2 * delay] < 0.0f);
  assert_true(out[101 + 2 * delay] == in[101]); // not even the gain has moved
  assert_memory_equal(out + 2 * (N / 2 + delay), in + N, (N - 2 * delay) * sizeof *in);
  limiter_destroy(&l);
  free(in);
  free(out);
}

static void settings_are_kept_within_their_ranges(void **unused)
{
  (void)unused;
  limiter l = {0};
  assert_int_equal(limiter_init(&l, RATE, 1, NULL), STATUS_OK);
  limiter_set_ceiling(&l, 0.0f);
  assert_true(l.ceiling == LIMITER_LEAST_CEILING);
  limiter_set_ceiling(&l, INFINITY);
  assert_true(l.ceiling == LIMITER_GREATEST_CEILING);
  limiter_set_ceiling(&l, NAN);
  assert_true(l.ceiling == LIMITER_GREATEST_CEILING);
  limiter_set_release(&l, 1.0f);
  const uint32_t fastest = l.release;
  limiter_set_release(&l, NAN);
  assert_true(l.release == fastest);
  limiter_set_release(&l, -1.0f);
  assert_true(l.release == fastest);
  limiter_set_release(&l, 1e30f);
  assert_true(l.release > 0 && l.release < fastest);
  limiter_destroy(&l);
}

static void meaningless_shapes_are_refused(void **unused)
{
  (void)unused;
  limiter l = {0};
  error err = {0};
  assert_int_equal(limiter_init(&l, 0, 1, &err), STATUS_USAGE);
  assert_non_null(strstr(err.message, "limiter"));
  assert_int_equal(limiter_init(&l, LIMITER_MAX_HZ + 1, 1, NULL), STATUS_USAGE);
  assert_int_equal(limiter_init(&l, RATE, 0, NULL), STATUS_USAGE);
  assert_int_equal(limiter_init(&l, RATE, LIMITER_MAX_CHANNELS + 1, NULL), STATUS_USAGE);
  limiter_destroy(&l);
}

static status make_and_destroy(void *unused, error *err)
{
  (void)unused;
  limiter l = {0};
  const status st = limiter_init(&l, RATE, 2, err);
  limiter_destroy(&l);
  return st;
}

static void a_failed_allocation_is_told(void **unused)
{
  (void)unused;
  assert_true(failing_alloc_each(make_and_destroy, NULL) > 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(quiet_sound_passes_bit_for_bit),
      cmocka_unit_test(the_delay_at_48_khz_is_as_stated),
      cmocka_unit_test(a_host_that_flushes_to_zero_changes_nothing),
      cmocka_unit_test(after_a_burst_it_is_exact_again_in_time),
      cmocka_unit_test(any_cutting_gives_the_same_bits),
      cmocka_unit_test(reset_equals_fresh),
      cmocka_unit_test(no_sample_is_ever_above_its_ceiling),
      cmocka_unit_test(rounding_does_not_lift_a_sample_above),
      cmocka_unit_test(a_falling_ceiling_is_met_smoothly),
      cmocka_unit_test(true_peaks_of_tones_stay_within),
      cmocka_unit_test(true_peaks_of_noise_and_steps_stay_within),
      cmocka_unit_test(the_gain_is_a_smooth_curve_that_arrives_in_time),
      cmocka_unit_test(the_release_takes_its_time),
      cmocka_unit_test(bad_samples_do_no_lasting_harm),
      cmocka_unit_test(settings_are_kept_within_their_ranges),
      cmocka_unit_test(meaningless_shapes_are_refused),
      cmocka_unit_test(a_failed_allocation_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
