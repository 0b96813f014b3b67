// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/npy_file.h"

#include "models/io/npy_header.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// ---- whole files -------------------------------------------------------------------------------

status npy_file_read(npy_file *file, const void *data, size_t size_bytes, const char *source,
                     error *err)
{
  *file = (npy_file){0};
  const uint8_t *bytes = data;
  size_t offset = 0;
  size_t text_bytes = 0;
  status s = npy_preamble_read(bytes, size_bytes, source, &offset, &text_bytes, err);
  if (!s && text_bytes > size_bytes - offset) {
    s = error_set(err, STATUS_FORMAT, "%s: .npy header is truncated", source);
  }
  if (!s) {
    s = npy_header_read(&file->shape, (const char *)bytes + offset, text_bytes, source, err);
  }
  if (s) {
    return s;
  }
  offset += text_bytes;
  if (file->shape.size_bytes != size_bytes - offset) {
    return error_set(err, STATUS_FORMAT, "%s: %zu bytes of elements, expected %zu", source,
                     size_bytes - offset, file->shape.size_bytes);
  }
  file->data = bytes + offset;
  return STATUS_OK;
}

status npy_file_open(npy_file *file, const char *path, error *err)
{
  *file = (npy_file){0};
  file_map map;
  status s = file_map_open(&map, path, err);
  if (s) {
    return s;
  }
  s = npy_file_read(file, map.data, map.size_bytes, path, err);
  if (s) {
    file_map_close(&map);
    return s;
  }
  file->map = map;
  return STATUS_OK;
}

void npy_file_close(npy_file *file)
{
  file_map_close(&file->map);
  *file = (npy_file){0};
}

status npy_file_save(const char *path, element_type type, int rank, const int64_t *dims,
                     const void *data, error *err)
{
  npy_writer *w = NULL;
  status s = rank < 1 ? error_set(err, STATUS_USAGE, "%s: .npy of rank %d", path, rank)
                      : npy_writer_open(&w, path, type, rank - 1, dims + 1, err);
  if (s) {
    return s;
  }
  s = npy_writer_write(w, data, (size_t)dims[0], err);
  if (s) {
    npy_writer_abort(w);
    return s;
  }
  return npy_writer_commit(w, err);
}

// ---- reading rows ------------------------------------------------------------------------------

struct npy_reader {
  byte_source source;
  npy_shape shape;
  size_t row_bytes;
  uint64_t left_rows;
};

static status read_exactly(byte_source *source, void *data, size_t size_bytes, error *err)
{
  size_t n_read = 0;
  const status s = byte_source_read(source, data, size_bytes, &n_read, err);
  if (s) {
    return s;
  }
  return n_read == size_bytes
             ? STATUS_OK
             : error_set(err, STATUS_FORMAT, "%s: .npy ends too early", source->name);
}

static status read_header(npy_reader *r, error *err)
{
  uint8_t preamble[NPY_PREAMBLE_BYTES];
  size_t offset = 0;
  size_t text_bytes = 0;
  status s = read_exactly(&r->source, preamble, sizeof preamble, err);
  if (!s) {
    s = npy_preamble_read(preamble, sizeof preamble, r->source.name, &offset, &text_bytes, err);
  }
  if (s) {
    return s;
  }
  char *text = malloc(text_bytes + sizeof preamble);
  if (!text) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for its header", r->source.name);
  }
  const size_t have = sizeof preamble - offset; // of the text, in the preamble of version 1
  memcpy(text, preamble + offset, have);
  s = text_bytes < have ? error_set(err, STATUS_FORMAT, "%s: .npy header is empty", r->source.name)
                        : read_exactly(&r->source, text + have, text_bytes - have, err);
  if (!s) {
    s = npy_header_read(&r->shape, text, text_bytes, r->source.name, err);
  }
  free(text);
  return s;
}

static status check_rows(npy_reader *r, error *err)
{
  if (r->shape.rank < 1) {
    return error_set(err, STATUS_UNSUPPORTED, "%s: .npy of a single number", r->source.name);
  }
  r->left_rows = (uint64_t)r->shape.dims[0];
  // Checked with the whole shape, unless that is empty; then there is nothing to read.
  return element_size(r->shape.type, r->shape.rank - 1, r->shape.dims + 1, &r->row_bytes)
             ? STATUS_OK
             : error_set(err, STATUS_FORMAT, "%s: .npy shape overflows", r->source.name);
}

status npy_reader_open(npy_reader **r, byte_source *source, error *err)
{
  *r = NULL;
  npy_reader *made = calloc(1, sizeof *made);
  if (!made) {
    const status s = error_set(err, STATUS_NO_MEMORY, "%s: no memory to read it", source->name);
    byte_source_close(source);
    return s;
  }
  made->source = *source;
  *source = (byte_source){.fd = -1};
  status s = read_header(made, err);
  if (!s) {
    s = check_rows(made, err);
  }
  if (s) {
    npy_reader_close(made);
    return s;
  }
  *r = made;
  return STATUS_OK;
}

const npy_shape *npy_reader_shape(const npy_reader *r)
{
  return &r->shape;
}

static status check_end(npy_reader *r, error *err)
{
  uint8_t more;
  size_t n_read = 0;
  const status s = byte_source_read(&r->source, &more, 1, &n_read, err);
  return s || n_read == 0
             ? s
             : error_set(err, STATUS_FORMAT, "%s: bytes after the .npy elements", r->source.name);
}

status npy_reader_read(npy_reader *r, void *rows, size_t n_rows, size_t *n_read, error *err)
{
  const size_t n = n_rows < r->left_rows ? n_rows : (size_t)r->left_rows;
  *n_read = 0;
  status s = STATUS_OK;
  if (n > 0 && r->row_bytes > 0) {
    s = read_exactly(&r->source, rows, n * r->row_bytes, err);
  }
  if (s) {
    return s;
  }
  r->left_rows -= n;
  *n_read = n;
  return r->left_rows == 0 ? check_end(r, err) : STATUS_OK;
}

void npy_reader_close(npy_reader *r)
{
  if (r) {
    byte_source_close(&r->source);
    free(r);
  }
}

// ---- writing rows ------------------------------------------------------------------------------

struct npy_writer {
  byte_sink sink;
  npy_shape shape; // dims[0]: rows so far
  size_t row_bytes;
};

static status write_failed(const npy_writer *w, error *err)
{
  return error_set(err, STATUS_IO, "%s: cannot write: %s", w->sink.name, strerror(errno));
}

// The header is written twice, at the start and, with the number of rows, at the end.
static status write_header(npy_writer *w, const char *path, error *err)
{
  uint8_t header[NPY_WRITTEN_BYTES];
  const status s = npy_header_write(header, &w->shape, path, err);
  if (s) {
    return s;
  }
  if (fseek(w->sink.stream, 0, SEEK_SET) != 0) {
    return error_set(err, STATUS_UNSUPPORTED,
                     "%s: a .npy file begins with its length, so it cannot go to a pipe", path);
  }
  return fwrite(header, 1, sizeof header, w->sink.stream) == sizeof header ? STATUS_OK
                                                                           : write_failed(w, err);
}

static status begin(npy_writer *w, const char *path, error *err)
{
  status s = byte_sink_open(&w->sink, path, false, err);
  if (s) {
    return s;
  }
  s = write_header(w, path, err);
  if (s) {
    byte_sink_abort(&w->sink);
  }
  return s;
}

status npy_writer_open(npy_writer **w, const char *path, element_type type, int row_rank,
                       const int64_t *row_dims, error *err)
{
  *w = NULL;
  npy_writer *made = calloc(1, sizeof *made);
  if (!made) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to write it", path);
  }
  made->shape.type = type;
  made->shape.rank = row_rank + 1;
  status s = STATUS_OK;
  if (row_rank < 0 || row_rank >= ELEMENT_MAX_RANK ||
      !element_size(type, row_rank, row_dims, &made->row_bytes)) {
    s = error_set(err, STATUS_USAGE, "%s: rows of rank %d cannot be written", path, row_rank);
  }
  for (int i = 0; !s && i < row_rank; ++i) {
    made->shape.dims[i + 1] = row_dims[i];
  }
  if (!s) {
    s = begin(made, path, err);
  }
  if (s) {
    free(made);
    return s;
  }
  *w = made;
  return STATUS_OK;
}

status npy_writer_write(npy_writer *w, const void *rows, size_t n_rows, error *err)
{
  if (n_rows > 0 && w->row_bytes > 0 &&
      fwrite(rows, w->row_bytes, n_rows, w->sink.stream) != n_rows) {
    return write_failed(w, err);
  }
  w->shape.dims[0] += (int64_t)n_rows;
  return STATUS_OK;
}

status npy_writer_commit(npy_writer *w, error *err)
{
  status s = write_header(w, w->sink.name, err);
  if (s) {
    byte_sink_abort(&w->sink);
  } else {
    s = byte_sink_commit(&w->sink, err);
  }
  free(w);
  return s;
}

void npy_writer_abort(npy_writer *w)
{
  if (w) {
    byte_sink_abort(&w->sink);
    free(w);
  }
}
