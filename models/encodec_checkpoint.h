// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// EnCodec's weights as others publish them: the original's .th (a PyTorch file) or a Hugging Face
/// folder's model.safetensors or pytorch_model.bin with its config.json. Says what network it is
/// and what each layer's tensors are called. For import_encodec.c. Any thread but the audio thread.
#ifndef CONTINUO_MODELS_ENCODEC_CHECKPOINT_H
#define CONTINUO_MODELS_ENCODEC_CHECKPOINT_H

#include "base/safetensors.h"
#include "models/io/torch_file.h"
#include "models/seanet.h"

#define ENCODEC_NAME_BYTES 256

typedef struct encodec_checkpoint {
  const char *path;        ///< of the weights, lent by the caller
  const char *config_path; ///< of config.json, or null
  safetensors tensors;     ///< owns a safetensors file, or borrows the list of `torch`
  torch_file torch;        ///< zero unless the weights are a PyTorch file
  bool hugging_face;       ///< how the tensors are named
  char prefix[64];         ///< before every name, with its dot: "best_state."
} encodec_checkpoint;

/// What a file is, by its content.
typedef enum encodec_file {
  ENCODEC_FILE_OTHER,
  ENCODEC_FILE_SAFETENSORS, ///< that holds an EnCodec's tensors
  ENCODEC_FILE_TORCH,       ///< any PyTorch file, also one from before 1.6
  ENCODEC_FILE_CONFIG,      ///< Hugging Face's config.json of an EnCodec
} encodec_file;
encodec_file encodec_file_kind(const char *path); ///< OTHER also when it cannot be read

/// Open the weights among `paths`, safetensors rather than PyTorch's where both are. Errors: those
/// of safetensors_open and torch_file_open; STATUS_UNSUPPORTED (a file that is none of these,
/// weights in several files); STATUS_FORMAT (no EnCodec in it). On failure nothing is left to
/// close.
status encodec_checkpoint_open(encodec_checkpoint *cp, const char *const *paths, int n_paths,
                               error *err);
void encodec_checkpoint_close(encodec_checkpoint *cp); ///< harmless when zeroed

/// The network's config: from config.json, else from the tensors' shapes, for what no shape tells
/// taking the published 24 kHz (mono, weight normalisation) or 48 kHz (stereo, group norm) model.
/// STATUS_FORMAT, STATUS_UNSUPPORTED, both naming file and what was found.
status encodec_checkpoint_config(const encodec_checkpoint *cp, seanet_config *config, error *err);

typedef enum encodec_part {
  ENCODEC_CONV,
  ENCODEC_CONV_NORM,
  ENCODEC_CONV_TRANSPOSED,
  ENCODEC_CONV_TRANSPOSED_NORM,
  ENCODEC_LSTM,
} encodec_part;

/// Name, without the tensor's own last part, of layer `index` of `half` ("encoder", "decoder");
/// `inside` is "", ".block.1", ".block.3" or ".shortcut". Returns `name`.
const char *encodec_layer_name(const encodec_checkpoint *cp, char name[ENCODEC_NAME_BYTES],
                               const char *half, int index, const char *inside, encodec_part part);

/// Name of codebook `k`'s entries.
const char *encodec_codebook_name(const encodec_checkpoint *cp, char name[ENCODEC_NAME_BYTES],
                                  int k);

/// "<layer><suffix>", or null when that is no tensor.
const safetensors_tensor *encodec_find(const encodec_checkpoint *cp, const char *layer,
                                       const char *suffix);

/// The weight itself, or its direction under either spelling of weight normalisation; null: none.
const safetensors_tensor *encodec_find_weight(const encodec_checkpoint *cp, const char *layer);

/// The length of a normalised weight under either spelling, or null.
const safetensors_tensor *encodec_find_norm(const encodec_checkpoint *cp, const char *layer);

#endif
