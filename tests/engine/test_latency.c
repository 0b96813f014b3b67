// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The search against a simulation that moves real samples: a host that calls block by block, real
// resamplers, a conductor that finishes between two callbacks what the earlier one filled, and a
// queue that runs dry or does not.

#include "engine/latency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MOST_BLOCK 2048
#define MOST_HOP 2048

typedef struct trial {
  uint32_t host_rate_hz, codec_rate_hz, hop, delay, block;
} trial;

typedef struct simulation {
  resampler *in, *out;
  uint64_t hop_fill;   // samples of the present hop
  uint64_t delay_left; // decoded samples still trimmed
  uint64_t ready;      // output samples so far
} simulation;

static void convert(resampler *r, const float *from, size_t n, uint64_t *n_out)
{
  static float to[MOST_BLOCK * 64];
  size_t consumed = 0;
  size_t produced = 0;
  assert_int_equal(resampler_process(r, from, n, to, sizeof to / sizeof *to, &consumed, &produced),
                   STATUS_OK);
  assert_int_equal(consumed, n);
  *n_out = produced;
}

// The conductor works off one block, sample by sample of the codec.
static void work_off(simulation *s, const trial *t)
{
  static const float zeros[MOST_BLOCK];
  uint64_t n_coded = 0;
  convert(s->in, zeros, t->block, &n_coded);
  for (; n_coded; --n_coded) {
    if (++s->hop_fill == t->hop) {
      const uint64_t trimmed = s->delay_left < t->hop ? s->delay_left : t->hop;
      uint64_t n_out = 0;
      convert(s->out, zeros, (size_t)(t->hop - trimmed), &n_out);
      s->delay_left -= trimmed;
      s->ready += n_out;
      s->hop_fill = 0;
    }
  }
}

// Does the queue hold at latency L, for `seconds` of sound? Callback i gives what the conductor had
// finished of the blocks before it.
static bool holds(const trial *t, uint64_t latency, double seconds)
{
  simulation s = {.delay_left = t->delay};
  bool good = true;
  assert_int_equal(resampler_new(&s.in, t->host_rate_hz, t->codec_rate_hz, 1, NULL), STATUS_OK);
  assert_int_equal(resampler_new(&s.out, t->codec_rate_hz, t->host_rate_hz, 1, NULL), STATUS_OK);
  const uint64_t end = (uint64_t)(seconds * t->host_rate_hz);
  for (uint64_t received = 0; good && received < end; received += t->block) {
    good = s.ready + latency >= received + t->block;
    work_off(&s, t);
  }
  resampler_free(s.in);
  resampler_free(s.out);
  return good;
}

static uint64_t search(const trial *t)
{
  latency_query q = {NULL, NULL, t->host_rate_hz, t->codec_rate_hz, t->hop, t->delay, t->block};
  resampler *in = NULL;
  resampler *out = NULL;
  uint64_t latency = 0;
  assert_int_equal(resampler_new(&in, t->host_rate_hz, t->codec_rate_hz, 1, NULL), STATUS_OK);
  assert_int_equal(resampler_new(&out, t->codec_rate_hz, t->host_rate_hz, 1, NULL), STATUS_OK);
  q.in = in;
  q.out = out;
  assert_int_equal(latency_search(&q, &latency, NULL), STATUS_OK);
  resampler_free(in);
  resampler_free(out);
  return latency;
}

static const trial trials[] = {
    {24000, 24000, 320, 0, 128},   {24000, 24000, 320, 0, 320},    {24000, 24000, 320, 0, 1},
    {24000, 24000, 320, 123, 64},  {24000, 24000, 321, 0, 97},     {48000, 24000, 320, 0, 64},
    {48000, 24000, 320, 40, 256},  {48000, 24000, 320, 1000, 640}, {44100, 24000, 320, 0, 1024},
    {44100, 24000, 320, 17, 441},  {96000, 24000, 320, 0, 512},    {48000, 16000, 320, 0, 128},
    {44100, 16000, 320, 641, 256}, {16000, 24000, 320, 0, 256},    {8000, 24000, 320, 0, 31},
    {48000, 24000, 1, 0, 64},      {44100, 48000, 1009, 7, 113},   {32000, 24000, 7, 0, 1021},
    {22050, 24000, 640, 3, 2048},  {48000, 44100, 512, 0, 480},
};

// Long enough for every phase between block and hop: the common multiple, at most 30 s.
static double length_s(const trial *t)
{
  const double hops_s = (double)t->hop * t->block / t->codec_rate_hz;
  return hops_s < 1.0 ? 1.0 : hops_s < 30.0 ? hops_s : 30.0;
}

static void the_search_is_exact(void **unused)
{
  (void)unused;
  for (size_t i = 0; i < sizeof trials / sizeof *trials; ++i) {
    const trial *t = &trials[i];
    const uint64_t latency = search(t);
    if (!holds(t, latency, length_s(t)) || holds(t, latency - 1, length_s(t))) {
      fail_msg("%u Hz, block %u, codec %u Hz, hop %u, delay %u: L = %llu is not the least",
               t->host_rate_hz, t->block, t->codec_rate_hz, t->hop, t->delay,
               (unsigned long long)latency);
    }
  }
}

static void known_values_without_resampling(void **unused)
{
  (void)unused;
  // Without resampling: what remains at worst of a hop, block after block, and one block.
  assert_int_equal(search(&(trial){24000, 24000, 320, 0, 320}), 320);
  assert_int_equal(search(&(trial){24000, 24000, 320, 0, 128}), 256 + 128);
  assert_int_equal(search(&(trial){24000, 24000, 320, 0, 1}), 319 + 1);
  assert_int_equal(search(&(trial){24000, 24000, 320, 100, 320}), 420);
}

static void absurd_patterns_are_refused(void **unused)
{
  (void)unused;
  resampler *in = NULL;
  resampler *out = NULL;
  error err = {0};
  uint64_t latency = 0;
  assert_int_equal(resampler_new(&in, 383999, 1500, 1, NULL), STATUS_OK);
  assert_int_equal(resampler_new(&out, 1500, 383999, 1, NULL), STATUS_OK);
  const latency_query q = {in, out, 383999, 1500, 1048573, 0, 1};
  assert_int_equal(latency_search(&q, &latency, &err), STATUS_UNSUPPORTED);
  assert_int_equal(err.code, STATUS_UNSUPPORTED);
  resampler_free(in);
  resampler_free(out);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_search_is_exact),
      cmocka_unit_test(known_values_without_resampling),
      cmocka_unit_test(absurd_patterns_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
