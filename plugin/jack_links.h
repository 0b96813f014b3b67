// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Connections of our ports: made at start where the user asked for it, remembered by name while
/// the server lives, made again after it died. [main]
#ifndef CONTINUO_PLUGIN_JACK_LINKS_H
#define CONTINUO_PLUGIN_JACK_LINKS_H

#include "base/log.h"
#include "base/status.h"
#include "plugin/jack_process.h"

#include <stdbool.h>
#include <stddef.h>

/// What to connect to at start.
typedef enum jack_connect_policy {
  JACK_CONNECT_NEVER,
  JACK_CONNECT_PHYSICAL, ///< ports flagged physical, whatever their names
  JACK_CONNECT_PATTERNS, ///< the ports that the two patterns match
} jack_connect_policy;

#define JACK_LINK_NAME_BYTES 576 ///< longer than any full port name: PipeWire's reach 512

/// What is connected at start, each by itself.
typedef enum jack_side { JACK_SIDE_IN, JACK_SIDE_OUT, JACK_SIDE_MIDI, JACK_N_SIDES } jack_side;

/// One remembered connection.
typedef struct jack_link {
  int port;                        ///< its number, as in jack_process.h
  bool pending;                    ///< known from before the server died, not made yet
  char peer[JACK_LINK_NAME_BYTES]; ///< full name, "client:port"
} jack_link;

typedef struct jack_links {
  jack_connect_policy policy;
  /// By side: a full port name, or a regular expression; may be null. MIDI has no other policy.
  const char *pattern[JACK_N_SIDES];
  const log_sink *log;
  bool satisfied[JACK_N_SIDES]; ///< it has connected them; the user's hand is free from then on
  jack_link *items;
  size_t n_items, capacity;
} jack_links;

void jack_links_free(jack_links *l);

/// Before a new connection to a server: everything remembered becomes pending.
void jack_links_expect(jack_links *l);

/// Remember what is connected now; what is still pending stays so. STATUS_NO_MEMORY.
status jack_links_remember(jack_links *l, const jack_process *p, error *err);

/// Make what is pending, as far as the ports are there; then follow the policy, once per direction.
/// To be called again when ports appear. Returns how many connections were made.
int jack_links_make(jack_links *l, const jack_process *p);

#endif
