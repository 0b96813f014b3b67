// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A JSON writer to a growing buffer or a stream, for `--json` and for configs in model files.
/// Errors are sticky: write everything, ask once at the end. Any thread but the audio thread.
///
///   json_writer w;
///   json_writer_init(&w, stdout);
///   json_begin_object(&w, NULL);
///   json_write_integer(&w, "hop_samples", 320);
///   json_end_object(&w);
///   status s = json_writer_finish(&w, err);
///   json_writer_free(&w);
#ifndef CONTINUO_BASE_JSON_WRITER_H
#define CONTINUO_BASE_JSON_WRITER_H

#include "base/json.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct json_writer {
  FILE *stream;                   ///< where to, or null: the buffer below
  char *data;                     ///< NUL-terminated after finish; freed by json_writer_free
  size_t size_bytes;              ///< written so far, without the NUL
  size_t capacity_bytes;          ///< of `data`
  status failed;                  ///< first failure: STATUS_NO_MEMORY, _IO, _INTERNAL (misuse)
  int depth;                      ///< open brackets
  char close[JSON_MAX_DEPTH + 1]; ///< closing bracket of each
  bool has_children[JSON_MAX_DEPTH + 1]; ///< of each open bracket, [0] of the document
} json_writer;

void json_writer_init(json_writer *w, FILE *stream);

/// In every call `key` names the member of the object being written and is null elsewhere.
/// Strings are UTF-8; a byte that is not is written as U+FFFD (file names may hold such).
void json_begin_object(json_writer *w, const char *key);
void json_end_object(json_writer *w);
void json_begin_array(json_writer *w, const char *key);
void json_end_array(json_writer *w);
void json_write_string(json_writer *w, const char *key, const char *value); ///< null writes null
void json_write_integer(json_writer *w, const char *key, int64_t value);
void json_write_number(json_writer *w, const char *key, double value); ///< NaN, infinity: null
void json_write_bool(json_writer *w, const char *key, bool value);
void json_write_null(json_writer *w, const char *key);

/// End the document (with a newline on a stream, a NUL in a buffer). STATUS_NO_MEMORY, STATUS_IO,
/// STATUS_INTERNAL (brackets or keys do not match).
status json_writer_finish(json_writer *w, error *err);
void json_writer_free(json_writer *w);

#endif
