// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "ui-tui/cli/live_midi.h"

#include "engine/control/parameters.h"

static void note_bindings(live_midi *m)
{
  for (int cc = 0; cc < MIDI_N_CONTROLLERS; ++cc) {
    m->told[cc] = (int16_t)midi_map_bound(m->map, cc);
  }
}

void live_midi_init(live_midi *m, midi_map *map)
{
  m->map = map;
  m->n_learned = midi_map_learned(map);
  note_bindings(m);
}

void live_midi_apply(live_midi *m, const preset *p)
{
  for (int cc = 0; cc < MIDI_N_CONTROLLERS; ++cc) {
    if (p->bound[cc] == PRESET_BOUND_NONE) {
      (void)midi_map_bind(m->map, cc, -1);
    }
  }
  for (int cc = 0; cc < MIDI_N_CONTROLLERS; ++cc) {
    if (p->bound[cc] >= 0) {
      (void)midi_map_bind(m->map, cc, p->bound[cc]);
    }
  }
  note_bindings(m);
}

void live_midi_collect(const live_midi *m, preset *p)
{
  for (int cc = 0; cc < MIDI_N_CONTROLLERS; ++cc) {
    const int id = midi_map_bound(m->map, cc);
    p->bound[cc] = (int16_t)(id == midi_map_standard(cc) ? PRESET_BOUND_STANDARD : id);
  }
}

bool live_midi_look(live_midi *m, const log_sink *log)
{
  const uint32_t n_learned = midi_map_learned(m->map);
  if (n_learned == m->n_learned) {
    return false;
  }
  m->n_learned = n_learned;
  for (int cc = 0; cc < MIDI_N_CONTROLLERS; ++cc) {
    const int id = midi_map_bound(m->map, cc);
    if (id >= 0 && id != m->told[cc]) {
      log_write(log, LOG_INFO, "MIDI controller %d moves %s", cc, parameter_get(id)->key);
    }
  }
  note_bindings(m);
  return true;
}

int live_midi_bank(int bank)
{
  return bank & 0x7f ? bank : bank >> 7;
}
