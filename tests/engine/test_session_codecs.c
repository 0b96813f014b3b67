// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Live equals offline with the real networks; values are made up, everything else is real. A
// quantiser turns the least difference of its input into another code, so equality here means that
// every sample and every memory was right.

#include "engine/session.h"
#include "gpu/device.h"
#include "models/codec_lyra.h"
#include "tests/engine/trial_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/models/random_seanet.h"

static trial_host h;
static device *dev;

static int open_device(void **unused)
{
  (void)unused;
  const device_options options = {.kind = COMPUTE_CPU, .n_threads = 1};
  return device_open(&dev, &options, NULL) == STATUS_OK ? 0 : -1;
}

static int close_device(void **unused)
{
  (void)unused;
  device_unref(dev);
  return 0;
}

// EnCodec's layers, strides and LSTM, but narrow.
static codec *open_seanet(dtype storage)
{
  seanet_config config = seanet_config_encodec_24khz();
  config.encoder.width = config.decoder.width = 4;
  config.latent_dim = 16;
  config.n_codebooks = 8;
  config.codebook_size = 64;
  return random_seanet_codec(&config, dev, storage, 3);
}

static codec *open_lyra(void)
{
  const lyra_config config = lyra_config_published();
  lyra *net = NULL;
  codec *c = NULL;
  error err = {0};
  const codec_options options = {.dev = dev, .storage = DTYPE_F32};
  if (lyra_new(&net, &config, &err) || lyra_allocate(net, &err)) {
    fail_msg("%s", err.message);
  }
  codec_layers_randomise(lyra_layers(net), 11);
  if (codec_open_lyra(&c, net, &options, &err)) {
    fail_msg("%s", err.message);
  }
  return c;
}

// In real time, with a stall in the middle: equal before and after.
static void live_equals_offline(codec *model, uint32_t rate_hz, uint32_t block)
{
  const session_config config = {
      .host_rate_hz = rate_hz, .block_samples = block, .fallback = FALLBACK_DRY};
  trial_host_open(&h, model, &config, 1.5, 1.0);
  trial_host_run(&h, 0.5, block);
  trial_host_stall(&h, 0.1);
  trial_host_run(&h, 1.5, block);
  const live_verdict v = trial_host_close(&h);
  assert_int_equal(v.n_different, 0);
  assert_int_equal(v.n_timelines, 1);
  assert_true(v.n_late >= 1);
  assert_true(v.n_compared > rate_hz / 4);
  trial_host_free(&h);
}

static void freewheel_equals_offline(codec *model, uint32_t rate_hz, uint32_t block)
{
  const session_config config = {
      .host_rate_hz = rate_hz, .block_samples = block, .offline = true, .n_codebooks = 4};
  trial_host_open(&h, model, &config, 1.0, 0.0);
  trial_host_run(&h, 1.0, block);
  const live_verdict v = trial_host_close(&h);
  assert_int_equal(v.n_different, 0);
  assert_int_equal(v.n_compared, h.n_samples);
  trial_host_free(&h);
}

static void seanet_f32(void **unused)
{
  (void)unused;
  codec *model = open_seanet(DTYPE_F32);
  live_equals_offline(model, 48000, 256);
  freewheel_equals_offline(model, 44100, 1000);
  codec_unref(model);
}

static void seanet_f16(void **unused)
{
  (void)unused;
  codec *model = open_seanet(DTYPE_F16);
  freewheel_equals_offline(model, 24000, 128);
  codec_unref(model);
}

static void lyra_f32(void **unused)
{
  (void)unused;
  codec *model = open_lyra();
  live_equals_offline(model, 44100, 1024);
  freewheel_equals_offline(model, 48000, 64);
  codec_unref(model);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(seanet_f32),
      cmocka_unit_test(seanet_f16),
      cmocka_unit_test(lyra_f32),
  };
  return cmocka_run_group_tests(tests, open_device, close_device);
}
