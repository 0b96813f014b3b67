// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// JACK's transport as controls: while it rolls with bars and beats, CONTROL_CLOCK says where it
/// stands, again whenever that is news (a start, a jump, another tempo), and the length of a bar is
/// followed. A function of what the server says alone. [audio]
///
/// Fields of the position: jack/types.h.
#ifndef CONTINUO_PLUGIN_JACK_BEATS_H
#define CONTINUO_PLUGIN_JACK_BEATS_H

#include "engine/control/control.h"

#include <jack/types.h>

#include <stdbool.h>
#include <stdint.h>

#define JACK_BEATS_MOST 2 ///< controls at once

typedef struct jack_beats {
  bool rolls; ///< with beats that are known
  double told_beat, told_beats_per_s;
  uint64_t told_samples;
  int told_bar; ///< beats
} jack_beats;

/// The transport at the beginning of a block. Writes what is news, without stamps, and returns how
/// many that are.
int jack_beats_follow(jack_beats *b, jack_transport_state_t transport, const jack_position_t *at,
                      uint64_t position_samples, uint32_t rate_hz, control out[JACK_BEATS_MOST]);

#endif
