// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/output/feedback.h"

#include "tests/engine/output/loop_room.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECONDS 12
#define N (SECONDS * ROOM_RATE)

static float random_sample(uint32_t *seed)
{
  *seed = *seed * 1664525u + 1013904223u;
  return (float)(int32_t)*seed / 2147483648.0f;
}

// --- players ---

typedef double (*player)(double t, uint32_t *seed);

static double tone(double hz, double t)
{
  return sin(2.0 * M_PI * hz * t);
}

// Hits of noise and of skins at uneven times and strengths.
static double drums(double t, uint32_t *seed)
{
  static const double times[] = {0.0, 0.31, 0.52, 0.78, 1.07, 1.21, 1.63, 1.9};
  static const double strengths[] = {1.0, 0.4, 0.8, 0.3, 0.9, 0.5, 0.7, 0.35};
  const double bar = fmod(t, 2.13);
  double sum = 0.0;
  for (int i = 0; i < 8; ++i) {
    const double since = bar - times[i];
    if (since >= 0.0) {
      const double hz = 90.0 + 37.0 * i + 11.0 * floor(t / 2.13);
      sum += strengths[i] * exp(-since * 18.0) *
             (0.5 * tone(hz, since) + 0.4 * (double)random_sample(seed));
    }
  }
  return 0.4 * sum;
}

// Syllables: a buzz of gliding pitch through a moving resonance, and hiss.
static double voice(double t, uint32_t *seed)
{
  const double syllable = fmod(t, 0.27) / 0.27;
  const double pitch = 2.0 * M_PI * (120.0 * t + 6.0 * sin(3.1 * t) + 2.0 * sin(7.7 * t));
  double sum = 0.1 * (double)random_sample(seed);
  for (int h = 1; h < 12; ++h) {
    const double away = (h * 120.0 - 600.0 - 400.0 * sin(5.3 * t)) / 300.0;
    sum += exp(-away * away) * sin(h * pitch);
  }
  return 0.15 * sin(M_PI * syllable) * sum * (fmod(t, 3.0) < 2.2 ? 1.0 : 0.0);
}

static double hush(double t, uint32_t *seed)
{
  (void)t;
  return 1e-3 * (double)random_sample(seed);
}

static double hum(double t, uint32_t *seed)
{
  return (t < 2.0 ? 0.02 * tone(440.0, t) : 0.0) + 3e-4 * (double)random_sample(seed);
}

static float *play(player p)
{
  float *x = malloc(N * sizeof *x);
  assert_non_null(x);
  uint32_t seed = 5;
  for (size_t i = 0; i < N; ++i) {
    x[i] = (float)p((double)i / ROOM_RATE, &seed);
  }
  return x;
}

// --- loops ---

static const player players[] = {drums, voice, hush, hum};
static const char *const names[] = {"drums", "voice", "hush", "hum"};
static const unsigned delays_ms[] = {40, 70, 100, 200, 400};

static room_result play_in(const float *x, const char *name, const room *r)
{
  const room_result result = room_play(r, x, N);
  print_message("%s, %zu ms, gain %.1f%s: %u times, cause %d, lag %.0f ms, %.2f s after %.2f s, "
                "hot %.2f, later %.2f s\n",
                name, r->delay_samples * 1000 / ROOM_RATE, (double)r->gain,
                r->reverberant ? ", reverberant" : "", result.n_found, (int)result.cause,
                result.lag_ms, result.found_s - result.dominant_s, result.dominant_s, result.hot_s,
                result.most_hot_s);
  return result;
}

// Within about a second of the loop being louder than the player, or before it is loud at all, and
// not long at the ceiling; again and again as long as the loop stands.
static void a_loop_that_builds_up_is_found(void **unused)
{
  (void)unused;
  const float gains[] = {1.5f, 2.0f, 4.0f};
  for (unsigned p = 0; p < 4; ++p) {
    float *x = play(players[p]);
    for (unsigned d = 0; d < 5; ++d) {
      for (unsigned g = 0; g < 3; ++g) {
        const room r = {.delay_samples = delays_ms[d] * ROOM_RATE / 1000, .gain = gains[g]};
        const room_result result = play_in(x, names[p], &r);
        const double rounds_s = 8.0 / (20.0 * log10((double)r.gain)) * delays_ms[d] / 1e3;
        assert_true(result.n_found >= 1);
        assert_true(result.found_s - result.dominant_s < 1.3 + 2.0 * rounds_s ||
                    result.hot_s == 0.0);
        assert_true(result.hot_s < 1.2 && result.most_hot_s < 1.5);
        if (result.cause == FEEDBACK_ECHO && players[p] != hum) {
          assert_true(fmod(result.lag_ms + 2.0, delays_ms[d]) < 4.0); // or a multiple
        }
      }
    }
    free(x);
  }
}

static void a_room_that_smears_is_found_by_its_howl(void **unused)
{
  (void)unused;
  for (unsigned p = 0; p < 3; ++p) {
    float *x = play(players[p]);
    for (unsigned d = 0; d < 5; d += 2) {
      const room r = {delays_ms[d] * ROOM_RATE / 1000, 2.0f, true, 0.0f};
      const room_result result = play_in(x, names[p], &r);
      assert_true(result.n_found >= 1 && result.hot_s < 1.7);
    }
    free(x);
  }
}

// A tone, which has no lag of its own, and a loudspeaker that gives out before the ceiling.
static void a_howl_below_the_ceiling_is_found(void **unused)
{
  (void)unused;
  float *x = play(hum);
  for (unsigned d = 0; d < 5; ++d) {
    const room r = {delays_ms[d] * ROOM_RATE / 1000, 1.08f, false, 0.75f};
    assert_int_equal(play_in(x, "hum, low", &r).n_found > 0, d < 3); // too slow with longer delays
  }
  free(x);
}

static void a_loop_that_dies_away_is_left_alone(void **unused)
{
  (void)unused;
  const float gains[] = {0.3f, 0.5f, 0.8f};
  for (unsigned p = 0; p < 4; ++p) {
    float *x = play(players[p]);
    for (unsigned d = 0; d < 5; ++d) {
      for (unsigned g = 0; g < 3; ++g) {
        const room r = {.delay_samples = delays_ms[d] * ROOM_RATE / 1000, .gain = gains[g]};
        assert_int_equal(play_in(x, names[p], &r).n_found, 0);
      }
    }
    free(x);
  }
}

// --- music without a loop ---

static double drone(double t, uint32_t *seed)
{
  (void)seed;
  return 0.7 * tone(220.0, t);
}

static double beating(double t, uint32_t *seed)
{
  (void)seed;
  return 0.4 * (tone(110.0, t) + tone(110.8, t));
}

static double saw(double t, uint32_t *seed)
{
  (void)seed;
  return 0.8 * (2.0 * fmod(130.8 * t, 1.0) - 1.0);
}

// A machine: the same samples every half second.
static double machine(double t, uint32_t *seed)
{
  (void)seed;
  const double kick = fmod(t, 0.5);
  const double hat = fmod(t + 0.25, 0.5);
  return 0.8 * exp(-kick * 20.0) * tone(60.0, kick) + 0.2 * exp(-hat * 60.0) * tone(7000.0, hat);
}

static double accents(double t, uint32_t *seed)
{
  (void)seed;
  const double hit = fmod(t, 0.4);
  return (fmod(t, 1.6) < 0.4 ? 0.8 : 0.24) * exp(-hit * 25.0) * tone(180.0, hit);
}

static double arpeggio(double t, uint32_t *seed)
{
  static const double pitches[] = {220.0, 277.0, 330.0, 440.0};
  (void)seed;
  return 0.5 * exp(-fmod(t, 0.125) * 8.0) * tone(pitches[(int)(t * 8.0) % 4], t);
}

static double crescendo(double t, uint32_t *seed)
{
  return arpeggio(t, seed) * (0.2 + 1.6 * fmod(t, 8.0) / 8.0);
}

static double note_again(double t, uint32_t *seed)
{
  (void)seed;
  const double since = fmod(t, 0.5);
  return 0.6 * exp(-since * 3.0) * tone(261.6, since) +
         0.3 * exp(-since * 4.0) * tone(523.0, since);
}

static double swell(double t, uint32_t *seed)
{
  (void)seed;
  return pow(10.0, (fmin(t, 3.0) * 10.0 - 36.0) / 20.0) * tone(330.0, t);
}

// A machine that fades in, far below what could do harm.
static double fade_in(double t, uint32_t *seed)
{
  return pow(10.0, (fmin(t, 3.0) * 9.0 - 44.0) / 20.0) * machine(t, seed);
}

// A machine, a break, and a build-up to where it was.
static double build_up(double t, uint32_t *seed)
{
  const double db = t < 3.0 ? 0.0 : t < 5.0 ? -26.0 : fmin(0.0, -26.0 + 12.0 * (t - 5.0));
  return pow(10.0, db / 20.0) * machine(t, seed);
}

static double surf(double t, uint32_t *seed)
{
  return 0.9 * (double)random_sample(seed) * (fmod(t, 2.0) < 1.0 ? fmod(t, 2.0) : 1.0);
}

// He hears it, plays it again 0.45 s later, and each time louder: the same tones, another wave.
static double repeating(double t, uint32_t *seed)
{
  const double turn = floor(t / 0.45);
  const double since = fmod(t, 0.45);
  const double hz = 196.0 * (1.0 + 0.004 * sin(turn * 12.9));
  return fmin(0.05 * pow(1.3, turn), 0.8) * exp(-since * 5.0) *
         (tone(hz, since) + 0.5 * tone(2.003 * hz, since + turn * 0.1) +
          0.2 * (double)random_sample(seed));
}

static const player open[] = {drums,   voice,    hum,      drone,     beating,    saw,
                              machine, accents,  arpeggio, crescendo, note_again, swell,
                              fade_in, build_up, surf,     repeating};
#define N_OPEN (sizeof open / sizeof *open)

static void music_without_a_loop_is_left_alone(void **unused)
{
  (void)unused;
  const size_t delays[] = {0, 240, 480, 1440, 2400, 9600};
  for (unsigned p = 0; p < N_OPEN; ++p) {
    float *x = play(open[p]);
    for (unsigned d = 0; d < 6; ++d) {
      const unsigned n_found = room_play_apart(x, N, 1.0f, delays[d]);
      if (n_found) {
        print_message("player %u, delay %zu\n", p, delays[d]);
      }
      assert_int_equal(n_found, 0);
    }
    assert_int_equal(room_play_apart(x, N, 0.1f, 0), 0);
    free(x);
  }
}

// At half its level and 100 ms later.
static void overhear(feedback *f, const float *x, float gain, bool looped)
{
  for (size_t at = 0; at + ROOM_HOP <= N; at += ROOM_HOP) {
    float in[ROOM_HOP], out[ROOM_HOP];
    for (size_t i = 0; i < ROOM_HOP; ++i) {
      in[i] = at + i >= 2400 ? 0.5f * gain * x[at + i - 2400] : 0.0f;
      out[i] = gain * x[at + i];
    }
    feedback_step(f, in, out, ROOM_HOP, looped);
  }
}

// The model plays, the microphone hears it, nothing goes round; told so or not.
static void an_output_that_is_only_overheard_is_no_loop(void **unused)
{
  (void)unused;
  feedback *f = malloc(sizeof *f);
  assert_non_null(f);
  for (unsigned p = 0; p < 2 * N_OPEN; ++p) {
    float *x = play(open[p / 2]);
    feedback_init(f, ROOM_RATE, 1);
    overhear(f, x, 0.5f, p % 2);
    if (f->n_found) {
      print_message("player %u, overheard\n", p / 2);
    }
    assert_int_equal(f->n_found, 0);
    free(x);
  }
  float *x = play(surf); // as loud as what stands at the ceiling
  feedback_init(f, ROOM_RATE, 1);
  overhear(f, x, 1.0f, false);
  assert_int_equal(f->n_found, 0);
  free(x);
  free(f);
}

// --- what follows ---

// A loop of 100 ms and gain 2, until it is found.
static void make_found(feedback *f)
{
  uint32_t seed = 3;
  static float past[2400];
  memset(past, 0, sizeof past);
  size_t at = 0;
  for (int step = 0; !f->muted; ++step) {
    assert_true(step < 400);
    float hop[240];
    for (int i = 0; i < 240; ++i, at = (at + 1) % 2400) {
      hop[i] = 1e-3f * random_sample(&seed) + 2.0f * past[at];
      hop[i] = hop[i] > 1.0f ? 1.0f : hop[i] < -1.0f ? -1.0f : hop[i];
      past[at] = hop[i];
    }
    feedback_step(f, hop, hop, 240, true);
  }
}

// Seconds until it comes back, with noise of this amplitude at the input.
static double seconds_muted(feedback *f, float amplitude)
{
  uint32_t seed = 9;
  int steps = 0;
  for (; f->muted; ++steps) {
    assert_true(steps < 10000);
    float hop[240];
    for (int i = 0; i < 240; ++i) {
      hop[i] = amplitude * random_sample(&seed);
    }
    feedback_step(f, hop, hop, 240, true);
  }
  return steps * 0.01;
}

static void it_comes_back_when_it_is_calm_and_later_each_time(void **unused)
{
  (void)unused;
  feedback *f = malloc(sizeof *f);
  assert_non_null(f);
  feedback_init(f, ROOM_RATE, 1);
  const double expected_s[] = {1.0, 2.0, 4.0, 8.0, 16.0, 16.0};
  for (unsigned i = 0; i < 6; ++i) {
    make_found(f);
    assert_int_equal(f->n_found, i + 1);
    assert_true(f->cause == FEEDBACK_ECHO && fabs(feedback_lag_ms(f) - 100.0) < 1.0);
    assert_true(fabs(seconds_muted(f, 1e-3f) - expected_s[i]) < 0.02);
  }
  for (int i = 0; i < 1100; ++i) { // eleven seconds of peace
    const float hop[240] = {0};
    feedback_step(f, hop, hop, 240, true);
  }
  make_found(f);
  assert_true(fabs(seconds_muted(f, 1e-3f) - 1.0) < 0.02);
  free(f);
}

static void it_waits_for_calm_but_not_for_ever(void **unused)
{
  (void)unused;
  feedback *f = malloc(sizeof *f);
  assert_non_null(f);
  feedback_init(f, ROOM_RATE, 1);
  make_found(f);
  assert_true(fabs(seconds_muted(f, 0.9f) - 5.0) < 0.02);
  assert_true(f->in_power[0] > 1.0f && f->out_power[0] < 1e-6f); // it knew that it was silent
  free(f);
}

static void any_cutting_gives_the_same_state(void **unused)
{
  (void)unused;
  float *x = play(drums);
  feedback *a = malloc(sizeof *a);
  feedback *b = malloc(sizeof *b);
  assert_true(a && b);
  feedback_init(a, 48000, 2);
  feedback_init(b, 48000, 2);
  feedback_step(a, x, x + 100, 40000, true);
  uint32_t seed = 4;
  for (size_t at = 0; at < 40000;) {
    seed = seed * 1664525u + 1013904223u;
    const size_t wanted = (seed >> 8) % 1000;
    const size_t n = wanted < 40000 - at ? wanted : 40000 - at;
    feedback_step(b, x + 2 * at, x + 100 + 2 * at, n, true);
    at += n;
  }
  assert_memory_equal(a, b, sizeof *a);
  free(a);
  free(b);
  free(x);
}

static void bad_samples_do_no_lasting_harm(void **unused)
{
  (void)unused;
  feedback *f = malloc(sizeof *f);
  assert_non_null(f);
  feedback_init(f, ROOM_RATE, 1);
  float hop[240];
  for (int i = 0; i < 240; ++i) {
    hop[i] = i % 4 == 0 ? NAN : i % 4 == 1 ? INFINITY : i % 4 == 2 ? -INFINITY : 3e38f;
  }
  for (int i = 0; i < 20; ++i) {
    feedback_step(f, hop, hop, 240, true);
  }
  memset(hop, 0, sizeof hop);
  for (int i = 0; i < 3000; ++i) {
    feedback_step(f, hop, hop, 240, true);
  }
  assert_true(f->in_power[0] == 0.0f && f->forth[0] == 0.0f && f->back[0] == 0.0f);
  assert_true(f->level < 1e-9);
  const unsigned before = f->n_found;
  make_found(f);
  assert_int_equal(f->n_found, before + 1);
  free(f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_loop_that_builds_up_is_found),
      cmocka_unit_test(a_room_that_smears_is_found_by_its_howl),
      cmocka_unit_test(a_howl_below_the_ceiling_is_found),
      cmocka_unit_test(a_loop_that_dies_away_is_left_alone),
      cmocka_unit_test(music_without_a_loop_is_left_alone),
      cmocka_unit_test(an_output_that_is_only_overheard_is_no_loop),
      cmocka_unit_test(it_comes_back_when_it_is_calm_and_later_each_time),
      cmocka_unit_test(it_waits_for_calm_but_not_for_ever),
      cmocka_unit_test(any_cutting_gives_the_same_state),
      cmocka_unit_test(bad_samples_do_no_lasting_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
