// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What MIDI does: one message to controls. All channels are alike. The table, which
/// docs/control.md shows to musicians, is:
///
/// | message | does |
/// | --- | --- |
/// | notes 36 to 42 | modes monitor, listen, continue, accompany, answer, generate, freeze |
/// | notes 43 to 50 | actions continue, again, again_next, mark, return, forget, panic, tap |
/// | CC1, 7, 8 | temperature, level, mix |
/// | CC20 to 28 | the effects' faders, in the order of code_effect_kind |
/// | CC70 to 74 | similarity, jump, min_run, follow, pulse |
/// | CC64, 66, 67 pressed (from below 64) | actions continue, mark, return |
/// | CC120, 123 | action panic |
/// | CC0, 32 and program change | a request for a program, which main takes |
/// | clock, start, stop, continue, position | an outer clock (midi_clock.h) |
///
/// Any controller but those of banks, data entry, parameter numbers (0, 6, 32, 38, 96 to 101) and
/// channel mode (120 to 127) can be bound to a parameter, by learning or from a file: its value
/// goes through the parameter's range evenly (evenly in octaves where the unit is Hz; words and
/// whole numbers in equal parts). A parameter has one controller at most.
///
/// Thread tags: [audio] the host's callback thread; [main] one normal thread; [any].
#ifndef CONTINUO_ENGINE_CONTROL_MIDI_MAP_H
#define CONTINUO_ENGINE_CONTROL_MIDI_MAP_H

#include "engine/control/control.h"
#include "engine/control/midi_clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MIDI_N_CONTROLLERS 128
#define MIDI_N_CHANNELS 16
#define MIDI_MODE_NOTES 36   ///< the first mode's note; the next follow,
#define MIDI_ACTION_NOTES 43 ///< and after them the actions'
#define MIDI_EFFECT_CONTROLLERS 20

typedef struct midi_map {
  // [audio] alone
  midi_clock clock;
  uint16_t bank[MIDI_N_CHANNELS];   ///< 14 bits
  bool pressed[MIDI_N_CONTROLLERS]; ///< at 64 or above
  // shared
  _Atomic int32_t bound[MIDI_N_CONTROLLERS]; ///< parameter of each controller; -1: none
  _Atomic int32_t learning;                  ///< parameter that takes the next controller; -1
  _Atomic uint32_t n_learned;
  _Atomic uint32_t program; ///< requested and not taken: bank, program and a bit that says so
  _Atomic uint64_t n_messages, n_malformed;
} midi_map;

/// The table above, a clock that stands. [main]
void midi_map_init(midi_map *m, uint32_t rate_hz);

/// At the beginning of each block: the host's rate (another one begins the clock anew) and the
/// position of its first sample. True where a clock that has gone away must be stopped with `out`.
/// [audio]
bool midi_map_begin(midi_map *m, uint32_t rate_hz, uint64_t position_samples, control *out);

/// One whole message (status byte first, no running status) at a position, in the order of
/// positions. True where `out`, its stamp that position, is to be sent. What is no message is
/// dropped and counted. Constant time. [audio]
bool midi_map_take(midi_map *m, const uint8_t *bytes, size_t n_bytes, uint64_t position_samples,
                   control *out);

/// The next controller that moves and can be bound is bound to parameter `id`; -1: no more. [any]
void midi_map_learn(midi_map *m, int id);
int midi_map_learning(const midi_map *m); ///< -1: not [any]

/// Grows with each controller learned: then the bindings are worth saving. [any]
uint32_t midi_map_learned(const midi_map *m);

/// Bind controller `cc` to parameter `id`, or with -1 to none; false where it cannot be. [any]
bool midi_map_bind(midi_map *m, int cc, int id);
int midi_map_bound(const midi_map *m, int cc); ///< its parameter; -1: none [any]
int midi_map_standard(int cc);                 ///< of the table above; -1: none [any]

/// The last program asked for since the last call: its bank (14 bits) and number. [main]
bool midi_map_take_program(midi_map *m, int *bank, int *program);

/// Messages taken, and of those dropped because they were none. [any]
uint64_t midi_map_messages(const midi_map *m);
uint64_t midi_map_malformed(const midi_map *m);

#endif
