// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/codec_lyra.h"

#include "models/codec_network.h"
#include "models/lyra_file.h"

static tensor encode_forward(run *r, const void *net, tensor audio, stream_memory *m)
{
  return lyra_encode_forward(r, net, audio, m);
}

static tensor decode_forward(run *r, const void *net, tensor latents, stream_memory *m)
{
  return lyra_decode_forward(r, net, latents, m);
}

static void net_free(void *net, device *dev)
{
  lyra_free(net, dev);
}

/// Packs what `options` asks for, and the codebooks; then no master is needed any more.
static status pack(lyra *net, const codec_network *parts, const codec_options *options, error *err)
{
  status code = layer_set_refresh(&net->codebooks, options->dev, options->storage, err);
  if (code == STATUS_OK && parts->has_encoder) {
    code = layer_set_refresh(&net->encoder.set, options->dev, options->storage, err);
  }
  if (code == STATUS_OK && parts->has_decoder) {
    code = layer_set_refresh(&net->decoder.set, options->dev, options->storage, err);
  }
  return code;
}

status codec_open_lyra(codec **c, lyra *net, const codec_options *options, error *err)
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
                         .pads_audio = true,
                         .encode_forward = encode_forward,
                         .decode_forward = decode_forward,
                         .net_free = net_free};
  parts.base.info = lyra_info(net);
  status code = pack(net, &parts, options, err);
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

status codec_open_lyra_file(codec **c, const char *path, const codec_options *options, error *err)
{
  lyra *net = NULL;
  *c = NULL;
  status code = lyra_load(&net, path, err);
  if (code == STATUS_OK) {
    code = codec_open_lyra(c, net, options, err);
    if (code != STATUS_OK) {
      lyra_free(net, options->dev);
      error_prefix(err, "%s", path);
    }
  }
  return code;
}
