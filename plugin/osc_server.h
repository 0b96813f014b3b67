// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// OSC over UDP, bound to this machine alone unless told otherwise, on a thread of its own with low
/// priority. What its paths do is in osc_dispatch.h. More than it can take is dropped and counted,
/// here or by the kernel; nobody waits.
///
/// [main] but where said otherwise.
#ifndef CONTINUO_PLUGIN_OSC_SERVER_H
#define CONTINUO_PLUGIN_OSC_SERVER_H

#include "base/status.h"
#include "plugin/osc_dispatch.h"

#include <stdbool.h>
#include <stdint.h>

#define OSC_MESSAGES_PER_S 4000 ///< taken for long; twice as many for a moment
#define OSC_SUBSCRIBERS 8
#define OSC_LEASE_S 30.0 ///< of a subscription; each /continuo/subscribe begins it anew

typedef struct osc_server osc_server;

typedef struct osc_server_config {
  int port;           ///< UDP; 0: any that is free
  bool any_interface; ///< else 127.0.0.1 alone
  control_sink sink;  ///< called on the server's thread
} osc_server_config;

typedef struct osc_server_counts {
  uint64_t datagrams;                                      ///< received
  uint64_t lost;                                           ///< by the kernel, for want of room
  uint64_t messages, malformed, unknown, refused, dropped; ///< as in osc_counts
  int subscribers;
} osc_server_counts;

/// STATUS_UNSUPPORTED in a build without liblo; STATUS_IO names the port and the reason.
status osc_server_open(osc_server **s, const osc_server_config *config, error *err);
void osc_server_close(osc_server *s); ///< null is fine

int osc_server_port(const osc_server *s);

/// What the program was asked for since the last call; false when there is nothing more.
bool osc_server_next_request(osc_server *s, osc_request *r);

void osc_server_read_counts(osc_server *s, osc_server_counts *counts); ///< [any]

#endif
