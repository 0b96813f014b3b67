// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// PyTorch files (.th, .pt, .bin) as torch.save has written them since version 1.6: a zip archive
/// of a pickle and one stored entry per storage. Tensors and plain values only, through the closed
/// interpreter of pickle.h; nothing in the file is trusted or run. Source: the serialization notes
/// of the PyTorch manual. Any thread but the audio thread; an open file is const.
///
/// Nested dicts and lists are flattened: {"best_state": {"a.weight": t}} holds the tensor
/// "best_state.a.weight", [t] the tensor "0", and a file that is one tensor the tensor "".
#ifndef CONTINUO_MODELS_IO_TORCH_FILE_H
#define CONTINUO_MODELS_IO_TORCH_FILE_H

#include "base/file.h"
#include "base/safetensors.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum torch_scalar_kind {
  TORCH_NONE,
  TORCH_BOOL,
  TORCH_INTEGER,
  TORCH_NUMBER,
  TORCH_STRING,
} torch_scalar_kind;

/// A value beside the tensors: hyperparameters, a version, a name.
typedef struct torch_scalar {
  const char *name;
  torch_scalar_kind kind;
  int64_t integer;    ///< also 0 or 1 of a bool
  double number;      ///< also of an integer
  const char *string; ///< UTF-8; null unless a string
} torch_scalar;

typedef struct torch_file {
  char *path;                  ///< as given, for messages
  file_map map;                ///< empty when read from memory
  safetensors_tensor *tensors; ///< sorted by name; contiguous, of any alignment
  size_t n_tensors;
  torch_scalar *scalars; ///< sorted by name
  size_t n_scalars;
  void **owned; ///< names, strings and what had to be made contiguous
  size_t n_owned;
  size_t owned_capacity;
} torch_file;

/// Map and check a file; the checksum of every entry used is verified. Errors: those of
/// file_map_open; STATUS_FORMAT; STATUS_UNSUPPORTED (a file from before 1.6, a compressed archive,
/// a class or opcode that is not on the list, rank over ELEMENT_MAX_RANK, tensors that would grow
/// when made contiguous); STATUS_NO_MEMORY. On failure nothing is left to close.
status torch_file_open(torch_file *file, const char *path, error *err);

/// The same from memory, which must outlive `file`; without `checksums` damaged entries pass, which
/// only a fuzzer wants.
status torch_file_read(torch_file *file, const void *data, size_t size_bytes, bool checksums,
                       const char *source, error *err);
void torch_file_close(torch_file *file); ///< harmless when zeroed

/// Null when there is none of that name.
const safetensors_tensor *torch_file_find(const torch_file *file, const char *name);
const torch_scalar *torch_file_find_scalar(const torch_file *file, const char *name);

#endif
