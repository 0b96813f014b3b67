// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Stands in for osc_server.c and osc_dispatch.c in a build without liblo.

#include "plugin/osc_server.h"

status osc_server_open(osc_server **s, const osc_server_config *config, error *err)
{
  (void)config;
  *s = NULL;
  return error_set(err, STATUS_UNSUPPORTED, "this build has no OSC (liblo was not there)");
}

void osc_server_close(osc_server *s)
{
  (void)s;
}

int osc_server_port(const osc_server *s)
{
  (void)s;
  return 0;
}

bool osc_server_next_request(osc_server *s, osc_request *r)
{
  (void)s;
  (void)r;
  return false;
}

void osc_server_read_counts(osc_server *s, osc_server_counts *counts)
{
  (void)s;
  *counts = (osc_server_counts){0};
}
