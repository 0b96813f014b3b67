// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Hop by hop is the same as all at once, however the input is cut, empty pushes included.

#include "base/random.h"
#include "engine/offline.h"
#include "engine/pipeline.h"
#include "tests/engine/trial_codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N_SAMPLES 20000
#define MAX_CHANNELS 2

static float in[N_SAMPLES * MAX_CHANNELS];
static float expected[N_SAMPLES * MAX_CHANNELS];
static float found[N_SAMPLES * MAX_CHANNELS];

static codec *open_model(uint32_t n_channels, uint32_t delay)
{
  codec *c = NULL;
  const trial_options options = {24000, 320, n_channels, delay};
  assert_int_equal(trial_codec_open(&c, &options), STATUS_OK);
  for (size_t i = 0; i < sizeof in / sizeof *in; ++i) {
    in[i] = random_uniform(9, 9, i) - 0.5f;
  }
  return c;
}

// Push n samples; returns how many have come out, appended to `found` at n_found.
static size_t push(pipeline *p, const float *from, size_t n, size_t n_found)
{
  const size_t n_channels = p->info->n_channels;
  bool full = true;
  for (size_t done = 0; full || done < n;) {
    size_t n_taken = 0;
    size_t n_given = 0;
    assert_int_equal(pipeline_take(p, from + done * n_channels, n - done, &n_taken, &full),
                     STATUS_OK);
    done += n_taken;
    if (full) {
      assert_int_equal(pipeline_encode(p), STATUS_OK);
      assert_int_equal(pipeline_decode(p, p->codes, NULL, 0.0f), STATUS_OK);
      assert_int_equal(pipeline_give(p, &n_given), STATUS_OK);
      assert_true(n_found + n_given <= N_SAMPLES);
      memcpy(found + n_found * n_channels, p->rates->given, n_given * n_channels * sizeof *found);
      n_found += n_given;
    }
  }
  return n_found;
}

// Chunks of 0 to `most` samples, another sequence for each seed.
static size_t run_in_chunks(pipeline *p, uint64_t seed, size_t most)
{
  size_t n_found = 0;
  size_t done = 0;
  for (uint64_t i = 0; done < N_SAMPLES; ++i) {
    const size_t chunk = (size_t)(random_bits(seed, 1, i) % (most + 1));
    const size_t n = chunk < N_SAMPLES - done ? chunk : N_SAMPLES - done;
    n_found = push(p, in + done * p->info->n_channels, n, n_found);
    done += n;
  }
  return n_found;
}

static void any_cut_equals_the_whole(uint32_t rate_hz, uint32_t n_channels, uint32_t delay)
{
  static const size_t mosts[] = {1, 7, 320, 1000, N_SAMPLES};
  codec *model = open_model(n_channels, delay);
  pipeline p;
  rate_pair rates;
  error err = {0};
  assert_int_equal(offline_roundtrip(model, 0, rate_hz, in, N_SAMPLES, expected, &err), STATUS_OK);
  assert_int_equal(pipeline_init(&p, model, 0, &err), STATUS_OK);
  assert_int_equal(rate_pair_init(&rates, p.info, rate_hz, &err), STATUS_OK);
  for (size_t i = 0; i < sizeof mosts / sizeof *mosts; ++i) {
    pipeline_restart(&p, &rates);
    const size_t n_found = run_in_chunks(&p, i, mosts[i]);
    assert_true(n_found > N_SAMPLES - 4000 && n_found <= N_SAMPLES);
    assert_memory_equal(found, expected, n_found * n_channels * sizeof *found);
  }
  rate_pair_destroy(&rates);
  pipeline_destroy(&p);
  codec_unref(model);
}

static void cuts_do_not_matter(void **unused)
{
  (void)unused;
  any_cut_equals_the_whole(24000, 1, 0);
  any_cut_equals_the_whole(24000, 1, 1000); // a delay of more than three hops
  any_cut_equals_the_whole(48000, 2, 33);
  any_cut_equals_the_whole(44100, 1, 320);
  any_cut_equals_the_whole(8000, 1, 10); // upward in, downward out
}

static void codebooks_out_of_range_are_refused(void **unused)
{
  (void)unused;
  codec *model = open_model(1, 0);
  pipeline p;
  error err = {0};
  assert_int_equal(pipeline_init(&p, model, -1, &err), STATUS_USAGE);
  assert_int_equal(pipeline_init(&p, model, 321, &err), STATUS_USAGE);
  assert_non_null(strstr(err.message, "321"));
  pipeline_destroy(&p);
  codec_unref(model);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cuts_do_not_matter),
      cmocka_unit_test(codebooks_out_of_range_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
