// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The JACK client: a session as a client of a JACK or PipeWire server. It never prints and never
/// starts a server. What it must do outside JACK's threads happens in jack_host_poll, which the
/// owner calls every 10 ms or so.
///
/// When the server dies the session stays, with all that it has heard, and can still be kept; the
/// log says so, and poll tries again with growing pauses. Then the session goes on on the new
/// server in a new timeline, under the same name, with the connections of before. Only where the
/// new server's rate is beyond what it has room for does another session begin.
///
/// [main] throughout: any one normal thread.
#ifndef CONTINUO_PLUGIN_JACK_HOST_H
#define CONTINUO_PLUGIN_JACK_HOST_H

#include "base/log.h"
#include "base/status.h"
#include "engine/session.h"
#include "plugin/jack_links.h"
#include "plugin/jack_process.h"

#include <stdbool.h>

typedef struct jack_host jack_host;

typedef struct jack_host_config {
  /// As for session_open; host_rate_hz, block_samples and priority are filled in from the server.
  session_config session;
  const char *client_name; ///< null: "continuo". The server may append a number
  bool exact_name;         ///< fail instead
  const char *server_name; ///< null: JACK_DEFAULT_SERVER, else "default"
  const char *library;     ///< libjack to load; null: as jack_api_candidate says
  jack_connect_policy connect;
  const char *connect_in, *connect_out; ///< for JACK_CONNECT_PATTERNS: a port name or a regular
                                        ///< expression, null: none. Must outlive the host
  const char *connect_midi;             ///< the same for midi_in, whatever the policy
  bool no_metadata;                     ///< set no pretty names
  /// Called from jack_host_poll with everything that happened, after the log; may be null.
  void (*on_event)(void *user, const session_event *event);
  void *event_user;
  midi_map *midi;      ///< what MIDI does; null: nothing. Must outlive the host
  jack_guard guard;    ///< for tests
  const log_sink *log; ///< may be null; must outlive the host
} jack_host_config;

/// Connect, open the session, register ports, activate. STATUS_NOT_FOUND when no library is
/// installed; STATUS_DEVICE when no server answers or it refuses, in words; else session_open's.
status jack_host_open(jack_host **h, const jack_host_config *config, error *err);
void jack_host_close(jack_host *h); ///< null is fine

/// Do what is due: follow block and rate changes, tell the server a new latency, remember and make
/// connections, notice the server's death, try to return; log what happened and pass it on (it
/// takes the session's events, so nobody else may). Never waits for long (a server that answers
/// takes some milliseconds). True while connected.
bool jack_host_poll(jack_host *h);

/// Whether a server is there, as of the last poll.
bool jack_host_connected(const jack_host *h);

/// The session, whether a server is there or not; null only where another had to begin and could
/// not. Changes only within jack_host_poll.
session *jack_host_session(const jack_host *h);

/// Telemetry since open. Should there have been another session, counts add up, everything else is
/// the present one's.
void jack_host_read_telemetry(jack_host *h, session_telemetry *t);

/// "JACK 1.9.21" or "PipeWire's JACK 0.3.65", and the file it was loaded from.
const char *jack_host_server(const jack_host *h);
const char *jack_host_library(const jack_host *h);

/// The name that the server gave us, "continuo" or "continuo-01".
const char *jack_host_client_name(const jack_host *h);

/// How often the server was lost and found again since open.
unsigned jack_host_returns(const jack_host *h);

#endif
