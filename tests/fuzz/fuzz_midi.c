// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Messages of any bytes at rising positions, through the map and its clock: what comes out is in
/// range, and every message is counted. Input: for each a length (low 3 bits; with all of them set,
/// a parameter to learn follows), a wait of 5 bits times 64 samples, then its bytes.
#include "tests/fuzz/fuzz.h"

#include "engine/control/midi_map.h"
#include "engine/control/parameters.h"

#include <math.h>
#include <stdbool.h>

static void check_control(const control *c, uint64_t position)
{
  fuzz_require(c->position_samples == position);
  if (c->kind == CONTROL_SET) {
    fuzz_require(parameter_get(c->id) && c->value == parameter_clamp(c->id, c->value));
  } else if (c->kind == CONTROL_ACTION) {
    fuzz_require(c->id < N_CONTROL_ACTIONS);
  } else {
    fuzz_require(c->kind == CONTROL_CLOCK && isfinite(c->value));
    fuzz_require(c->more >= 0.0 && c->more < 1.01 * MIDI_CLOCK_FASTEST_BPM / 60.0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static midi_map map;
  midi_map_init(&map, 48000);
  uint64_t position = 0, n_messages = 0;
  for (size_t i = 0; i < size;) {
    const size_t n = data[i] & 7;
    position += (uint64_t)(data[i] >> 3) * 64;
    ++i;
    control c = {.kind = 999};
    if (midi_map_begin(&map, 48000, position, &c)) {
      check_control(&c, position);
    }
    if (n == 7) {
      midi_map_learn(&map, i < size ? data[i++] : -1);
      continue;
    }
    const size_t there = n < size - i ? n : size - i;
    if (midi_map_take(&map, data + i, there, position, &c)) {
      check_control(&c, position);
    }
    i += there;
    ++n_messages;
  }
  fuzz_require(midi_map_messages(&map) == n_messages);
  fuzz_require(midi_map_malformed(&map) <= n_messages);
  int bank, program;
  if (midi_map_take_program(&map, &bank, &program)) {
    fuzz_require(bank >= 0 && bank < 1 << 14 && program >= 0 && program < 128);
  }
  for (int cc = 0; cc < MIDI_N_CONTROLLERS; ++cc) {
    const int id = midi_map_bound(&map, cc);
    fuzz_require(id == -1 || parameter_get(id));
    for (int other = 0; other < cc && id >= 0; ++other) {
      fuzz_require(midi_map_bound(&map, other) != id);
    }
  }
  return 0;
}
