// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/audio_file.h"

#include "models/io/byte_stream.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define BLOCK_VALUES 4096
#define WAV_MOST_BYTES UINT64_C(4294000000) // what a RIFF size holds, less any header

struct audio_writer {
  byte_sink sink;
  SNDFILE *file;
  uint32_t n_channels;
  bool pcm;
  uint64_t n_samples, clipped;
  uint64_t most_samples; // that the format can hold
  int failed;            // errno of the first write that failed; libsndfile drops some
};

typedef struct kind {
  const char *ending;
  int container;
  audio_encoding usual;
} kind;

static const kind kinds[] = {
    {".wav", SF_FORMAT_WAV, AUDIO_ENCODING_F32},
    {".flac", SF_FORMAT_FLAC, AUDIO_ENCODING_PCM_24},
    {".aiff", SF_FORMAT_AIFF, AUDIO_ENCODING_PCM_24},
    {".aif", SF_FORMAT_AIFF, AUDIO_ENCODING_PCM_24},
    {".au", SF_FORMAT_AU, AUDIO_ENCODING_F32},
    {".w64", SF_FORMAT_W64, AUDIO_ENCODING_F32},
};
#define N_KINDS (sizeof kinds / sizeof kinds[0])

static const kind *kind_of(const char *path)
{
  const char *ending = strrchr(path, '.');
  for (size_t i = 0; ending && i < N_KINDS; ++i) {
    if (strcasecmp(ending, kinds[i].ending) == 0) {
      return &kinds[i];
    }
  }
  return NULL;
}

static int subtype(audio_encoding encoding)
{
  switch (encoding) {
  case AUDIO_ENCODING_PCM_24:
    return SF_FORMAT_PCM_24;
  case AUDIO_ENCODING_PCM_16:
    return SF_FORMAT_PCM_16;
  case AUDIO_ENCODING_DEFAULT:
  case AUDIO_ENCODING_F32:
    break;
  }
  return SF_FORMAT_FLOAT;
}

static uint32_t value_bytes(audio_encoding encoding)
{
  switch (encoding) {
  case AUDIO_ENCODING_PCM_24:
    return 3;
  case AUDIO_ENCODING_PCM_16:
    return 2;
  case AUDIO_ENCODING_DEFAULT:
  case AUDIO_ENCODING_F32:
    break;
  }
  return 4;
}

// libsndfile's view of the file: past stdio's buffer, and with failures kept.
static sf_count_t file_length(void *user)
{
  const audio_writer *w = user;
  const int fd = fileno(w->sink.stream);
  const off_t here = lseek(fd, 0, SEEK_CUR);
  const off_t length = lseek(fd, 0, SEEK_END);
  lseek(fd, here, SEEK_SET);
  return length;
}

static sf_count_t file_seek(sf_count_t offset, int whence, void *user)
{
  const audio_writer *w = user;
  return lseek(fileno(w->sink.stream), offset, whence);
}

static sf_count_t file_read(void *data, sf_count_t count, void *user)
{
  const audio_writer *w = user;
  return read(fileno(w->sink.stream), data, (size_t)count);
}

static sf_count_t file_write(const void *data, sf_count_t count, void *user)
{
  audio_writer *w = user;
  sf_count_t done = 0;
  while (done < count && !w->failed) {
    const ssize_t n =
        write(fileno(w->sink.stream), (const char *)data + done, (size_t)(count - done));
    if (n > 0) {
      done += n;
    } else if (n == 0 || errno != EINTR) {
      w->failed = n == 0 ? EIO : errno;
    }
  }
  return done;
}

static sf_count_t file_tell(void *user)
{
  const audio_writer *w = user;
  return lseek(fileno(w->sink.stream), 0, SEEK_CUR);
}

static SNDFILE *open_in_library(audio_writer *w, SF_INFO *wanted, bool pipe)
{
  static SF_VIRTUAL_IO calls = {file_length, file_seek, file_read, file_write, file_tell};
  return pipe ? sf_open_fd(fileno(w->sink.stream), SFM_WRITE, wanted, SF_FALSE)
              : sf_open_virtual(&calls, SFM_WRITE, wanted, w);
}

static status write_failed(const audio_writer *w, error *err)
{
  return error_set(err, STATUS_IO, "%s: cannot write: %s", w->sink.name,
                   w->failed ? strerror(w->failed) : sf_strerror(w->file));
}

static status open_format(audio_writer *w, const kind *k, uint32_t rate_hz, audio_encoding encoding,
                          uint64_t expected_samples, error *err)
{
  const audio_encoding stored = encoding == AUDIO_ENCODING_DEFAULT ? k->usual : encoding;
  int container = k->container;
  w->pcm = stored != AUDIO_ENCODING_F32;
  w->most_samples = UINT64_MAX;
  if (container == SF_FORMAT_WAV) {
    w->most_samples = WAV_MOST_BYTES / value_bytes(stored) / w->n_channels;
    if (expected_samples == 0 || expected_samples > w->most_samples) {
      container = SF_FORMAT_RF64;
      w->most_samples = UINT64_MAX;
    }
  }
  SF_INFO wanted = {.samplerate = (int)rate_hz,
                    .channels = (int)w->n_channels,
                    .format = container | subtype(stored)};
  const bool pipe = lseek(fileno(w->sink.stream), 0, SEEK_CUR) < 0;
  w->file = open_in_library(w, &wanted, pipe);
  if (!w->file) {
    if (w->failed) {
      return write_failed(w, err);
    }
    return error_set(err, STATUS_USAGE, "%s: cannot write %u Hz, %u channels in this format: %s",
                     w->sink.name, rate_hz, w->n_channels, sf_strerror(NULL));
  }
  if (container == SF_FORMAT_RF64) {
    sf_command(w->file, SFC_RF64_AUTO_DOWNGRADE, NULL, SF_TRUE);
  } else {
    // The PEAK chunk holds the time of day. Not for RF64: it has none, and libsndfile would add
    // one.
    sf_command(w->file, SFC_SET_ADD_PEAK_CHUNK, NULL, SF_FALSE);
  }
  return STATUS_OK;
}

status audio_writer_open(audio_writer **w, const char *path, uint32_t rate_hz, uint32_t n_channels,
                         audio_encoding encoding, uint64_t expected_samples, error *err)
{
  static const kind au = {".au", SF_FORMAT_AU, AUDIO_ENCODING_F32};
  *w = NULL;
  if (rate_hz < 1 || rate_hz > INT_MAX || n_channels < 1 || n_channels > 1024) {
    return error_set(err, STATUS_USAGE, "%s: cannot write %u Hz, %u channels", path, rate_hz,
                     n_channels);
  }
  audio_writer *made = calloc(1, sizeof *made);
  if (!made) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to write it", path);
  }
  status code = byte_sink_open(&made->sink, path, false, err);
  if (code != STATUS_OK) {
    free(made);
    return code;
  }
  made->n_channels = n_channels;
  const kind *k = made->sink.direct ? &au : kind_of(path);
  code = k ? open_format(made, k, rate_hz, encoding, expected_samples, err)
           : error_set(err, STATUS_USAGE,
                       "%s: unknown ending, expected .wav, .flac, .aiff, .au or .w64", path);
  if (code != STATUS_OK) {
    audio_writer_abort(made);
    return code;
  }
  *w = made;
  return STATUS_OK;
}

static bool is_beyond(float x)
{
  return x > 1.0f || x < -1.0f; // false for NaN
}

// A block as the file is to hold it; counts what is beyond full scale.
static void prepare(audio_writer *w, const float *in, float *out, size_t n_values)
{
  for (size_t i = 0; i < n_values; ++i) {
    const float x = in[i];
    const bool beyond = is_beyond(x);
    w->clipped += beyond;
    out[i] = x;
    if (w->pcm && beyond) {
      out[i] = x > 0.0f ? 1.0f : -1.0f;
    } else if (w->pcm && isnan(x)) {
      out[i] = 0.0f;
    }
  }
}

status audio_writer_write_24(audio_writer *w, const int32_t *in, size_t n_samples, error *err)
{
  int block[BLOCK_VALUES];
  const size_t most = BLOCK_VALUES / w->n_channels;
  while (n_samples > 0) {
    const size_t n = n_samples < most ? n_samples : most;
    for (size_t i = 0; i < n * w->n_channels; ++i) {
      block[i] = in[i] * 256; // libsndfile has 32 bits
    }
    if (sf_writef_int(w->file, block, (sf_count_t)n) != (sf_count_t)n || w->failed) {
      return write_failed(w, err);
    }
    w->n_samples += n;
    in += n * w->n_channels;
    n_samples -= n;
  }
  return STATUS_OK;
}

status audio_writer_write(audio_writer *w, const float *in, size_t n_samples, error *err)
{
  float block[BLOCK_VALUES];
  const size_t most = BLOCK_VALUES / w->n_channels;
  if (n_samples > w->most_samples - w->n_samples) {
    return error_set(err, STATUS_IO, "%s: cannot write: beyond 4 GiB, more than was expected",
                     w->sink.name);
  }
  while (n_samples > 0) {
    const size_t n = n_samples < most ? n_samples : most;
    prepare(w, in, block, n * w->n_channels);
    if (sf_writef_float(w->file, block, (sf_count_t)n) != (sf_count_t)n || w->failed) {
      return write_failed(w, err);
    }
    w->n_samples += n;
    in += n * w->n_channels;
    n_samples -= n;
  }
  return STATUS_OK;
}

uint64_t audio_writer_clipped(const audio_writer *w)
{
  return w->clipped;
}

uint64_t audio_writer_n_samples(const audio_writer *w)
{
  return w->n_samples;
}

status audio_writer_commit(audio_writer *w, error *err)
{
  status code = STATUS_OK;
  if (w->n_samples == 0) {
    sf_command(w->file, SFC_UPDATE_HEADER_NOW, NULL, 0); // FLAC writes none before the first sample
  }
  const int closed = sf_close(w->file);
  w->file = NULL;
  if (w->failed) {
    code = write_failed(w, err);
  } else if (closed) {
    code = error_set(err, STATUS_IO, "%s: cannot write: %s", w->sink.name, sf_error_number(closed));
  }
  if (code != STATUS_OK) {
    byte_sink_abort(&w->sink);
  } else {
    code = byte_sink_commit(&w->sink, err);
  }
  free(w);
  return code;
}

void audio_writer_abort(audio_writer *w)
{
  if (w) {
    if (w->file) {
      sf_close(w->file);
    }
    byte_sink_abort(&w->sink);
    free(w);
  }
}
