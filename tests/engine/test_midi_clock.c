// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The clock against ticks whose true beats are known: how far what it told lies from them.

#include "engine/control/midi_clock.h"

#include "base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define RATE_HZ 48000
#define TICKS_PER_BEAT 24

// A follower of what the clock tells, as beat_clock_follow is.
typedef struct follower {
  double beat, beats_per_s;
  double at_s;
  int n_told;
} follower;

static double followed(const follower *f, double at_s)
{
  return f->beat + (at_s - f->at_s) * f->beats_per_s;
}

static void take(follower *f, const control *c)
{
  assert_int_equal(c->kind, CONTROL_CLOCK);
  assert_true(isfinite(c->value) && isfinite(c->more) && c->more >= 0.0);
  *f = (follower){c->value, c->more, (double)c->position_samples / RATE_HZ, f->n_told + 1};
}

typedef struct course {
  double (*bpm)(double beat);
  double jitter_s;        ///< to either side
  uint32_t block_samples; ///< ticks fall on multiples of it; 0: they do not
  int lose_every;         ///< one tick in so many does not arrive; 0: all do
  int n_ticks;
  int n_settle; ///< ticks at the beginning for which nothing is demanded,
  double grace; ///< and beats after each STEP_BEATS
} course;

#define STEP_BEATS 40.0

typedef struct outcome {
  double worst_s, mean_s; ///< distance of told beats from the true ones
  double worst_bpm;       ///< largest relative error of the tempo
  int n_told;
} outcome;

static outcome run_course(const course *r)
{
  midi_clock c;
  midi_clock_init(&c, RATE_HZ);
  midi_clock_start(&c);
  follower f = {0};
  outcome o = {0};
  double at_s = 1.0;
  int n = 0;
  for (int i = 0; i < r->n_ticks; ++i) {
    const double beat = (double)i / TICKS_PER_BEAT;
    const double bps = r->bpm(beat) / 60.0;
    const double noise =
        ((double)(random_bits(7, 1, (uint64_t)i) >> 11) * 0x1p-52 - 1.0) * r->jitter_s;
    uint64_t position = (uint64_t)((at_s + noise) * RATE_HZ);
    if (r->block_samples) {
      position = (position / r->block_samples + 1) * r->block_samples;
    }
    control out;
    const bool lost = r->lose_every && i % r->lose_every == r->lose_every - 1;
    if (!lost && midi_clock_tick(&c, position, &out)) {
      take(&f, &out);
    }
    if (i >= r->n_settle && fmod(beat, STEP_BEATS) >= r->grace) {
      const double wrong_s = fabs(followed(&f, at_s) - beat) / bps;
      o.worst_s = fmax(o.worst_s, wrong_s);
      o.mean_s += wrong_s;
      o.worst_bpm = fmax(o.worst_bpm, fabs(f.beats_per_s / bps - 1.0));
      ++n;
    }
    at_s += 1.0 / (bps * TICKS_PER_BEAT);
  }
  o.mean_s /= n;
  o.n_told = f.n_told;
  printf("worst %.3f ms, mean %.3f ms, tempo within %.3f %%, told %d times in %d ticks\n",
         o.worst_s * 1e3, o.mean_s * 1e3, o.worst_bpm * 100, o.n_told, r->n_ticks);
  return o;
}

static double even(double beat)
{
  (void)beat;
  return 120.0;
}

static double slow(double beat)
{
  (void)beat;
  return 30.0;
}

static double steps(double beat)
{
  static const double bpm[] = {120.0, 131.0, 65.5, 36.4, 140.0};
  return bpm[(int)(beat / STEP_BEATS) % 5];
}

static double ramp(double beat)
{
  return 100.0 + 0.25 * beat; // a quarter of a BPM a beat
}

static void test_an_even_clock(void **state)
{
  (void)state;
  const outcome o = run_course(&(course){.bpm = even, .n_ticks = 4800, .n_settle = 2});
  assert_true(o.worst_s < 0.1e-3 && o.worst_bpm < 2e-3);
  assert_true(o.n_told <= 200 + 5); // once a beat
  const outcome p = run_course(&(course){.bpm = slow, .n_ticks = 1200, .n_settle = 2});
  assert_true(p.worst_s < 0.1e-3);
}

static void test_jitter_is_smoothed(void **state)
{
  (void)state;
  const outcome o =
      run_course(&(course){.bpm = even, .jitter_s = 1e-3, .n_ticks = 4800, .n_settle = 48});
  assert_true(o.worst_s < 1.2e-3 && o.mean_s < 0.35e-3 && o.worst_bpm < 4e-3);
  assert_true(o.n_told < 300);
}

// A clock that arrives in blocks of 1024 samples, 21 ms: as long as its ticks are apart. Half a
// block late on the mean, and no later.
static void test_ticks_in_blocks(void **state)
{
  (void)state;
  const outcome o =
      run_course(&(course){.bpm = even, .block_samples = 1024, .n_ticks = 4800, .n_settle = 48});
  assert_true(o.worst_s < 25e-3 && o.worst_bpm < 0.06);
}

static void test_lost_ticks_are_put_in(void **state)
{
  (void)state;
  const outcome o = run_course(&(course){
      .bpm = even, .jitter_s = 0.5e-3, .lose_every = 37, .n_ticks = 9600, .n_settle = 48});
  assert_true(o.worst_s < 1e-3);
}

// Half a beat after a step it is as good as ever, and no tick was counted twice or not at all.
static void test_steps_of_tempo(void **state)
{
  (void)state;
  const outcome o = run_course(&(course){.bpm = steps,
                                         .jitter_s = 0.2e-3,
                                         .n_ticks = 400 * TICKS_PER_BEAT,
                                         .n_settle = 24,
                                         .grace = 0.5});
  assert_true(o.worst_s < 1.5e-3 && o.worst_bpm < 0.01);
}

static void test_a_ramp_is_followed(void **state)
{
  (void)state;
  const outcome o = run_course(
      &(course){.bpm = ramp, .jitter_s = 0.2e-3, .n_ticks = 200 * TICKS_PER_BEAT, .n_settle = 24});
  assert_true(o.worst_s < 3e-3 && o.worst_bpm < 0.03);
}

#define TICK 1000 // samples: 120 BPM at 48 kHz

static bool tick_many(midi_clock *c, uint64_t *at, int n, control *last)
{
  bool told = false;
  for (int i = 0; i < n; ++i, *at += TICK) {
    control out;
    if (midi_clock_tick(c, *at, &out)) {
      *last = out;
      told = true;
    }
  }
  return told;
}

static void test_start_stop_continue_and_position(void **state)
{
  (void)state;
  midi_clock c;
  midi_clock_init(&c, RATE_HZ);
  uint64_t at = 10000;
  control out;
  assert_false(tick_many(&c, &at, 30, &out)); // ticks without a start tell nothing
  midi_clock_start(&c);
  assert_true(midi_clock_tick(&c, at, &out)); // with the tempo that is known already
  assert_true(fabs(out.value) < 1e-9 && fabs(out.more - 2.0) < 1e-9);
  assert_int_equal(out.position_samples, at);
  at += TICK;
  tick_many(&c, &at, 47, &out);
  assert_true(midi_clock_stop(&c, at - 500, &out));
  assert_true(out.more == 0.0);
  assert_true(fabs(out.value - 47.5 / 24) < 1e-9);
  assert_false(midi_clock_stop(&c, at, &out));
  assert_false(tick_many(&c, &at, 10, &out));
  midi_clock_continue(&c);
  assert_true(midi_clock_tick(&c, at, &out));
  assert_true(fabs(out.value - 2.0) < 1e-9); // the tick after the last
  at += TICK;
  midi_clock_continue(&c); // it goes on already
  tick_many(&c, &at, 23, &out);
  midi_clock_stop(&c, at, &out);
  midi_clock_song_position(&c, 4 * 16); // bar 5
  midi_clock_continue(&c);
  assert_true(midi_clock_tick(&c, at, &out));
  assert_true(fabs(out.value - 16.0) < 1e-9);
}

static void test_a_clock_that_goes_away(void **state)
{
  (void)state;
  midi_clock c;
  midi_clock_init(&c, RATE_HZ);
  uint64_t at = 0;
  control out;
  assert_false(midi_clock_pass(&c, 1000000, &out)); // it never ran
  midi_clock_start(&c);
  tick_many(&c, &at, 48, &out);
  assert_false(midi_clock_pass(&c, at + RATE_HZ / 4, &out));
  at += RATE_HZ;
  assert_true(midi_clock_pass(&c, at, &out));
  assert_true(out.more == 0.0);
  assert_false(midi_clock_pass(&c, at + 5000, &out)); // told once
  at += RATE_HZ;
  assert_true(midi_clock_tick(&c, at, &out)); // back: on from the next tick, in the old tempo
  assert_true(fabs(out.value - 2.0) < 1e-9 && fabs(out.more - 2.0) < 1e-9);
}

// Ticks held back and then given all at once, as after an xrun, are not lost.
static void test_a_burst_after_a_hold(void **state)
{
  (void)state;
  for (int held = 1; held < 12; ++held) {
    for (int extra = 0; extra < 1000; extra += 50) {
      midi_clock c;
      midi_clock_init(&c, RATE_HZ);
      uint64_t at = 0;
      control out = {0};
      midi_clock_start(&c);
      tick_many(&c, &at, 96, &out);
      const uint64_t given = at + (uint64_t)(held - 1) * TICK + (uint64_t)extra;
      for (int i = 0; i < held; ++i) {
        (void)midi_clock_tick(&c, given, &out);
      }
      at += (uint64_t)held * TICK;
      assert_true(tick_many(&c, &at, 96, &out));
      const double due = (double)out.position_samples / TICK / TICKS_PER_BEAT;
      if (fabs(out.value - due) > 0.02) {
        fail_msg("%d held back and %d: beat %.4f, true %.4f", held, extra, out.value, due);
      }
    }
  }
}

static void test_positions_that_go_back_and_bursts_for_ever(void **state)
{
  (void)state;
  midi_clock c;
  midi_clock_init(&c, RATE_HZ);
  midi_clock_start(&c);
  follower f = {0};
  for (uint64_t i = 0; i < 200000; ++i) {
    control out;
    uint64_t at = random_bits(9, 0, i) % 5 ? i * 37 : 0;
    if (random_bits(9, 1, i / 1000) % 2) {
      at = random_bits(9, 2, i);
    }
    if (midi_clock_tick(&c, at, &out)) {
      take(&f, &out);
      assert_true(out.more <= MIDI_CLOCK_FASTEST_BPM / 60.0 * (1.0 + 1e-9));
      assert_true(fabs(out.value) < 1e18);
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_an_even_clock),
      cmocka_unit_test(test_jitter_is_smoothed),
      cmocka_unit_test(test_ticks_in_blocks),
      cmocka_unit_test(test_lost_ticks_are_put_in),
      cmocka_unit_test(test_steps_of_tempo),
      cmocka_unit_test(test_a_ramp_is_followed),
      cmocka_unit_test(test_start_stop_continue_and_position),
      cmocka_unit_test(test_a_clock_that_goes_away),
      cmocka_unit_test(test_a_burst_after_a_hold),
      cmocka_unit_test(test_positions_that_go_back_and_bursts_for_ever),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
