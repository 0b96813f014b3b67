// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo live: a session behind a JACK client, or behind files. This file only opens, watches
// and reports; the sound is the engine's.

#include "engine/control/parameters.h"
#include "engine/preset_path.h"
#include "ui-tui/cli/live.h"

enum { AUDIO_JACK, AUDIO_FILE };

session_config live_session_config(const live_options *options, const instrument *plays,
                                   const command_context *context)
{
  return (session_config){.model = plays->codec,
                          .player = plays->player,
                          .corpus = plays->corpus,
                          .n_codebooks = (int)options->instrument.n_codebooks,
                          .keep_s = 60.0 * options->keep_minutes,
                          .output_stage = true,
                          .block_samples = (uint32_t)options->block_samples,
                          .slack_samples = (uint32_t)options->slack_samples,
                          .fade_ms = (float)options->fade_ms,
                          .fallback = (session_fallback)options->fallback,
                          .lock_memory = true,
                          .log = &context->log};
}

live_desk_config live_desk_wanted(const live_options *options, const instrument *plays,
                                  const command_context *context)
{
  return (live_desk_config){.plays = plays,
                            .options = &options->instrument,
                            .context = context,
                            .name = options->name ? options->name : "continuo",
                            .osc_port = options->no_osc ? -1 : (int)options->osc_port,
                            .osc_any_interface = options->osc_any_interface};
}

status live_begin(const live_options *options, live_desk *desk, error *err)
{
  const control mode = {.kind = CONTROL_SET, .id = PARAMETER_MODE, .value = options->mode};
  const status code = options->preset ? live_desk_load(desk, options->preset, err) : STATUS_OK;
  if (!code && (options->mode_given || !options->preset)) {
    session_send(desk->session, &mode, 1);
  }
  return code;
}

status live_end(const live_options *options, live_desk *desk, error *err)
{
  return options->keep ? live_desk_keep(desk, options->keep, err) : STATUS_OK;
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
  instrument plays;
  char path[PATH_BYTES];
  status code = options->preset ? preset_find(options->preset, path, err) : STATUS_OK;
  code = code ? code : instrument_open(&plays, &options->instrument, context, err);
  if (code) {
    return code;
  }
  if (!plays.player && options->mode >= MODE_CONTINUE && options->mode <= MODE_GENERATE) {
    code = error_set(err, STATUS_USAGE, "--model none can only monitor, listen and freeze");
  } else if (options->audio == AUDIO_JACK) {
    code = live_jack(options, &plays, context, err);
  } else {
    code = live_file(options, &plays, context, err);
  }
  instrument_close(&plays);
  return code;
}

static status run_live(const command *self, command_context *context, int argc, char **argv,
                       error *err)
{
  live_options options = {.block_samples = 1024, .keep_minutes = 10.0};
  const option_row rows[] = {
      {0, "mode", "monitor|listen|continue|accompany|answer|generate|freeze",
       "what to begin with (default: monitor, the codec's round trip)", OPTION_CHOICE,
       &options.mode, 0, 0, &options.mode_given},
      INSTRUMENT_ROWS(&options.instrument),
      INSTRUMENT_CORPUS_ROW(&options.instrument),
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
      {0, "connect-midi", "PORTS", "take MIDI from these ports", OPTION_STRING,
       &options.connect_midi, 0, 0, NULL},
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
      {0, "keep-minutes", "N", "minutes that can be kept as a performance (default 10, 0: none)",
       OPTION_NUMBER, &options.keep_minutes, 0, 120, NULL},
      {0, "keep", "FOLDER", "write the performance into FOLDER at the end", OPTION_STRING,
       &options.keep, 0, 0, NULL},
      {0, "osc-port", "PORT", "UDP port for OSC (default: any free one)", OPTION_INTEGER,
       &options.osc_port, 0, 65535, NULL},
      {0, "osc-any-interface", NULL, "hear OSC from other machines too", OPTION_FLAG,
       &options.osc_any_interface, 0, 0, NULL},
      {0, "no-osc", NULL, "no OSC", OPTION_FLAG, &options.no_osc, 0, 0, NULL},
      COMPUTE_ROWS(&options.instrument.compute),
      {0},
  };
  int n_operands = 0;
  bool done = false;
  status code = command_parse(self, context, rows, true, argc, argv, 0, 1, &n_operands, &done, err);
  if (code || done) {
    return code;
  }
  options.preset = n_operands == 1 ? argv[1] : NULL;
  code = check_options(&options, err);
  return code ? code : play(&options, context, err);
}

const command command_live = {
    "live", "", "The instrument: play and go on playing, as a JACK client or on files", run_live};
