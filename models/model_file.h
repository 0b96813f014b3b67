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
///   attribution     words: whose work it rests on; only where somebody must be named
///   training        of what was trained here: {program, steps, audio_seconds, averaged,
///                   set_sha256, recipe}; absent from what was imported
///   network         the kind's own object
///
/// Weights stand under the names of their layer_set; a normalised one is name.g and name.v. How
/// they are stored is models/model_tensors.h; the hashes are of what is stored.
/// Any thread but the audio thread.
#ifndef CONTINUO_MODELS_MODEL_FILE_H
#define CONTINUO_MODELS_MODEL_FILE_H

#include "base/json.h"
#include "base/json_writer.h"
#include "base/safetensors.h"
#include "models/codec.h"
#include "models/layers.h"
#include "models/model_tensors.h"

#define MODEL_FILE_VERSION 1

/// How a network was trained.
typedef struct model_training {
  const char *program;    ///< with its version
  int64_t steps;          ///< that the weights have seen
  double audio_seconds;   ///< heard in them
  bool averaged;          ///< the weights are running averages
  const char *set_sha256; ///< of the set's index; null: not known
  const char *recipe;     ///< its whole text
} model_training;

/// Where a network comes from, and how much of it is kept; all zero: nothing is said, f32.
typedef struct model_origin {
  const char *const *sources; ///< files it was made from: hashed here, named without folder
  int n_sources;
  const model_training *training; ///< null: none
  const char *attribution;        ///< null: none
  model_storage storage;
} model_origin;

/// What model_file_save writes.
typedef struct model_file_draft {
  const codec_info *info; ///< streamable, reflect_start and n_parameters are not written
  codec_layers layers;    ///< with masters
  void (*write_network)(json_writer *w, const void *config); ///< members of "network"
  const void *config;
  const model_origin *origin; ///< may be null
} model_file_draft;

/// Write a model file whole or not at all. Errors: those of safetensors_save, of file_map_open for
/// the sources, of model_tensors_make.
status model_file_save(const char *path, const model_file_draft *draft, error *err);

/// The config's common part; checks version and ranges, and the kind where `kind` is not null.
/// `path` is for messages. STATUS_FORMAT, STATUS_UNSUPPORTED (a newer version), both naming file
/// and key.
status model_file_read_info(codec_info *info, const json *config, const char *kind,
                            const char *path, error *err);

/// A file while a kind makes its network of it: open, make a network of `info` and `network`, load,
/// close.
typedef struct model_file {
  safetensors tensors;
  json *config;
  codec_info info;     ///< what the config promises
  const json *network; ///< the kind's own object, of `config`
} model_file;

/// Open a file of kind `kind`. Errors: those of safetensors_open and model_file_read_info; nothing
/// is to be closed then.
status model_file_open(model_file *file, const char *path, const char *kind, error *err);
void model_file_close(model_file *file);

/// Put the file's name before `why`, for which no network could be made of it, into `err`. Returns
/// its code, a meaningless config (STATUS_USAGE) being the file's fault: STATUS_FORMAT.
status model_file_reject(const model_file *file, const error *why, error *err);

/// Allocate and fill the masters of `layers`, those of a network that is the codec `made`.
/// STATUS_FORMAT when the config promises another codec, or its hashes other tensors, or naming
/// tensor, expected and found; STATUS_NOT_FOUND, STATUS_NO_MEMORY. What was allocated stays.
status model_file_load(const model_file *file, const codec_info *made, codec_layers layers,
                       error *err);

#endif
