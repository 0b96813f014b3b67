// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What the player of live_tap plays: a function of the position alone, and of no period, so that
/// no two stretches of it are alike. [any]
#ifndef CONTINUO_TESTS_LIVE_TAP_SOUND_H
#define CONTINUO_TESTS_LIVE_TAP_SOUND_H

#include <stdint.h>

typedef enum tap_sound {
  TAP_NOISE,   ///< noise and a tone, 0.75 s, then 0.25 s of silence
  TAP_RHYTHM,  ///< drums and struck tones at 120 BPM over a soft hiss that never stops
  TAP_PHRASES, ///< the same, each time for 5 s and then 2 s of silence
  N_TAP_SOUNDS
} tap_sound;

/// "noise", "rhythm", "phrases"; -1: no such sound.
int tap_sound_find(const char *name);

/// Its sample there, within +-0.5.
float tap_sound_at(tap_sound sound, uint64_t position, unsigned channel, uint32_t rate_hz);

#endif
