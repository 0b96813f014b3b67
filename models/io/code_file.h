// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Files of codes, whichever they are: .rvq, .ecdc, .npy (u16 [steps, n_codebooks]). Readers go by
/// what the file begins with, writers by the ending of its name; "-" is standard input, or output
/// as .rvq, and so are other pipes and devices without an ending. Constant memory.
///
/// Any thread but the audio thread, one at a time per object.
#ifndef CONTINUO_MODELS_IO_CODE_FILE_H
#define CONTINUO_MODELS_IO_CODE_FILE_H

#include "base/status.h"
#include "models/io/code_info.h"
#include "models/io/rvq_file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum code_format { CODE_RVQ, CODE_ECDC, CODE_NPY } code_format;

const char *code_format_name(code_format format); ///< "rvq", "ecdc", "npy"

typedef struct code_reader code_reader;

/// STATUS_FORMAT (none of the three, or damaged), STATUS_UNSUPPORTED, STATUS_NOT_FOUND, STATUS_IO,
/// STATUS_NO_MEMORY.
status code_reader_open(code_reader **r, const char *path, error *err);
void code_reader_close(code_reader *r); ///< null is fine

code_format code_reader_format(const code_reader *r);

/// .npy tells n_codebooks only; the n_samples of .rvq from a pipe become known at the end.
const code_info *code_reader_info(const code_reader *r);

/// Steps of the whole stream, or CODE_UNKNOWN.
uint64_t code_reader_n_steps(const code_reader *r);

/// codes [capacity, n_codebooks], i32; lost steps are -1. run->n_steps 0: at the end, or (.rvq that
/// is still being written, or was cut short) nothing more for now. STATUS_FORMAT, STATUS_IO.
status code_reader_read(code_reader *r, int32_t *codes, size_t capacity, code_run *run, error *err);

/// The whole stream has been read, up to its end mark.
bool code_reader_ended(const code_reader *r);

/// Losses met so far; all zero but for .rvq.
rvq_damage code_reader_damage(const code_reader *r);

typedef struct code_writer code_writer;

/// Which format `path` would be written in. STATUS_USAGE: unknown ending.
status code_format_of(const char *path, code_format *format, error *err);

/// `info` as rvq_writer_open and ecdc_writer_open want it; .npy needs n_codebooks, codebook_size,
/// and no segments. options are those of .rvq, may be null, and mean nothing elsewhere. The errors
/// of those, STATUS_USAGE (unknown ending), STATUS_UNSUPPORTED (.npy into a pipe, or of segments).
status code_writer_open(code_writer **w, const char *path, const code_info *info,
                        const rvq_writer_options *options, error *err);

/// With segments, before each one's codes.
status code_writer_begin_segment(code_writer *w, float scale, error *err);

/// codes [n_steps, n_codebooks]. Lost steps (-1) are STATUS_USAGE but in .rvq, as are codes beyond
/// the codebook. STATUS_IO.
status code_writer_write(code_writer *w, const int32_t *codes, size_t n_steps, error *err);

/// Finish. n_samples: what to cut the decoded audio to, or CODE_UNKNOWN. STATUS_IO, STATUS_USAGE
/// (not what the steps hold). Frees the writer; on failure nothing stands under the name.
status code_writer_commit(code_writer *w, uint64_t n_samples, error *err);
void code_writer_abort(code_writer *w); ///< null is fine

#endif
