// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/random.h"
#include "engine/play/code_effects.h"
#include "engine/play/mosaic.h"
#include "tests/failing_alloc.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIZE = 40, DIM = 6, N_CODEBOOKS = 5, MOST_STEPS = 3000 };

static float vectors[MOSAIC_MAX_COMPARED][SIZE * DIM];
static int32_t corpus_codes[MOST_STEPS * N_CODEBOOKS];

// Codebooks whose words are farther apart the coarser they are, as a residual quantiser's.
static mosaic_codebooks make_books(int n)
{
  mosaic_codebooks books = {.n = n, .size = SIZE, .dim = DIM};
  for (int k = 0; k < MOSAIC_MAX_COMPARED; ++k) {
    for (int i = 0; i < SIZE * DIM; ++i) {
      vectors[k][i] = (random_uniform(1, (uint64_t)k, (uint64_t)i) - 0.5f) / (float)(1 + k);
    }
    books.vectors[k] = vectors[k];
  }
  return books;
}

// Random codes, some of them lost or damaged.
static int32_t random_code(uint64_t seed, uint64_t i)
{
  if (random_uniform(seed, 1, i) < 0.01f) {
    return random_uniform(seed, 2, i) < 0.5f ? -1 : SIZE + 3;
  }
  return (int32_t)(random_bits(seed, 3, i) % SIZE);
}

static mosaic *make_mosaic(size_t n_steps, size_t n_recordings, int n_compared)
{
  const mosaic_codebooks books = make_books(n_compared);
  mosaic_recording recordings[8];
  mosaic *m = NULL;
  for (size_t i = 0; i < n_steps * N_CODEBOOKS; ++i) {
    corpus_codes[i] = random_code(7, i);
  }
  for (size_t i = 0; i < n_recordings; ++i) {
    const size_t first = i * n_steps / n_recordings;
    recordings[i] = (mosaic_recording){corpus_codes + first * N_CODEBOOKS,
                                       (i + 1) * n_steps / n_recordings - first};
  }
  assert_int_equal(mosaic_new_from_codes(&m, recordings, n_recordings, N_CODEBOOKS, &books, NULL),
                   STATUS_OK);
  return m;
}

static bool findable(const int32_t *codes, int n_compared)
{
  bool all = true;
  for (int k = 0; k < n_compared; ++k) {
    all = all && codes[k] >= 0 && codes[k] < SIZE;
  }
  return all;
}

// Squared distance of two steps' latents, the plain way.
static double distance(const int32_t *a, const int32_t *b, int n_compared)
{
  double sum = 0;
  for (int d = 0; d < DIM; ++d) {
    double difference = 0;
    for (int k = 0; k < n_compared; ++k) {
      difference += a[k] >= 0 && a[k] < SIZE ? (double)vectors[k][a[k] * DIM + d] : 0;
      difference -= b[k] >= 0 && b[k] < SIZE ? (double)vectors[k][b[k] * DIM + d] : 0;
    }
    sum += difference * difference;
  }
  return sum;
}

static double nearest_distance(const mosaic *m, const int32_t *codes, int n_compared)
{
  double least = (double)INFINITY;
  for (int64_t step = 0; step < mosaic_n_steps(m); ++step) {
    if (findable(mosaic_codes(m, step), n_compared)) {
      least = fmin(least, distance(codes, mosaic_codes(m, step), n_compared));
    }
  }
  return least;
}

static void finds_the_nearest(void **unused)
{
  (void)unused;
  const size_t lengths[] = {1, 2, 37, MOST_STEPS};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; ++i) {
    mosaic *m = make_mosaic(lengths[i], 1, MOSAIC_MAX_COMPARED);
    for (uint64_t n = 0; n < 300; ++n) {
      int32_t codes[N_CODEBOOKS];
      for (uint64_t k = 0; k < N_CODEBOOKS; ++k) {
        codes[k] = random_code(8, n * N_CODEBOOKS + k);
      }
      const int n_compared = 1 + (int)(n % MOSAIC_MAX_COMPARED);
      const mosaic_query query = {codes, N_CODEBOOKS, n_compared, -1, 0, n};
      const int64_t found = mosaic_find(m, &query);
      assert_in_range(found, 0, mosaic_n_steps(m) - 1);
      assert_true(findable(mosaic_codes(m, found), n_compared));
      const double is = distance(codes, mosaic_codes(m, found), n_compared);
      assert_true(is <= nearest_distance(m, codes, n_compared) + 1e-5);
    }
    mosaic_unref(m);
  }
}

// With more keys than the budget allows the found one is hardly farther.
static void a_budget_costs_little(void **unused)
{
  (void)unused;
  enum { STEPS = 4 * MOSAIC_BUDGET_KEYS };
  const mosaic_codebooks books = make_books(MOSAIC_MAX_COMPARED);
  int32_t *codes = malloc((size_t)STEPS * 3 * sizeof *codes);
  mosaic *m = NULL;
  assert_non_null(codes);
  for (size_t i = 0; i < (size_t)STEPS * 3; ++i) {
    codes[i] = (int32_t)(random_bits(9, 1, i) % SIZE);
  }
  const mosaic_recording recording = {codes, STEPS};
  assert_int_equal(mosaic_new_from_codes(&m, &recording, 1, 3, &books, NULL), STATUS_OK);
  double found = 0;
  double nearest = 0;
  for (int n = 0; n < 50; ++n) {
    // Midway between codewords: no key is at hand.
    const int32_t wanted[3] = {(int32_t)(random_bits(9, 2, (uint64_t)n) % SIZE), -1, -1};
    const mosaic_query query = {wanted, 3, 3, -1, 0, 0};
    found += sqrt(distance(wanted, mosaic_codes(m, mosaic_find(m, &query)), 3));
    nearest += sqrt(nearest_distance(m, wanted, 3));
  }
  assert_true(found <= nearest * 1.25);
  mosaic_unref(m);
  free(codes);
}

static void stays_with_the_recording(void **unused)
{
  (void)unused;
  const int32_t codes[] = {0, 0, 1, 0, 2, 0, 3, 0, /* another recording */ 0, 0, 9, 0};
  const mosaic_recording recordings[] = {{codes, 4}, {codes + 8, 2}};
  const mosaic_codebooks books = make_books(1);
  mosaic *m = NULL;
  assert_int_equal(mosaic_new_from_codes(&m, recordings, 2, 2, &books, NULL), STATUS_OK);
  assert_int_equal(mosaic_next(m, 2), 3);
  assert_int_equal(mosaic_next(m, 3), -1);
  assert_int_equal(mosaic_next(m, 4), 5);
  assert_int_equal(mosaic_next(m, 5), -1);
  const int32_t zero[2] = {0, 0};
  mosaic_query query = {zero, 2, 1, -1, 0, 0};
  assert_int_equal(mosaic_find(m, &query), 0); // chance chooses between steps 0 and 4
  query.chance = 1;
  assert_int_equal(mosaic_find(m, &query), 4);
  query.chance = 0;
  query.next = 4; // as near as the other
  assert_int_equal(mosaic_find(m, &query), 4);
  query.next = 1; // farther
  assert_int_equal(mosaic_find(m, &query), 0);
  query.stay = 1000;
  assert_int_equal(mosaic_find(m, &query), 1);
  query.next = 6; // out of range, as from another corpus
  assert_int_equal(mosaic_find(m, &query), 0);
  mosaic_unref(m);
}

// `stay` is measured by the spread of the steps, here by two at the same distance from their mean.
static void stay_goes_by_the_spread(void **unused)
{
  (void)unused;
  const float line[] = {-2, 0, 2};
  const mosaic_codebooks books = {.n = 1, .size = 3, .dim = 1, .vectors = {line}};
  const int32_t codes[] = {0, 2, 0, 2}; // spread 4
  const mosaic_recording recording = {codes, 4};
  mosaic *m = NULL;
  assert_int_equal(mosaic_new_from_codes(&m, &recording, 1, 1, &books, NULL), STATUS_OK);
  mosaic_query query = {(const int32_t[]){0}, 1, 1, 1, 3.99f, 0}; // 16 farther than step 0
  assert_int_equal(mosaic_find(m, &query), 0);
  query.stay = 4.01f;
  assert_int_equal(mosaic_find(m, &query), 1);
  mosaic_unref(m);
}

static void effect_plays_the_corpus(void **unused)
{
  (void)unused;
  mosaic *m = make_mosaic(500, 3, 2);
  code_effects e;
  code_effects_settings s;
  assert_int_equal(code_effects_init(&e, N_CODEBOOKS + 1, NULL), STATUS_OK);
  code_effects_settings_init(&s);
  s.knobs[CODE_EFFECT_MOSAIC].fader = 1;
  s.knobs[CODE_EFFECT_MOSAIC].values[2] = 0; // stay
  for (int64_t step = 0; step < 500; ++step) {
    int32_t in[N_CODEBOOKS + 1] = {0};
    int32_t out[N_CODEBOOKS + 1];
    memcpy(in, mosaic_codes(m, step), N_CODEBOOKS * sizeof *in);
    code_effects_set_corpus(&e, NULL);
    code_effects_step(&e, &s, in, out);
    assert_memory_equal(in, out, sizeof in);
    code_effects_set_corpus(&e, m);
    code_effects_step(&e, &s, in, out);
    if (findable(in, 2)) { // then it is there, or another that is the same by two codebooks
      assert_memory_equal(in, out, 2 * sizeof *in);
      assert_int_equal(out[N_CODEBOOKS], -1); // the corpus has no such codebook
    }
  }
  code_effects_destroy(&e);
  mosaic_unref(m);
}

// A corpus that is played through the mosaic comes out whole once it is found.
static void effect_goes_on_in_the_recording(void **unused)
{
  (void)unused;
  mosaic *m = make_mosaic(1000, 1, 3);
  code_effects e;
  code_effects_settings s;
  int n_same = 0;
  assert_int_equal(code_effects_init(&e, N_CODEBOOKS, NULL), STATUS_OK);
  code_effects_set_corpus(&e, m);
  code_effects_settings_init(&s);
  s.knobs[CODE_EFFECT_MOSAIC].fader = 1;
  for (int64_t step = 0; step < 1000; ++step) {
    int32_t out[N_CODEBOOKS];
    code_effects_step(&e, &s, mosaic_codes(m, step), out);
    n_same += memcmp(out, mosaic_codes(m, step), sizeof out) == 0;
  }
  assert_true(n_same > 900);
  code_effects_destroy(&e);
  mosaic_unref(m);
}

static void refuses_what_it_cannot_hold(void **unused)
{
  (void)unused;
  mosaic *m = NULL;
  error err;
  const int32_t lost[2] = {-1, -1};
  const mosaic_recording recording = {lost, 1};
  const mosaic_recording nothing = {NULL, 0};
  const mosaic_recording much = {lost, (size_t)MOSAIC_MAX_STEPS + 1};
  mosaic_codebooks books = make_books(2);
  assert_int_equal(mosaic_new_from_codes(&m, &recording, 1, 2, &books, &err), STATUS_USAGE);
  assert_int_equal(mosaic_new_from_codes(&m, &nothing, 1, 2, &books, &err), STATUS_USAGE);
  assert_int_equal(mosaic_new_from_codes(&m, NULL, 0, 2, &books, &err), STATUS_USAGE);
  assert_int_equal(mosaic_new_from_codes(&m, &much, 1, 2, &books, &err), STATUS_USAGE);
  books.n = 4;
  assert_int_equal(mosaic_new_from_codes(&m, &recording, 1, 2, &books, &err), STATUS_USAGE);
  books.n = 1;
  books.size = MOSAIC_MAX_CODEBOOK_SIZE + 1;
  assert_int_equal(mosaic_new_from_codes(&m, &recording, 1, 2, &books, &err), STATUS_USAGE);
  assert_null(m);
  mosaic_unref(NULL);
}

static status open_and_close(void *user, error *err)
{
  (void)user;
  const mosaic_codebooks books = make_books(3);
  const int32_t codes[] = {0, 1, 2, 3, 4, 5};
  const mosaic_recording recording = {codes, 2};
  mosaic *m = NULL;
  const status st = mosaic_new_from_codes(&m, &recording, 1, 3, &books, err);
  assert_int_equal(m != NULL, st == STATUS_OK);
  if (m) {
    mosaic_unref(mosaic_ref(m)); // one of two
  }
  mosaic_unref(m);
  return st;
}

static void allocations_may_fail(void **unused)
{
  (void)unused;
  assert_true(failing_alloc_each(open_and_close, NULL) > 10);
}

static void searching_allocates_nothing(void **unused)
{
  (void)unused;
  mosaic *m = make_mosaic(100, 2, 3);
  failing_alloc_arm(-1);
  for (uint64_t n = 0; n < 100; ++n) {
    const int32_t codes[3] = {random_code(3, n), random_code(4, n), random_code(5, n)};
    assert_in_range(mosaic_find(m, &(mosaic_query){codes, 3, 3, -1, 0, n}), 0, 99);
  }
  assert_int_equal(failing_alloc_count(), 0);
  mosaic_unref(m);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_the_nearest),
      cmocka_unit_test(a_budget_costs_little),
      cmocka_unit_test(stays_with_the_recording),
      cmocka_unit_test(stay_goes_by_the_spread),
      cmocka_unit_test(effect_plays_the_corpus),
      cmocka_unit_test(effect_goes_on_in_the_recording),
      cmocka_unit_test(refuses_what_it_cannot_hold),
      cmocka_unit_test(allocations_may_fail),
      cmocka_unit_test(searching_allocates_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
