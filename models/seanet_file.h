// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// SEANet to and from a model file (models/model_file.h). Its "network" object:
///
///   latent_dim, strides    integers, array of integers from the sample rate downwards
///   encoder, decoder       objects: width, kernel_in, kernel_out, kernel_residual, n_residual,
///                          dilation_base, compress, n_lstm
///   true_skip, causal      booleans
///   pad                    "zero", "reflect", "replicate"
///   norm                   "none", "weight", "time_group"
///   act, act_slope, order  "elu", "leaky_relu", ...; a number; "act_first", "act_last"
///   chunk_samples, chunk_stride_samples   integers, 0 for a stream
///
/// Any thread but the audio thread.
#ifndef CONTINUO_MODELS_SEANET_FILE_H
#define CONTINUO_MODELS_SEANET_FILE_H

#include "models/codec.h"
#include "models/model_file.h"
#include "models/seanet.h"

/// The config's words in the order of their enums, a null pointer after the last.
extern const char *const seanet_pad_words[],
    *const seanet_norm_words[], *const seanet_act_words[], *const seanet_order_words[];

/// What a network is as a codec.
codec_info seanet_info(const seanet *net);

/// Write `net`, which must have masters; `sources` are the files it came from. Errors: those of
/// model_file_save.
status seanet_save(seanet *net, const char *path, const char *const *sources, int n_sources,
                   error *err);

/// The same with everything that can be said of where it comes from.
status seanet_save_from(seanet *net, const char *path, const model_origin *origin, error *err);

/// Read a network with masters. On failure `*net` is null. Errors: those of model_file_open
/// and model_file_load; STATUS_FORMAT (also a config that makes no sense), STATUS_UNSUPPORTED.
status seanet_load(seanet **net, const char *path, error *err);

#endif
