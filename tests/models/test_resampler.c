// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/resampler.h"

#include "base/random.h"
#include "tests/failing_alloc.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N_IN 12000

typedef struct ratio {
  uint32_t in_hz, out_hz, n_channels;
} ratio;

static const ratio ratios[] = {
    {44100, 24000, 1}, {24000, 44100, 1}, {48000, 24000, 2}, {24000, 48000, 2}, {96000, 24000, 1},
    {24000, 96000, 1}, {48000, 16000, 1}, {16000, 48000, 1}, {8000, 24000, 3},  {22050, 24000, 1},
    {48000, 48000, 2}, {48001, 24000, 1}, {7, 1500, 1},
};
#define N_RATIOS (sizeof ratios / sizeof ratios[0])

static float *noise(size_t n, uint64_t seed)
{
  float *x = malloc(n * sizeof *x);
  assert_non_null(x);
  for (size_t i = 0; i < n; ++i) {
    x[i] = 2.0f * random_uniform(seed, 0, i) - 1.0f;
  }
  return x;
}

static bool have_converter(void)
{
  resampler *r = NULL;
  const bool have = resampler_new(&r, 48000, 24000, 1, NULL) == STATUS_OK;
  resampler_free(r);
  return have;
}

#define NEED_CONVERTER()                                                                           \
  if (!have_converter()) {                                                                         \
    print_message("skipped: this build has no libsamplerate\n");                                   \
    skip();                                                                                        \
  }

static resampler *open_ratio(const ratio *q)
{
  resampler *r = NULL;
  error err = {0};
  if (resampler_new(&r, q->in_hz, q->out_hz, q->n_channels, &err) != STATUS_OK) {
    fail_msg("%u -> %u: %s", q->in_hz, q->out_hz, err.message);
  }
  return r;
}

// Everything through `r`, in pieces of at most max_in inputs and max_out outputs (0: no limit).
static size_t convert_all(resampler *r, uint32_t width, const float *in, size_t n, float *out,
                          size_t cap, size_t max_in, size_t max_out, uint64_t seed)
{
  size_t used = 0;
  size_t made = 0;
  for (uint64_t turn = 0; used < n; ++turn) {
    size_t n_in = max_in ? random_bits(seed, 1, turn) % (max_in + 1) : n;
    size_t room = max_out ? random_bits(seed, 2, turn) % (max_out + 1) : cap;
    n_in = n_in < n - used ? n_in : n - used;
    room = room < cap - made ? room : cap - made;
    size_t consumed = 0;
    size_t produced = 0;
    assert_int_equal(resampler_process(r, in + used * width, n_in, out + made * width, room,
                                       &consumed, &produced),
                     STATUS_OK);
    used += consumed;
    made += produced;
    assert_true(made <= resampler_outputs_after(r, used));
    assert_true(made == resampler_outputs_after(r, used) || produced == room);
    assert_true(consumed == n_in || produced == room);
  }
  for (size_t produced = 1, turn = 0; produced; ++turn) {
    const size_t room = max_out ? 1 + random_bits(seed, 3, turn) % max_out : cap;
    assert_int_equal(
        resampler_flush(r, out + made * width, room < cap - made ? room : cap - made, &produced),
        STATUS_OK);
    made += produced;
  }
  assert_int_equal(made, resampler_total(r, n));
  return made;
}

static void any_chunking_equals_the_whole(void **state)
{
  (void)state;
  NEED_CONVERTER();
  static const size_t limits[][2] = {{1, 0},    {1, 1}, {64, 0}, {333, 7},
                                     {4096, 1}, {0, 5}, {50, 50}};
  for (size_t q = 0; q < N_RATIOS; ++q) {
    const uint32_t width = ratios[q].n_channels;
    resampler *r = open_ratio(&ratios[q]);
    const size_t n = ratios[q].in_hz < 1000 ? 100 : N_IN / width;
    const size_t cap = resampler_total(r, n) + 1;
    float *in = noise(n * width, q);
    float *whole = calloc(cap * width, sizeof *whole);
    float *parts = calloc(cap * width, sizeof *parts);
    assert_true(whole && parts);
    const size_t made = convert_all(r, width, in, n, whole, cap, 0, 0, q);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; ++i) {
      resampler_reset(r);
      memset(parts, 0, cap * width * sizeof *parts);
      assert_int_equal(
          convert_all(r, width, in, n, parts, cap, limits[i][0], limits[i][1], 100 * q + i), made);
      assert_memory_equal(whole, parts, made * width * sizeof *whole);
    }
    free(in);
    free(whole);
    free(parts);
    resampler_free(r);
  }
}

static void empty_pushes_change_nothing(void **state)
{
  (void)state;
  NEED_CONVERTER();
  resampler *r = open_ratio(&ratios[0]);
  size_t consumed = 1;
  size_t produced = 1;
  assert_int_equal(resampler_process(r, NULL, 0, NULL, 0, &consumed, &produced), STATUS_OK);
  assert_int_equal(consumed + produced, 0);
  float out[16];
  assert_int_equal(resampler_process(r, NULL, 0, out, 16, &consumed, &produced), STATUS_OK);
  assert_int_equal(consumed + produced, 0);
  assert_int_equal(resampler_flush(r, out, 16, &produced), STATUS_OK);
  assert_int_equal(produced, 0);
  assert_int_equal(resampler_process(r, out, 1, out, 1, &consumed, &produced), STATUS_USAGE);
  resampler_free(r);
}

// The outputs due repeat with the period of the ratio, and the count holds for many periods.
static void due_outputs_are_exact(void **state)
{
  (void)state;
  for (size_t q = 0; q < N_RATIOS; ++q) {
    resampler *r = NULL;
    if (resampler_new(&r, ratios[q].in_hz, ratios[q].out_hz, 1, NULL) == STATUS_UNSUPPORTED) {
      continue; // without libsamplerate
    }
    assert_non_null(r);
    const uint64_t lead = resampler_lookahead(r) + 1;
    assert_int_equal(resampler_outputs_after(r, lead - 1), 0);
    assert_true(resampler_outputs_after(r, lead) >= 1);
    const uint64_t seconds = 3600 * 24 * 365;
    for (uint64_t n = 0; n < 2000; ++n) {
      const uint64_t due = resampler_outputs_after(r, n + lead);
      assert_int_equal(resampler_outputs_after(r, n + lead + seconds * ratios[q].in_hz),
                       due + seconds * ratios[q].out_hz);
      const uint64_t need = resampler_inputs_for(r, n);
      assert_true(resampler_outputs_after(r, need) >= n);
      assert_true(n == 0 || resampler_outputs_after(r, need - 1) < n);
    }
    resampler_free(r);
  }
}

// Seven minutes of 44.1 kHz in blocks: what comes out is what is due, every time.
static void count_holds_for_long(void **state)
{
  (void)state;
  NEED_CONVERTER();
  static float in[8192];
  static float out[8192];
  resampler *r = open_ratio(&(ratio){44100, 8000, 1});
  uint64_t used = 0;
  uint64_t made = 0;
  for (int i = 0; i < 600; ++i) {
    size_t consumed = 0;
    size_t produced = 0;
    assert_int_equal(resampler_process(r, in, 8191, out, 8192, &consumed, &produced), STATUS_OK);
    used += consumed;
    made += produced;
    assert_int_equal(consumed, 8191);
    assert_int_equal(made, resampler_outputs_after(r, used));
  }
  resampler_free(r);
}

static void reset_equals_fresh(void **state)
{
  (void)state;
  NEED_CONVERTER();
  for (size_t q = 0; q < N_RATIOS; ++q) {
    const uint32_t width = ratios[q].n_channels;
    const size_t n = 500;
    resampler *r = open_ratio(&ratios[q]);
    resampler *fresh = open_ratio(&ratios[q]);
    const size_t cap = resampler_total(r, n) + 1;
    float *in = noise(n * width, q + 50);
    float *a = calloc(cap * width, sizeof *a);
    float *b = calloc(cap * width, sizeof *b);
    assert_true(a && b);
    convert_all(r, width, in, 377, a, cap, 13, 3, 1);
    resampler_reset(r);
    const size_t made = convert_all(r, width, in, n, a, cap, 0, 0, 1);
    assert_int_equal(convert_all(fresh, width, in, n, b, cap, 0, 0, 1), made);
    assert_memory_equal(a, b, made * width * sizeof *a);
    free(in);
    free(a);
    free(b);
    resampler_free(r);
    resampler_free(fresh);
  }
}

// A sine keeps its phase from sample 0 on: nothing is shifted.
static void output_is_aligned(void **state)
{
  (void)state;
  NEED_CONVERTER();
  for (size_t q = 0; q < 9; ++q) {
    resampler *r = open_ratio(&(ratio){ratios[q].in_hz, ratios[q].out_hz, 1});
    float *in = malloc(N_IN * sizeof *in);
    const size_t cap = resampler_total(r, N_IN) + 1;
    float *out = calloc(cap, sizeof *out);
    assert_true(in && out);
    const double omega = 2.0 * 3.14159265358979323846 * 440.0;
    for (size_t i = 0; i < N_IN; ++i) {
      in[i] = (float)sin(omega * (double)i / ratios[q].in_hz);
    }
    const size_t made = convert_all(r, 1, in, N_IN, out, cap, 0, 0, q);
    for (size_t k = made / 4; k < made / 4 * 3; ++k) {
      const double want = sin(omega * (double)k / ratios[q].out_hz);
      assert_true(fabs((double)out[k] - want) < 1e-3);
    }
    free(in);
    free(out);
    resampler_free(r);
  }
}

static void channels_do_not_touch(void **state)
{
  (void)state;
  NEED_CONVERTER();
  resampler *one = open_ratio(&(ratio){48000, 24000, 1});
  resampler *many = open_ratio(&(ratio){48000, 24000, 64});
  enum { N = 1000, WIDTH = 64 };
  float *mono = noise(N, 3);
  float *wide = noise((size_t)N * WIDTH, 4);
  float *a = calloc(N, sizeof *a);
  float *b = calloc((size_t)N * WIDTH, sizeof *b);
  assert_true(a && b);
  for (size_t i = 0; i < N; ++i) {
    wide[i * WIDTH + 17] = mono[i];
  }
  const size_t made = convert_all(one, 1, mono, N, a, N, 0, 0, 0);
  convert_all(many, WIDTH, wide, N, b, N, 0, 0, 0);
  for (size_t k = 0; k < made; ++k) {
    assert_true(fabsf(a[k] - b[k * WIDTH + 17]) < 1e-6f);
  }
  free(mono);
  free(wide);
  free(a);
  free(b);
  resampler_free(one);
  resampler_free(many);
}

static void equal_rates_copy(void **state)
{
  (void)state;
  resampler *r = open_ratio(&(ratio){44100, 44100, 2});
  float *in = noise(200, 9);
  float out[200] = {0};
  assert_int_equal(resampler_lookahead(r), 0);
  assert_int_equal(convert_all(r, 2, in, 100, out, 100, 9, 4, 0), 100);
  assert_memory_equal(in, out, sizeof out);
  free(in);
  resampler_free(r);
}

static status make_one(void *user, error *err)
{
  (void)user;
  resampler *r = NULL;
  const status code = resampler_new(&r, 48000, 24000, 2, err);
  resampler_free(r);
  return code;
}

static void allocations_fail_cleanly(void **state)
{
  (void)state;
  NEED_CONVERTER();
  assert_true(failing_alloc_each(make_one, NULL) >= 3);
}

static void processing_does_not_allocate(void **state)
{
  (void)state;
  NEED_CONVERTER();
  static float in[1000];
  static float out[1000];
  resampler *r = open_ratio(&(ratio){44100, 24000, 1});
  size_t consumed = 0;
  size_t produced = 0;
  failing_alloc_arm(-1);
  for (size_t n = 0; n <= 1000; n += 37) {
    assert_int_equal(resampler_process(r, in, n, out, 1000, &consumed, &produced), STATUS_OK);
  }
  assert_int_equal(resampler_flush(r, out, 1000, &produced), STATUS_OK);
  resampler_reset(r);
  assert_int_equal(failing_alloc_count(), 0);
  resampler_free(r);
}

static void bad_arguments_are_refused(void **state)
{
  (void)state;
  resampler *r = NULL;
  error err = {0};
  assert_int_equal(resampler_new(&r, 0, 24000, 1, &err), STATUS_USAGE);
  assert_non_null(strstr(err.message, "0 Hz"));
  assert_int_equal(resampler_new(&r, 24000, 0, 1, &err), STATUS_USAGE);
  assert_int_equal(resampler_new(&r, 24000, 48000, 0, &err), STATUS_USAGE);
  assert_int_equal(resampler_new(&r, 24000, 48000, RESAMPLER_MAX_CHANNELS + 1, &err), STATUS_USAGE);
  assert_int_equal(resampler_new(&r, 1, 257, 1, &err), STATUS_UNSUPPORTED);
  assert_int_equal(resampler_new(&r, 24000, 3, 1, &err), STATUS_UNSUPPORTED);
  assert_null(r);
  resampler_free(NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_chunking_equals_the_whole),
      cmocka_unit_test(empty_pushes_change_nothing),
      cmocka_unit_test(due_outputs_are_exact),
      cmocka_unit_test(count_holds_for_long),
      cmocka_unit_test(reset_equals_fresh),
      cmocka_unit_test(output_is_aligned),
      cmocka_unit_test(channels_do_not_touch),
      cmocka_unit_test(equal_rates_copy),
      cmocka_unit_test(allocations_fail_cleanly),
      cmocka_unit_test(processing_does_not_allocate),
      cmocka_unit_test(bad_arguments_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
