// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Stamping of controls, between the threads that send them and the two that act on them.
#ifndef CONTINUO_ENGINE_SESSION_CONTROL_H
#define CONTINUO_ENGINE_SESSION_CONTROL_H

#include "engine/session.h"

/// All parameters at their standard values, nobody has sent anything. [main], before the audio
/// thread starts
void session_control_init(session *s);

/// Take what was asked for and what the host's callback brought for the block of n_samples that
/// begins now; stamp it and pass it to the conductor and the mixer. Before the block's input is
/// published, so that a step never misses a control that came before it. [audio]
void session_stamp_controls(session *s, uint32_t n_samples);

#endif
