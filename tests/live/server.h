// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Private sound servers for the live tests: jackd with its dummy driver under a name of its own,
/// or a PipeWire with a runtime folder of its own. Neither disturbs one that runs already.
#ifndef CONTINUO_TESTS_LIVE_SERVER_H
#define CONTINUO_TESTS_LIVE_SERVER_H

#include "tests/live/child.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct server {
  child process;
  const char *folder; ///< for logs and sockets; the caller's
  uint32_t rate_hz, block_samples;
  bool pipewire;
  bool asynchronous; ///< jackd as it comes: it passes over clients that are late
  bool realtime;
  char name[32]; ///< jackd: filled in by the first start, kept for the next
} server;

/// Whether the programs are installed; says which one is not.
bool server_possible(bool pipewire);

/// Start it. Sets JACK_DEFAULT_SERVER, or XDG_RUNTIME_DIR, of this process. jackd runs with -R -P10
/// where that is allowed and with -r otherwise, and says so; with -S, waiting for late clients,
/// unless asked otherwise.
bool server_start(server *s);

/// PipeWire: force the "quantum" (samples) or the "rate" (Hz: 44100 or 48000).
bool server_force(const char *what, uint32_t value);

/// Show its log, when something went wrong.
void server_show_log(const server *s);

#endif
