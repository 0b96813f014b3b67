// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Session events as sentences for a log. Any thread.
#ifndef CONTINUO_PLUGIN_EVENT_WORDS_H
#define CONTINUO_PLUGIN_EVENT_WORDS_H

#include "base/log.h"
#include "engine/session.h"

#include <stddef.h>

/// Fill `text` with one line; returns it. rate_hz is the host's.
const char *event_words(const session_event *event, uint32_t rate_hz, char *text, size_t size);

/// How loud: what the user should hear of is a warning.
log_level event_level(const session_event *event);

#endif
