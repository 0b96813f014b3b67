// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Untrained SEANets, as so many tests need one. Include after cmocka.h.
#ifndef CONTINUO_TESTS_MODELS_RANDOM_SEANET_H
#define CONTINUO_TESTS_MODELS_RANDOM_SEANET_H

#include "models/codec_seanet.h"

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
