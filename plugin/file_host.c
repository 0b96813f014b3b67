// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "plugin/file_host.h"

#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_BLOCK_SAMPLES 1024

typedef struct file_host {
  const file_host_config *config;
  audio_reader *reader;
  audio_writer *writer;
  session *s;
  uint32_t n_channels, host_rate_hz, block_samples;
  uint64_t n_expected;
  uint64_t n_read;   // of the file
  uint64_t n_played; // through the session, the silence after the end included
  uint64_t n_blocks;
  bool ended;         // the file is at its end
  float *interleaved; // [block, n_channels]
  float *planes;      // [2, n_channels, block]: in, out
} file_host;

static status open_all(file_host *h, error *err)
{
  const file_host_config *config = h->config;
  session_config wanted = config->session;
  h->n_channels = codec_get_info(wanted.model)->n_channels;
  status st = audio_reader_open(&h->reader, config->in, wanted.host_rate_hz, h->n_channels, err);
  if (st != STATUS_OK) {
    return st;
  }
  const audio_info *info = audio_reader_info(h->reader);
  h->n_expected = info->length_known ? info->n_samples : 0;
  h->host_rate_hz = wanted.host_rate_hz = info->rate_hz;
  wanted.block_samples = wanted.block_samples ? wanted.block_samples : DEFAULT_BLOCK_SAMPLES;
  h->block_samples = wanted.block_samples;
  wanted.offline = true;
  st = session_open(&h->s, &wanted, err);
  if (st != STATUS_OK) {
    return st;
  }
  const size_t block_values = (size_t)h->block_samples * h->n_channels;
  h->interleaved = calloc(block_values, sizeof(float));
  h->planes = calloc(2 * block_values, sizeof(float));
  if (!h->interleaved || !h->planes) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for blocks of %u samples", h->block_samples);
  }
  return audio_writer_open(&h->writer, config->out, h->host_rate_hz, h->n_channels,
                           config->encoding, h->n_expected, err);
}

static uint32_t next_block(file_host *h)
{
  const uint64_t bits = random_bits(h->config->seed, random_name_key("block"), h->n_blocks++);
  return h->config->random_blocks ? 1 + (uint32_t)(bits % h->block_samples) : h->block_samples;
}

// Up to n samples of the file into the input planes, silence after its end.
static status read_block(file_host *h, uint32_t n, error *err)
{
  size_t n_got = 0;
  if (!h->ended) {
    const status st = audio_reader_read(h->reader, h->interleaved, n, &n_got, err);
    if (st != STATUS_OK) {
      return st;
    }
    h->ended = n_got < n;
    h->n_read += n_got;
  }
  for (uint32_t c = 0; c < h->n_channels; ++c) {
    float *plane = h->planes + (size_t)c * h->block_samples;
    for (uint32_t i = 0; i < n; ++i) {
      plane[i] = i < n_got ? h->interleaved[(size_t)i * h->n_channels + c] : 0.0f;
    }
  }
  return STATUS_OK;
}

static void play_block(file_host *h, uint32_t n)
{
  const float *in[SESSION_MAX_CHANNELS];
  float *out[SESSION_MAX_CHANNELS];
  for (uint32_t c = 0; c < h->n_channels; ++c) {
    in[c] = h->planes + (size_t)c * h->block_samples;
    out[c] = h->planes + (size_t)(h->n_channels + c) * h->block_samples;
  }
  session_process(h->s, in, out, n, h->n_played);
  for (uint32_t i = 0; i < n; ++i) {
    for (uint32_t c = 0; c < h->n_channels; ++c) {
      h->interleaved[(size_t)i * h->n_channels + c] = out[c][i];
    }
  }
}

// The block just played begins at n_played; write of it what belongs to a sample of the file.
static status write_block(file_host *h, uint32_t n, error *err)
{
  const uint64_t latency = session_latency_samples(h->s);
  const uint64_t end = h->n_played + n;
  const uint64_t from = h->n_played > latency ? h->n_played : latency;
  uint64_t to = h->ended && end > h->n_read + latency ? h->n_read + latency : end;
  if (to <= from) {
    return STATUS_OK;
  }
  const float *first = h->interleaved + (size_t)(from - h->n_played) * h->n_channels;
  return audio_writer_write(h->writer, first, (size_t)(to - from), err);
}

static status check_session(file_host *h, error *err)
{
  session_telemetry t;
  session_read_telemetry(h->s, &t);
  return t.late_samples
             ? error_set(err, STATUS_DEVICE, "%s failed or gave no answer at sample %llu",
                         codec_get_info(h->config->session.model)->name,
                         (unsigned long long)h->n_played)
             : STATUS_OK;
}

static status run_block(file_host *h, error *err)
{
  const uint32_t n = next_block(h);
  status st = read_block(h, n, err);
  if (st != STATUS_OK) {
    return st;
  }
  play_block(h, n);
  st = check_session(h, err);
  st = st == STATUS_OK ? write_block(h, n, err) : st;
  h->n_played += n;
  if (st == STATUS_OK && h->config->on_progress) {
    const file_host_progress progress = {h->n_read, h->n_expected, h->host_rate_hz};
    if (!h->config->on_progress(h->config->user, &progress, h->s)) {
      st = error_set(err, STATUS_INTERRUPTED, "stopped at sample %llu",
                     (unsigned long long)h->n_read);
    }
  }
  return st;
}

static status run_file(file_host *h, error *err)
{
  const file_host_config *config = h->config;
  status st = open_all(h, err);
  st = st == STATUS_OK && config->on_begin ? config->on_begin(config->user, h->s, err) : st;
  while (st == STATUS_OK &&
         (!h->ended || h->n_played < h->n_read + session_latency_samples(h->s))) {
    st = run_block(h, err);
  }
  return st == STATUS_OK && config->on_end ? config->on_end(config->user, h->s, err) : st;
}

static void fill_result(file_host *h, file_host_result *result)
{
  memset(result, 0, sizeof *result);
  session_read_telemetry(h->s, &result->telemetry);
  result->n_samples = h->n_read;
  result->nonfinite_samples = audio_reader_nonfinite(h->reader);
  result->clipped_samples = audio_writer_clipped(h->writer);
  snprintf(result->conversion, sizeof result->conversion, "%s", audio_reader_conversion(h->reader));
}

status file_host_run(const file_host_config *config, file_host_result *result, error *err)
{
  file_host h = {.config = config};
  status st = run_file(&h, err);
  if (st == STATUS_OK) {
    fill_result(&h, result);
    st = audio_writer_commit(h.writer, err);
  } else {
    audio_writer_abort(h.writer);
  }
  session_close(h.s);
  audio_reader_close(h.reader);
  free(h.interleaved);
  free(h.planes);
  return st;
}
