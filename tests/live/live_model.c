// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/live_model.h"

#include "models/codec_seanet.h"
#include "models/import.h"
#include "tests/engine/trial_codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SEED 11

static status open_seanet(codec **c, int width, const codec_options *options, error *err)
{
  seanet_config config = seanet_config_encodec_24khz();
  config.encoder.width = config.decoder.width = width;
  seanet *net = NULL;
  status st = seanet_new(&net, &config, err);
  if (!st)
    st = seanet_allocate(net, err);
  if (st)
    return st;
  codec_layers_randomise(seanet_layers(net), SEED);
  return codec_open_seanet(c, net, options, err);
}

static status open_lyra(codec **c, const char *folder, const codec_options *options, error *err)
{
  const char *shared = getenv("CONTINUO_SHARED");
  char source[512], path[512];
  struct stat st;
  snprintf(source, sizeof source, "%s/data/lyra", shared ? shared : "");
  snprintf(path, sizeof path, "%s/lyra.safetensors", folder);
  if (stat(source, &st))
    return error_set(err, STATUS_NOT_FOUND, "%s: Lyra's weights are not there", source);
  const char *sources[] = {source};
  status code = model_import(sources, 1, path, options->log, err);
  return code ? code : codec_open(c, path, options, err);
}

status live_model_open(codec **c, const char *name, const char *folder, const log_sink *log,
                       error *err)
{
  unsigned rate_hz, hop_samples, n_channels;
  int width;
  *c = NULL;
  if (sscanf(name, "trial:%u:%u:%u", &rate_hz, &hop_samples, &n_channels) == 3) {
    return trial_codec_open(c, &(trial_options){rate_hz, hop_samples, n_channels, 0});
  }
  if (sscanf(name, "bypass:%u:%u:%u", &rate_hz, &hop_samples, &n_channels) == 3)
    return codec_open_bypass(c, rate_hz, hop_samples, n_channels, err);
  device *dev = NULL;
  status st = device_open(&dev, &(device_options){.kind = COMPUTE_CPU, .n_threads = 1}, err);
  if (st)
    return st;
  const codec_options options = {.dev = dev, .storage = DTYPE_F16, .log = log};
  if (sscanf(name, "seanet:%d", &width) == 1)
    st = open_seanet(c, width, &options, err);
  else if (strcmp(name, "lyra") == 0)
    st = open_lyra(c, folder, &options, err);
  else
    st = codec_open(c, name, &options, err);
  device_unref(dev);
  return st;
}
