// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A control: one typed message that says what the player wants, whoever says it (key, MIDI, OSC,
/// command, preset, transport). The audio thread stamps it with the sample at which it came; all
/// that follows from it is a function of that stamp, so that a performance can be replayed.
///
/// When it acts: gain and mix on the stamped sample; what touches codes on the first step that
/// starts at or after it; a mode or an action on the next beat or bar where a clock runs and
/// `quantise` says so.
#ifndef CONTINUO_ENGINE_CONTROL_CONTROL_H
#define CONTINUO_ENGINE_CONTROL_CONTROL_H

#include <stdint.h>

typedef enum control_kind {
  CONTROL_SET,    ///< parameter `id` becomes `value`
  CONTROL_ACTION, ///< do `id`, a control_action
  CONTROL_CLOCK,  ///< an outer clock: at the stamp it stood at beat `value`, with `more` beats a
                  ///< second (0: it stopped)
} control_kind;

typedef enum control_action {
  ACTION_CONTINUE,   ///< continue, or back to the mode before it (CC64)
  ACTION_AGAIN,      ///< same place, same seed
  ACTION_AGAIN_NEXT, ///< same place, next seed
  ACTION_MARK,       ///< remember this moment
  ACTION_RETURN,     ///< go back to it
  ACTION_FORGET,     ///< the memory in use is emptied
  ACTION_PANIC,      ///< silence within one fade; effects off; listen
  ACTION_TAP,        ///< one beat, tapped
  N_CONTROL_ACTIONS
} control_action;

typedef struct control {
  uint64_t position_samples; ///< stream position of the stamp, host samples since open
  double value;
  double more;
  uint16_t kind; ///< control_kind
  uint16_t id;
} control;

/// "continue", "again" ...; null when there is no such action.
const char *control_action_name(control_action action);
/// The action of that name; -1: none.
int control_action_find(const char *name);
/// Half a sentence, for help and lists.
const char *control_action_help(control_action action);

#endif
