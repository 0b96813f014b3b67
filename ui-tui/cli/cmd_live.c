// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo live: a session behind a JACK client, or behind files. This file only opens, watches
// and reports; the sound is the engine's.

#include "models/codec.h"
#include "models/model_path.h"
#include "ui-tui/cli/live.h"

enum { AUDIO_JACK, AUDIO_FILE };

static const dtype storages[] = {DTYPE_F16, DTYPE_F32, DTYPE_BF16, DTYPE_I8};

session_config live_session_config(const live_options *options, codec *model,
                                   const command_context *context)
{
  return (session_config){.model = model,
                          .n_codebooks = (int)options->n_codebooks,
                          .block_samples = (uint32_t)options->block_samples,
                          .slack_samples = (uint32_t)options->slack_samples,
                          .fade_ms = (float)options->fade_ms,
                          .fallback = (session_fallback)options->fallback,
                          .lock_memory = true,
                          .log = &context->log};
}

static status check_options(live_options *options, error *err)
{
  if (!options->audio_given) {
    options->audio = options->in || options->out ? AUDIO_FILE : AUDIO_JACK;
  }
  if (options->audio == AUDIO_FILE && (!options->in || !options->out)) {
    return error_set(err, STATUS_USAGE, "--audio file needs --in FILE and --out FILE");
  }
  if (options->audio == AUDIO_JACK && (options->in || options->out)) {
    return error_set(err, STATUS_USAGE, "--in and --out belong to --audio file");
  }
  if (options->no_connect &&
      (options->connect_flag || options->connect_in || options->connect_out)) {
    return error_set(err, STATUS_USAGE, "--no-connect contradicts --connect");
  }
  return STATUS_OK;
}

static status play(const live_options *options, command_context *context, error *err)
{
  char path[PATH_BYTES];
  device *dev = NULL;
  codec *model = NULL;
  status code = model_find(options->model, path, err);
  code = code ? code : compute_open(&options->compute, &dev, err);
  const codec_options wanted = {
      .dev = dev, .storage = storages[options->storage], .log = &context->log};
  code = code ? code : codec_open(&model, path, &wanted, err);
  if (!code) {
    const codec_info *info = codec_get_info(model);
    log_write(&context->log, LOG_INFO, "%s: %u Hz, hop %u samples, %u codebooks, on %s", info->name,
              info->rate_hz, info->hop_samples,
              options->n_codebooks ? (unsigned)options->n_codebooks : info->n_codebooks, dev->name);
    if (!info->streamable) {
      code =
          error_set(err, STATUS_UNSUPPORTED,
                    "%s: %s works on whole files only (see continuo roundtrip)", path, info->name);
    } else if (options->audio == AUDIO_JACK) {
      code = live_jack(options, model, context, err);
    } else {
      code = live_file(options, model, context, err);
    }
  }
  codec_unref(model);
  device_unref(dev);
  return code;
}

static status run_live(const command *self, command_context *context, int argc, char **argv,
                       error *err)
{
  live_options options = {.block_samples = 1024};
  const option_row rows[] = {
      {0, "mode", "monitor", "what to do: monitor is the codec's round trip", OPTION_CHOICE,
       &options.mode, 0, 0, NULL},
      {'m', "model", "MODEL", "model file or name (default: default)", OPTION_STRING,
       &options.model, 0, 0, NULL},
      {'k', "codebooks", "N", "codebooks used (default: all)", OPTION_INTEGER, &options.n_codebooks,
       1, 64, NULL},
      {0, "audio", "jack|file", "where sound comes from and goes to (default: jack)", OPTION_CHOICE,
       &options.audio, 0, 0, &options.audio_given},
      {'n', "name", "NAME", "client name (default: continuo)", OPTION_STRING, &options.name, 0, 0,
       NULL},
      {'x', "exact-name", NULL, "fail if the name is taken", OPTION_FLAG, &options.exact_name, 0, 0,
       NULL},
      {0, "server", "NAME", "JACK server (default: $JACK_DEFAULT_SERVER)", OPTION_STRING,
       &options.server, 0, 0, NULL},
      {0, "connect", NULL, "connect to the physical ports (default on a terminal)", OPTION_FLAG,
       &options.connect_flag, 0, 0, NULL},
      {0, "no-connect", NULL, "connect to nothing", OPTION_FLAG, &options.no_connect, 0, 0, NULL},
      {0, "connect-in", "PORTS", "feed us from these ports (a name or regular expression)",
       OPTION_STRING, &options.connect_in, 0, 0, NULL},
      {0, "connect-out", "PORTS", "play to these ports", OPTION_STRING, &options.connect_out, 0, 0,
       NULL},
      {0, "in", "FILE", "recording to play through (--audio file), - is a pipe", OPTION_STRING,
       &options.in, 0, 0, NULL},
      {0, "out", "FILE", "where the result goes (--audio file), - is a pipe", OPTION_STRING,
       &options.out, 0, 0, NULL},
      {'s', "seconds", "S", "end by itself after S seconds (JACK)", OPTION_NUMBER, &options.seconds,
       0.1, 1e7, NULL},
      {0, "slack", "SAMPLES", "latency beyond the least possible (default: one hop)",
       OPTION_INTEGER, &options.slack_samples, 1, 192000, NULL},
      {0, "fade", "MS", "crossfade to and from the fallback (default 5)", OPTION_NUMBER,
       &options.fade_ms, 5, 10, NULL},
      {0, "fallback", "silence|dry|hold", "what is heard while a result is late", OPTION_CHOICE,
       &options.fallback, 0, 0, NULL},
      {0, "block", "SAMPLES", "block of the file host (default 1024)", OPTION_INTEGER,
       &options.block_samples, 1, SESSION_MAX_BLOCK_SAMPLES, NULL},
      {0, "storage", "f16|f32|bf16|int8", "how weights are stored (default f16)", OPTION_CHOICE,
       &options.storage, 0, 0, NULL},
      COMPUTE_ROWS(&options.compute),
      {0},
  };
  int n_operands = 0;
  bool done = false;
  status code = command_parse(self, context, rows, true, argc, argv, 0, 0, &n_operands, &done, err);
  if (code || done) {
    return code;
  }
  code = check_options(&options, err);
  return code ? code : play(&options, context, err);
}

const command command_live = {"live", "", "Play through a codec live, as a JACK client or on files",
                              run_live};
