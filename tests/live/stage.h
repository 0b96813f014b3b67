// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A stage for one live test: a private sound server, our JACK host in this process, and player,
/// recorder and controller as clients in processes of their own. Everything is wired up in silence;
/// then the player is told to go.
#ifndef CONTINUO_TESTS_LIVE_STAGE_H
#define CONTINUO_TESTS_LIVE_STAGE_H

#include "engine/control/parameters.h"
#include "models/token_model.h"
#include "plugin/jack_host.h"
#include "tests/live/blame.h"
#include "tests/live/child.h"
#include "tests/live/host_log.h"
#include "tests/live/server.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct stage_options {
  uint32_t rate_hz, block_samples; ///< of the server
  const char *codec;               ///< as for live_model_open
  session_fallback fallback;
  double record_seconds; ///< most that the recorder keeps
  bool pipewire;         ///< a private PipeWire instead of jackd
  bool asynchronous;     ///< jackd without -S
  bool connect_physical; ///< the host connects itself to the physical ports as well
  bool both_inputs;      ///< a one-channel model is played into through both
  bool expect_miss;      ///< the scenario provokes one
  bool other_hosts;      ///< beside ours, so the log cannot tell whose cycle it is: none is kept
  bool renders;          ///< in freewheel process waits, so its calls are not watched
  const char *sound;     ///< what the player plays (tap_sound.h); null: "noise"
  bool instrument;       ///< with an oracle, an output stage, a record and a MIDI client
  double keep_s;         ///< of the record
  log_level least;       ///< lesser messages are neither printed nor remembered
  bool forgets;          ///< what is told of controls and modes is counted, not kept
} stage_options;

/// An event of the session, with the session it came from: a new one begins with each server.
typedef struct stage_event {
  session_event event;
  unsigned returns;
} stage_event;

typedef struct stage {
  stage_options options;
  char folder[64];
  char take_path[96];
  server server;
  child control, player, recorder, midi_player;
  char midi_path[96]; ///< what it sent (tap_midi.h), after stage_end_midi
  codec *model;
  token_model *oracle; ///< null but for an instrument
  midi_map midi;
  jack_host *host;
  host_log log;                   ///< of the present server's session
  uint32_t first_latency_samples; ///< of the present server's session, when it began
  log_sink sink;
  char *said; ///< every message of the host and the session, a line each
  stage_event *events;
  size_t n_events, events_capacity;
  unsigned n_modes[N_MODES]; ///< how often each was taken
  hole_witness *witness;     ///< null where there can be none
  unsigned n_excused;        ///< misses that the session calls its own and blame.h does not
  unsigned n_own;            ///< misses of our own by both
  blame last_blame;          ///< of the last miss that was judged
  session_telemetry counts;  ///< when the take ended
} stage;

typedef enum stage_result {
  STAGE_READY,
  STAGE_FAILED,
  STAGE_IMPOSSIBLE, ///< a program is missing here: skip
} stage_result;

/// Everything up to silence running through all connections. What went wrong is printed.
stage_result stage_open(stage *s, const stage_options *options);
void stage_close(stage *s); ///< stops and removes everything; harmless when half open

/// Let `ms` pass while the host is polled and events are collected.
void stage_run(stage *s, int ms);

/// The same for another host beside the stage's own.
void stage_run_with(stage *s, jack_host *other, int ms);

/// Start one more client of live_tap: `what` is play (noise) or control.
bool stage_start_tap(stage *s, child *c, const char *what, const char *name);

/// Poll until the host has a session again, at most `ms`.
bool stage_wait_connected(stage *s, int ms);

/// End the recording; it is then in take_path.
bool stage_end_take(stage *s);
bool stage_end_midi(stage *s); ///< the MIDI client's, in midi_path

/// (Re)start the server, and the clients other than the host, wired to the host or not.
bool stage_start_server(stage *s);
bool stage_start_clients(stage *s);
bool stage_wire(stage *s);
/// Player and recorder only; the host's ends are left as they are.
bool stage_wire_tap(stage *s);

/// Whether the host's ports are connected as stage_wire connects them.
bool stage_restored(stage *s);

/// One demand, printed with its outcome. All are looked at, so that a failing run says everything
/// it knows.
bool demand(bool held, const char *what);

/// How many events of one kind; whether a message contains `words`.
unsigned stage_count_events(const stage *s, session_event_kind kind);
bool stage_said(const stage *s, const char *words);

#endif
