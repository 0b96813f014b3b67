// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// NumPy's .npy: a header that names type and shape, then the elements. Versions 1 to 3, C order,
/// little-endian. Codes are u16 [steps, n_codebooks]. Source: the format's description in NumPy's
/// manual (numpy.lib.format). Whole files are mapped; streams are read and written row by row (a
/// row: everything but the first dimension). Any thread but the audio thread.
#ifndef CONTINUO_MODELS_IO_NPY_FILE_H
#define CONTINUO_MODELS_IO_NPY_FILE_H

#include "base/element.h"
#include "base/file.h"
#include "base/status.h"
#include "models/io/byte_stream.h"

#include <stddef.h>
#include <stdint.h>

/// What a header says.
typedef struct npy_shape {
  element_type type; ///< all but bf16
  int rank;          ///< 0 to ELEMENT_MAX_RANK
  int64_t dims[ELEMENT_MAX_RANK];
  size_t size_bytes; ///< of the elements
} npy_shape;

typedef struct npy_file {
  npy_shape shape;
  const void *data; ///< aligned to 16 bytes or more in files of version 1 to 3 as NumPy writes them
  file_map map;     ///< empty when read from memory
} npy_file;

/// Map and check a file. Errors: those of file_map_open; STATUS_FORMAT (also a file that is longer
/// or shorter than its header says); STATUS_UNSUPPORTED (big-endian, Fortran order, other types,
/// rank over ELEMENT_MAX_RANK, a later version). On failure nothing is left to close.
status npy_file_open(npy_file *file, const char *path, error *err);

/// The same from memory, which must outlive `file`.
status npy_file_read(npy_file *file, const void *data, size_t size_bytes, const char *source,
                     error *err);
void npy_file_close(npy_file *file);

/// Write [dims] elements, whole or not at all. rank 1 to ELEMENT_MAX_RANK. Errors: those of
/// npy_writer.
status npy_file_save(const char *path, element_type type, int rank, const int64_t *dims,
                     const void *data, error *err);

typedef struct npy_reader npy_reader;

/// Read the header from `source`, which the reader takes over, also when this fails. The errors of
/// npy_file_open; STATUS_UNSUPPORTED for rank 0.
status npy_reader_open(npy_reader **r, byte_source *source, error *err);
const npy_shape *npy_reader_shape(const npy_reader *r);

/// Up to `n_rows` rows; `*n_read` is less only at the end. STATUS_FORMAT when the elements end
/// before the shape says or go on after it, STATUS_IO.
status npy_reader_read(npy_reader *r, void *rows, size_t n_rows, size_t *n_read, error *err);
void npy_reader_close(npy_reader *r); ///< null is fine

typedef struct npy_writer npy_writer;

/// Rows of shape [row_dims] (row_rank 0 to ELEMENT_MAX_RANK - 1), as many as come. The header holds
/// their number, so `path` must be seekable: STATUS_UNSUPPORTED for a pipe. STATUS_USAGE (bf16),
/// STATUS_NOT_FOUND, STATUS_IO, STATUS_NO_MEMORY.
status npy_writer_open(npy_writer **w, const char *path, element_type type, int row_rank,
                       const int64_t *row_dims, error *err);
status npy_writer_write(npy_writer *w, const void *rows, size_t n_rows, error *err); ///< STATUS_IO

/// Finish; the file stands under its name, or nothing does. Frees the writer either way.
status npy_writer_commit(npy_writer *w, error *err);
void npy_writer_abort(npy_writer *w); ///< null is fine

#endif
