// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What a player might do, at random: any control at all, and whole presets.
#ifndef CONTINUO_TESTS_ENGINE_TRIAL_CONTROLS_H
#define CONTINUO_TESTS_ENGINE_TRIAL_CONTROLS_H

#include "engine/control/control.h"
#include "engine/control/parameters.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Number n of a seed's: modes, actions, an outer clock, parameters throughout their ranges.
control trial_control(uint64_t seed, uint64_t n);

typedef struct trial_presets {
  control (*batches)[PARAMETER_MAX]; ///< [n], each of parameter_count() controls
  int n;
} trial_presets;

/// All preset files of a folder, by name. False, and a printed sentence, where one cannot be read
/// or there are none.
bool trial_presets_load(trial_presets *p, const char *folder);
void trial_presets_free(trial_presets *p);

#endif
