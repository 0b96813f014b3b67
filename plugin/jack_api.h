// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The part of the JACK API that we call, loaded at run time. Two libraries named libjack.so.0 may
/// be installed, JACK's own and PipeWire's; which one reaches a server is known only when asked.
/// So the program is not linked against either: it runs without both, and can say which it is on.
///
/// [main] throughout; the functions in the table follow jack/jack.h.
#ifndef CONTINUO_PLUGIN_JACK_API_H
#define CONTINUO_PLUGIN_JACK_API_H

#include "base/status.h"

#include <jack/jack.h>
#include <jack/metadata.h>
#include <jack/midiport.h>
#include <jack/thread.h>
#include <jack/transport.h>
#include <jack/uuid.h>

#include <stdbool.h>
#include <stddef.h>

/// Functions that every libjack must have.
#define JACK_API_REQUIRED(X)                                                                       \
  X(activate)                                                                                      \
  X(client_close)                                                                                  \
  X(client_open)                                                                                   \
  X(client_real_time_priority)                                                                     \
  X(connect)                                                                                       \
  X(deactivate)                                                                                    \
  X(free)                                                                                          \
  X(get_buffer_size)                                                                               \
  X(get_client_name)                                                                               \
  X(get_ports)                                                                                     \
  X(get_sample_rate)                                                                               \
  X(last_frame_time)                                                                               \
  X(midi_event_get)                                                                                \
  X(midi_get_event_count)                                                                          \
  X(on_shutdown)                                                                                   \
  X(on_info_shutdown)                                                                              \
  X(port_by_name)                                                                                  \
  X(port_connected)                                                                                \
  X(port_connected_to)                                                                             \
  X(port_flags)                                                                                    \
  X(port_get_all_connections)                                                                      \
  X(port_get_buffer)                                                                               \
  X(port_get_latency_range)                                                                        \
  X(port_name)                                                                                     \
  X(port_register)                                                                                 \
  X(port_set_latency_range)                                                                        \
  X(recompute_total_latencies)                                                                     \
  X(set_buffer_size_callback)                                                                      \
  X(set_error_function)                                                                            \
  X(set_freewheel_callback)                                                                        \
  X(set_info_function)                                                                             \
  X(set_latency_callback)                                                                          \
  X(set_port_connect_callback)                                                                     \
  X(set_port_registration_callback)                                                                \
  X(set_process_callback)                                                                          \
  X(set_sample_rate_callback)                                                                      \
  X(set_thread_init_callback)                                                                      \
  X(set_xrun_callback)                                                                             \
  X(transport_query)

/// Functions that may be missing (JACK 1, old versions); null then.
#define JACK_API_OPTIONAL(X)                                                                       \
  X(get_uuid_for_client_name)                                                                      \
  X(get_version_string)                                                                            \
  X(port_uuid)                                                                                     \
  X(remove_properties)                                                                             \
  X(set_property)                                                                                  \
  X(uuid_parse)

typedef struct jack_api {
  void *library;    ///< handle of dlopen; null when closed
  char path[256];   ///< file that was loaded, as the loader found it
  char version[96]; ///< "JACK 1.9.21", "PipeWire's JACK 0.3.65"
  bool is_pipewire;
#define JACK_API_FIELD(name) __typeof__(jack_##name) *(name);
  JACK_API_REQUIRED(JACK_API_FIELD)
  JACK_API_OPTIONAL(JACK_API_FIELD)
#undef JACK_API_FIELD
} jack_api;

/// Load `library` (a path, or a name that the loader searches, LD_LIBRARY_PATH first, which is what
/// `pw-jack` sets). STATUS_NOT_FOUND, STATUS_UNSUPPORTED when a required function is missing.
status jack_api_load(jack_api *api, const char *library, error *err);
void jack_api_unload(jack_api *api); ///< harmless when not loaded

/// The `index`-th library worth asking for a server, in order; null after the last. First the one
/// that the loader finds; then PipeWire's, when its socket is there (PIPEWIRE_RUNTIME_DIR,
/// XDG_RUNTIME_DIR; PIPEWIRE_REMOTE or "pipewire-0"). A running JACK server is thus
/// preferred to PipeWire, and a socket file alone never hides it.
const char *jack_api_candidate(int index);

/// Whether a PipeWire server seems to run for this user: its socket exists.
bool jack_pipewire_present(void);

/// A jack_status_t in words, "server not running, name not unique"; returns `text`.
const char *jack_status_words(jack_status_t bits, char *text, size_t size);

#endif
