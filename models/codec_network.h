// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A codec that is a network: an encoder, a residual quantiser, a decoder, each a layer_set with a
/// forward. What every such kind (SEANet, Lyra) shares stands here once: streams' memory, starts,
/// snapshots, the arena of a step. A kind brings its network and its model file.
#ifndef CONTINUO_MODELS_CODEC_NETWORK_H
#define CONTINUO_MODELS_CODEC_NETWORK_H

#include "models/codec_internal.h"
#include "models/layers.h"
#include "models/rvq.h"

typedef struct codec_network {
  codec base; ///< base.info is the kind's to fill
  void *net;  ///< the kind's network, with masters; const once it is a codec
  codec_layers layers;
  const rvq *quantiser;
  bool pads_audio; ///< a last, partial hop is filled with zeros; else the layers pad it themselves

  /// audio [n, T, channels] -> latents [n, T / hop, D]
  tensor (*encode_forward)(run *r, const void *net, tensor audio, stream_memory *m);
  /// latents [n, T, D] -> audio [n, T hop, channels]
  tensor (*decode_forward)(run *r, const void *net, tensor latents, stream_memory *m);
  void (*net_free)(void *net, device *dev);

  // Filled in by codec_network_new.
  device *dev;                   ///< of the network's compute forms; referenced
  bool has_encoder, has_decoder; ///< halves whose weights are loaded
  float *codebooks;              ///< host, [n_codebooks, size, dim], as the file has them
} codec_network;

/// Make a codec of `parts` (copied): packs the halves that `options` asks for and the codebooks,
/// then frees every master. It owns `parts->net` from then on; on failure the caller still does.
/// Errors: those of weight_refresh; STATUS_NO_MEMORY; STATUS_UNSUPPORTED on a device that computes
/// in double.
///
/// The codec's calls set flush-to-zero in the calling thread, so that every thread gets the same
/// bits. A state whose streams start at the same call must start them alike (zero or reflect), and
/// a reflect start needs `layer_set.reflect_steps` steps in its first call unless that is the last
/// one: else codec_encode and codec_decode return STATUS_USAGE and do nothing.
status codec_network_new(codec **c, const codec_network *parts, const codec_options *options,
                         error *err);

#endif
