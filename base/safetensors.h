// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// .safetensors: a length, a JSON header, then the tensors' bytes. Source: the format section of
/// the safetensors project's README. Files are mapped; nothing in them is trusted. The tensors must
/// tile the data exactly (no overlap, no hole, no trailing byte), as the format demands, so that a
/// truncated file is always noticed. Any thread but the audio thread; an open file is const.
#ifndef CONTINUO_BASE_SAFETENSORS_H
#define CONTINUO_BASE_SAFETENSORS_H

#include "base/element.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/status.h"

/// Metadata key under which our model files keep their config, one JSON object as a string.
#define SAFETENSORS_CONFIG_KEY "continuo"

typedef struct safetensors_tensor {
  const char *name;
  element_type type;
  int rank;                       ///< 0 to ELEMENT_MAX_RANK
  int64_t dims[ELEMENT_MAX_RANK]; ///< row-major, last fastest; entries past `rank` are 0
  const void *data;               ///< of any alignment (foreign files); ours are aligned
  size_t size_bytes;
} safetensors_tensor;

typedef struct safetensors {
  char *path;                  ///< as given, for messages
  file_map map;                ///< empty when read from memory
  json *header;                ///< names and metadata live in it
  safetensors_tensor *tensors; ///< sorted by name
  size_t n_tensors;
} safetensors;

/// Map and check a file. Errors: those of file_map_open; STATUS_FORMAT, STATUS_UNSUPPORTED (element
/// type, rank over ELEMENT_MAX_RANK, header over JSON_MAX_BYTES), STATUS_NO_MEMORY. On failure
/// nothing is left to close.
status safetensors_open(safetensors *st, const char *path, error *err);

/// The same from memory, which must outlive `st`; `source` stands for the path in messages.
status safetensors_read(safetensors *st, const void *data, size_t size_bytes, const char *source,
                        error *err);
void safetensors_close(safetensors *st); ///< harmless when never opened but zeroed

/// Null when there is none of that name.
const safetensors_tensor *safetensors_find(const safetensors *st, const char *name);

/// A metadata string, or null. Lives as long as `st`.
const char *safetensors_metadata(const safetensors *st, const char *key);

/// The config of one of our model files; free with json_free. STATUS_FORMAT when there is none.
status safetensors_config(const safetensors *st, json **config, error *err);

/// Tensor `name`, which must have exactly this shape; looks at nothing else, so it costs nothing to
/// ask before allocating. STATUS_NOT_FOUND, STATUS_FORMAT (naming the expected and the found
/// shape).
status safetensors_expect(const safetensors *st, const char *name, int rank, const int64_t *dims,
                          const safetensors_tensor **t, error *err);

/// Tensor `name`, which must have exactly this shape, converted to f32 into `out` (its element
/// count). Errors: those of safetensors_expect.
status safetensors_read_f32(const safetensors *st, const char *name, int rank, const int64_t *dims,
                            float *out, error *err);

typedef struct safetensors_pair {
  const char *key;
  const char *value;
} safetensors_pair;

/// Write a file, whole or not at all. The bytes depend on the arguments' content only, not their
/// order: metadata by key; tensors by element size, largest first, then by name, which keeps each
/// aligned without holes; the data starts at a multiple of 8 bytes. Errors: those of
/// file_save_open, STATUS_IO, STATUS_NO_MEMORY, STATUS_USAGE (a size that does not fit its shape, a
/// name twice).
status safetensors_save(const char *path, const safetensors_tensor *tensors, size_t n_tensors,
                        const safetensors_pair *metadata, size_t n_metadata, error *err);

/// Identity of a group of tensors: SHA-256 over all whose name starts with one of `prefixes`, in
/// order of name: name and NUL, type name and NUL, rank and dims as 64-bit little-endian, data.
/// An unrelated tensor, metadata or the order in the file do not change it. STATUS_NO_MEMORY.
status safetensors_hash(const safetensors_tensor *tensors, size_t n_tensors,
                        const char *const *prefixes, size_t n_prefixes, char hex[SHA256_HEX_BYTES],
                        error *err);

#endif
