// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/audio_file.h"

static status missing(const char *path, error *err)
{
  return error_set(err, STATUS_UNSUPPORTED, "%s: this build has no libsndfile for audio files",
                   path);
}

status audio_reader_open(audio_reader **r, const char *path, uint32_t rate_hz, uint32_t n_channels,
                         error *err)
{
  (void)rate_hz;
  (void)n_channels;
  *r = NULL;
  return missing(path, err);
}

void audio_reader_close(audio_reader *r)
{
  (void)r;
}

const audio_info *audio_reader_info(const audio_reader *r)
{
  (void)r;
  return NULL;
}

const char *audio_reader_conversion(const audio_reader *r)
{
  (void)r;
  return "";
}

status audio_reader_read(audio_reader *r, float *out, size_t capacity, size_t *n_samples,
                         error *err)
{
  (void)r;
  (void)out;
  (void)capacity;
  *n_samples = 0;
  return error_set(err, STATUS_INTERNAL, "no audio file is open");
}

uint64_t audio_reader_nonfinite(const audio_reader *r)
{
  (void)r;
  return 0;
}

status audio_writer_open(audio_writer **w, const char *path, uint32_t rate_hz, uint32_t n_channels,
                         audio_encoding encoding, uint64_t expected_samples, error *err)
{
  (void)rate_hz;
  (void)n_channels;
  (void)encoding;
  (void)expected_samples;
  *w = NULL;
  return missing(path, err);
}

status audio_writer_write(audio_writer *w, const float *in, size_t n_samples, error *err)
{
  (void)w;
  (void)in;
  (void)n_samples;
  return error_set(err, STATUS_INTERNAL, "no audio file is open");
}

status audio_writer_write_24(audio_writer *w, const int32_t *in, size_t n_samples, error *err)
{
  (void)w;
  (void)in;
  (void)n_samples;
  return error_set(err, STATUS_INTERNAL, "no audio file is open");
}

uint64_t audio_writer_clipped(const audio_writer *w)
{
  (void)w;
  return 0;
}

uint64_t audio_writer_n_samples(const audio_writer *w)
{
  (void)w;
  return 0;
}

status audio_writer_commit(audio_writer *w, error *err)
{
  (void)w;
  return error_set(err, STATUS_INTERNAL, "no audio file is open");
}

void audio_writer_abort(audio_writer *w)
{
  (void)w;
}
