// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What the parts of `continuo live` share: its options, how it reports, and one function per host.
#ifndef CONTINUO_UI_TUI_CLI_LIVE_H
#define CONTINUO_UI_TUI_CLI_LIVE_H

#include "engine/session.h"
#include "ui-tui/cli/commands.h"
#include "ui-tui/cli/instrument.h"
#include "ui-tui/cli/live_desk.h"

typedef struct live_options {
  instrument_options instrument;
  const char *preset, *keep, *name, *server, *connect_in, *connect_out, *connect_midi, *in, *out;
  int mode, audio, fallback; ///< indexes into the words of their options
  int64_t osc_port;
  bool mode_given, no_osc, osc_any_interface;
  bool audio_given, no_connect, connect_flag, exact_name;
  int64_t slack_samples, block_samples;
  double fade_ms, seconds, keep_minutes;
} live_options;

/// The session that the options ask for; rate, block and priority are the host's to fill.
session_config live_session_config(const live_options *options, const instrument *plays,
                                   const command_context *context);

/// What the options ask for, once the session is open: the preset, then the mode.
status live_begin(const live_options *options, live_desk *desk, error *err);

/// What they ask for at the end: the performance.
status live_end(const live_options *options, live_desk *desk, error *err);

/// The desk that the options ask for; for files without anybody who could ask it.
live_desk_config live_desk_wanted(const live_options *options, const instrument *plays,
                                  const command_context *context);

/// The result on standard output: a few lines, or one object with --json.
void live_report(const session_telemetry *t, const char *host, const command_context *context);

/// Play through a JACK or PipeWire server until stopped. STATUS_UNSUPPORTED in a build without.
status live_jack(const live_options *options, const instrument *plays, command_context *context,
                 error *err);

/// Play a recording through, as fast as it goes.
status live_file(const live_options *options, const instrument *plays, command_context *context,
                 error *err);

#endif
