// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What the parts of `continuo live` share: its options, how it reports, and one function per host.
#ifndef CONTINUO_UI_TUI_CLI_LIVE_H
#define CONTINUO_UI_TUI_CLI_LIVE_H

#include "engine/session.h"
#include "ui-tui/cli/commands.h"
#include "ui-tui/cli/instrument.h"

typedef struct live_options {
  instrument_options instrument;
  const char *name, *server, *connect_in, *connect_out, *in, *out;
  int mode, audio, fallback; ///< indexes into the words of their options
  bool audio_given, no_connect, connect_flag, exact_name;
  int64_t slack_samples, block_samples;
  double fade_ms, seconds, keep_minutes;
} live_options;

/// The session that the options ask for; rate, block and priority are the host's to fill.
session_config live_session_config(const live_options *options, const instrument *plays,
                                   const command_context *context);

/// The controls that the options ask for, to be sent once the session is open.
void live_send_options(const live_options *options, session *s);

/// The result on standard output: a few lines, or one object with --json.
void live_report(const session_telemetry *t, const char *host, const command_context *context);

/// Play through a JACK or PipeWire server until stopped. STATUS_UNSUPPORTED in a build without.
status live_jack(const live_options *options, const instrument *plays, command_context *context,
                 error *err);

/// Play a recording through, as fast as it goes.
status live_file(const live_options *options, const instrument *plays, command_context *context,
                 error *err);

#endif
