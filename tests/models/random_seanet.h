// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Untrained SEANets, as so many tests need one. Include after cmocka.h.
#ifndef CONTINUO_TESTS_MODELS_RANDOM_SEANET_H
#define CONTINUO_TESTS_MODELS_RANDOM_SEANET_H

#include "models/codec_seanet.h"

/// `config` with a hop of 20 samples, four codebooks and little else; where it works in chunks, in
/// chunks of 200 samples, 190 apart.
static inline seanet_config small_seanet(seanet_config config)
{
  config.n_strides = 2;
  config.strides[0] = 4;
  config.strides[1] = 5;
  config.latent_dim = 8;
  config.n_codebooks = 4;
  config.codebook_size = 32;
  config.encoder.width = config.decoder.width = 4;
  if (config.chunk_samples > 0) {
    config.chunk_samples = 200;
    config.chunk_stride_samples = 190;
  }
  return config;
}

/// With masters, of the values that (config, seed) give.
static inline seanet *random_seanet(const seanet_config *config, uint64_t seed)
{
  seanet *net = NULL;
  error err = {0};
  if (seanet_new(&net, config, &err) || seanet_allocate(net, &err)) {
    fail_msg("%s", err.message);
  }
  codec_layers_randomise(seanet_layers(net), seed);
  return net;
}

/// The same as a codec.
static inline codec *random_seanet_codec(const seanet_config *config, device *dev, dtype storage,
                                         uint64_t seed)
{
  codec *c = NULL;
  error err = {0};
  const codec_options options = {.dev = dev, .storage = storage};
  if (codec_open_seanet(&c, random_seanet(config, seed), &options, &err)) {
    fail_msg("%s", err.message);
  }
  return c;
}

#endif
