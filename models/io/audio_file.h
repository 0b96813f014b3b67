// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Audio files and pipes through libsndfile, streaming in constant memory. The reader gives the
/// rate and the channels that were asked for; what it changes on the way it says in words. Samples
/// are f32, interleaved, full scale at 1. Any thread but the audio thread, one at a time per
/// object.
///
/// Without libsndfile every open is STATUS_UNSUPPORTED (audio_file_none.c).
#ifndef CONTINUO_MODELS_IO_AUDIO_FILE_H
#define CONTINUO_MODELS_IO_AUDIO_FILE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct audio_reader audio_reader;

typedef struct audio_info {
  char format[64];         ///< "WAV (Microsoft), 32 bit float"
  uint32_t file_rate_hz;   ///< as stored
  uint32_t file_channels;  ///< as stored
  uint32_t rate_hz;        ///< of what is read
  uint32_t n_channels;     ///< of what is read
  bool length_known;       ///< false from most pipes
  uint64_t n_samples;      ///< of what will be read, if known
  uint64_t file_n_samples; ///< as stored, if known
} audio_info;

/// Open `path`, or standard input for "-". From a pipe, WAV, AU, AIFF, Ogg and MP3 are read as they
/// come; FLAC, RF64, W64 and CAF go into an unnamed temporary file first; others are refused.
/// rate_hz 0 and n_channels 0: as stored. Another rate is resampled (models/io/resampler.h, aligned
/// at sample 0); one channel is the mean of all; from one channel any number are copies; any other
/// number is the mean of all in each. Errors: STATUS_NOT_FOUND, STATUS_IO, STATUS_FORMAT (no audio,
/// empty, cut short, 0 Hz), STATUS_UNSUPPORTED (a ratio or channel count beyond the resampler, a
/// format that cannot be read from a pipe, no libsndfile), STATUS_NO_MEMORY.
status audio_reader_open(audio_reader **r, const char *path, uint32_t rate_hz, uint32_t n_channels,
                         error *err);
void audio_reader_close(audio_reader *r); ///< null is fine

const audio_info *audio_reader_info(const audio_reader *r);

/// What is done to the sound, in words: "48000 Hz to 24000 Hz, 2 channels averaged to 1"; "" when
/// nothing is.
const char *audio_reader_conversion(const audio_reader *r);

/// out [capacity, n_channels]; `*n_samples` < capacity only at the end, 0 from then on. NaN and
/// infinity become 0 before anything else and are counted. STATUS_FORMAT (damaged, or ends before
/// the length it announced), STATUS_IO.
status audio_reader_read(audio_reader *r, float *out, size_t capacity, size_t *n_samples,
                         error *err);

/// NaN and infinite samples of the file replaced so far, over all its channels.
uint64_t audio_reader_nonfinite(const audio_reader *r);

/// Stored sample format. DEFAULT is F32 in .wav, .au, .w64 and on pipes, PCM_24 in .flac and .aiff.
typedef enum audio_encoding {
  AUDIO_ENCODING_DEFAULT,
  AUDIO_ENCODING_F32,
  AUDIO_ENCODING_PCM_24,
  AUDIO_ENCODING_PCM_16,
} audio_encoding;

typedef struct audio_writer audio_writer;

/// Write `path`: .wav, .flac, .aiff, .aif, .au or .w64, under a temporary name until commit. "-" is
/// standard output, as Sun AU, which alone can be written without going back; so are devices and
/// pipes. A .wav longer than 4 GiB is RF64, so `expected_samples` says how many will come; 0, for
/// unknown, is RF64 that turns into WAV at commit if it can. Equal calls with equal samples give
/// equal files. Errors: STATUS_USAGE (another ending, a rate or channel count that the format
/// cannot hold), STATUS_NOT_FOUND, STATUS_IO, STATUS_UNSUPPORTED, STATUS_NO_MEMORY.
status audio_writer_open(audio_writer **w, const char *path, uint32_t rate_hz, uint32_t n_channels,
                         audio_encoding encoding, uint64_t expected_samples, error *err);

/// in [n_samples, n_channels]. F32 keeps the bits, NaN and infinity too; PCM clips, and
/// writes NaN as 0. STATUS_IO.
status audio_writer_write(audio_writer *w, const float *in, size_t n_samples, error *err);

/// The same of whole numbers, -2^23 to 2^23 - 1, into PCM_24, bit for bit.
status audio_writer_write_24(audio_writer *w, const int32_t *in, size_t n_samples, error *err);

/// Samples beyond full scale so far, over all channels; PCM has clipped them.
uint64_t audio_writer_clipped(const audio_writer *w);
uint64_t audio_writer_n_samples(const audio_writer *w); ///< written so far

/// Finish: the file stands under its name, or STATUS_IO and it does not. Frees the writer.
status audio_writer_commit(audio_writer *w, error *err);
void audio_writer_abort(audio_writer *w); ///< remove what was written, free; null is fine

#endif
