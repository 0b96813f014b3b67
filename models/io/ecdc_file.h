// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// `.ecdc`: the files of the published EnCodec program, byte for byte, without its entropy coder
/// (`lm: true` is refused). Source: facts of encodec 0.1.1, compress.py and binary.py: a big-endian
/// head, JSON, then per segment a scale (48 kHz only) and 10-bit codes from the lowest bit up, each
/// segment filled to a whole byte.
///
/// The published reader computes a segment's steps in floating point and so expects one too many
/// for some lengths that are whole steps (21, 42, 51, ... steps): it cannot read those files of its
/// own either. Here they are ceil(samples / hop), as the published writer stores.
///
/// Any thread but the audio thread, one at a time per object. Constant memory.
#ifndef CONTINUO_MODELS_IO_ECDC_FILE_H
#define CONTINUO_MODELS_IO_ECDC_FILE_H

#include "base/status.h"
#include "models/io/byte_stream.h"
#include "models/io/code_info.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ecdc_writer ecdc_writer;

/// `info` must name the model encodec_24khz or encodec_48khz and its rate, hop, channels, 1024
/// entries and at most 32 or 16 codebooks; the rest is not looked at. Codes wait in an unnamed
/// temporary file, because the length stands before them. STATUS_UNSUPPORTED (another model),
/// STATUS_USAGE, STATUS_NOT_FOUND, STATUS_IO, STATUS_NO_MEMORY.
status ecdc_writer_open(ecdc_writer **w, const char *path, const code_info *info, error *err);

/// 48 kHz: before each segment's codes. scale is what decoded audio is multiplied by, finite.
status ecdc_writer_begin_segment(ecdc_writer *w, float scale, error *err);

/// codes [n_steps, n_codebooks]. STATUS_USAGE (a code not 0 to 1023, no segment begun), STATUS_IO.
status ecdc_writer_write(ecdc_writer *w, const int32_t *codes, size_t n_steps, error *err);

/// Finish. The steps of each segment must be those that `n_samples` has; CODE_UNKNOWN means all
/// that the steps hold (24 kHz only). STATUS_USAGE, STATUS_IO. Frees the writer.
status ecdc_writer_commit(ecdc_writer *w, uint64_t n_samples, error *err);
void ecdc_writer_abort(ecdc_writer *w); ///< null is fine

typedef struct ecdc_reader ecdc_reader;

/// STATUS_FORMAT, STATUS_UNSUPPORTED (entropy-coded, unknown version or model), STATUS_NOT_FOUND,
/// STATUS_IO, STATUS_NO_MEMORY.
status ecdc_reader_open(ecdc_reader **r, const char *path, error *err);

/// The same from an open source, which the reader takes over, also when this fails.
status ecdc_reader_open_source(ecdc_reader **r, byte_source *source, error *err);
void ecdc_reader_close(ecdc_reader *r); ///< null is fine

const code_info *ecdc_reader_info(const ecdc_reader *r);

/// codes [capacity, n_codebooks]; run->n_steps 0 at the end. STATUS_FORMAT when the file ends
/// before its length does (what was whole before has been handed out), STATUS_IO.
status ecdc_reader_read(ecdc_reader *r, int32_t *codes, size_t capacity, code_run *run, error *err);
bool ecdc_reader_ended(const ecdc_reader *r);

#endif
