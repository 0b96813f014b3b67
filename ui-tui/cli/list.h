// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What `continuo list` lists beyond files, one function each. Main thread.
#ifndef CONTINUO_UI_TUI_CLI_LIST_H
#define CONTINUO_UI_TUI_CLI_LIST_H

#include "base/status.h"

#include <stdbool.h>

void list_parameters(bool as_json); ///< keys, ranges, standard values
void list_actions(bool as_json);

/// Ports that MIDI can come from. STATUS_UNSUPPORTED in a build without JACK, STATUS_NOT_FOUND or
/// STATUS_DEVICE where there is no server.
status list_midi(bool as_json, error *err);

#endif
