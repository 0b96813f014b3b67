// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The output stage of a session: level, mix and panic on the sample, then the limiter.
#ifndef CONTINUO_ENGINE_SESSION_MIXER_H
#define CONTINUO_ENGINE_SESSION_MIXER_H

#include "engine/session.h"

#include <stdint.h>

/// All at their standard values. [main], before the audio thread starts
void session_mixer_init(session *s);

/// Another plan holds, perhaps with a limiter of its own: the ceiling stays. [audio]
void session_mixer_adopt_plan(session *s);

/// One sample of what is heard at stream position t, sample [n_channels], in place; dry_gain: of
/// the input, delayed as the sample is. Positions must come in turn. [audio]
void session_mix(session *s, uint64_t t, float dry_gain, float *sample);

#endif
