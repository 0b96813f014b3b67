// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The tensors of a model file: from weights to what is stored, and back to f32 masters. What is
/// stored smaller is only ever matrices: vectors and codebooks stay f32, so that a file's f16 form
/// plays to the bit as its f32 form does where f16 is computed with, and codes mean the same in
/// every form. Any thread but the audio thread.
#ifndef CONTINUO_MODELS_MODEL_TENSORS_H
#define CONTINUO_MODELS_MODEL_TENSORS_H

#include "base/safetensors.h"
#include "models/layers.h"

/// How the matrices are stored.
typedef enum model_storage {
  MODEL_F32,
  MODEL_F16,  ///< half to even; a value beyond f16's range is refused
  MODEL_BF16, ///< half to even
  MODEL_INT8, ///< codes of -127 to 127, and for each of the first dimension a f32 in "NAME.scale"
} model_storage;

/// In the enum's order, a null pointer after the last.
extern const char *const model_storage_words[];

/// Tensors of a file to be.
typedef struct model_tensors {
  safetensors_tensor *tensors;
  size_t count;
  void *names; ///< that the weights do not hold themselves
  void *block; ///< values in their stored form
} model_tensors;

/// List all of `layers`, which must have masters; f32 values stay the weights' own.
/// STATUS_NO_MEMORY, STATUS_USAGE (a value that the type cannot hold, naming the tensor).
/// `model_tensors_free` in any case.
status model_tensors_make(model_tensors *list, codec_layers layers, model_storage storage,
                          error *err);
void model_tensors_free(model_tensors *list);

/// Tensor `name` of exactly this shape into `out`, whatever form it is stored in: a weight, so
/// every value must be a finite number. Errors: those of safetensors_read_f32, for the scales of
/// int8 too; STATUS_FORMAT (naming the element).
status model_tensors_read(const safetensors *st, const char *name, int rank, const int64_t *dims,
                          float *out, error *err);

#endif
