// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// What each effect does, on sequences written out by hand: the input of step i is codebook 0: 10 *
// i, codebook 1: 10 * i + 1, and so on.

#include "engine/play/code_effects.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { MOST_STEPS = 400, MOST = 4 };

// One effect with its fader at 1, n codebooks, a clock or none.
typedef struct trial {
  code_effects e;
  code_effects_settings s;
  code_effect_kind kind;
  int n;
  double beat_steps;
  int32_t out[MOST_STEPS][MOST];
} trial;

static trial t;

static void begin(code_effect_kind kind, int n)
{
  memset(&t, 0, sizeof t);
  t.kind = kind;
  t.n = n;
  assert_int_equal(code_effects_init(&t.e, n, NULL), STATUS_OK);
  code_effects_settings_init(&t.s);
  t.s.knobs[kind].fader = 1;
}

// The setting of that name.
static void set(const char *key, float value)
{
  const code_effect_info *info = code_effect_get_info(t.kind);
  int i = 0;
  while (strcmp(info->settings[i].key, key) != 0) {
    ++i;
    assert_true(i < info->n_settings);
  }
  t.s.knobs[t.kind].values[i] = value;
}

static void play(int n_steps)
{
  for (int step = 0; step < n_steps; ++step) {
    int32_t in[MOST];
    for (int k = 0; k < t.n; ++k) {
      in[k] = 10 * step + k;
    }
    if (t.beat_steps >= 1) {
      t.s.beat_steps = (float)t.beat_steps;
      t.s.beat_number = (int64_t)floor(step / t.beat_steps);
      t.s.beat_step = step - (int)ceil((double)t.s.beat_number * t.beat_steps);
    }
    code_effects_step(&t.e, &t.s, in, t.out[step]);
  }
  code_effects_destroy(&t.e);
}

// The steps heard, by codebook 0, are these.
static void expect_steps(const int *steps, int n_steps)
{
  play(n_steps);
  for (int step = 0; step < n_steps; ++step) {
    for (int k = 0; k < t.n; ++k) {
      assert_int_equal(t.out[step][k], 10 * steps[step] + k);
    }
  }
}

#define EXPECT_STEPS(...)                                                                          \
  expect_steps((const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

static void stutter_repeats_the_first_slice(void **unused)
{
  (void)unused;
  begin(CODE_EFFECT_STUTTER, 2);
  set("length", 2);
  set("repeats", 3);
  EXPECT_STEPS(0, 1, 0, 1, 0, 1, 6, 7, 6, 7, 6, 7, 12, 13, 12);
}

static void stutter_follows_the_beat(void **unused)
{
  (void)unused;
  begin(CODE_EFFECT_STUTTER, 2);
  t.beat_steps = 7.5;
  set("length", 4); // half a beat
  set("repeats", 2);
  EXPECT_STEPS(0, 1, 2, 3, 0, 1, 2, 3, /* step 8 is the beat */ 8, 9, 10, 11, 8, 9, 10, /* beat */
               15, 16, 17, 18, 15);
}

static void stutter_fades_from_the_finest(void **unused)
{
  (void)unused;
  begin(CODE_EFFECT_STUTTER, 3);
  set("length", 1);
  set("repeats", 4);
  set("fading", 1);
  play(5);
  const int32_t expected[5][3] = {{0, 1, 2}, {0, 1, -1}, {0, -1, -1}, {0, -1, -1}, {40, 41, 42}};
  for (int step = 0; step < 5; ++step) {
    assert_memory_equal(t.out[step], expected[step], sizeof expected[step]);
  }
}

static void reverse_plays_grains_backwards(void **unused)
{
  (void)unused;
  begin(CODE_EFFECT_REVERSE, 2);
  set("grain", 4); // there is nothing before the first
  EXPECT_STEPS(0, 1, 2, 3, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10);
}

static void reverse_follows_the_beat(void **unused)
{
  (void)unused;
  begin(CODE_EFFECT_REVERSE, 1);
  t.beat_steps = 5;
  set("grain", 4);
  EXPECT_STEPS(0, 1, 2, 3, 4, 4, 3, 2, 1, 0, 9, 8, 7, 6, 5, 14);
}

static void stretch_falls_behind_and_jumps(void **unused)
{
  (void)unused;
  begin(CODE_EFFECT_STRETCH, 2);
  set("factor", 2);
  set("grain", 1);
  set("limit", 3);
  EXPECT_STEPS(0, 0, 1, 1, 2, 2, /* lag 3 */ 6, 6, 7, 7, 8, 8, 12);
  begin(CODE_EFFECT_STRETCH, 2);
  set("factor", 2);
  set("grain", 4);
  EXPECT_STEPS(0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7, 8, 9);
  begin(CODE_EFFECT_STRETCH, 1); // half of the way from 1 to 3
  t.s.knobs[CODE_EFFECT_STRETCH].fader = 0.5f;
  set("factor", 3);
  set("grain", 2);
  EXPECT_STEPS(0, 1, 1, 2, 2, 3, 3, 4, 4, 5);
}

// A fader that was down for one step leaves nothing of the lag.
static void stretch_starts_afresh(void **unused)
{
  (void)unused;
  code_effects e;
  code_effects_settings s;
  assert_int_equal(code_effects_init(&e, 1, NULL), STATUS_OK);
  code_effects_settings_init(&s);
  for (int32_t step = 0; step < 60; ++step) {
    int32_t out;
    s.knobs[CODE_EFFECT_STRETCH].fader = step == 50 ? 0.0f : 1.0f;
    code_effects_step(&e, &s, &step, &out);
    const int32_t since = step <= 50 ? step : step - 51;
    assert_int_equal(out, step == 50 ? step : step - since / 4 * 2);
  }
  code_effects_destroy(&e);
}

static void stretch_jumps_on_the_beat(void **unused)
{
  (void)unused;
  begin(CODE_EFFECT_STRETCH, 2);
  t.beat_steps = 5;
  set("factor", 2);
  set("grain", 1);
  set("limit", 1);
  EXPECT_STEPS(0, 0, 1, 1, 2, 5, 5, 6, 6, 7, 10, 10, 11);
}

static void step_shuffle_permutes_the_last_segment(void **unused)
{
  (void)unused;
  enum { SEGMENT = 8, GRAIN = 3 };
  begin(CODE_EFFECT_STEP_SHUFFLE, 2);
  set("segment", SEGMENT);
  set("grain", GRAIN);
  play(MOST_STEPS);
  for (int step = 0; step < SEGMENT; ++step) {
    assert_int_equal(t.out[step][0], 10 * step);
  }
  for (int first = SEGMENT; first < MOST_STEPS; first += SEGMENT) {
    bool heard[SEGMENT] = {false};
    for (int at = 0; at < SEGMENT; ++at) {
      const int32_t *out = t.out[first + at];
      const int source = out[0] / 10 - (first - SEGMENT);
      assert_in_range(source, 0, SEGMENT - 1);
      assert_int_equal(out[1], out[0] + 1);
      assert_false(heard[source]);
      heard[source] = true;
      assert_true(source % GRAIN == 0 || out[0] == out[-MOST] + 10); // steps of a grain in order
    }
    assert_int_not_equal(t.out[first][0] / 10, first - SEGMENT); // no grain is where it was
  }
}

static void step_shuffle_stays_within_the_beat(void **unused)
{
  (void)unused;
  begin(CODE_EFFECT_STEP_SHUFFLE, 1);
  t.beat_steps = 6.5; // so beats take 7 and 6 steps in turn
  set("segment", 7);
  set("grain", 1);
  play(130);
  int orders[2] = {0};
  for (int beat = 1; beat < 20; ++beat) {
    const int before = (int)ceil((beat - 1) * t.beat_steps);
    const int first = (int)ceil(beat * t.beat_steps);
    const int next = (int)ceil((beat + 1) * t.beat_steps);
    unsigned heard = 0;
    for (int step = first; step < next; ++step) {
      const int source = t.out[step][0] / 10 - before;
      assert_in_range(source, 0, first - before - 1);
      heard |= 1u << source;
    }
    const int n = next - first < first - before ? next - first : first - before;
    assert_int_equal(__builtin_popcount(heard), n);
    ++orders[t.out[first][0] / 10 - before < 3];
  }
  assert_true(orders[0] > 0 && orders[1] > 0); // not one order for ever
}

static void swap_takes_the_fine_codes_of_before(void **unused)
{
  (void)unused;
  begin(CODE_EFFECT_CODEBOOK_SWAP, 3);
  set("from", 1);
  set("distance", 2);
  play(10);
  for (int step = 2; step < 10; ++step) {
    assert_int_equal(t.out[step][0], 10 * step);
    assert_int_equal(t.out[step][1], 10 * (step - 2) + 1);
    assert_int_equal(t.out[step][2], 10 * (step - 2) + 2);
  }
  assert_int_equal(t.out[1][1], 11); // nothing was before
}

static void swap_follows_the_beat(void **unused)
{
  (void)unused;
  begin(CODE_EFFECT_CODEBOOK_SWAP, 2);
  t.beat_steps = 10;
  set("from", 1);
  set("distance", 9); // a beat
  play(12);
  assert_int_equal(t.out[11][0], 110);
  assert_int_equal(t.out[11][1], 11);
}

static void shuffle_draws_from_the_last_steps(void **unused)
{
  (void)unused;
  begin(CODE_EFFECT_CODEBOOK_SHUFFLE, 3);
  set("from", 1);
  set("reach", 4);
  play(MOST_STEPS);
  int n_back[5] = {0};
  for (int step = 4; step < MOST_STEPS; ++step) {
    assert_int_equal(t.out[step][0], 10 * step);
    for (int k = 1; k < 3; ++k) {
      assert_int_equal(t.out[step][k] % 10, k);
      const int back = step - t.out[step][k] / 10;
      assert_in_range(back, 1, 4);
      ++n_back[back];
    }
  }
  for (int back = 1; back <= 4; ++back) { // 198 each expected
    assert_in_range(n_back[back], 140, 260);
  }
}

static void mute_silences_from_first_to_last(void **unused)
{
  (void)unused;
  begin(CODE_EFFECT_CODEBOOK_MUTE, 4);
  set("first", 1);
  set("last", 2);
  set("share", 1);
  play(1);
  const int32_t expected[4] = {0, -1, -1, 3};
  assert_memory_equal(t.out[0], expected, sizeof expected);
}

static void mute_silences_its_share(void **unused)
{
  (void)unused;
  begin(CODE_EFFECT_CODEBOOK_MUTE, 4);
  set("share", 0.25f);
  set("hold", 1);
  play(MOST_STEPS);
  int n_muted = 0;
  for (int step = 0; step < MOST_STEPS; ++step) {
    for (int k = 0; k < 4; ++k) {
      n_muted += t.out[step][k] == -1;
    }
  }
  assert_in_range(n_muted, MOST_STEPS * 8 / 10, MOST_STEPS * 12 / 10);
}

static void mute_holds_what_it_drew(void **unused)
{
  (void)unused;
  begin(CODE_EFFECT_CODEBOOK_MUTE, 4);
  t.s.knobs[CODE_EFFECT_CODEBOOK_MUTE].fader = 0.5f;
  set("first", 0);
  set("last", 31);
  set("share", 1);
  set("hold", 5);
  play(MOST_STEPS);
  int n_muted = 0;
  for (int step = 0; step < MOST_STEPS; ++step) {
    for (int k = 0; k < 4; ++k) {
      const bool muted = t.out[step][k] == -1;
      assert_int_equal(muted, t.out[step / 5 * 5][k] == -1);
      n_muted += muted;
    }
  }
  assert_in_range(n_muted, MOST_STEPS * 4 * 4 / 10, MOST_STEPS * 4 * 6 / 10);
}

static void depth_takes_the_finest_away(void **unused)
{
  (void)unused;
  const float faders[] = {0.0f, 0.4f, 0.7f, 1.0f};
  const int n_left[] = {4, 3, 2, 1};
  for (int i = 0; i < 4; ++i) {
    begin(CODE_EFFECT_DEPTH, 4);
    t.s.knobs[CODE_EFFECT_DEPTH].fader = faders[i];
    play(1);
    for (int k = 0; k < 4; ++k) {
      assert_int_equal(t.out[0][k], k < n_left[i] ? k : -1);
    }
  }
  begin(CODE_EFFECT_DEPTH, 4);
  set("least", 3);
  play(1);
  assert_int_equal(t.out[0][2], 2);
  assert_int_equal(t.out[0][3], -1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stutter_repeats_the_first_slice),
      cmocka_unit_test(stutter_follows_the_beat),
      cmocka_unit_test(stutter_fades_from_the_finest),
      cmocka_unit_test(reverse_plays_grains_backwards),
      cmocka_unit_test(reverse_follows_the_beat),
      cmocka_unit_test(stretch_falls_behind_and_jumps),
      cmocka_unit_test(stretch_starts_afresh),
      cmocka_unit_test(stretch_jumps_on_the_beat),
      cmocka_unit_test(step_shuffle_permutes_the_last_segment),
      cmocka_unit_test(step_shuffle_stays_within_the_beat),
      cmocka_unit_test(swap_takes_the_fine_codes_of_before),
      cmocka_unit_test(swap_follows_the_beat),
      cmocka_unit_test(shuffle_draws_from_the_last_steps),
      cmocka_unit_test(mute_silences_from_first_to_last),
      cmocka_unit_test(mute_silences_its_share),
      cmocka_unit_test(mute_holds_what_it_drew),
      cmocka_unit_test(depth_takes_the_finest_away),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
