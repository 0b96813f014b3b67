// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// SEANet against PyTorch (tests/reference/make_seanet_golden.py), on every CPU variant and
// on CUDA where it is: latents,
// every quantiser stage on the reference residual, code sequences, waveform from reference codes.

#include "models/seanet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/models/golden.h"
#include "tests/models/random_seanet.h"

#define SEED 7
#define PARITY 1e-4
#define NEAR_TIE 1e-5
#define ARENA_BYTES ((size_t)96 << 20)

static seanet_config config_24khz_zero(void)
{
  seanet_config config = seanet_config_encodec_24khz();
  config.pad = PAD_ZERO;
  return config;
}

typedef struct golden_case {
  const char *file;
  seanet_config (*config)(void);
} golden_case;

static const golden_case cases[] = {
    {"seanet_encodec_24khz_reflect", seanet_config_encodec_24khz},
    {"seanet_encodec_24khz_reflect_partial", seanet_config_encodec_24khz},
    {"seanet_encodec_24khz_short", seanet_config_encodec_24khz},
    {"seanet_encodec_24khz_zero", config_24khz_zero},
    {"seanet_encodec_24khz_zero_partial", config_24khz_zero},
    {"seanet_encodec_48khz", seanet_config_encodec_48khz},
    {"seanet_soundstream", seanet_config_soundstream},
    {"seanet_soundstream_partial", seanet_config_soundstream},
};
#define N_CASES (int)(sizeof cases / sizeof *cases)

typedef struct golden {
  float *audio, *latents, *wave;
  int32_t *codes;
  int64_t n_samples, n_steps, n_wave;
} golden;

static golden load(const char *file)
{
  golden g;
  int64_t code_steps;
  safetensors st = golden_open(file);
  g.audio = golden_f32(&st, "audio", &g.n_samples);
  g.latents = golden_f32(&st, "latents", &g.n_steps);
  g.codes = golden_i32(&st, "codes", &code_steps);
  g.wave = golden_f32(&st, "wave", &g.n_wave);
  assert_int_equal(code_steps, g.n_steps);
  safetensors_close(&st);
  return g;
}

static void unload(golden *g)
{
  free(g->audio);
  free(g->latents);
  free(g->wave);
  free(g->codes);
}

static seanet *make(const seanet_config *config, device *dev)
{
  seanet *net = random_seanet(config, SEED);
  error err = {0};
  if (codec_layers_refresh(seanet_layers(net), dev, DTYPE_F32, &err)) {
    fail_msg("%s", err.message);
  }
  return net;
}

static double squared_distance(const float *a, const float *b, int64_t dim)
{
  double sum = 0.0;
  for (int64_t d = 0; d < dim; ++d) {
    sum += ((double)a[d] - (double)b[d]) * ((double)a[d] - (double)b[d]);
  }
  return sum;
}

/// Does code `found` deserve to differ from `wanted`: are both as near to the residual?
static bool near_tie(const rvq *q, int k, const float *residual, int32_t wanted, int32_t found)
{
  const float *table = q->codebooks[k].master;
  double size = 0.0;
  for (int64_t d = 0; d < q->dim; ++d) {
    size += (double)residual[d] * (double)residual[d];
  }
  const double a = squared_distance(residual, table + wanted * q->dim, q->dim);
  const double b = squared_distance(residual, table + found * q->dim, q->dim);
  return fabs(a - b) < NEAR_TIE * size;
}

/// Each stage on the residual that the reference's codes leave: the same code but at near ties.
static void check_stages(const seanet *net, device *dev, const golden *g)
{
  const rvq *q = &net->quantiser;
  arena memory = arena_on(dev, ARENA_BYTES);
  float *residual = malloc((size_t)(g->n_steps * q->dim) * sizeof *residual);
  assert_non_null(residual);
  memcpy(residual, g->latents, (size_t)(g->n_steps * q->dim) * sizeof *residual);
  for (int k = 0; k < q->n_codebooks; ++k) {
    run r;
    arena_rewind(&memory, 0);
    run_init(&r, dev, &memory);
    const tensor x = to_device(&r, residual, DTYPE_F32, 1, g->n_steps, q->dim);
    const tensor codes = apply_nearest(&r, x, q->stages[k]);
    assert_true(run_ok(&r));
    int32_t *found_codes = to_host(&r, &codes);
    for (int64_t t = 0; t < g->n_steps; ++t) {
      const int32_t wanted = g->codes[t * q->n_codebooks + k], found = found_codes[t];
      float *row = residual + t * q->dim;
      assert_true(found == wanted || near_tie(q, k, row, wanted, found));
      for (int64_t d = 0; d < q->dim; ++d) {
        row[d] -= q->codebooks[k].master[wanted * q->dim + d];
      }
    }
    free(found_codes);
  }
  free(residual);
  dev->release(dev, memory.data);
}

/// Whole code sequences: a step may differ from the stage of its first near tie on.
static void check_codes(const rvq *q, const golden *g, const float *latents, const int32_t *codes)
{
  int64_t excluded = 0;
  float *residual = malloc((size_t)q->dim * sizeof *residual);
  assert_non_null(residual);
  for (int64_t t = 0; t < g->n_steps; ++t) {
    memcpy(residual, latents + t * q->dim, (size_t)q->dim * sizeof *residual);
    for (int k = 0; k < q->n_codebooks; ++k) {
      const int32_t wanted = g->codes[t * q->n_codebooks + k];
      const int32_t found = codes[t * q->n_codebooks + k];
      if (wanted != found) {
        assert_true(near_tie(q, k, residual, wanted, found));
        excluded += q->n_codebooks - k;
        break;
      }
      for (int64_t d = 0; d < q->dim; ++d) {
        residual[d] -= q->codebooks[k].master[found * q->dim + d];
      }
    }
  }
  assert_true(excluded * 20 <= g->n_steps * q->n_codebooks);
  free(residual);
}

static void ok(const run *r, const char *file)
{
  if (!run_ok(r)) {
    fail_msg("%s: %s", file, r->failure.message);
  }
}

static void check_forward(const seanet *net, device *dev, const golden *g, const char *file)
{
  const seanet_config *config = &net->config;
  arena memory = arena_on(dev, ARENA_BYTES);
  run r;
  run_init(&r, dev, &memory);
  const tensor audio = to_device(&r, g->audio, DTYPE_F32, 1, g->n_samples, config->n_channels);
  const tensor latents = seanet_encode_forward(&r, net, audio, NULL);
  const tensor codes = rvq_encode(&r, &net->quantiser, latents, net->quantiser.n_codebooks);
  ok(&r, file);
  assert_int_equal(latents.dims[1], g->n_steps);
  float *found_latents = to_host(&r, &latents);
  int32_t *found_codes = to_host(&r, &codes);
  const double latents_error =
      relative_error(found_latents, g->latents, (size_t)(g->n_steps * config->latent_dim));
  check_codes(&net->quantiser, g, found_latents, found_codes);

  arena_rewind(&memory, 0);
  const tensor given = to_device(&r, g->codes, DTYPE_I32, 1, g->n_steps, config->n_codebooks);
  const tensor wave = seanet_decode_forward(&r, net, rvq_decode(&r, &net->quantiser, given), NULL);
  ok(&r, file);
  assert_int_equal(wave.dims[1], g->n_wave);
  float *found_wave = to_host(&r, &wave);
  const double wave_error =
      relative_error(found_wave, g->wave, (size_t)(g->n_wave * config->n_channels));
  print_message("%-40s %s: latents %.1e, waveform %.1e\n", file, dev->name, latents_error,
                wave_error);
  assert_true(latents_error < PARITY);
  assert_true(wave_error < PARITY);
  free(found_latents);
  free(found_codes);
  free(found_wave);
  dev->release(dev, memory.data);
}

static void equals_pytorch(void **unused)
{
  (void)unused;
  device *dev;
  for (int v = 0; (dev = any_device_open(v)); ++v) {
    seanet *net = NULL;
    for (int i = 0; i < N_CASES; ++i) {
      const seanet_config config = cases[i].config();
      golden g = load(cases[i].file);
      if (i == 0 || cases[i].config != cases[i - 1].config) { // 15 million values take a while
        seanet_free(net, dev);
        net = make(&config, dev);
      }
      check_stages(net, dev, &g);
      check_forward(net, dev, &g, cases[i].file);
      unload(&g);
    }
    seanet_free(net, dev);
    device_unref(dev);
  }
}

/// What codec.md 1.1 and issue 3 count, biases folded as there.
static void parameters_are_as_published(void **unused)
{
  (void)unused;
  const seanet_half_config narrow = {.width = 16,
                                     .kernel_in = 7,
                                     .kernel_out = 3,
                                     .kernel_residual = 3,
                                     .n_residual = 2,
                                     .dilation_base = 3,
                                     .compress = 2};
  seanet_config config = seanet_config_encodec_24khz();
  seanet *net = NULL;
  error err = {0};
  assert_int_equal(seanet_new(&net, &config, &err), STATUS_OK);
  assert_int_equal(layer_set_count(&net->encoder.set) + layer_set_count(&net->decoder.set),
                   14846817);
  seanet_free(net, NULL);
  // An encoder and a decoder that differ: the budget of the default codec to come.
  config = seanet_config_soundstream();
  config.encoder = config.decoder = narrow;
  config.decoder.width = 24;
  config.decoder.n_residual = 3;
  config.decoder.kernel_out = 7;
  config.latent_dim = 64;
  config.order = SEANET_ACT_FIRST;
  assert_int_equal(seanet_new(&net, &config, &err), STATUS_OK);
  assert_int_equal(seanet_hop_samples(&config), 480);
  const uint64_t count = layer_set_count(&net->encoder.set) + layer_set_count(&net->decoder.set);
  assert_in_range(count, 2550000, 2700000);
  seanet_free(net, NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equals_pytorch),
      cmocka_unit_test(parameters_are_as_published),
  };
  return cmocka_run_group_tests_name("seanet", tests, NULL, NULL);
}
