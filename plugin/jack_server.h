// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Becoming a client: every library is asked in turn until a server answers. [main]
#ifndef CONTINUO_PLUGIN_JACK_SERVER_H
#define CONTINUO_PLUGIN_JACK_SERVER_H

#include "base/status.h"
#include "plugin/jack_api.h"

#include <stdbool.h>

typedef struct jack_server_wish {
  const char *client_name; ///< null: "continuo". The server may append a number
  bool exact_name;         ///< fail instead
  const char *server_name; ///< null: JACK_DEFAULT_SERVER, else "default"
  const char *library;     ///< libjack to load; null: as jack_api_candidate says
} jack_server_wish;

/// Load a library and open a client in its server. No server is started. STATUS_NOT_FOUND when no
/// library is installed; STATUS_DEVICE when no server answers or it refuses, in words. After an
/// error the library is unloaded.
status jack_server_find(jack_api *api, jack_client_t **client, const jack_server_wish *wish,
                        error *err);

/// Names of the ports that MIDI comes from, in the server's order, as `each` is told them: with a
/// client of its own, for a moment. Errors as above.
status jack_server_midi_sources(const char *server_name, void (*each)(void *user, const char *port),
                                void *user, error *err);

#endif
