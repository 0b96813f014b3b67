// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/codec_seanet.h"

#include "models/codec_network.h"
#include "models/seanet_file.h"

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
  parts.base.info = seanet_info(net);
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

status codec_open_seanet_file(codec **c, const char *path, const codec_options *options, error *err)
{
  seanet *net = NULL;
  *c = NULL;
  status code = seanet_load(&net, path, err);
  if (code == STATUS_OK) {
    code = codec_open_seanet(c, net, options, err);
    if (code != STATUS_OK) {
      seanet_free(net, options->dev);
      error_prefix(err, "%s", path);
    }
  }
  return code;
}
