// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The desk of a running instance: everything that is asked of it from outside the audio thread
/// (control socket, OSC, program changes), and what only the program can do for it (presets,
/// learned controllers, performances, telemetry). Sound does not depend on it.
#ifndef CONTINUO_UI_TUI_CLI_LIVE_DESK_H
#define CONTINUO_UI_TUI_CLI_LIVE_DESK_H

#include "engine/control/midi_map.h"
#include "engine/preset.h"
#include "engine/session.h"
#include "plugin/control_socket.h"
#include "plugin/osc_server.h"
#include "ui-tui/cli/instrument.h"
#include "ui-tui/cli/live_midi.h"

#include <pthread.h>

typedef struct live_desk {
  const instrument *plays;
  const instrument_options *options;
  const command_context *context;
  const char *name; ///< of the instance
  pthread_mutex_t lock;
  session *session; ///< null before it begins and after it ends; under `lock`
  preset preset;    ///< what was loaded last
  midi_map midi;    ///< for the JACK host, whose clock it keeps
  live_midi controllers;
  control_socket *socket;
  osc_server *osc;
} live_desk;

typedef struct live_desk_config {
  const instrument *plays;
  const instrument_options *options;
  const command_context *context;
  const char *name;
  int osc_port; ///< 0: any free one; -1: no OSC
  bool osc_any_interface;
  bool alone; ///< neither socket nor OSC nor anything from the last time
} live_desk_config;

/// Never fails: what cannot be opened is a warning, and the instrument plays without it. [main]
void live_desk_open(live_desk *d, const live_desk_config *config);
void live_desk_close(live_desk *d);

/// Around everything that may end or replace the session. [main]
void live_desk_hold(live_desk *d);
void live_desk_release(live_desk *d, session *s);

/// Serve who asks. [main]
void live_desk_poll(live_desk *d);

/// Load a preset (file, name, or number of the list) and send it. A lost model is one sentence,
/// and monitor sounds. STATUS_NOT_FOUND, STATUS_FORMAT ... [main]
status live_desk_load(live_desk *d, const char *name, error *err);

/// Remember what is played as the instance's last preset ("last"); its controllers are there again
/// at the next start. [main]
void live_desk_remember(live_desk *d);

/// Write the performance into `folder`; null: a new one below the user's data, named by date and
/// time. [main]
status live_desk_keep(live_desk *d, const char *folder, error *err);

#endif
