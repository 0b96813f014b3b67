// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A stored zip archive made in memory, so that tests and fuzzers can put any pickle and storage
/// into one. Checksums are left zero.
#ifndef CONTINUO_TESTS_MODELS_STORED_ZIP_H
#define CONTINUO_TESTS_MODELS_STORED_ZIP_H

#include <stddef.h>
#include <stdint.h>

typedef struct stored_zip {
  uint8_t *bytes; ///< the archive, once finished
  size_t n_bytes;
  size_t capacity;
  uint8_t directory[1024];
  size_t n_directory_bytes;
  unsigned n_entries;
} stored_zip;

/// Room for entries of `content_bytes` in all. Aborts without memory.
void stored_zip_init(stored_zip *zip, size_t content_bytes);
void stored_zip_add(stored_zip *zip, const char *name, const void *data, size_t n_bytes);
void stored_zip_finish(stored_zip *zip);
void stored_zip_free(stored_zip *zip);

#endif
