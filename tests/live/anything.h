// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Playing an instrument of the stage's with everything it has: any control at all, from MIDI, the
/// transport and messages, and whole presets.
#ifndef CONTINUO_TESTS_LIVE_ANYTHING_H
#define CONTINUO_TESTS_LIVE_ANYTHING_H

#include "tests/engine/trial_controls.h"
#include "tests/live/stage.h"

#include <stdbool.h>
#include <stdint.h>

#define ANYTHING_MIDI_SAMPLES 2400 ///< between two MIDI messages, on average

typedef struct anything {
  stage *s;
  trial_presets presets; ///< none: no presets
  bool keeps_ceiling;    ///< no message changes it
  bool remembers;        ///< nothing is forgotten and little gone back to, so that memories fill
  uint64_t n_controls;   ///< sent, those of presets included, MIDI not
  uint64_t n;            ///< drawn so far
  int second;            ///< gone on so often
} anything;

/// Listen for a while, then set mode "continue" (the first control of all: a record without it is
/// another performance), then let the MIDI client play. False: it did not.
bool anything_begin(anything *a);

/// About a second of messages.
void anything_go_on(anything *a);

/// The MIDI client plays no more; nothing is on its way.
bool anything_end(anything *a);

/// Every mode was played, but generate, which an oracle refuses: a demand.
bool anything_was_played(const stage *s);

#endif
