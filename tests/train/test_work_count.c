// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/work_count.h"

#include "models/seanet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/models/golden.h"

#define ARENA_BYTES ((size_t)8 << 20)

// One stage of stride 4, one unit each, two examples of 3 steps.
static const seanet_half_config half = {.width = 2,
                                        .kernel_in = 7,
                                        .kernel_out = 3,
                                        .kernel_residual = 3,
                                        .n_residual = 1,
                                        .dilation_base = 2,
                                        .compress = 2,
                                        .n_lstm = 1};
enum { EXAMPLES = 2, STEPS = 3, STRIDE = 4, DIM = 5, W = 2 };

static seanet *open_network(device *dev)
{
  const seanet_config config = {.name = "small",
                                .rate_hz = 8000,
                                .n_channels = 1,
                                .latent_dim = DIM,
                                .n_strides = 1,
                                .strides = {STRIDE},
                                .n_codebooks = 1,
                                .codebook_size = 2,
                                .encoder = half,
                                .decoder = half,
                                .true_skip = true,
                                .causal = true,
                                .act = ACT_ELU,
                                .act_slope = 1.0f};
  seanet *net = NULL;
  assert_int_equal(seanet_new(&net, &config, NULL), STATUS_OK);
  assert_int_equal(seanet_allocate(net, NULL), STATUS_OK);
  assert_int_equal(codec_layers_refresh(seanet_layers(net), dev, DTYPE_F32, NULL), STATUS_OK);
  return net;
}

// Each layer by hand: rows times inputs times outputs times taps.
static void counts_each_layer(void **state)
{
  (void)state;
  device *dev = variant_open(0, 1);
  seanet *net = open_network(dev);
  arena memory = arena_on(dev, ARENA_BYTES);
  tape *t = NULL;
  run r;
  assert_int_equal(tape_new(&t, 64, NULL), STATUS_OK);
  run_init(&r, dev, &memory);
  r.record = t;
  const int64_t rows = EXAMPLES * STEPS * STRIDE, slow = EXAMPLES * STEPS;
  const tensor audio = run_tensor(&r, DTYPE_F32, 3, EXAMPLES, STEPS * STRIDE, 1, 1);
  memset(audio.data, 0, tensor_bytes(&audio));
  const tensor latents = seanet_encode_forward(&r, net, audio, NULL);
  const int64_t unit = rows * (W * (W / 2) * 3 + (W / 2) * W);
  const int64_t lstm = slow * 4 * (2 * W) * (2 * W + 2 * W);
  const int64_t there =
      rows * 1 * W * 7 + unit + slow * W * 2 * W * 2 * STRIDE + lstm + slow * 2 * W * DIM * 3;
  assert_true(tape_multiply_adds(t) == (double)there);
  seanet_decode_forward(&r, net, latents, NULL);
  assert_true(run_ok(&r));
  const int64_t back =
      slow * DIM * 2 * W * 7 + lstm + slow * 2 * W * W * 2 * STRIDE + unit + rows * W * 1 * 3;
  assert_true(tape_multiply_adds(t) == (double)(there + back));
  tape_reset(t);
  assert_true(tape_multiply_adds(t) == 0.0);
  tape_free(t);
  dev->release(dev, memory.data);
  seanet_free(net, dev);
  device_unref(dev);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(counts_each_layer)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
