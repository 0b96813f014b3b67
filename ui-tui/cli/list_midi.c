// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo list midi: what --connect-midi can be given.

#include "base/json_writer.h"
#include "plugin/jack_server.h"
#include "ui-tui/cli/list.h"

#include <stdio.h>

static void print_port(void *user, const char *port)
{
  json_writer *w = user;
  if (w) {
    json_write_string(w, NULL, port);
  } else {
    printf("%s\n", port);
  }
}

status list_midi(bool as_json, error *err)
{
  json_writer w;
  if (as_json) {
    json_writer_init(&w, stdout);
    json_begin_array(&w, NULL);
  }
  const status code = jack_server_midi_sources(NULL, print_port, as_json ? &w : NULL, err);
  if (as_json) {
    json_end_array(&w);
    if (!code) {
      json_writer_finish(&w, NULL);
    }
    json_writer_free(&w);
  }
  return code;
}
