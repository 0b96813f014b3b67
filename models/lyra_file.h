// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Lyra's network to and from a model file (models/model_file.h). Its "network" object holds
/// latent_dim, width, stride_in and strides. Any thread but the audio thread.
#ifndef CONTINUO_MODELS_LYRA_FILE_H
#define CONTINUO_MODELS_LYRA_FILE_H

#include "models/codec.h"
#include "models/lyra.h"

/// What a network is as a codec.
codec_info lyra_info(const lyra *net);

/// Write `net`, which must have masters; `sources` are the files it came from. Errors: those of
/// model_file_save.
status lyra_save(lyra *net, const char *path, const char *const *sources, int n_sources,
                 error *err);

/// Read a network with masters. On failure `*net` is null. Errors: those of model_file_open
/// and model_file_load; STATUS_FORMAT (also a config that makes no sense), STATUS_UNSUPPORTED.
status lyra_load(lyra **net, const char *path, error *err);

#endif
