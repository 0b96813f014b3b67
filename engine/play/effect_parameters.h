// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The code effects' part of the table of parameters, made of what each effect says about itself:
/// its fader ("stutter"), its settings ("stutter_length") and its place in the order
/// ("stutter_place", from 1). All act on the step. Any thread.
#ifndef CONTINUO_ENGINE_PLAY_EFFECT_PARAMETERS_H
#define CONTINUO_ENGINE_PLAY_EFFECT_PARAMETERS_H

#include "engine/control/parameters.h"
#include "engine/play/code_effects.h"

enum { EFFECT_FADER = -1, EFFECT_PLACE = -2 }; ///< beside the indexes of settings

/// What engine/control/parameters.c appends to the session's own: `index` counts from 0.
int effect_parameter_count(void);
const parameter_info *effect_parameter_get(int index); ///< null: no such index

/// Id of an effect's fader, place or setting; -1: it has no such setting.
int parameter_of_effect(code_effect_kind kind, int setting);

/// What the chain is told, all but the clock, from the values of all parameters.
void effect_parameters_fill(code_effects_settings *s, const double values[PARAMETER_MAX]);

/// All faders to 0, all else as it is: for panic.
void effect_parameters_off(double values[PARAMETER_MAX]);

#endif
