// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The header of .npy files, for npy_file.c.
#ifndef CONTINUO_MODELS_IO_NPY_HEADER_H
#define CONTINUO_MODELS_IO_NPY_HEADER_H

#include "models/io/npy_file.h"

#define NPY_PREAMBLE_BYTES 12 ///< magic, version and the longest length field
#define NPY_MAX_HEADER_BYTES 65536

/// Where the header's text stands, told from the first NPY_PREAMBLE_BYTES (or fewer, at the end of
/// a short file). STATUS_FORMAT, STATUS_UNSUPPORTED.
status npy_preamble_read(const uint8_t *bytes, size_t n_bytes, const char *source,
                         size_t *text_offset, size_t *text_bytes, error *err);

/// Parse the header's text: a Python dict of descr, fortran_order and shape.
status npy_header_read(npy_shape *shape, const char *text, size_t text_bytes, const char *source,
                       error *err);

/// A version 1 header of exactly NPY_WRITTEN_BYTES for any row count.
#define NPY_WRITTEN_BYTES 384
status npy_header_write(uint8_t bytes[NPY_WRITTEN_BYTES], const npy_shape *shape, const char *path,
                        error *err);

#endif
