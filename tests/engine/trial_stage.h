// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What a session plays with in tests of everything at once: the codec that ships, an oracle, sound
/// that a player might make, and controls of all kinds at random. All of it depends on a seed and a
/// number alone. Failures are cmocka's.
#ifndef CONTINUO_TESTS_ENGINE_TRIAL_STAGE_H
#define CONTINUO_TESTS_ENGINE_TRIAL_STAGE_H

#include "engine/session.h"

typedef struct trial_stage {
  device *dev;
  codec *codec;
  token_model *oracle;
} trial_stage;

/// For cmocka's groups: `state` becomes a trial_stage.
int trial_stage_open(void **state);
int trial_stage_close(void **state);

/// Plucked notes of a small scale, with rests between phrases.
float trial_stage_sound(uint64_t seed, uint32_t rate_hz, uint64_t t);

/// The n-th control: any mode, action, parameter or clock. Its stamp is left at 0.
control trial_stage_control(uint64_t seed, uint64_t n);

/// The same in time: the n-th of a performance, some 25 a second, stamps not falling.
typedef struct trial_script {
  uint64_t seed, n, position_samples; ///< of the coming one
  uint32_t rate_hz;
} trial_script;

trial_script trial_script_start(uint64_t seed, uint32_t rate_hz);
/// The coming control, if its stamp is below `end_samples`.
bool trial_script_next(trial_script *s, uint64_t end_samples, control *c);

/// Wait until no more than `samples` of input are still to be worked off.
void trial_stage_wait(session *s, uint64_t samples);

#endif
