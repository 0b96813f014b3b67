// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Lyra's network with made-up weights: streaming, streams, the plan of its memory.

#include "models/lyra.h"

#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS = 14, HOP = 320, DIM = 64, ARENA_BYTES = 64 << 20 };

typedef struct fixture {
  device *dev;
  lyra *net;
  arena memory;
  float audio[2][STEPS * HOP];   // two streams' input
  float latents[2][STEPS * DIM]; // and their latents, whole
  float decoded[2][STEPS * HOP];
} fixture;

/// Run one half over `rows` steps of n streams; `in` and `out` are stream after stream.
static void forward(fixture *f, bool encode, stream_memory *m, const float *in, int64_t n,
                    int64_t steps, float *out)
{
  run r;
  run_init(&r, f->dev, &f->memory);
  arena_rewind(&f->memory, 0);
  const int64_t in_row = encode ? HOP : DIM, out_row = encode ? DIM : HOP;
  tensor x = encode ? run_tensor(&r, DTYPE_F32, 3, n, steps * HOP, 1, 1)
                    : run_tensor(&r, DTYPE_F32, 3, n, steps, DIM, 1);
  memcpy(x.data, in, (size_t)(n * steps * in_row) * sizeof *in);
  const tensor y =
      encode ? lyra_encode_forward(&r, f->net, x, m) : lyra_decode_forward(&r, f->net, x, m);
  if (!run_ok(&r)) {
    fail_msg("%s", r.failure.message);
  }
  assert_int_equal(tensor_count(&y), n * steps * out_row);
  if (steps > 0) {
    memcpy(out, y.data, (size_t)(n * steps * out_row) * sizeof *out);
  }
  if (m) {
    f->dev->table.advance(&r, &m->control, steps);
  }
}

static int setup(void **state)
{
  fixture *f = calloc(1, sizeof *f);
  const device_options options = {.kind = COMPUTE_CPU, .n_threads = 1, .variant = "reference"};
  const lyra_config config = lyra_config_published();
  error err = {0};
  assert_non_null(f);
  assert_int_equal(device_open(&f->dev, &options, &err), STATUS_OK);
  assert_int_equal(lyra_new(&f->net, &config, &err), STATUS_OK);
  assert_int_equal(lyra_allocate(f->net, &err), STATUS_OK);
  codec_layers_randomise(lyra_layers(f->net), 7);
  assert_int_equal(codec_layers_refresh(lyra_layers(f->net), f->dev, DTYPE_F32, &err), STATUS_OK);
  arena_init(&f->memory, aligned_alloc(64, ARENA_BYTES), ARENA_BYTES);
  assert_non_null(f->memory.data);
  for (int s = 0; s < 2; ++s) {
    for (int i = 0; i < STEPS * HOP; ++i) {
      f->audio[s][i] = random_uniform(3, (uint64_t)s, (uint64_t)i) - 0.5f;
    }
    forward(f, true, NULL, f->audio[s], 1, STEPS, f->latents[s]);
    forward(f, false, NULL, f->latents[s], 1, STEPS, f->decoded[s]);
  }
  *state = f;
  return 0;
}

static int teardown(void **state)
{
  fixture *f = *state;
  lyra_free(f->net, f->dev);
  device_unref(f->dev);
  free(f->memory.data);
  free(f);
  return 0;
}

static void test_size_is_the_published_one(void **state)
{
  const fixture *f = *state;
  uint64_t matrices[2] = {0};
  const layer_set *sets[2] = {&f->net->encoder.set, &f->net->decoder.set};
  for (int half = 0; half < 2; ++half) {
    for (int i = 0; i < sets[half]->n_weights; ++i) {
      const weight *w = sets[half]->weights[i];
      matrices[half] += w->use == WEIGHT_VECTOR ? 0 : (uint64_t)weight_count(w);
    }
  }
  assert_int_equal(matrices[0], 655296); // as many on each side
  assert_int_equal(matrices[1], 655296);
  assert_int_equal(layer_set_count(&f->net->codebooks), 46 * 16 * 64);
  assert_int_equal(lyra_hop_samples(&f->net->config), HOP);
}

/// Every split of the input, pushes of nothing included, gives the whole's bits.
static void test_streaming_is_whole(void **state)
{
  fixture *f = *state;
  for (uint64_t trial = 0; trial < 12; ++trial) {
    lyra_state s;
    error err = {0};
    float latents[STEPS * DIM], decoded[STEPS * HOP];
    assert_int_equal(lyra_state_init(&s, f->net, f->dev, 1, &err), STATUS_OK);
    for (int at = 0; at < STEPS;) {
      int steps = trial == 0 ? 1 : (int)(random_bits(trial, 1, (uint64_t)at) % 5);
      steps = steps > STEPS - at ? STEPS - at : steps;
      if (steps == 0) { // a push of nothing, then one step
        forward(f, true, &s.encoder, f->audio[0] + at * HOP, 1, 0, latents);
        forward(f, false, &s.decoder, f->latents[0] + at * DIM, 1, 0, decoded);
        steps = 1;
      }
      forward(f, true, &s.encoder, f->audio[0] + at * HOP, 1, steps, latents + at * DIM);
      forward(f, false, &s.decoder, f->latents[0] + at * DIM, 1, steps, decoded + at * HOP);
      at += steps;
    }
    assert_memory_equal(latents, f->latents[0], sizeof latents);
    assert_memory_equal(decoded, f->decoded[0], sizeof decoded);
    lyra_state_free(&s);
  }
}

/// Two streams in one call are each what they are alone; one starts again halfway.
static void test_streams_do_not_touch(void **state)
{
  fixture *f = *state;
  enum { HALF = STEPS / 2 };
  lyra_state s;
  error err = {0};
  float in[2 * HALF * HOP], out[2 * HALF * DIM];
  assert_int_equal(lyra_state_init(&s, f->net, f->dev, 2, &err), STATUS_OK);
  for (int part = 0; part < 2; ++part) {
    const float *second = f->audio[1]; // the second stream is reset before the second call
    memcpy(in, f->audio[0] + part * HALF * HOP, sizeof in / 2);
    memcpy(in + HALF * HOP, second, sizeof in / 2);
    if (part == 1) {
      assert_int_equal(stream_memory_reset(&s.encoder, f->dev, 1, &err), STATUS_OK);
    }
    forward(f, true, &s.encoder, in, 2, HALF, out);
    assert_memory_equal(out, f->latents[0] + part * HALF * DIM, sizeof out / 2);
    assert_memory_equal(out + HALF * DIM, f->latents[1], sizeof out / 2);
  }
  lyra_state_free(&s);
}

/// The future cannot reach the past: that is what a delay of nothing rests on.
static void test_it_is_causal(void **state)
{
  fixture *f = *state;
  float audio[STEPS * HOP], latents[STEPS * DIM];
  memcpy(audio, f->audio[0], sizeof audio);
  audio[9 * HOP] += 1.0f;
  forward(f, true, NULL, audio, 1, STEPS, latents);
  assert_memory_equal(latents, f->latents[0], 9 * DIM * sizeof *latents);
  assert_memory_not_equal(latents + 9 * DIM, f->latents[0] + 9 * DIM, DIM * sizeof *latents);
}

static void test_bad_configs_are_refused(void **state)
{
  (void)state;
  lyra *net = NULL;
  error err = {0};
  lyra_config config = lyra_config_published();
  config.width = 100;
  assert_int_equal(lyra_new(&net, &config, &err), STATUS_USAGE);
  assert_non_null(strstr(err.message, "width is 100"));
  config = lyra_config_published();
  config.codebook_size = 24;
  assert_int_equal(lyra_new(&net, &config, &err), STATUS_USAGE);
  config = lyra_config_published();
  config.n_codebooks = OPS_MAX_CODEBOOKS + 1;
  assert_int_equal(lyra_new(&net, &config, &err), STATUS_USAGE);
  assert_null(net);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_size_is_the_published_one), cmocka_unit_test(test_streaming_is_whole),
      cmocka_unit_test(test_streams_do_not_touch),      cmocka_unit_test(test_it_is_causal),
      cmocka_unit_test(test_bad_configs_are_refused),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
