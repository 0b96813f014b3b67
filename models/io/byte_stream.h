// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Where readers and writers of streams get their bytes from and put them: a file, a pipe, a
/// device, or "-" for standard input and output. Any thread but the audio thread.
#ifndef CONTINUO_MODELS_IO_BYTE_STREAM_H
#define CONTINUO_MODELS_IO_BYTE_STREAM_H

#include "base/file.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define BYTE_SOURCE_PEEK_BYTES 16

typedef struct byte_source {
  int fd;     ///< -1: closed
  char *name; ///< as messages name it
  uint8_t peeked[BYTE_SOURCE_PEEK_BYTES];
  size_t n_peeked, n_taken; ///< bytes in `peeked`, and how many of them were read since
} byte_source;

/// Open `path`, or standard input for "-" (closing leaves that open). STATUS_NOT_FOUND, STATUS_IO
/// (unreadable, a folder), STATUS_NO_MEMORY.
status byte_source_open(byte_source *s, const char *path, error *err);
void byte_source_close(byte_source *s); ///< harmless when closed

/// Read until `size_bytes` or the present end; `*n_read` tells. A file that grows gives more later.
status byte_source_read(byte_source *s, void *data, size_t size_bytes, size_t *n_read, error *err);

/// The same with one read at most: from a pipe, what has come so far, waiting only for the first.
status byte_source_read_some(byte_source *s, void *data, size_t size_bytes, size_t *n_read,
                             error *err);

/// The first bytes, without taking them; before any read. `*n_peeked` is less than
/// BYTE_SOURCE_PEEK_BYTES where the source ends before.
status byte_source_peek(byte_source *s, const uint8_t **data, size_t *n_peeked, error *err);

/// The first bytes of a pipe, left in it for whoever reads the descriptor; waits for the first.
/// Returns how many (0 where this is no pipe).
size_t byte_source_look(const byte_source *s, void *data, size_t size_bytes);

/// Put the rest of the source into an unnamed temporary file, and go on from there: for readers
/// that must seek. STATUS_IO.
status byte_source_spool(byte_source *s, error *err);

typedef struct byte_sink {
  FILE *stream; ///< write here; null: closed
  char *name;   ///< as messages name it
  bool direct;  ///< no temporary name: a pipe, a device, or a file to be read while it grows
  file_save save;
} byte_sink;

/// Open `path` under a temporary name beside it, as base/file.h does; or directly where it is "-"
/// (standard output), a pipe or a device, or when `growing`: readable while being written, at the
/// price that a failure leaves what was written so far.
status byte_sink_open(byte_sink *s, const char *path, bool growing, error *err);

/// Would `path` be opened directly, being "-", a pipe or a device?
bool byte_sink_is_direct(const char *path);

/// Everything is written, and stands under the final name. STATUS_IO otherwise, and then nothing
/// does (unless direct). Closes the sink either way.
status byte_sink_commit(byte_sink *s, error *err);
void byte_sink_abort(byte_sink *s); ///< give up; harmless when closed

#endif
