// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/codec_seanet.h"

#include "models/codec_network.h"

#include <stdio.h>

static tensor encode_forward(run *r, const void *net, tensor audio, stream_memory *m)
{
  return seanet_encode_forward(r, net, audio, m);
}

static tensor decode_forward(run *r, const void *net, tensor latents, stream_memory *m)
{
  return seanet_decode_forward(r, net, latents, m);
}

static void net_free(void *net, device *dev)
{
  seanet_free(net, dev);
}

static void fill_info(codec_info *info, const seanet *net)
{
  const seanet_config *config = &net->config;
  *info = (codec_info){.kind = "seanet",
                       .rate_hz = config->rate_hz,
                       .hop_samples = (uint32_t)seanet_hop_samples(config),
                       .n_channels = (uint32_t)config->n_channels,
                       .n_codebooks = (uint32_t)config->n_codebooks,
                       .codebook_size = (uint32_t)config->codebook_size,
                       .streamable = seanet_streamable(config),
                       .chunk_samples = (uint32_t)config->chunk_samples,
                       .chunk_stride_samples = (uint32_t)config->chunk_stride_samples,
                       .reflect_start = config->pad == PAD_REFLECT};
  snprintf(info->name, sizeof info->name, "%s", config->name);
  snprintf(info->licence, sizeof info->licence, "%s", config->licence);
  info->n_parameters = layer_set_count(&net->encoder.set) + layer_set_count(&net->codebooks) +
                       layer_set_count(&net->decoder.set);
}

status codec_open_seanet(codec **c, seanet *net, const codec_options *options, error *err)
{
  *c = NULL;
  const bool both = options->encoder == options->decoder;
  codec_network parts = {.dev = options->dev,
                         .net = net,
                         .encoder = &net->encoder.set,
                         .decoder = &net->decoder.set,
                         .quantiser = &net->quantiser,
                         .has_encoder = both || options->encoder,
                         .has_decoder = both || options->decoder,
                         .encode_forward = encode_forward,
                         .decode_forward = decode_forward,
                         .net_free = net_free};
  fill_info(&parts.base.info, net);
  status code = layer_set_refresh(&net->codebooks, options->dev, options->storage, err);
  if (code == STATUS_OK && parts.has_encoder) {
    code = layer_set_refresh(&net->encoder.set, options->dev, options->storage, err);
  }
  if (code == STATUS_OK && parts.has_decoder) {
    code = layer_set_refresh(&net->decoder.set, options->dev, options->storage, err);
  }
  if (code == STATUS_OK) {
    code = codec_network_new(c, &parts, err);
  }
  if (code == STATUS_OK) {
    layer_set_drop_masters(&net->encoder.set);
    layer_set_drop_masters(&net->codebooks);
    layer_set_drop_masters(&net->decoder.set);
  }
  return code;
}
