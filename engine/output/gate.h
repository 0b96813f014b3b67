// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Whether the player plays: a gate with hysteresis over the levels of the hops of input. Mode
/// "answer" goes by it, and so does the rewind to the end of the phrase: how many steps ago there
/// was last something to hear.
///
/// A hop is as loud as its mean square, or as its peak less GATE_CREST_DB if that is more: a hit at
/// the very end of a hop opens the gate with that hop.
///
/// Plain struct, a step is a few comparisons: the conductor, one thread at a time.
#ifndef CONTINUO_ENGINE_OUTPUT_GATE_H
#define CONTINUO_ENGINE_OUTPUT_GATE_H

#include "engine/output/level.h"

#include <stdbool.h>
#include <stdint.h>

#define GATE_CREST_DB 15.0

typedef struct gate_settings {
  float open_db;       ///< opens at this level (root mean square, full scale at 0) and above
  float close_db;      ///< below this it is silent; at most open_db
  uint32_t hold_steps; ///< silent steps in a row with which it closes; 0 counts as 1
} gate_settings;

typedef struct gate {
  double open_power, close_power;
  uint32_t hold_steps;
  bool is_open;
  uint64_t silent_steps; ///< in a row, the newest included: steps to rewind to the phrase's end
  uint64_t closed_steps; ///< since it closed, the step that closed it included; 0 while open
} gate;

/// hold_ms in steps of hop_samples at rate_hz, rounded up, at least 1.
uint32_t gate_hold_steps(double hold_ms, uint32_t hop_samples, uint32_t rate_hz);

/// Closed, as if it had always been: `silent_steps` and `closed_steps` stand at UINT64_MAX, which
/// is "nothing has been played yet", and stay there until it opens, or until a step that is not
/// silent. A close_db above open_db, or one that is not a number, counts as open_db.
void gate_init(gate *g, const gate_settings *settings);

/// Other settings; what is open stays open until a step closes it.
void gate_set(gate *g, const gate_settings *settings);

/// Take in the level of the next hop. Gives whether the gate is open with this hop.
bool gate_step(gate *g, hop_level level);

#endif
