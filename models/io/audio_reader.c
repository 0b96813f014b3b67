// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/audio_file.h"

#include "models/io/byte_stream.h"
#include "models/io/resampler.h"

#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define RAW_VALUES 16384 // floats read at a time, over all channels

struct audio_reader {
  byte_source source;
  SNDFILE *file;
  audio_info info;
  char conversion[128];
  resampler *rate;
  uint32_t mid_channels; // through the resampler: the file's or 1
  float *raw;            // [raw_cap, file_channels], averaged in place to [., mid_channels]
  size_t raw_cap, raw_n, raw_pos;
  uint64_t n_read; // of the file, per channel
  uint64_t nonfinite;
  bool ended;
};

static void describe_format(int format, char *out, size_t size)
{
  SF_FORMAT_INFO major = {.format = format & SF_FORMAT_TYPEMASK};
  SF_FORMAT_INFO minor = {.format = format & SF_FORMAT_SUBMASK};
  const bool have_major = sf_command(NULL, SFC_GET_FORMAT_INFO, &major, sizeof major) == 0;
  const bool have_minor = sf_command(NULL, SFC_GET_FORMAT_INFO, &minor, sizeof minor) == 0;
  snprintf(out, size, "%s, %s", have_major ? major.name : "audio",
           have_minor ? minor.name : "unknown samples");
}

// Formats whose readers go back and forth.
static bool needs_seeking(const byte_source *source)
{
  static const char magics[][5] = {"fLaC", "RF64", "riff", "caff"};
  char start[4];
  const size_t n = byte_source_look(source, start, sizeof start);
  for (size_t i = 0; n == sizeof start && i < sizeof magics / sizeof magics[0]; ++i) {
    if (memcmp(start, magics[i], sizeof start) == 0) {
      return true;
    }
  }
  return false;
}

static bool readable_from_pipe(int format)
{
  switch (format & SF_FORMAT_TYPEMASK) {
  case SF_FORMAT_WAV:
  case SF_FORMAT_WAVEX:
  case SF_FORMAT_AU:
  case SF_FORMAT_AIFF:
  case SF_FORMAT_OGG:
  case SF_FORMAT_MPEG:
    return true;
  default:
    return false;
  }
}

static status check_stored(const audio_reader *r, const SF_INFO *stored, bool regular, error *err)
{
  const char *name = r->source.name;
  if (!regular && !readable_from_pipe(stored->format)) {
    return error_set(err, STATUS_UNSUPPORTED, "%s: %s cannot be read from a pipe", name,
                     r->info.format);
  }
  if (stored->samplerate < 1 || stored->samplerate > RESAMPLER_MAX_HZ) {
    return error_set(err, STATUS_FORMAT, "%s: says %d Hz, expected 1 to %d Hz", name,
                     stored->samplerate, RESAMPLER_MAX_HZ);
  }
  return STATUS_OK;
}

// " 400 (should be 12)" in a log, at `text`; false when there is no such thing.
static bool parse_should_be(const char *text, unsigned long long *said, unsigned long long *there)
{
  static const char between[] = " (should be ";
  char *end = NULL;
  *said = strtoull(text, &end, 10);
  if (end == text || strncmp(end, between, sizeof between - 1) != 0) {
    return false;
  }
  *there = strtoull(end + sizeof between - 1, &end, 10);
  return *end == ')';
}

// libsndfile quietly reads what is left of a file that was cut short, and tells in its log only.
// Sizes near the largest there are stand in files whose writer could not go back to the header.
static status check_whole(const audio_reader *r, error *err)
{
  static const char *const keys[] = {"\ndata :", "\n SSND :", "\n  Data Size   :"};
  const unsigned long long largest = 0x7ffff000;
  char log[8192];
  log[0] = '\0';
  sf_command(r->file, SFC_GET_LOG_INFO, log, sizeof log);
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; ++i) {
    const char *at = strstr(log, keys[i]);
    unsigned long long said = 0;
    unsigned long long there = 0;
    if (at && parse_should_be(at + strlen(keys[i]), &said, &there) && said > there &&
        said < largest) {
      return error_set(err, STATUS_FORMAT,
                       "%s: cut short: its header says %llu bytes of samples, %llu are there",
                       r->source.name, said, there);
    }
  }
  return STATUS_OK;
}

static const char *explain_open(void)
{
  const char *why = sf_strerror(NULL);
  // What libsndfile calls its own fault is a header that it understood and could not believe.
  return strstr(why, "SF_INFO") ? "impossible sample rate or channel count" : why;
}

static status open_file(audio_reader *r, const char *path, error *err)
{
  status code = byte_source_open(&r->source, path, err);
  if (code != STATUS_OK) {
    return code;
  }
  const char *name = r->source.name;
  struct stat entry;
  bool regular = fstat(r->source.fd, &entry) == 0 && S_ISREG(entry.st_mode);
  if (regular && entry.st_size == 0) {
    return error_set(err, STATUS_FORMAT, "%s: not an audio file: it is empty", name);
  }
  if (!regular && needs_seeking(&r->source)) {
    regular = true;
    code = byte_source_spool(&r->source, err);
    if (code != STATUS_OK) {
      return code;
    }
  }
  SF_INFO stored = {0};
  r->file = sf_open_fd(r->source.fd, SFM_READ, &stored, SF_FALSE);
  if (!r->file) {
    return error_set(err, STATUS_FORMAT, "%s: not a readable audio file%s: %s", name,
                     regular ? "" : " (FLAC and others need a file, not a pipe)", explain_open());
  }
  describe_format(stored.format, r->info.format, sizeof r->info.format);
  r->info.file_rate_hz = stored.samplerate > 0 ? (uint32_t)stored.samplerate : 0;
  r->info.file_channels = stored.channels > 0 ? (uint32_t)stored.channels : 0;
  // A header written before the length was known holds the largest number there is.
  r->info.length_known =
      stored.seekable && stored.frames >= 0 && stored.frames < (INT64_C(1) << 48);
  r->info.file_n_samples = r->info.length_known ? (uint64_t)stored.frames : 0;
  code = check_stored(r, &stored, regular, err);
  return code == STATUS_OK && regular ? check_whole(r, err) : code;
}

static void describe_conversion(audio_reader *r)
{
  const audio_info *i = &r->info;
  char *out = r->conversion;
  size_t used = 0;
  if (i->rate_hz != i->file_rate_hz) {
    used = (size_t)snprintf(out, sizeof r->conversion, "%u Hz to %u Hz%s", i->file_rate_hz,
                            i->rate_hz, i->n_channels != i->file_channels ? ", " : "");
  }
  out += used;
  const size_t size = sizeof r->conversion - used;
  if (i->file_channels == 1 && i->n_channels > 1) {
    snprintf(out, size, "1 channel copied to %u", i->n_channels);
  } else if (i->n_channels == 1 && i->file_channels > 1) {
    snprintf(out, size, "%u channels averaged to 1", i->file_channels);
  } else if (i->n_channels != i->file_channels) {
    snprintf(out, size, "%u channels averaged to 1 and copied to %u", i->file_channels,
             i->n_channels);
  }
}

static status plan(audio_reader *r, uint32_t rate_hz, uint32_t n_channels, error *err)
{
  audio_info *i = &r->info;
  if (i->file_channels == 0) {
    return error_set(err, STATUS_FORMAT, "%s: has no channels", r->source.name);
  }
  i->rate_hz = rate_hz ? rate_hz : i->file_rate_hz;
  i->n_channels = n_channels ? n_channels : i->file_channels;
  r->mid_channels = i->n_channels == i->file_channels ? i->file_channels : 1;
  describe_conversion(r);
  r->raw_cap = RAW_VALUES / i->file_channels + 1;
  r->raw = malloc(r->raw_cap * i->file_channels * sizeof *r->raw);
  if (!r->raw) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to read it", r->source.name);
  }
  if (i->rate_hz != i->file_rate_hz) {
    const status code = resampler_new(&r->rate, i->file_rate_hz, i->rate_hz, r->mid_channels, err);
    if (code != STATUS_OK) {
      error_prefix(err, "%s", r->source.name);
      return code;
    }
  }
  i->n_samples = r->rate ? resampler_total(r->rate, i->file_n_samples) : i->file_n_samples;
  return STATUS_OK;
}

status audio_reader_open(audio_reader **r, const char *path, uint32_t rate_hz, uint32_t n_channels,
                         error *err)
{
  *r = NULL;
  audio_reader *made = calloc(1, sizeof *made);
  if (!made) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to read it", path);
  }
  made->source.fd = -1;
  status code = open_file(made, path, err);
  if (code == STATUS_OK) {
    code = plan(made, rate_hz, n_channels, err);
  }
  if (code != STATUS_OK) {
    audio_reader_close(made);
    return code;
  }
  *r = made;
  return STATUS_OK;
}

void audio_reader_close(audio_reader *r)
{
  if (!r) {
    return;
  }
  if (r->file) {
    sf_close(r->file);
  }
  byte_source_close(&r->source);
  resampler_free(r->rate);
  free(r->raw);
  free(r);
}

const audio_info *audio_reader_info(const audio_reader *r)
{
  return &r->info;
}

const char *audio_reader_conversion(const audio_reader *r)
{
  return r->conversion;
}

uint64_t audio_reader_nonfinite(const audio_reader *r)
{
  return r->nonfinite;
}

static void clean(audio_reader *r, size_t n_values)
{
  for (size_t i = 0; i < n_values; ++i) {
    if (!isfinite(r->raw[i])) {
      r->raw[i] = 0.0f;
      ++r->nonfinite;
    }
  }
}

static void average(float *x, size_t n, uint32_t n_channels)
{
  for (size_t i = 0; i < n; ++i) {
    double sum = 0.0;
    for (uint32_t c = 0; c < n_channels; ++c) {
      sum += (double)x[i * n_channels + c];
    }
    x[i] = (float)(sum / n_channels);
  }
}

static status check_end(const audio_reader *r, error *err)
{
  const bool exact = strncmp(r->info.format, "MPEG", 4) != 0; // its length is an estimate
  if (r->info.length_known && exact && r->n_read < r->info.file_n_samples) {
    return error_set(err, STATUS_FORMAT, "%s: damaged: ends after %llu of %llu samples%s%s",
                     r->source.name, (unsigned long long)r->n_read,
                     (unsigned long long)r->info.file_n_samples, sf_error(r->file) ? ": " : "",
                     sf_error(r->file) ? sf_strerror(r->file) : "");
  }
  if (sf_error(r->file) == SF_ERR_SYSTEM) {
    return error_set(err, STATUS_IO, "%s: cannot read: %s", r->source.name, sf_strerror(r->file));
  }
  return STATUS_OK;
}

// The next stretch of the file, as the resampler wants it.
static status fill(audio_reader *r, error *err)
{
  const uint32_t width = r->info.file_channels;
  const sf_count_t n = sf_readf_float(r->file, r->raw, (sf_count_t)r->raw_cap);
  r->raw_n = n > 0 ? (size_t)n : 0;
  r->raw_pos = 0;
  r->n_read += r->raw_n;
  clean(r, r->raw_n * width);
  if (r->mid_channels != width) {
    average(r->raw, r->raw_n, width);
  }
  r->ended = r->raw_n == 0;
  return r->ended ? check_end(r, err) : STATUS_OK;
}

// Convert what is in `raw`, or the resampler's rest after the end; out [capacity, mid_channels].
static status convert(audio_reader *r, float *out, size_t capacity, size_t *made)
{
  const size_t left = r->raw_n - r->raw_pos;
  const float *from = r->raw + r->raw_pos * r->mid_channels;
  size_t used = left < capacity ? left : capacity;
  if (!r->rate) {
    memcpy(out, from, used * r->mid_channels * sizeof *out);
    *made = used;
  } else if (r->ended) {
    return resampler_flush(r->rate, out, capacity, made);
  } else {
    const status code = resampler_process(r->rate, from, left, out, capacity, &used, made);
    if (code != STATUS_OK) {
      return code;
    }
  }
  r->raw_pos += used;
  return STATUS_OK;
}

// x holds n values; make them [n, n_channels], each copied, from the last down.
static void copy_channels(float *x, size_t n, uint32_t n_channels)
{
  for (size_t i = n; i-- > 0;) {
    const float value = x[i];
    for (uint32_t c = 0; c < n_channels; ++c) {
      x[i * n_channels + c] = value;
    }
  }
}

status audio_reader_read(audio_reader *r, float *out, size_t capacity, size_t *n_samples,
                         error *err)
{
  const uint32_t width = r->info.n_channels;
  *n_samples = 0;
  while (*n_samples < capacity) {
    if (!r->ended && r->raw_pos == r->raw_n) {
      const status code = fill(r, err);
      if (code != STATUS_OK) {
        return code;
      }
    }
    float *to = out + *n_samples * width;
    size_t made = 0;
    if (convert(r, to, capacity - *n_samples, &made) != STATUS_OK) {
      return error_set(err, STATUS_INTERNAL, "%s: sample-rate conversion failed", r->source.name);
    }
    if (made == 0 && r->ended) {
      break;
    }
    if (width != r->mid_channels) {
      copy_channels(to, made, width);
    }
    *n_samples += made;
  }
  return STATUS_OK;
}
