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

status codec_open_lyra(codec **c, lyra *net, const codec_options *options, error *err)
{
  const codec_network parts = {.base.info = lyra_info(net),
                               .net = net,
                               .layers = lyra_layers(net),
                               .quantiser = &net->quantiser,
                               .pads_audio = true,
                               .encode_forward = encode_forward,
                               .decode_forward = decode_forward,
                               .net_free = net_free};
  return codec_network_new(c, &parts, options, err);
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
