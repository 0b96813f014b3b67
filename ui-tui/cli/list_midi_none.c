// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Stands in for list_midi.c in a build without JACK.

#include "ui-tui/cli/list.h"

status list_midi(bool as_json, error *err)
{
  (void)as_json;
  return error_set(err, STATUS_UNSUPPORTED, "this build has no JACK, and MIDI comes through it");
}
