// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/crops.h"

#include "tests/failing_alloc.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/train/small_set.h"

#define CROP 600
#define EXAMPLES 4000

typedef struct fixture {
  temp_folder *folder;
  char path[600];
  dataset *set;
} fixture;

static int make_fixture(void **state)
{
  fixture *f = calloc(1, sizeof *f);
  void *folder = NULL;
  if (!f || temp_folder_make(&folder)) {
    return -1;
  }
  f->folder = folder;
  snprintf(f->path, sizeof f->path, "%s/set", f->folder->path);
  if (small_set_write(f->path, 0, NULL) || dataset_open(&f->set, f->path, NULL)) {
    return -1;
  }
  *state = f;
  return 0;
}

static int remove_fixture(void **state)
{
  fixture *f = *state;
  dataset_close(f->set);
  char path[700];
  snprintf(path, sizeof path, "%s/index.jsonl", f->path);
  remove(path);
  snprintf(path, sizeof path, "%s/audio-000.shard", f->path);
  remove(path);
  remove(f->path);
  void *folder = f->folder;
  free(f);
  return temp_folder_remove(&folder);
}

// No augmentation: a crop is the clip's own samples.
static recipe_data plain_data(void)
{
  return (recipe_data){.crop_samples = CROP, .silence_level_db = -300.0};
}

static crops *open_crops(const dataset *set, const recipe_data *data, uint64_t seed)
{
  crops *c = NULL;
  error err = {0};
  if (crops_new(&c, set, data, seed, &err)) {
    fail_msg("%s", err.message);
  }
  return c;
}

// The clip and start of which `audio` is `gain` times a copy; false when there is none.
static bool find_place(const float *audio, float gain, size_t *clip, int64_t *start)
{
  for (*clip = 0; *clip < SMALL_CLIPS; ++*clip) {
    const int64_t length = (int64_t)small_clips[*clip].n_samples;
    for (*start = length < CROP ? length - CROP : 0; *start <= (length < CROP ? 0 : length - CROP);
         ++*start) {
      int64_t i = 0;
      for (; i < CROP; ++i) {
        const int64_t at = *start + i;
        const bool inside = at >= 0 && at < length;
        const float x = inside ? gain * ((float)small_sample(*clip, (size_t)at) / 32768.0f) : 0.0f;
        if (audio[i] != x) {
          break;
        }
      }
      if (i == CROP) {
        return true;
      }
    }
  }
  return false;
}

// Clips as often as they are long, every one of the training split, no other; all over the clip.
static void test_places(void **state)
{
  const fixture *f = *state;
  const recipe_data data = plain_data();
  crops *c = open_crops(f->set, &data, 3);
  float audio[CROP];
  int count[SMALL_CLIPS] = {0};
  double mean_start = 0.0;
  int64_t first = INT64_MAX, last = 0;
  for (uint64_t i = 0; i < EXAMPLES; ++i) {
    size_t clip = 0;
    int64_t start = 0;
    crops_fill(c, i, audio);
    assert_true(find_place(audio, 1.0f, &clip, &start));
    assert_false(small_clips[clip].validation);
    ++count[clip];
    if (clip == 3) {
      mean_start += (double)start;
      first = start < first ? start : first;
      last = start > last ? start : last;
    }
  }
  const double total = 3000.0 + 1.0 + 9000.0 + 40.0;
  for (size_t i = 0; i < SMALL_CLIPS; ++i) {
    const double p = small_clips[i].validation ? 0.0 : (double)small_clips[i].n_samples / total;
    const double expected = p * EXAMPLES, sigma = sqrt(expected * (1.0 - p));
    assert_true(fabs((double)count[i] - expected) <= 4.0 * sigma + 1.0);
  }
  assert_true(first < 100 && last > 9000 - CROP - 100);
  assert_true(fabs(mean_start / count[3] - (9000 - CROP) / 2.0) < 4.0 * 2425.0 / sqrt(count[3]));
  crops_free(c);
}

static void test_balanced(void **state)
{
  const fixture *f = *state;
  recipe_data data = plain_data();
  data.balance_kinds = true;
  crops *c = open_crops(f->set, &data, 3);
  float audio[CROP];
  int count[3] = {0}, starts = 0;
  int64_t last_start = 1;
  for (uint64_t i = 0; i < EXAMPLES; ++i) {
    size_t clip = 0;
    int64_t start = 0;
    crops_fill(c, i, audio);
    assert_true(find_place(audio, 1.0f, &clip, &start));
    ++count[dataset_get_clip(f->set, clip)->kind];
    if (clip == SMALL_CLIPS - 1) { // shorter than the crop: anywhere within it
      assert_true(start <= 0 && start >= 40 - CROP);
      starts += start != last_start;
      last_start = start;
    }
  }
  for (int kind = 0; kind < 3; ++kind) {
    assert_true(fabs(count[kind] - EXAMPLES / 3.0) < 4.0 * sqrt(EXAMPLES * 2.0 / 9.0));
  }
  assert_true(starts > count[2] / 2);
  crops_free(c);
}

// A function of seed and example alone: neither order nor another object changes it.
static void test_pure(void **state)
{
  const fixture *f = *state;
  recipe_data data = plain_data();
  data.gain_low_db = -12.0;
  data.gain_high_db = 6.0;
  data.mix_probability = 0.5;
  crops *a = open_crops(f->set, &data, 11), *b = open_crops(f->set, &data, 11);
  crops *other = open_crops(f->set, &data, 12);
  float forward[64][CROP], back[CROP];
  int differ = 0;
  for (uint64_t i = 0; i < 64; ++i) {
    crops_fill(a, i << 40, forward[i]);
  }
  for (uint64_t i = 64; i-- > 0;) {
    crops_fill(b, i << 40, back);
    assert_memory_equal(back, forward[i], sizeof back);
    crops_fill(other, i << 40, back);
    differ += memcmp(back, forward[i], sizeof back) != 0;
    differ += i > 0 && memcmp(forward[i], forward[i - 1], sizeof back) != 0;
  }
  assert_int_equal(differ, 64 + 63);
  crops_free(a);
  crops_free(b);
  crops_free(other);
}

static void test_first_only(void **state)
{
  const fixture *f = *state;
  recipe_data data = plain_data();
  data.first_only = true;
  data.balance_kinds = true;
  crops *c = open_crops(f->set, &data, 1);
  float audio[CROP];
  for (uint64_t i = 0; i < 200; ++i) {
    size_t clip = 0;
    int64_t start = 0;
    crops_fill(c, i, audio);
    assert_true(find_place(audio, 1.0f, &clip, &start));
    assert_int_equal(start, 0);
  }
  crops_free(c);
}

// Gains lie in their range and fill it; nothing ever passes full scale.
static void test_gain(void **state)
{
  const fixture *f = *state;
  recipe_data data = plain_data();
  data.gain_low_db = -20.0;
  data.gain_high_db = -10.0;
  data.first_only = true; // so that the place is known: the same with and without gain
  crops *c = open_crops(f->set, &data, 5);
  recipe_data without = data;
  without.gain_low_db = without.gain_high_db = 0.0;
  crops *plain = open_crops(f->set, &without, 5);
  float audio[CROP], x[CROP];
  double least = 0.0, most = -100.0;
  for (uint64_t i = 0; i < 500; ++i) {
    crops_fill(c, i, audio);
    crops_fill(plain, i, x);
    const double gain_db = 20.0 * log10((double)(audio[0] / x[0]));
    least = fmin(least, gain_db);
    most = fmax(most, gain_db);
  }
  assert_true(least >= -20.01 && least < -19.8);
  assert_true(most <= -9.99 && most > -10.2);
  crops_free(c);
  crops_free(plain);
}

static void test_mix_and_peak(void **state)
{
  const fixture *f = *state;
  recipe_data data = plain_data();
  data.mix_probability = 0.25;
  crops *c = open_crops(f->set, &data, 5);
  crops *plain = NULL;
  recipe_data without = plain_data();
  plain = open_crops(f->set, &without, 5);
  float audio[CROP], x[CROP];
  int mixed = 0, full = 0;
  for (uint64_t i = 0; i < EXAMPLES; ++i) {
    crops_fill(c, i, audio);
    crops_fill(plain, i, x);
    mixed += memcmp(audio, x, sizeof x) != 0;
    float peak = 0.0f;
    for (int s = 0; s < CROP; ++s) {
      peak = fmaxf(peak, fabsf(audio[s]));
    }
    assert_true(peak <= 1.0f);
    full += peak == 1.0f;
  }
  assert_true(fabs(mixed - 0.25 * EXAMPLES) < 4.0 * sqrt(0.1875 * EXAMPLES));
  assert_true(full > mixed / 2); // two full-scale noises nearly always pass it
  crops_free(c);
  crops_free(plain);
}

// Without weights the draws are those of equal weights, bit for bit; a kind without one has 1.
static void test_weighted(void **state)
{
  const fixture *f = *state;
  recipe_data data = plain_data(), weighted = plain_data();
  data.balance_kinds = weighted.balance_kinds = true;
  crops *c = open_crops(f->set, &data, 3);
  strcpy(weighted.kind_weights, "drums 1,speech\t1 , waves 1");
  crops *even = open_crops(f->set, &weighted, 3);
  strcpy(weighted.kind_weights, "waves 0, speech 3.5");
  crops *uneven = open_crops(f->set, &weighted, 3);
  float audio[CROP], other[CROP];
  double n_speech = 0.0;
  for (uint64_t i = 0; i < EXAMPLES; ++i) {
    size_t clip = 0;
    int64_t start = 0;
    crops_fill(c, i, audio);
    crops_fill(even, i, other);
    assert_memory_equal(audio, other, sizeof audio);
    crops_fill(uneven, i, audio);
    assert_true(find_place(audio, 1.0f, &clip, &start));
    assert_string_not_equal(small_clips[clip].kind, "waves");
    n_speech += strcmp(small_clips[clip].kind, "speech") == 0;
  }
  const double p = 3.5 / 4.5;
  assert_true(fabs(n_speech - p * EXAMPLES) < 4.0 * sqrt(EXAMPLES * p * (1.0 - p)));
  crops_free(c);
  crops_free(even);
  crops_free(uneven);
}

static void test_weights_refused(void **state)
{
  static const char *const texts[][2] = {
      {"speech", "a kind and a number of 0 or more expected, found \"speech\""},
      {"speech -1", "a number of 0 or more"},
      {"speech nan", "a number of 0 or more"},
      {"speech inf", "a number of 0 or more"},
      {"speech 1x", "a number of 0 or more"},
      {" 2", "a kind and a number"},
      {"speech 1, ", "a kind and a number"},
      {"spech 1", "the set has no kind called \"spech\""},
      {"speech 1, drums 1, speech 2", "\"speech\" is named twice"},
      {"speech 0, drums 0, waves 0", "no kind is left to train on"},
  };
  const fixture *f = *state;
  recipe_data data = plain_data();
  data.balance_kinds = true;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
    crops *c = NULL;
    error err = {0};
    strcpy(data.kind_weights, texts[i][0]);
    assert_int_equal(crops_new(&c, f->set, &data, 1, &err), STATUS_USAGE);
    if (!strstr(err.message, texts[i][1]) || !strstr(err.message, "data.kind_weights: ")) {
      fail_msg("\"%s\": %s", texts[i][0], err.message);
    }
    assert_null(c);
  }
}

// Drawn again when quiet: the clip of one sample nearly never survives, but it is not an error
// when there is nothing else.
static void test_silence(void **state)
{
  const fixture *f = *state;
  recipe_data data = plain_data();
  data.balance_kinds = true;
  data.silence_level_db = -12.0; // full-scale noise is at -4.8, 40 samples of it in 600 at -16.5
  crops *c = open_crops(f->set, &data, 2);
  float audio[CROP];
  int quiet = 0;
  for (uint64_t i = 0; i < EXAMPLES; ++i) {
    double power = 0.0;
    crops_fill(c, i, audio);
    for (int s = 0; s < CROP; ++s) {
      power += (double)audio[s] * (double)audio[s] / CROP;
    }
    quiet += 10.0 * log10(power) < -12.0;
  }
  const double expected = EXAMPLES * pow(1.0 / 3.0, 5.0); // "waves" five times in a row: 16
  assert_true(quiet > 0 && quiet < expected + 5.0 * sqrt(expected));
  crops_free(c);
  data.silence_level_db = 0.0;
  c = open_crops(f->set, &data, 2);
  crops_fill(c, 0, audio);
  crops_free(c);
}

static void test_validation(void **state)
{
  const fixture *f = *state;
  recipe_data data = plain_data();
  data.gain_low_db = data.gain_high_db = -6.0;
  data.mix_probability = 1.0;
  crops *c = open_crops(f->set, &data, 1), *other = open_crops(f->set, &data, 99);
  float audio[CROP], again[CROP];
  int count[SMALL_CLIPS] = {0};
  for (uint64_t k = 0; k < 40; ++k) {
    size_t clip = 0;
    int64_t start = 0;
    const int kind = crops_validation(c, k, audio);
    assert_int_equal(crops_validation(other, k, again), kind);
    assert_memory_equal(audio, again, sizeof audio);
    assert_true(find_place(audio, 1.0f, &clip, &start));
    assert_true(small_clips[clip].validation);
    assert_string_equal(dataset_kind_name(f->set, kind), small_clips[clip].kind);
    assert_int_equal(kind, k % 2); // drums and speech have some, waves has none
    ++count[clip];
  }
  assert_int_equal(count[1], 20);
  assert_int_equal(count[4], 10);
  assert_int_equal(count[5], 10);
  crops_free(c);
  crops_free(other);
}

static void test_refused(void **state)
{
  const fixture *f = *state;
  recipe_data data = plain_data();
  data.crop_samples = 0;
  crops *c = NULL;
  error err = {0};
  assert_int_equal(crops_new(&c, f->set, &data, 1, &err), STATUS_USAGE);
  assert_non_null(strstr(err.message, "crop_samples"));
  assert_null(c);
  crops_free(NULL);
}

static status make_once(void *user, error *err)
{
  const recipe_data data = plain_data();
  crops *c = NULL;
  const status code = crops_new(&c, ((const fixture *)user)->set, &data, 1, err);
  crops_free(c);
  return code;
}

static void test_allocations(void **state)
{
  assert_true(failing_alloc_each(make_once, *state) >= 9);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_places),   cmocka_unit_test(test_balanced),
      cmocka_unit_test(test_pure),     cmocka_unit_test(test_first_only),
      cmocka_unit_test(test_gain),     cmocka_unit_test(test_mix_and_peak),
      cmocka_unit_test(test_weighted), cmocka_unit_test(test_weights_refused),
      cmocka_unit_test(test_silence),  cmocka_unit_test(test_validation),
      cmocka_unit_test(test_refused),  cmocka_unit_test(test_allocations),
  };
  return cmocka_run_group_tests(tests, make_fixture, remove_fixture);
}
