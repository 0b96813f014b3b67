// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A hostile flood: MIDI and messages, far more than anybody plays, and of them those that cost
/// most. Nothing is late for it, and what is too much is dropped and counted.
#ifndef CONTINUO_TESTS_LIVE_FLOOD_H
#define CONTINUO_TESTS_LIVE_FLOOD_H

#include "tests/live/stage.h"

/// argv: model file, seconds. Exit code as in live_test.c.
int flood(stage *s, char **argv);

#endif
