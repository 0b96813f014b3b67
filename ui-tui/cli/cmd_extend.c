// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo extend: a recording goes on, offline.

#include "base/cli/terminal.h"
#include "base/json_writer.h"
#include "engine/control/parameters.h"
#include "engine/extend.h"
#include "models/io/audio_file.h"
#include "ui-tui/cli/instrument.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct extend_options {
  instrument_options instrument;
  double seconds, prompt_seconds;
  int64_t seed, count;
} extend_options;

typedef struct prompt {
  float *samples; // [n_samples, n_channels]
  size_t n_samples, capacity;
  uint32_t rate_hz, n_channels;
} prompt;

static status grow(prompt *p, const char *path, error *err)
{
  const size_t capacity = p->capacity ? 2 * p->capacity : 1u << 18;
  float *larger = realloc(p->samples, capacity * p->n_channels * sizeof *larger);
  if (!larger) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for %zu samples", path, capacity);
  }
  p->samples = larger;
  p->capacity = capacity;
  return STATUS_OK;
}

// The whole recording at its own rate, then only its last part.
static status read_prompt(prompt *p, const char *path, uint32_t n_channels, double last_s,
                          const command_context *context, error *err)
{
  audio_reader *reader = NULL;
  status code = audio_reader_open(&reader, path, 0, n_channels, err);
  if (code) {
    return code;
  }
  p->rate_hz = audio_reader_info(reader)->rate_hz;
  p->n_channels = n_channels;
  for (size_t n = 1; !code && n > 0;) {
    code = p->n_samples == p->capacity ? grow(p, path, err) : STATUS_OK;
    if (!code) {
      code = audio_reader_read(reader, p->samples + p->n_samples * n_channels,
                               p->capacity - p->n_samples, &n, err);
      p->n_samples += n;
    }
  }
  if (audio_reader_conversion(reader)[0]) {
    log_write(&context->log, LOG_INFO, "%s: %s", path, audio_reader_conversion(reader));
  }
  audio_reader_close(reader);
  const size_t last = last_s > 0.0 ? (size_t)(last_s * p->rate_hz) : p->n_samples;
  if (last < p->n_samples) {
    memmove(p->samples, p->samples + (p->n_samples - last) * n_channels,
            last * n_channels * sizeof *p->samples);
    p->n_samples = last;
  }
  return code;
}

// OUT, or for several OUT-1.wav, OUT-2.wav ...
static status name_output(const char *out, int64_t count, int64_t number, char *name, size_t size,
                          error *err)
{
  const char *dot = strrchr(out, '.');
  const int stem = dot ? (int)(dot - out) : (int)strlen(out);
  const int length = count == 1 ? snprintf(name, size, "%s", out)
                                : snprintf(name, size, "%.*s-%lld%s", stem, out, (long long)number,
                                           dot ? dot : "");
  return length < 0 || (size_t)length >= size
             ? error_set(err, STATUS_USAGE, "%s: the name is too long", out)
             : STATUS_OK;
}

static status write_output(const char *name, const prompt *p, const float *out, size_t n_samples,
                           const command_context *context, error *err)
{
  audio_writer *writer = NULL;
  status code = audio_writer_open(&writer, name, p->rate_hz, p->n_channels, AUDIO_ENCODING_DEFAULT,
                                  n_samples, err);
  code = code ? code : audio_writer_write(writer, out, n_samples, err);
  if (code) {
    audio_writer_abort(writer);
    return code;
  }
  code = audio_writer_commit(writer, err);
  if (!code) {
    log_write(&context->log, LOG_INFO, "%s: %.1f s, %.1f of them the prompt", name,
              (double)n_samples / p->rate_hz, (double)p->n_samples / p->rate_hz);
  }
  return code;
}

static status extend_once(const extend_options *options, const instrument *plays, const prompt *p,
                          int64_t number, float *out, error *err)
{
  const control seed = {
      .kind = CONTROL_SET, .id = PARAMETER_SEED, .value = (double)(options->seed + number - 1)};
  const extend_config config = {.model = plays->codec,
                                .player = plays->player,
                                .n_codebooks = (int)options->instrument.n_codebooks,
                                .host_rate_hz = p->rate_hz,
                                .controls = &seed,
                                .n_controls = 1};
  const size_t n_more = (size_t)(options->seconds * p->rate_hz);
  return extend(&config, p->samples, p->n_samples, n_more, out, err);
}

static status extend_files(const extend_options *options, const instrument *plays, const char *in,
                           const char *out, command_context *context, error *err)
{
  if (!plays->player) {
    return error_set(err, STATUS_USAGE, "--model none cannot go on playing");
  }
  prompt p = {0};
  const uint32_t n_channels = codec_get_info(plays->codec)->n_channels;
  status code = read_prompt(&p, in, n_channels, options->prompt_seconds, context, err);
  const size_t n_out = p.n_samples + (size_t)(options->seconds * p.rate_hz);
  float *samples = code ? NULL : malloc(n_out * n_channels * sizeof *samples);
  if (!code && !samples) {
    code = error_set(err, STATUS_NO_MEMORY, "no memory for %zu samples", n_out);
  }
  for (int64_t i = 1; !code && i <= options->count && !stop_requested(); ++i) {
    char name[4096];
    code = name_output(out, options->count, i, name, sizeof name, err);
    code = code ? code : extend_once(options, plays, &p, i, samples, err);
    code = code ? code : write_output(name, &p, samples, n_out, context, err);
  }
  free(samples);
  free(p.samples);
  return code;
}

static status run_extend(const command *self, command_context *context, int argc, char **argv,
                         error *err)
{
  extend_options options = {.seconds = 10.0, .seed = 1, .count = 1};
  const option_row rows[] = {
      {'s', "seconds", "S", "how long to go on (default 10)", OPTION_NUMBER, &options.seconds, 0.1,
       3600, NULL},
      {0, "prompt-seconds", "P", "hear only the last P seconds of IN (default: all)", OPTION_NUMBER,
       &options.prompt_seconds, 0.1, 36000, NULL},
      {0, "seed", "N", "of everything drawn at random (default 1)", OPTION_INTEGER, &options.seed,
       0, 9007199254740000.0, NULL},
      {0, "count", "N", "so many continuations, with seeds in a row (default 1)", OPTION_INTEGER,
       &options.count, 1, 1000, NULL},
      INSTRUMENT_ROWS(&options.instrument),
      COMPUTE_ROWS(&options.instrument.compute),
      {0},
  };
  int n_operands = 0;
  bool done = false;
  status code =
      command_parse(self, context, rows, false, argc, argv, 2, 2, &n_operands, &done, err);
  if (code || done) {
    return code;
  }
  instrument plays;
  code = instrument_open(&plays, &options.instrument, context, err);
  if (!code) {
    code = extend_files(&options, &plays, argv[1], argv[2], context, err);
    instrument_close(&plays);
  }
  return code;
}

const command command_extend = {"extend", "IN OUT", "Go on from a recording, offline", run_extend};
