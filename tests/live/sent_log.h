// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What the MIDI client sent (tap_midi.h), read back after it has ended.
#ifndef CONTINUO_TESTS_LIVE_SENT_LOG_H
#define CONTINUO_TESTS_LIVE_SENT_LOG_H

#include "tests/live/tap_midi.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct sent_log {
  tap_sent *messages; ///< in order
  size_t n;
} sent_log;

bool sent_log_load(sent_log *log, const char *path); ///< prints what is wrong
void sent_log_free(sent_log *log);

#endif
