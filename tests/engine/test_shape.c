// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The shape of the house in one small codec: the same network, by the same forward, is trained for
// a few steps under a tape with packed f16 weights that are refreshed after every update, then
// streams two streams by captured steps with the bits of the whole sequence, then plays through a
// session. What becomes a graph on CUDA is that same captured step.

#include "base/random.h"
#include "engine/offline.h"
#include "engine/session.h"
#include "gpu/tape.h"
#include "models/codec_seanet.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { HOP = 8, STEPS = 40, SAMPLES = HOP * STEPS, USED = 4, DIM = 8, TRAIN_STEPS = 60 };

typedef struct shape {
  device *dev;
  seanet *net;
  arena memory;
  tape *encoding, *decoding;
  float audio[2][SAMPLES];
  float losses[TRAIN_STEPS];
} shape;

static const seanet_half_config small_half = {.width = 4,
                                              .kernel_in = 7,
                                              .kernel_out = 3,
                                              .kernel_residual = 3,
                                              .n_residual = 0,
                                              .dilation_base = 2,
                                              .compress = 1};

static seanet_config shape_config(void)
{
  return (seanet_config){.name = "shape",
                         .rate_hz = 8000,
                         .n_channels = 1,
                         .latent_dim = DIM,
                         .n_strides = 1,
                         .strides = {HOP},
                         .n_codebooks = USED,
                         .codebook_size = 32,
                         .encoder = small_half,
                         .decoder = small_half,
                         .true_skip = true,
                         .causal = true,
                         .pad = PAD_ZERO,
                         .norm = SEANET_NORM_NONE,
                         .act = ACT_ELU,
                         .act_slope = 1.0f};
}

static void ok(status code, const error *err)
{
  if (code != STATUS_OK) {
    fail_msg("%s", err->message);
  }
}

static void open_shape(shape *s)
{
  const device_options options = {.kind = COMPUTE_CPU, .n_threads = 1};
  const seanet_config config = shape_config();
  error err = {0};
  *s = (shape){0};
  ok(device_open(&s->dev, &options, &err), &err);
  ok(seanet_new(&s->net, &config, &err), &err);
  ok(seanet_allocate(s->net, &err), &err);
  codec_layers_randomise(seanet_layers(s->net), 5);
  ok(tape_new(&s->encoding, 16, &err), &err);
  ok(tape_new(&s->decoding, 16, &err), &err);
  void *data = s->dev->allocate(s->dev, 8 << 20);
  assert_non_null(data);
  arena_init(&s->memory, data, 8 << 20);
  for (int i = 0; i < SAMPLES; ++i) {
    s->audio[0][i] = sinf(0.07f * (float)i * (1.0f + 0.002f * (float)i));
    s->audio[1][i] = random_uniform(5, 9, (uint64_t)i) - 0.5f;
  }
}

static void close_shape(shape *s)
{
  s->dev->release(s->dev, s->memory.data);
  tape_free(s->encoding);
  tape_free(s->decoding);
  seanet_free(s->net, s->dev);
  device_unref(s->dev);
}

static void track(void *user, weight *w)
{
  error err = {0};
  ok(weight_track(user, w, &err), &err);
}

/// One step of plain gradient descent on a weight.
static void descend(void *user, weight *w)
{
  shape *s = user;
  const int64_t count = weight_count(w);
  float *grad = malloc((size_t)count * sizeof *grad);
  error err = {0};
  assert_non_null(grad);
  ok(s->dev->download(s->dev, grad, w->grad, (size_t)count * sizeof *grad, &err), &err);
  for (int64_t i = 0; i < count; ++i) {
    w->master[i] -= 0.1f * grad[i];
  }
  ++w->version;
  free(grad);
}

/// loss = mean (y - x)^2 through the quantiser, whose gradient goes straight through.
static float train_step(shape *s)
{
  run r;
  error err = {0};
  arena_rewind(&s->memory, 0);
  tape_reset(s->encoding);
  tape_reset(s->decoding);
  run_init(&r, s->dev, &s->memory);
  const tensor audio = tensor_view(s->audio, DTYPE_F32, 3, 2, SAMPLES, 1, 1);
  r.record = s->encoding;
  const tensor latents = seanet_encode_forward(&r, s->net, audio, NULL);
  r.record = NULL;
  const tensor codes = rvq_encode(&r, &s->net->quantiser, latents, USED);
  tensor quantised = rvq_decode(&r, &s->net->quantiser, codes);
  r.record = s->decoding;
  tape_watch(&r, &quantised);
  const tensor y = seanet_decode_forward(&r, s->net, quantised, NULL);
  const tensor seed = run_tensor(&r, DTYPE_F32, 3, 2, SAMPLES, 1, 1);
  assert_true(run_ok(&r));
  double loss = 0.0;
  for (int64_t i = 0; i < 2 * SAMPLES; ++i) {
    const float difference = ((float *)y.data)[i] - ((float *)audio.data)[i];
    loss += (double)difference * (double)difference;
    ((float *)seed.data)[i] = 2.0f * difference / (2 * SAMPLES);
  }
  codec_layers_each(seanet_layers(s->net), track, s->dev);
  tape_backward(&r, &y, &seed);
  const tensor straight = tape_gradient(&r, &quantised);
  r.record = s->encoding;
  tape_backward(&r, &latents, &straight);
  if (!run_ok(&r)) {
    fail_msg("%s", r.failure.message);
  }
  codec_layers_each(seanet_layers(s->net), descend, s);
  ok(codec_layers_refresh(seanet_layers(s->net), s->dev, DTYPE_F16, &err), &err);
  return (float)(loss / (2 * SAMPLES));
}

static void first_weight_moved(const shape *s, const float *before)
{
  const weight *w = &s->net->encoder.in.w;
  assert_memory_not_equal(before, w->master, (size_t)weight_count(w) * sizeof *before);
  assert_int_equal(w->form_version, w->version);
  assert_int_equal(w->storage, DTYPE_F16);
}

/// What the whole sequences of both streams give, without any memory.
static void run_whole(shape *s, int32_t *codes, float *out)
{
  run r;
  arena_rewind(&s->memory, 0);
  run_init(&r, s->dev, &s->memory);
  const tensor audio = tensor_view(s->audio, DTYPE_F32, 3, 2, SAMPLES, 1, 1);
  const tensor found =
      rvq_encode(&r, &s->net->quantiser, seanet_encode_forward(&r, s->net, audio, NULL), USED);
  const tensor y =
      seanet_decode_forward(&r, s->net, rvq_decode(&r, &s->net->quantiser, found), NULL);
  assert_true(run_ok(&r));
  memcpy(codes, found.data, tensor_bytes(&found));
  memcpy(out, y.data, tensor_bytes(&y));
}

static void stream_both(codec *c, const shape *s, int32_t (*codes)[STEPS][USED],
                        float (*out)[SAMPLES])
{
  codec_state *state = NULL;
  error err = {0};
  ok(codec_state_new(&state, c, 2, 1, &err), &err);
  ok(codec_state_prepare(state, USED, &err), &err);
  for (int t = 0; t < STEPS; ++t) {
    float in[2][HOP], back[2][HOP];
    int32_t now[2][USED];
    for (int i = 0; i < 2; ++i) {
      memcpy(in[i], s->audio[i] + t * HOP, sizeof in[i]);
    }
    assert_int_equal(codec_encode(state, in[0], 1, USED, now[0]), STATUS_OK);
    assert_int_equal(codec_decode(state, now[0], 1, USED, back[0]), STATUS_OK);
    for (int i = 0; i < 2; ++i) {
      memcpy(codes[i][t], now[i], sizeof now[i]);
      memcpy(out[i] + t * HOP, back[i], sizeof back[i]);
    }
  }
  codec_state_free(state);
}

/// Live equals offline, shifted by exactly what the session reports.
static void play(codec *c, const shape *s)
{
  enum { BLOCK = 16 };
  const session_config config = {
      .model = c, .host_rate_hz = 8000, .block_samples = BLOCK, .offline = true};
  session *live = NULL;
  error err = {0};
  float wet[SAMPLES], whole[SAMPLES];
  ok(session_open(&live, &config, &err), &err);
  for (int at = 0; at < SAMPLES; at += BLOCK) {
    const float *in = s->audio[0] + at;
    float *out = wet + at;
    session_process(live, &in, &out, BLOCK, (uint64_t)at);
  }
  const int latency = (int)session_latency_samples(live);
  session_close(live);
  ok(offline_roundtrip(c, 0, 8000, s->audio[0], SAMPLES, whole, &err), &err);
  assert_true(latency < SAMPLES / 2);
  const int settled = latency + 80; // what the fade-in has changed
  assert_memory_equal(wet + settled, whole + settled - latency,
                      (size_t)(SAMPLES - settled) * sizeof *wet);
}

static void the_shape_holds(void **unused)
{
  (void)unused;
  shape s;
  error err = {0};
  codec *c = NULL;
  open_shape(&s);
  // Tracked before packing: a trained weight's form serves both sweeps.
  codec_layers_each(seanet_layers(s.net), track, s.dev);
  ok(codec_layers_refresh(seanet_layers(s.net), s.dev, DTYPE_F16, &err), &err);
  const weight *first = &s.net->encoder.in.w;
  float before[64];
  assert_true(weight_count(first) <= 64);
  memcpy(before, first->master, (size_t)weight_count(first) * sizeof *before);
  for (int i = 0; i < TRAIN_STEPS; ++i) {
    s.losses[i] = train_step(&s);
  }
  print_message("loss %.3f -> %.3f\n", (double)s.losses[0], (double)s.losses[TRAIN_STEPS - 1]);
  assert_true(s.losses[TRAIN_STEPS - 1] < 0.7f * s.losses[0]);
  first_weight_moved(&s, before);

  static int32_t whole_codes[2][STEPS][USED], codes[2][STEPS][USED];
  static float whole[2][SAMPLES], streamed[2][SAMPLES];
  run_whole(&s, whole_codes[0][0], whole[0]);
  const codec_options options = {.dev = s.dev, .storage = DTYPE_F16};
  ok(codec_open_seanet(&c, s.net, &options, &err), &err);
  s.net = NULL; // the codec's now
  stream_both(c, &s, codes, streamed);
  assert_memory_equal(whole_codes, codes, sizeof codes);
  assert_memory_equal(whole, streamed, sizeof streamed);
  play(c, &s);
  codec_unref(c);
  close_shape(&s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_shape_holds),
  };
  return cmocka_run_group_tests_name("shape", tests, NULL, NULL);
}
