// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Lyra behind models/codec.h.
#ifndef CONTINUO_MODELS_CODEC_LYRA_H
#define CONTINUO_MODELS_CODEC_LYRA_H

#include "models/codec.h"
#include "models/lyra.h"

/// Make a codec of a network with values, which it owns from then on (on failure the caller still
/// does). Packs the weights in `options->storage` and frees their masters. Errors: those of
/// codec_network_new.
status codec_open_lyra(codec **c, lyra *net, const codec_options *options, error *err);

/// The same from a model file of kind "lyra"; also the errors of lyra_load.
status codec_open_lyra_file(codec **c, const char *path, const codec_options *options, error *err);

#endif
