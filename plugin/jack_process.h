// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What runs in JACK's threads: the process callback and the notifications. Everything else of the
/// JACK client is in jack_host.c. The two sides share this one struct; across threads only through
/// its atomics.
///
/// Thread tags: [audio] JACK's process thread; [notify] JACK's notification thread, or under
/// PipeWire any of its threads, the audio thread included; [main] see jack_host.h.
#ifndef CONTINUO_PLUGIN_JACK_PROCESS_H
#define CONTINUO_PLUGIN_JACK_PROCESS_H

#include "engine/control/midi_map.h"
#include "engine/session.h"
#include "plugin/jack_api.h"
#include "plugin/jack_beats.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/// Ports are always the same, whatever the model, because connections are stored by name: two in,
/// two out, two that give what is heard of the inputs without delay, one for MIDI.
/// A one-channel model hears in_1 and in_2 (their mean where both are connected, as files are mixed
/// down; else their sum) and plays the same on out_1 and out_2.
#define JACK_PORTS_EACH_WAY 2

/// Every port has a number: in_1, in_2, out_1, out_2, dry_1, dry_2, midi_in.
enum {
  JACK_PORT_IN,
  JACK_PORT_OUT = JACK_PORT_IN + JACK_PORTS_EACH_WAY,
  JACK_PORT_DRY = JACK_PORT_OUT + JACK_PORTS_EACH_WAY,
  JACK_PORT_MIDI = JACK_PORT_DRY + JACK_PORTS_EACH_WAY,
  JACK_N_PORTS
};
static inline bool jack_port_is_input(int number)
{
  return number < JACK_PORT_OUT || number == JACK_PORT_MIDI;
}

/// Called around everything the process callback does; for tests that guard it.
typedef struct jack_guard {
  void (*enter)(void *user); ///< may be null
  void (*leave)(void *user); ///< may be null
  void *user;
} jack_guard;

typedef struct jack_process {
  // Constant while the client is active.
  const jack_api *api;
  jack_client_t *client;
  session *session;
  int n_channels; ///< the session's: 1 or 2
  midi_map *midi; ///< what MIDI does; null: nothing
  jack_port_t *ports[JACK_N_PORTS];
  jack_guard guard;

  // The audio thread's own.
  float *mixed;          ///< [SESSION_MAX_BLOCK_SAMPLES], input of a one-channel model
  float gain;            ///< of the mixed input, on its way to the one wanted
  bool running;          ///< the clock below is set
  uint32_t clock;        ///< JACK's 32-bit sample time of the last cycle
  uint64_t time_samples; ///< the same, never wrapping
  jack_beats beats;      ///< the server's transport

  // Written by callbacks, read by [main].
  atomic_uint block_samples;  ///< of the last cycle or notification
  atomic_uint server_rate_hz; ///< as last notified
  atomic_bool connections_changed;
  atomic_bool ports_changed;
  atomic_bool gone; ///< the server has shut us out; `reason` is set before
  char reason[128];

  // Written by [main], read by the audio thread.
  atomic_uint session_rate_hz; ///< what the session runs at; another rate gives silence meanwhile
  atomic_bool both_inputs;     ///< in_1 and in_2 are both connected
} jack_process;

/// Prepare for a client and a session that are both open; `guard` and `midi` stay as they are.
/// Allocates `mixed`. [main]
status jack_process_init(jack_process *p, const jack_api *api, jack_client_t *client, session *s,
                         error *err);
void jack_process_free(jack_process *p); ///< after the client is closed [main]

/// Register the ports. STATUS_DEVICE names the port that was refused. [main]
status jack_process_register(jack_process *p, error *err);

/// Hand every callback to JACK; before jack_activate. [main]
status jack_process_attach(jack_process *p, error *err);

#endif
