// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What the MIDI client of live_tap sends, and when: sample positions of its own since it was told
/// to begin. Plain structs, no allocation: its audio thread's.
#ifndef CONTINUO_TESTS_LIVE_TAP_MIDI_H
#define CONTINUO_TESTS_LIVE_TAP_MIDI_H

#include <stdbool.h>
#include <stdint.h>

typedef struct tap_message {
  uint64_t at_samples;
  uint8_t n_bytes;
  uint8_t bytes[3];
} tap_message;

typedef enum tap_midi_plan {
  TAP_MIDI_NOTHING,
  TAP_MIDI_TRIGGERS, ///< the pedal for "continue"; later up, and the note for "monitor"; and again
  TAP_MIDI_ANYTHING, ///< all that is in the table of engine/control/midi_map.h, and what is not
} tap_midi_plan;

typedef struct tap_midi {
  tap_midi_plan plan;
  uint64_t seed;
  uint32_t hold_samples, quiet_samples; ///< TRIGGERS: least from pedal to note, from note to pedal
  uint32_t spread_samples;              ///< each becomes longer by less than this, at random
  uint32_t every_samples;               ///< ANYTHING: between two, on average
  bool remembers;                       ///< ANYTHING but what goes back to an earlier memory
  uint64_t n_drawn;
  tap_message next[2]; ///< in order
  int n_next;
} tap_midi;

/// The next message, which `tap_midi_take` takes; null: none will come.
const tap_message *tap_midi_peek(tap_midi *m);
void tap_midi_take(tap_midi *m);

/// Every message that went out, as the client leaves them in its file: tap_midi_header, then these.
#define TAP_MIDI_MAGIC 0x4944494dU
typedef struct tap_midi_header {
  uint32_t magic;
  uint32_t n_sent;
} tap_midi_header;
typedef struct tap_sent {
  uint32_t time_samples; ///< JACK's, of that very sample
  uint8_t n_bytes;
  uint8_t bytes[3];
} tap_sent;

#endif
