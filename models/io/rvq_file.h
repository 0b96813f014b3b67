// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// `.rvq`: codes in Ogg pages. A file can be read while it is being written and after losing pages;
/// each lost page costs its own steps and nothing else (but the first, which says what the codes
/// are). Files and pipes, constant memory. The format: docs/rvq-format.md.
///
/// Any thread but the audio thread, one at a time per object. Without libogg every open is
/// STATUS_UNSUPPORTED (rvq_file_none.c).
#ifndef CONTINUO_MODELS_IO_RVQ_FILE_H
#define CONTINUO_MODELS_IO_RVQ_FILE_H

#include "base/status.h"
#include "models/io/byte_stream.h"
#include "models/io/code_info.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rvq_writer rvq_writer;

typedef struct rvq_writer_options {
  uint32_t page_steps; ///< most steps in a page, so most that one loss costs; 0: those of a second
  bool growing;        ///< under the final name from the start, every page readable at once
} rvq_writer_options;

/// `info` must tell rate_hz, hop_samples, n_channels (1 to 255), n_codebooks and codebook_size (2
/// to CODE_MAX_CODEBOOK_SIZE); options may be null. STATUS_USAGE (info), STATUS_NOT_FOUND,
/// STATUS_IO, STATUS_NO_MEMORY.
status rvq_writer_open(rvq_writer **w, const char *path, const code_info *info,
                       const rvq_writer_options *options, error *err);

/// codes [n_steps, n_codebooks]. A step with any code below 0 is stored as lost. STATUS_USAGE (a
/// code beyond the codebook), STATUS_IO.
status rvq_writer_write(rvq_writer *w, const int32_t *codes, size_t n_steps, error *err);

/// With segments: the steps from here on are another one's. Before the first write. scale above 0.
status rvq_writer_begin_segment(rvq_writer *w, float scale, error *err);

/// Finish, with the number of samples to cut the decoded audio to (CODE_UNKNOWN: all). STATUS_USAGE
/// if that is more than the steps hold, STATUS_IO. Frees the writer.
status rvq_writer_commit(rvq_writer *w, uint64_t n_samples, error *err);
void rvq_writer_abort(rvq_writer *w); ///< null is fine

typedef struct rvq_reader rvq_reader;

/// STATUS_FORMAT (not .rvq, or the first page is damaged), STATUS_UNSUPPORTED (a later version),
/// STATUS_NOT_FOUND, STATUS_IO, STATUS_NO_MEMORY.
status rvq_reader_open(rvq_reader **r, const char *path, error *err);

/// The same from an open source, which the reader takes over, also when this fails.
status rvq_reader_open_source(rvq_reader **r, byte_source *source, error *err);
void rvq_reader_close(rvq_reader *r); ///< null is fine

/// n_samples is known from the start of a finished file, at the end of a pipe. The name and sha256
/// are as stored.
const code_info *rvq_reader_info(const rvq_reader *r);

/// codes [capacity, n_codebooks]. run->n_steps 0: nothing more has been written yet, or
/// `rvq_reader_ended`. Steps come in order and none is left out: what was lost is a run of its own.
/// STATUS_IO.
status rvq_reader_read(rvq_reader *r, int32_t *codes, size_t capacity, code_run *run, error *err);

/// The end mark has been reached and everything was handed out.
bool rvq_reader_ended(const rvq_reader *r);

/// Losses met so far.
typedef struct rvq_damage {
  uint64_t gaps;          ///< stretches of lost steps
  uint64_t lost_steps;    ///< in them
  uint64_t bad_pages;     ///< whole pages whose content made no sense
  uint64_t skipped_bytes; ///< between pages
} rvq_damage;
const rvq_damage *rvq_reader_damage(const rvq_reader *r);

#endif
