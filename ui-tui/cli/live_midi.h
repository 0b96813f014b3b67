// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What MIDI controllers move, between the map that plays and the presets that remember. A preset
/// changes only the controllers that it names: what was learned outlives a change of preset.
/// Main thread.
#ifndef CONTINUO_UI_TUI_CLI_LIVE_MIDI_H
#define CONTINUO_UI_TUI_CLI_LIVE_MIDI_H

#include "base/log.h"
#include "engine/control/midi_map.h"
#include "engine/preset.h"

#include <stdbool.h>

typedef struct live_midi {
  midi_map *map;
  uint32_t n_learned;               ///< as of the last look
  int16_t told[MIDI_N_CONTROLLERS]; ///< bindings as of then
} live_midi;

void live_midi_init(live_midi *m, midi_map *map);

/// Bind what the preset names, and note it.
void live_midi_apply(live_midi *m, const preset *p);

/// Into the preset: what differs from the standard.
void live_midi_collect(const live_midi *m, preset *p);

/// Say what was learned since the last look; true if something was.
bool live_midi_look(live_midi *m, const log_sink *log);

/// The bank that a musician means, who may have sent its high half alone (7 bits) or both.
int live_midi_bank(int bank);

#endif
