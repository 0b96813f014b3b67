// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The oracle behind models/token_model.h: what it plays is what it heard, never for long the same
// twice, and always the same for the same seed.

#include "base/random.h"
#include "models/codec_seanet.h"
#include "models/oracle.h"
#include "tests/failing_alloc.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/models/random_seanet.h"

enum { BOOKS = 3, SIZE = 16, KEPT = 600, HEARD = 400, LAGS = 500 };

typedef struct fixture {
  device *dev;
  codec *c;
  token_model *m;
  token_state *s, *other;
} fixture;

static codec *small_codec(device *dev)
{
  seanet_config config = seanet_config_encodec_24khz();
  config.n_strides = 3;
  config.strides[0] = 4;
  config.strides[1] = 10;
  config.strides[2] = 12; // 50 steps a second
  config.latent_dim = 8;
  config.n_codebooks = BOOKS;
  config.codebook_size = SIZE;
  config.encoder.width = config.decoder.width = 2;
  return random_seanet_codec(&config, dev, DTYPE_F32, 3);
}

static int setup(void **state)
{
  fixture *f = calloc(1, sizeof *f);
  const device_options cpu = {.kind = COMPUTE_CPU, .n_threads = 1};
  const oracle_options options = {.memory_steps = KEPT, .n_classes = 6};
  assert_non_null(f);
  assert_int_equal(device_open(&f->dev, &cpu, NULL), STATUS_OK);
  f->c = small_codec(f->dev);
  assert_int_equal(oracle_new(&f->m, f->c, &options, NULL), STATUS_OK);
  assert_int_equal(token_state_new(&f->s, f->m, NULL), STATUS_OK);
  assert_int_equal(token_state_new(&f->other, f->m, NULL), STATUS_OK);
  *state = f;
  return 0;
}

static int teardown(void **state)
{
  fixture *f = *state;
  token_state_free(f->s);
  token_state_free(f->other);
  token_model_unref(f->m);
  codec_unref(f->c);
  device_unref(f->dev);
  free(f);
  return 0;
}

/// A piece that comes back to itself, never quite the same: step `t` of piece `which`.
static void make_codes(uint64_t which, uint64_t t, int32_t *codes)
{
  for (uint64_t k = 0; k < BOOKS; ++k) {
    const bool varied = random_uniform(which, 100 + k, t) < 0.2f;
    codes[k] = (int32_t)(random_bits(which, k, varied ? t : t % 23) % SIZE);
  }
}

static void observe(token_state *s, uint64_t which, uint64_t from, uint64_t count)
{
  for (uint64_t t = from; t < from + count; ++t) {
    int32_t codes[BOOKS];
    make_codes(which, t, codes);
    assert_int_equal(token_state_observe(s, codes), STATUS_OK);
  }
}

static token_sampling sampling(const fixture *f, uint64_t seed)
{
  token_sampling how = token_model_defaults(f->m);
  how.seed = seed;
  how.jump_probability = 0.1f;
  how.min_run_steps = 10;
  return how;
}

static token_step sample(token_state *s, const token_sampling *how)
{
  token_step out;
  memset(&out, 0x5a, sizeof out);
  assert_int_equal(token_state_sample(s, how, &out), STATUS_OK);
  return out;
}

/// Both must go on alike for `count` steps from counter `step` on.
static void assert_same_walk(token_state *a, token_state *b, token_sampling how, uint64_t count)
{
  for (uint64_t i = 0; i < count; ++i, ++how.step) {
    const token_step x = sample(a, &how), y = sample(b, &how);
    assert_memory_equal(&x.codes, &y.codes, sizeof x.codes);
    assert_memory_equal(&x.blend_codes, &y.blend_codes, sizeof x.codes);
    assert_memory_equal(&x.blend, &y.blend, sizeof x.blend);
    assert_int_equal(x.source_step, y.source_step);
    assert_int_equal(x.jumped, y.jumped);
  }
}

static void says_what_it_is(void **state)
{
  const fixture *f = *state;
  const token_model_info *info = token_model_get_info(f->m);
  assert_string_equal(info->kind, "oracle");
  assert_string_equal(info->codec_sha256, "");
  assert_int_equal(info->n_codebooks, BOOKS);
  assert_int_equal(info->codebook_size, SIZE);
  assert_int_equal(info->rewind_steps, 200); // 4 s
  assert_true(info->context_steps >= KEPT);
  assert_int_equal(info->delay_steps, 0);
  assert_true(info->learns && !info->generates && info->n_classes == 0);
  assert_true(info->steps_per_second == 50.0);
  assert_int_equal(token_state_set_classes(f->s, NULL), STATUS_UNSUPPORTED);
}

static void nothing_heard_nothing_said(void **state)
{
  const fixture *f = *state;
  const token_sampling how = sampling(f, 1);
  for (int round = 0; round < 2; ++round) {
    const token_step out = sample(f->s, &how);
    for (int k = 0; k < TOKEN_MAX_CODEBOOKS; ++k) {
      assert_int_equal(out.codes[k], -1);
      assert_int_equal(out.blend_codes[k], -1);
    }
    assert_true(out.blend == 0.0f && !out.jumped && out.source_step == TOKEN_NO_STEP);
    observe(f->s, 1, 0, 30);
    token_state_reset(f->s);
    assert_int_equal(token_state_position(f->s).n_observed, 0);
  }
}

static void one_step_is_enough(void **state)
{
  const fixture *f = *state;
  token_sampling how = sampling(f, 1);
  int32_t codes[BOOKS] = {3, -1, 7};
  assert_int_equal(token_state_observe(f->s, codes), STATUS_OK);
  for (; how.step < 300; ++how.step) {
    const token_step out = sample(f->s, &how);
    assert_memory_equal(out.codes, codes, sizeof codes);
    assert_int_equal(out.source_step, 0);
  }
}

static void plays_what_it_heard(void **state)
{
  const fixture *f = *state;
  token_sampling how = sampling(f, 1);
  how.blend_steps = 2;
  observe(f->s, 1, 0, HEARD);
  uint64_t last = TOKEN_NO_STEP, would_be = TOKEN_NO_STEP;
  int n_jumps = 0, since = 9;
  for (; how.step < 3000; ++how.step) {
    int32_t codes[BOOKS];
    const token_step out = sample(f->s, &how);
    assert_true(out.source_step < HEARD);
    make_codes(1, out.source_step, codes);
    assert_memory_equal(out.codes, codes, sizeof codes);
    assert_int_equal(out.jumped, last == TOKEN_NO_STEP || out.source_step != last + 1);
    since = out.jumped ? 0 : since + 1;
    would_be = !out.jumped             ? would_be + 1
               : last == TOKEN_NO_STEP ? HEARD
                                       : last + 1; // crossfade: what would have come
    const bool blends = since < 2 && would_be < HEARD;
    assert_true(out.blend == (blends ? 1.0f - (float)(since + 1) / 3.0f : 0.0f));
    if (blends) {
      make_codes(1, would_be, codes);
      assert_memory_equal(out.blend_codes, codes, sizeof codes);
    }
    n_jumps += out.jumped;
    last = out.source_step;
    assert_int_equal(token_state_position(f->s).source_step, last);
  }
  assert_in_range(n_jumps, 100, 300);
}

static void the_seed_decides(void **state)
{
  const fixture *f = *state;
  observe(f->s, 2, 0, HEARD);
  observe(f->other, 2, 0, HEARD);
  token_sampling how = sampling(f, 5), changed = sampling(f, 6);
  assert_same_walk(f->s, f->other, how, 500);
  int n_same = 0;
  for (how.step = changed.step = 500; how.step < 1000; ++how.step, ++changed.step) {
    n_same += sample(f->s, &how).source_step == sample(f->other, &changed).source_step;
  }
  assert_true(n_same < 250);
}

static void snapshots_go_on_alike(void **state)
{
  const fixture *f = *state;
  token_sampling how = sampling(f, 7);
  void *snapshot = malloc(token_state_bytes(f->s));
  assert_non_null(snapshot);
  observe(f->s, 3, 0, HEARD);
  observe(f->other, 4, 0, 5000);
  for (; how.step < 77; ++how.step) {
    sample(f->s, &how);
  }
  assert_int_equal(token_state_save(f->s, snapshot), STATUS_OK);
  assert_int_equal(token_state_restore(f->other, snapshot), STATUS_OK);
  assert_same_walk(f->s, f->other, how, 300);
  observe(f->s, 3, HEARD, 1500);
  observe(f->other, 3, HEARD, 1500);
  assert_same_walk(f->s, f->other, how, 300);
  free(snapshot);
}

/// Rewinding is never having heard: at once, in parts, over and over, at any fill of the memory.
static void rewound_is_never_heard(void **state)
{
  const fixture *f = *state;
  const token_sampling how = sampling(f, 8);
  const int cuts[] = {1, 200, 37, 150};
  uint64_t heard = 0;
  for (int round = 0; round < 12; ++round) {
    const uint64_t count = 1 + random_bits(8, 8, (uint64_t)round) % 150;
    observe(f->s, 5, heard, count);
    observe(f->other, 5, heard, count);
    heard += count;
    const int cut = cuts[round % 4];
    observe(f->other, 6, 0, (uint64_t)cut);
    if (round % 2) {
      assert_int_equal(token_state_rewind(f->other, cut), cut);
    } else {
      for (int left = cut; left > 0; left -= 20) {
        assert_int_equal(token_state_rewind(f->other, left < 20 ? left : 20),
                         left < 20 ? left : 20);
      }
    }
    assert_int_equal(token_state_position(f->other).n_observed, heard);
    assert_same_walk(f->s, f->other, how, 150);
  }
}

static void no_further_back_than_it_can(void **state)
{
  const fixture *f = *state;
  assert_int_equal(token_state_rewind(f->s, 5), 0);
  observe(f->s, 1, 0, 30);
  assert_int_equal(token_state_rewind(f->s, -1), 0);
  assert_int_equal(token_state_rewind(f->s, 100), 30);
  observe(f->s, 1, 0, 300);
  assert_int_equal(token_state_rewind(f->s, 150), 150);
  assert_int_equal(token_state_rewind(f->s, 150), 50); // 200 in a row
  assert_int_equal(token_state_rewind(f->s, 150), 0);
  assert_int_equal(token_state_position(f->s).n_observed, 100);
}

/// Straight from the promise: a stretch that sounds as `lag` steps before, for any lag.
static void assert_no_long_repeats(const uint64_t *steps, int count, int limit)
{
  for (int lag = 1; lag <= LAGS; ++lag) {
    int longest = 0, alike = 0;
    for (int i = lag; i < count; ++i) {
      alike = steps[i] == steps[i - lag] ? alike + 1 : 0;
      longest = alike > longest ? alike : longest;
    }
    const int half = lag / 2 < 2 * limit ? lag / 2 : 2 * limit - 1;
    assert_true(longest < (half > limit ? half : limit));
  }
}

static void nothing_long_comes_twice_in_a_row(void **state)
{
  enum { COUNT = HEARD + 4000 };
  const fixture *f = *state;
  const int limits[] = {100, 60, 30};
  uint64_t *steps = malloc(COUNT * sizeof *steps);
  assert_non_null(steps);
  for (int i = 0; i < 3; ++i) {
    token_sampling how = sampling(f, 9);
    how.jump_probability = i == 1 ? 0.0f : 0.3f;
    how.repeat_limit_steps = (uint32_t)limits[i];
    token_state_reset(f->s);
    observe(f->s, 10, 0, HEARD); // what was heard has sounded, too
    for (int k = 0; k < COUNT; ++k, ++how.step) {
      steps[k] = k < HEARD ? (uint64_t)k : sample(f->s, &how).source_step;
    }
    assert_no_long_repeats(steps, COUNT, limits[i]);
  }
  free(steps);
}

enum { LOOP = 150, SLIP = 12 };

/// A loop that is heard three times and a bit; `differs` of its codes do each time.
static int32_t loop_code(uint64_t t, float differs)
{
  const bool other = random_uniform(21, 0, t) < differs;
  return (int32_t)(random_bits(22, other, other ? t : t % LOOP) % SIZE);
}

static void observe_loop(token_state *s, float differs)
{
  for (uint64_t t = 0; t < 3 * LOOP + 20; ++t) {
    const int32_t codes[BOOKS] = {loop_code(t, differs), 1, 2};
    assert_int_equal(token_state_observe(s, codes), STATUS_OK);
  }
}

/// Straight from the promise: stretches whose first codes are those of `lag` steps before, whatever
/// steps they come from; up to three in ten may differ.
static int longest_alike(const int32_t *codes, int count, int lag)
{
  int longest = 0, alike = 0, score = 0;
  for (int i = lag; i < count; ++i) {
    score = codes[i] == codes[i - lag] ? score + 3 : score - 7;
    score = score < 0 ? 0 : score > 30 ? 30 : score;
    alike = score ? alike + 1 : 0;
    longest = alike > longest ? alike : longest;
  }
  return longest;
}

static void a_loop_that_was_played_over_and_over_is_broken(void **state)
{
  enum { COUNT = 3 * LOOP + 20 + 3000 };
  const fixture *f = *state;
  int32_t *codes = malloc(COUNT * sizeof *codes);
  assert_non_null(codes);
  for (int i = 0; i < 4; ++i) {
    const int limit = i % 2 ? 60 : 90;
    const float differs = i < 2 ? 0.0f : 0.15f; // as the encoder hears the past
    token_sampling how = sampling(f, 9);
    how.repeat_limit_steps = (uint32_t)limit;
    how.jump_probability = 0.0f;
    token_state_reset(f->s);
    observe_loop(f->s, differs);
    for (int k = 0; k < COUNT; ++k) {
      const bool heard = k < 3 * LOOP + 20;
      codes[k] = heard ? loop_code((uint64_t)k, differs) : sample(f->s, &how).codes[0];
      how.step += !heard;
    }
    for (int lag = LOOP; lag <= 3 * LOOP; lag += LOOP) {
      const int half = lag / 2 < 2 * limit ? lag / 2 : 2 * limit - 1;
      const int begin = 3 * LOOP + 20 - lag; // what was heard repeats itself as it likes
      const int longest = longest_alike(codes + begin, COUNT - begin, lag);
      assert_true(longest < (half > limit ? half : limit) + SLIP);
    }
  }
  free(codes);
}

/// One long texture is alike at every lag: the walk goes on through it as it would.
static void a_texture_is_no_loop(void **state)
{
  const fixture *f = *state;
  for (int n_kinds = 2; n_kinds <= 3; ++n_kinds) {
    token_sampling how = sampling(f, 9);
    how.jump_probability = 0.0f;
    how.repeat_limit_steps = 60;
    token_state_reset(f->s);
    for (uint64_t t = 0; t < KEPT; ++t) {
      const int32_t codes[BOOKS] = {(int32_t)(random_bits(23, 0, t) % (uint64_t)n_kinds), 1, 2};
      assert_int_equal(token_state_observe(f->s, codes), STATUS_OK);
    }
    int n_jumps = 0;
    for (; how.step < 2000; ++how.step) {
      n_jumps += sample(f->s, &how).jumped;
    }
    assert_true(n_jumps <= 2000 / 60);
  }
}

static void forgets_the_oldest(void **state)
{
  const fixture *f = *state;
  token_sampling how = sampling(f, 11);
  for (uint64_t t = 0; t < 20000; ++t) {
    observe(f->s, 12, t, 1);
    const token_position at = token_state_position(f->s);
    assert_int_equal(at.n_observed, t + 1);
    assert_true(at.n_remembered >= (t + 1 < KEPT ? t + 1 : KEPT) && at.n_remembered <= 2 * KEPT);
    how.goes_on = t % 3 != 0;
    how.step = t;
    int32_t codes[BOOKS];
    const token_step out = sample(f->s, &how);
    assert_in_range(out.source_step, t + 1 - at.n_remembered, t);
    make_codes(12, out.source_step, codes);
    assert_memory_equal(out.codes, codes, sizeof codes);
  }
}

/// In accompaniment the walk goes on through what is observed meanwhile.
static void observing_the_mix_does_not_end_the_walk(void **state)
{
  const fixture *f = *state;
  token_sampling how = sampling(f, 13);
  how.goes_on = false;
  how.follow = how.jump_probability = 0.0f;
  observe(f->s, 14, 0, HEARD);
  uint64_t last = sample(f->s, &how).source_step;
  int n_jumps = 0;
  for (how.step = 1; how.step < 300; ++how.step) {
    observe(f->s, 15, how.step, 1);
    const token_step out = sample(f->s, &how);
    assert_int_equal(out.jumped, out.source_step != last + 1);
    n_jumps += out.jumped;
    last = out.source_step;
  }
  assert_true(n_jumps < 10);
}

/// Accompanying what it knows: after a few steps it is where that was heard.
static void follows_what_it_knows(void **state)
{
  const fixture *f = *state;
  token_sampling how = sampling(f, 14);
  how.goes_on = false;
  how.jump_probability = 0.0f;
  for (int follows = 0; follows < 2; ++follows) {
    how.follow = follows ? 1.0f : 0.0f;
    how.min_run_steps = 1;
    token_state_reset(f->s);
    observe(f->s, 20, 0, HEARD);
    sample(f->s, &how);
    int n_there = 0;
    for (how.step = 1; how.step < 120; ++how.step) {
      int32_t codes[BOOKS]; // the player plays steps 200, 201, ... again
      make_codes(20, 199 + how.step, codes);
      assert_int_equal(token_state_observe(f->s, codes), STATUS_OK);
      n_there += sample(f->s, &how).source_step == 200 + how.step;
    }
    assert_true(follows ? n_there > 90 : n_there < 20);
  }
}

/// The codeword of the first codebook that is longest (or shortest).
static int32_t extreme_code(const codec *c, bool longest)
{
  int64_t size = 0, dim = 0;
  const float *rows = codec_codebook(c, 0, &size, &dim);
  float most = -1.0f;
  int32_t found = 0;
  for (int32_t i = 0; i < size; ++i) {
    float norm = 0.0f;
    for (int64_t d = 0; d < dim; ++d) {
      norm += rows[i * dim + d] * rows[i * dim + d];
    }
    const float good = longest ? norm : 1.0f / norm;
    if (good > most) {
      most = good;
      found = i;
    }
  }
  return found;
}

/// Share of jumps that land on (or next to) the beat of a piece with one every 31 steps.
static double jumps_on_the_beat(const fixture *f, float pulse)
{
  enum { PERIOD = 31 };
  const int32_t loud = extreme_code(f->c, true), soft = extreme_code(f->c, false);
  token_sampling how = sampling(f, 18);
  how.pulse = pulse;
  token_state_reset(f->s);
  for (uint64_t t = 0; t < HEARD; ++t) {
    const bool ghost = random_uniform(18, 1, t) < 0.03f;
    const int32_t codes[BOOKS] = {t % PERIOD == 3 || ghost ? loud : soft, -1, -1};
    assert_int_equal(token_state_observe(f->s, codes), STATUS_OK);
  }
  uint64_t last = HEARD - 1;
  int n_jumps = 0, n_on = 0;
  for (; how.step < 2000; ++how.step) {
    const token_step out = sample(f->s, &how);
    if (out.jumped) {
      ++n_jumps;
      n_on += (out.source_step + (uint64_t)PERIOD * PERIOD - last) % PERIOD <= 2; // a step beside
    }
    last = out.source_step;
  }
  assert_true(n_jumps > 100);
  return (double)n_on / n_jumps;
}

static void jumps_keep_the_beat(void **state)
{
  const fixture *f = *state;
  const double strict = jumps_on_the_beat(f, 1.0f), loose = jumps_on_the_beat(f, 0.0f);
  print_message("on the beat: %.2f of jumps, %.2f without\n", strict, loose);
  assert_true(strict > 0.9 && strict > loose + 0.25);
}

static void strange_codes_and_values_are_taken(void **state)
{
  const fixture *f = *state;
  token_sampling how = sampling(f, 16);
  const int32_t strange[][BOOKS] = {{-1, -1, -1}, {SIZE, 65535, 65534}, {INT32_MAX, INT32_MIN, 0}};
  for (uint64_t t = 0; t < 300; ++t) {
    assert_int_equal(token_state_observe(f->s, strange[t % 3]), STATUS_OK);
  }
  how.jump_probability = how.similarity = how.pulse = how.follow = NAN;
  how.repeat_limit_steps = 0;
  how.min_run_steps = how.blend_steps = UINT32_MAX;
  for (; how.step < 500; ++how.step) {
    const token_step out = sample(f->s, &how);
    assert_true(out.source_step < 300);
    assert_true(out.codes[2] == -1 || out.codes[2] == 65534 || out.codes[2] == 0);
  }
}

static void options_are_checked(void **state)
{
  const fixture *f = *state;
  const oracle_options bad[] = {
      {.n_codebooks = BOOKS + 1}, {.memory_steps = 15},   {.memory_steps = 49001},
      {.n_classes = 1025},        {.second_classes = 17},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    token_model *m = NULL;
    error err = {0};
    assert_int_equal(oracle_new(&m, f->c, &bad[i], &err), STATUS_USAGE);
    assert_null(m);
    assert_non_null(strstr(err.message, "expected"));
  }
}

/// A codec without codebooks: codes are any 32 bits.
static void samples_of_a_bypass_are_remembered(void **state)
{
  const fixture *f = *state;
  codec *c = NULL;
  token_model *m = NULL;
  token_state *s = NULL;
  assert_int_equal(codec_open_bypass(&c, 48000, 24, 2, NULL), STATUS_OK);
  assert_int_equal(oracle_new(&m, c, NULL, NULL), STATUS_OK);
  codec_unref(c);
  assert_int_equal(token_state_new(&s, m, NULL), STATUS_OK);
  token_model_unref(m);
  int32_t codes[48];
  for (int t = 0; t < 50; ++t) {
    memset(codes, t % 7 - 3, sizeof codes);
    assert_int_equal(token_state_observe(s, codes), STATUS_OK);
  }
  token_sampling how = sampling(f, 17);
  for (; how.step < 100; ++how.step) {
    const token_step out = sample(s, &how);
    memset(codes, (int)(out.source_step % 7) - 3, sizeof codes);
    assert_memory_equal(out.codes, codes, sizeof codes);
  }
  token_state_free(s);
}

static status make_one(void *user, error *err)
{
  const fixture *f = user;
  token_model *m = NULL;
  token_state *s = NULL;
  const oracle_options options = {.memory_steps = 100, .second_classes = 2};
  status code = oracle_new(&m, f->c, &options, err);
  code = code ? code : token_state_new(&s, m, err);
  token_state_free(s);
  token_model_unref(m);
  return code;
}

static void every_allocation_may_fail(void **state)
{
  assert_true(failing_alloc_each(make_one, *state) >= 5);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(says_what_it_is),
      TEST(nothing_heard_nothing_said),
      TEST(one_step_is_enough),
      TEST(plays_what_it_heard),
      TEST(the_seed_decides),
      TEST(snapshots_go_on_alike),
      TEST(rewound_is_never_heard),
      TEST(no_further_back_than_it_can),
      TEST(nothing_long_comes_twice_in_a_row),
      TEST(a_loop_that_was_played_over_and_over_is_broken),
      TEST(a_texture_is_no_loop),
      TEST(forgets_the_oldest),
      TEST(observing_the_mix_does_not_end_the_walk),
      TEST(follows_what_it_knows),
      TEST(jumps_keep_the_beat),
      TEST(strange_codes_and_values_are_taken),
      TEST(options_are_checked),
      TEST(samples_of_a_bypass_are_remembered),
      TEST(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("oracle", tests, NULL, NULL);
}
