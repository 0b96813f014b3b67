// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/sent_log.h"

#include <stdio.h>
#include <stdlib.h>

bool sent_log_load(sent_log *log, const char *path)
{
  *log = (sent_log){0};
  tap_midi_header header = {0};
  FILE *f = fopen(path, "rb");
  bool good = f && fread(&header, sizeof header, 1, f) == 1 && header.magic == TAP_MIDI_MAGIC;
  if (good) {
    log->n = header.n_sent;
    log->messages = calloc(log->n + 1, sizeof *log->messages);
    good = log->messages && fread(log->messages, sizeof *log->messages, log->n, f) == log->n;
  }
  if (f) {
    fclose(f);
  }
  if (!good) {
    printf("%s: not a whole list of messages\n", path);
  }
  return good;
}

void sent_log_free(sent_log *log)
{
  free(log->messages);
  *log = (sent_log){0};
}
