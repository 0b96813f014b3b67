// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Our codec files: one .safetensors whose metadata carries the config, a JSON object:
///
///   kind            "seanet", "lyra": which network it is
///   version         MODEL_FILE_VERSION of the writer
///   name, licence   words; licence "" when nobody has said
///   rate_hz, hop_samples, n_channels, n_codebooks, codebook_size, model_delay_samples
///   encoder_sha256  of the tensors "encoder." and "rvq.": what the meaning of codes rests on
///   decoder_sha256  of the tensors "decoder.": may change and leaves token models valid
///   sources         what it was made from: array of {file, sha256}
///   network         the kind's own object
///
/// Weights are f32 under the names of their layer_set; a normalised one is name.g and name.v.
/// Any thread but the audio thread.
#ifndef CONTINUO_MODELS_MODEL_FILE_H
#define CONTINUO_MODELS_MODEL_FILE_H

#include "base/json.h"
#include "base/json_writer.h"
#include "base/safetensors.h"
#include "models/codec.h"
#include "models/layers.h"

#define MODEL_FILE_VERSION 1

/// What model_file_save writes.
typedef struct model_file_draft {
  const codec_info *info;  ///< streamable, reflect_start and n_parameters are not written
  layer_set *const *parts; ///< tensors with masters
  int n_parts;
  void (*write_network)(json_writer *w, const void *config); ///< members of "network"
  const void *config;
  const char *const *sources; ///< files it was made from: hashed here, named without folder
  int n_sources;
} model_file_draft;

/// Write a model file whole or not at all. Errors: those of safetensors_save, of file_map_open for
/// the sources, STATUS_NO_MEMORY.
status model_file_save(const char *path, const model_file_draft *draft, error *err);

/// The config's common part; checks version and ranges, and the kind where `kind` is not null.
/// `path` is for messages. STATUS_FORMAT, STATUS_UNSUPPORTED (a newer version), both naming file
/// and key.
status model_file_read_info(codec_info *info, const json *config, const char *kind,
                            const char *path, error *err);

/// Tensor `name` of exactly this shape into `out`: a weight, so every value must be a finite
/// number. Errors: those of safetensors_read_f32; STATUS_FORMAT (naming the element).
status model_file_read_weights(const safetensors *st, const char *name, int rank,
                               const int64_t *dims, float *out, error *err);

/// Allocate and fill the masters of every tensor of `set`. STATUS_NOT_FOUND, STATUS_FORMAT (naming
/// tensor, expected and found), STATUS_NO_MEMORY; what was allocated stays with the set.
status model_file_load(const safetensors *st, layer_set *set, error *err);

/// Whether the tensors are those that the config was written for: compares both hashes.
/// STATUS_FORMAT when not, naming the file.
status model_file_check(const safetensors *st, error *err);

#endif
